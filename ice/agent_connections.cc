// The inputs that concern TCP: connections, and the bytes that arrive on them (RFC 6544 §7, §10, §11).
#include "ice/agent_impl.h"
#include "stun/demux.h"
#include "stun/message.h"

namespace pinhole::ice {

using Stage = Session::Stage;

void Agent::Impl::HandleFrame(net::Instant now, TcpConnection& connection, net::ByteView payload) {
  const bool stun = stun::LooksLikeStun(payload) && stun::MessageView::Parse(payload).has_value();
  if (!stun && connection.opened_here && !connection.spoke_stun) return checks_.OnNotStun(now, connection);
  connection.spoke_stun |= stun;
  HandleDatagram(now, connection.base, connection.remote, payload, {});
}

void Agent::Impl::HandleServerStream(net::Instant now, TcpConnection& connection, net::ByteView bytes) {
  stun::StreamSplitter& splitter = *connection.messages;
  const std::optional<int> relay = session_.relays.FindConnection(connection.tag);
  while (!bytes.empty() && connection.open()) {
    const std::span<std::uint8_t> space = splitter.Space();
    if (space.empty()) break;
    const std::size_t count = std::min(space.size(), bytes.size());
    std::copy_n(bytes.begin(), count, space.begin());
    splitter.Filled(count);
    bytes = bytes.subspan(count);
    while (const std::optional<net::ByteView> message = splitter.Next()) {
      if (!relay) {
        HandleStun(now, connection.base, connection.remote, *message, {});
        continue;
      }
      session_.relays[*relay].client.OnDatagram(now, connection.remote, *message);
      session_.DrainRelay(now, *relay);
      DrainRelayEvents(now, {});  // now, because events may hold views into the splitter's buffer
    }
    if (splitter.fault() == stun::StreamSplitter::Fault::kNone) continue;
    session_.connections.Close(connection, session_.out);
    gatherer_.OnConnectionEnded(now, connection);
  }
}

void Agent::Impl::HandleConnectionEnd(net::Instant now, TcpConnection& connection, ConnectionEnd why) {
  const bool was_open = connection.open();
  if (connection.to_server) {
    TcpConnections::Forget(connection);
    gatherer_.OnConnectionEnded(now, connection);
  } else {
    checks_.OnConnectionEnded(now, connection, was_open, why);
  }
}

void Agent::OnConnecting(net::Instant now, ConnectionTag tag, const net::SocketAddress& local) {
  (void)now;
  impl_->BeginInput();
  TcpConnection* connection = impl_->session_.connections.Find(tag);
  if (connection == nullptr || connection->state != TcpConnection::State::kConnecting) return;
  connection->local = local;
  if (connection->to_server) return;
  const std::optional<int> pair = impl_->session_.FindPair(connection->base, connection->remote);
  if (pair) impl_->session_.lists.pair(*pair).connection->local = local;
}

void Agent::OnConnected(net::Instant now, ConnectionTag tag) {
  impl_->BeginInput();
  Session& session = impl_->session_;
  TcpConnection* connection = session.connections.Find(tag);
  if (session.over() || connection == nullptr || connection->state != TcpConnection::State::kConnecting) return;
  connection->state = TcpConnection::State::kOpen;
  if (connection->to_server) {
    impl_->gatherer_.OnConnected(now, *connection);
  } else {
    ++session.counters.connections_made;
    impl_->checks_.OnConnected(now, *connection);
  }
  impl_->AfterInput(now);
}

std::optional<ConnectionTag> Agent::OnAccepted(net::Instant now, SocketTag listener, const net::SocketAddress& from) {
  impl_->BeginInput();
  Session& session = impl_->session_;
  const auto base = static_cast<std::size_t>(listener);
  if (session.over() || base >= session.bases.size() || session.bases[base].relay ||
      !Listens(session.bases[base].transport()) || !session.bases[base].open()) {
    return std::nullopt;
  }
  const TcpConnection* connection =
      session.connections.Accept(static_cast<int>(base), session.bases[base].address(), from, session.out);
  if (connection == nullptr) return std::nullopt;
  ++session.counters.connections_accepted;
  const ConnectionTag tag = connection->tag;
  impl_->checks_.OnConnected(now, *connection);
  impl_->AfterInput(now);
  return tag;
}

void Agent::OnStreamBytes(net::Instant now, ConnectionTag tag, net::ByteView bytes) {
  impl_->BeginInput();
  Session& session = impl_->session_;
  TcpConnection* connection = session.connections.Find(tag);
  if (session.stage == Stage::kClosed || connection == nullptr || !connection->open()) return;
  if (connection->to_server) {
    impl_->HandleServerStream(now, *connection, bytes);
    return impl_->AfterInput(now);
  }
  if (session.over()) return;
  connection->frames.Append(bytes);
  while (connection->open()) {
    const std::optional<net::ByteView> payload = connection->frames.Next();
    if (!payload.has_value()) break;
    impl_->HandleFrame(now, *connection, *payload);
  }
  // An accepted connection must first bring a message that only the peer can have made. Until then the agent buffers no
  // more for it than one STUN message.
  if (connection->open() && !connection->trusted && !connection->opened_here &&
      connection->frames.held() > stun::kMessageBytesMax) {
    session.connections.Close(*connection, session.out);
  }
  impl_->AfterInput(now);
}

void Agent::OnConnectionEnded(net::Instant now, ConnectionTag tag, ConnectionEnd why) {
  impl_->BeginInput();
  Session& session = impl_->session_;
  TcpConnection* connection = session.connections.Find(tag);
  if (connection == nullptr || connection->state == TcpConnection::State::kPausing) return;
  if (session.stage == Stage::kClosed || (session.over() && !connection->to_server)) {
    return TcpConnections::Forget(*connection);
  }
  impl_->HandleConnectionEnd(now, *connection, why);
  impl_->AfterInput(now);
}

}  // namespace pinhole::ice
