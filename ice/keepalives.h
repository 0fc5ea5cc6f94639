#pragma once

#include <optional>

#include "ice/session.h"
#include "stun/message.h"

namespace pinhole::ice {

// Keeps the NAT bindings and the consent of a session alive. Each selected pair gets consent checks (RFC 7675), or
// Binding indications if consent is switched off. While a component has no selected pair, its valid pairs get Binding
// indications (RFC 8445 §11).
class Keepalives {
 public:
  explicit Keepalives(Session& session) : session_(session) {}

  // A pair was selected for its component.
  void OnSelected(net::Instant now, int pair);
  // False: `response` does not answer an open consent check.
  bool OnResponse(net::Instant now, int base, const net::SocketAddress& from, const stun::MessageView& response);

  // Sends a consent check over each new TCP connection of a selected pair (RFC 6544 §11.1).
  void CheckReconnected(net::Instant now);

  // Does everything that is due at `now`.
  void OnTimer(net::Instant now);
  net::Instant NextTimer() const;

 private:
  bool NeedsKeepalive(const CandidatePair& pair) const;
  void SendConsentCheck(net::Instant now, int pair, ConsentState& consent);
  void Lose(net::Instant now, const CandidatePair& pair, ConsentState& consent, bool revoked);

  Session& session_;
};

}  // namespace pinhole::ice
