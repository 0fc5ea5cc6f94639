#pragma once

#include <optional>

#include "ice/session.h"

namespace pinhole::ice {

// Releases the resources that a session no longer needs (RFC 8445 §8.3): first the allocations, then the sockets. The
// release of each allocation starts in a slot of the HostPacer and is resent until the server has answered. A socket is
// closed when no allocation needs it any more.
class Release {
 public:
  explicit Release(Session& session) : session_(session) {}

  bool started() const { return mode_ != Mode::kNone; }
  // From `at` on, everything is released that serves no selected pair.
  void StartUnselected(net::Instant at);
  // The session has failed: all allocations are released. The sockets stay open until Close().
  void StartAll(net::Instant now);
  // The session is closed: everything is released at once. Each request to a TURN server is sent only once, because
  // nobody is left to resend it. If it is lost, the allocation ends when its lifetime is over.
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
