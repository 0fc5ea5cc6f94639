#pragma once

#include <optional>

#include "ice/keepalives.h"
#include "ice/session.h"

namespace pinhole::ice {

// Draws the conclusions from the states of the pairs: nominates, ends checklists, and ends the session
// (RFC 8445 §7.2.5.4, §8.1; RFC 8863 §4).
class Conclusion {
 public:
  Conclusion(Session& session, Keepalives& keepalives) : session_(session), keepalives_(keepalives) {}

  // Draws the conclusions that are due. To be called after every input.
  void Update(net::Instant now);
  // The earliest time at which Update() is due without another input: the PAC timer ends, the nomination policy has to
  // decide again, or the agent gives up waiting for the peer.
  net::Instant NextTimer() const { return next_.at(); }

 private:
  void AttendToSelected(net::Instant now);
  void Nominate(net::Instant now);
  // True: the peer has nominated a pair of the component while this agent was controlled, and this agent's check of
  // that pair is still open.
  bool PeerNominates(int stream, int component) const;
  void UpdateList(net::Instant now, int stream);
  bool OwnChecksAreOpen(int stream) const;
  void FailList(int stream, Phase phase, FailureReason reason);
  void FailSession(net::Instant now, const Failed& failed);
  FailureReason ReasonWithoutValidPairs(int stream) const;

  Session& session_;
  Keepalives& keepalives_;
  net::Earliest next_;
  std::optional<Failed> first_failure_;
};

}  // namespace pinhole::ice
