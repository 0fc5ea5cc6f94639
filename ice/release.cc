#include "ice/release.h"

#include <algorithm>

namespace pinhole::ice {

void Release::StartUnselected(net::Instant at) {
  mode_ = Mode::kUnselected;
  at_ = at;
}

void Release::StartAll(net::Instant now) {
  mode_ = Mode::kAll;
  at_ = now;
  CloseConnections(false);
  Continue(now);
}

void Release::Now(net::Instant now) {
  mode_ = Mode::kDone;
  for (int i = 0; i < session_.relays.size(); ++i) {
    if (session_.relays[i].released) continue;
    session_.relays.Release(now, i, session_.base(session_.relays[i].socket_base).tag, session_.out);
  }
  for (LocalBase& base : session_.bases) {
    if (base.open() && base.has_socket()) session_.out.Push(CloseSocket{base.tag});
    base.state = LocalBase::State::kClosed;
  }
  for (const auto& connection : session_.connections.all()) {
    session_.connections.Close(*connection, session_.out);
  }
}

// Whether a selected pair sends from this base, or through a relay on its socket.
bool Release::IsSelected(int index) const {
  for (const CheckList& list : session_.lists.lists()) {
    for (const ComponentStatus& component : list.components) {
      if (!component.selected) continue;
      const int selected = session_.lists.pair(*component.selected).base;
      if (selected == index) return true;
      const std::optional<int> relay = session_.base(selected).relay;
      if (relay && session_.relays[*relay].socket_base == index) return true;
    }
  }
  return false;
}

std::optional<int> Release::NextRelay() const {
  for (int i = 0; i < session_.relays.size(); ++i) {
    const Relay& relay = session_.relays[i];
    if (!relay.released && (mode_ == Mode::kAll || !relay.base || !IsSelected(*relay.base))) return i;
  }
  return std::nullopt;
}

bool Release::IsReleasingThrough(int base) const {
  for (int i = 0; i < session_.relays.size(); ++i) {
    if (session_.relays[i].socket_base == base && session_.relays[i].releasing()) return true;
  }
  return false;
}

// Closes the connections to the peer and to STUN servers (RFC 6544 §8, §11). `but_selected`: except those of selected
// pairs.
void Release::CloseConnections(bool but_selected) {
  for (const auto& connection : session_.connections.all()) {
    if (but_selected && IsSelectedConnection(*connection)) continue;
    // CloseSockets() closes connections to TURN servers.
    if (session_.relays.FindConnection(connection->tag)) continue;
    session_.connections.Close(*connection, session_.out);
  }
}

bool Release::IsSelectedConnection(const TcpConnection& connection) const {
  if (connection.to_server) return false;
  const std::optional<int> pair = session_.FindPair(connection.base, connection.remote);
  if (!pair) return false;
  const ComponentStatus& component =
      session_.lists.list(session_.lists.pair(*pair).stream).component(session_.lists.pair(*pair).component);
  return component.selected == *pair ||
         (component.selected && session_.lists.pair(*component.selected).generator() == *pair);
}

// Closes the sockets and the connections to TURN servers that neither a selected pair nor the release of an allocation
// needs any more.
void Release::CloseSockets() {
  mode_ = Mode::kDone;
  for (int i = 0; i < session_.relays.size(); ++i) {
    const Relay& relay = session_.relays[i];
    TcpConnection* connection = relay.connection ? session_.connections.Find(*relay.connection) : nullptr;
    if (connection != nullptr && relay.released && !relay.releasing()) {
      session_.connections.Close(*connection, session_.out);
    }
  }
  for (std::size_t i = 0; i < session_.bases.size(); ++i) {
    LocalBase& base = session_.bases[i];
    if (!base.open() || IsSelected(static_cast<int>(i))) continue;
    if (IsReleasingThrough(static_cast<int>(i))) {
      mode_ = Mode::kSockets;
      continue;
    }
    base.state = LocalBase::State::kClosed;
    if (base.has_socket()) session_.out.Push(CloseSocket{base.tag});
  }
}

void Release::Continue(net::Instant now) {
  if (mode_ == Mode::kSockets) return CloseSockets();
  if ((mode_ != Mode::kUnselected && mode_ != Mode::kAll) || now < at_) return;
  while (const std::optional<int> next = NextRelay()) {
    if (!session_.pacer.TryTakeFloor(now)) return;
    const std::optional<int> base = session_.relays[*next].base;
    session_.relays.Release(now, *next, session_.base(session_.relays[*next].socket_base).tag, session_.out);
    if (base) session_.base(*base).state = LocalBase::State::kClosed;
  }
  if (mode_ == Mode::kUnselected) {
    CloseConnections(true);
    return CloseSockets();
  }
  mode_ = Mode::kDone;
}

net::Instant Release::NextTimer() const {
  if (mode_ != Mode::kUnselected && mode_ != Mode::kAll) return net::kNever;
  return std::max(at_, session_.pacer.next_floor());
}

}  // namespace pinhole::ice
