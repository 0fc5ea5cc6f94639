#pragma once

#include <optional>

#include "ice/session.h"
#include "stun/message.h"

namespace pinhole::ice {

// What keeps a session alive and allowed: consent checks on each selected pair (RFC 7675), or, with consent switched
// off, and on valid pairs while there is no selected one, Binding indications (RFC 8445 §11).
class Keepalives {
 public:
  explicit Keepalives(Session& session) : session_(session) {}

  // A pair was selected for its component.
  void OnSelected(net::Instant now, int pair);
  // False: not the answer to an open consent check.
  bool OnResponse(net::Instant now, int base, const net::SocketAddress& from, const stun::MessageView& response);

  // A check over each new connection of a selected pair (RFC 6544 §11.1).
  void CheckReconnected(net::Instant now);

  // Does what is due.
  void OnTimer(net::Instant now);
  net::Instant NextTimer() const;

 private:
  bool NeedsKeepalive(const CandidatePair& pair) const;
  void SendConsentCheck(net::Instant now, int pair, ConsentState& consent);
  void Lose(net::Instant now, const CandidatePair& pair, ConsentState& consent, bool revoked);

  Session& session_;
};

}  // namespace pinhole::ice
