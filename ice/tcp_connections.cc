#include "ice/tcp_connections.h"

#include <algorithm>

namespace pinhole::ice {

using State = TcpConnection::State;

void TcpConnections::BeginInput() {
  all_.erase(std::remove_if(all_.begin(), all_.end(), [](const auto& one) { return one->state == State::kClosed; }),
             all_.end());
}

TcpConnection* TcpConnections::Find(ConnectionTag tag) {
  const auto found = std::find_if(all_.begin(), all_.end(), [tag](const auto& one) { return one->tag == tag; });
  return found == all_.end() || (*found)->state == State::kClosed ? nullptr : found->get();
}

TcpConnection* TcpConnections::FindPeer(int base, const net::SocketAddress& remote) {
  const auto found = std::find_if(all_.begin(), all_.end(), [&](const auto& one) {
    return one->base == base && one->remote == remote && !one->to_server && one->state != State::kClosed;
  });
  return found == all_.end() ? nullptr : found->get();
}

int TcpConnections::Attempts(const net::IpAddress& remote) const {
  return static_cast<int>(std::count_if(all_.begin(), all_.end(), [&](const auto& one) {
    const bool attempt = one->state == State::kConnecting || one->state == State::kPausing;
    return attempt && !one->to_server && one->remote.address() == remote;
  }));
}

TcpConnection& TcpConnections::Add(int base, const net::SocketAddress& local, const net::SocketAddress& remote) {
  TcpConnection& connection = *all_.emplace_back(std::make_unique<TcpConnection>());
  connection.tag = static_cast<ConnectionTag>(next_tag_++);
  connection.base = base;
  connection.local = local;
  connection.remote = remote;
  return connection;
}

void TcpConnections::Connect(TcpConnection& connection, OutputQueue& out) {
  connection.state = State::kConnecting;
  out.Push(ice::Connect{connection.tag, connection.local, connection.remote, connection.packet_class});
}

TcpConnection& TcpConnections::Open(int base, const net::SocketAddress& local, const net::SocketAddress& remote,
                                    net::PacketClass packet_class, bool to_server, OutputQueue& out) {
  TcpConnection& connection = Add(base, local, remote);
  connection.packet_class = packet_class;
  connection.to_server = to_server;
  connection.opened_here = true;
  if (to_server) connection.messages.emplace();
  Connect(connection, out);
  return connection;
}

TcpConnection* TcpConnections::Accept(int base, const net::SocketAddress& local, const net::SocketAddress& from,
                                      OutputQueue& out) {
  // Two connections cannot have the same endpoints, so the older one no longer exists.
  if (TcpConnection* older = FindPeer(base, from)) Close(*older, out);
  int strangers = 0;
  TcpConnection* oldest = nullptr;
  for (const auto& one : all_) {
    if (one->opened_here || one->trusted || one->state == State::kClosed) continue;
    ++strangers;
    if (oldest == nullptr) oldest = one.get();
  }
  if (strangers >= kStrangersMax) Close(*oldest, out);
  if (all_.size() >= kAllMax) return nullptr;
  TcpConnection& connection = Add(base, local, from);
  connection.state = State::kOpen;
  return &connection;
}

void TcpConnections::Close(TcpConnection& connection, OutputQueue& out) {
  if (connection.state == State::kClosed) return;
  if (connection.state != State::kPausing) out.Push(CloseConnection{connection.tag});
  connection.state = State::kClosed;
}

void TcpConnections::Pause(TcpConnection& connection, net::Instant at) {
  connection.state = State::kPausing;
  connection.retry_at = at;
}

void TcpConnections::RetryDue(net::Instant now, OutputQueue& out) {
  for (const auto& one : all_) {
    if (one->state != State::kPausing || one->retry_at > now) continue;
    one->tag = static_cast<ConnectionTag>(next_tag_++);  // the owner no longer knows the old tag
    Connect(*one, out);
  }
}

net::Instant TcpConnections::NextTimer() const {
  net::Earliest earliest;
  for (const auto& one : all_) {
    if (one->state == State::kPausing) earliest.Add(one->retry_at);
  }
  return earliest.at();
}

bool TcpConnections::SendFrame(const TcpConnection& connection, net::ByteView bytes, net::PacketClass packet_class,
                               net::PacketTag cause, OutputQueue& out) {
  if (!connection.open() || bytes.size() > kFramePayloadBytesMax) return false;
  out.Push(SendStream{connection.tag, {}, packet_class, cause}, FrameHeader(bytes.size()), bytes);
  return true;
}

}  // namespace pinhole::ice
