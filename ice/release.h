#pragma once

#include <optional>

#include "ice/session.h"

namespace pinhole::ice {

// Gives back what a session does not need any more (RFC 8445 §8.3): allocations first, each started in a slot of the
// machine's floor and resent until the server has answered; then the sockets, each when no allocation needs it.
class Release {
 public:
  explicit Release(Session& session) : session_(session) {}

  bool started() const { return mode_ != Mode::kNone; }
  // From `at` on: whatever serves no selected pair.
  void StartUnselected(net::Instant at);
  // The session has failed: all allocations; the sockets wait for Close().
  void StartAll(net::Instant now);
  // The session is closed: everything, at once. What the servers are told here is sent once: nobody is left to
  // resend it, and an allocation whose release is lost ends by its lifetime.
  void Now(net::Instant now);

  void Continue(net::Instant now);
  net::Instant NextTimer() const;

 private:
  enum class Mode : std::uint8_t { kNone, kUnselected, kAll, kSockets, kDone };

  bool IsSelected(int base) const;
  std::optional<int> NextRelay() const;
  bool IsReleasingThrough(int base) const;
  void CloseSockets();
  void CloseConnections(bool but_selected);
  bool IsSelectedConnection(const TcpConnection& connection) const;

  Session& session_;
  Mode mode_ = Mode::kNone;
  net::Instant at_{};
};

}  // namespace pinhole::ice
