#pragma once

#include <optional>

#include "ice/keepalives.h"
#include "ice/session.h"

namespace pinhole::ice {

// What the states of pairs mean for nomination, checklists and session (RFC 8445 §7.2.5.4, §8.1; RFC 8863 §4).
class Conclusion {
 public:
  Conclusion(Session& session, Keepalives& keepalives) : session_(session), keepalives_(keepalives) {}

  // Draws the conclusions that are due; to be called after every input.
  void Update(net::Instant now);
  // When something is due without another input: the PAC timer, the nomination policy's patience, giving up.
  net::Instant NextTimer() const { return next_.at(); }

 private:
  void AttendToSelected(net::Instant now);
  void Nominate(net::Instant now);
  // The peer nominated a pair of the component when we were controlled, and its check is still open.
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
