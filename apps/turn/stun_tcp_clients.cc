#include "apps/turn/stun_tcp_clients.h"

#include <algorithm>

#include "absl/status/statusor.h"

namespace pinhole::apps {

absl::Status StunTcpClients::Listen(const net::SocketAddress& address) {
  net::TcpOptions options;
  options.packet_class = net::PacketClass::kTurn;
  const absl::StatusOr<net::SocketId> socket = host_.Listen(address, options);
  if (!socket.ok()) return socket.status();
  listeners_.push_back({*socket, host_.LocalAddress(*socket).value_or(address)});
  return absl::OkStatus();
}

std::vector<net::SocketAddress> StunTcpClients::addresses() const {
  std::vector<net::SocketAddress> addresses;
  for (const Listener& listener : listeners_) addresses.push_back(listener.address);
  return addresses;
}

bool StunTcpClients::Accept(net::Instant now, net::SocketId listener, net::SocketId connection,
                            const net::SocketAddress& from) {
  const bool ours =
      std::any_of(listeners_.begin(), listeners_.end(), [&](const Listener& one) { return one.socket == listener; });
  if (!ours) return false;
  const std::optional<net::SocketAddress> local = host_.LocalAddress(connection);
  if (!local.has_value()) return true;  // The connection is gone already.
  if (clients_.size() >= limits_.connections_max) {
    host_.Abort(connection).IgnoreError();
    return true;
  }
  const stun::FiveTuple five_tuple = {from, *local, stun::Transport::kTcp};
  const MessageStream::Options options = {.message_bytes_max = limits_.stranger_message_bytes_max,
                                          .unsent_bytes_max = limits_.unsent_bytes_max};
  clients_.emplace(connection, Client{five_tuple, MessageStream(host_, connection, options), now});
  by_five_tuple_[five_tuple] = connection;
  if (sweep_at_ == net::kNever) sweep_at_ = now + limits_.idle_max;
  return true;
}

std::optional<net::ByteView> StunTcpClients::Next(net::Instant now, net::SocketId connection) {
  const auto found = clients_.find(connection);
  if (found == clients_.end() || found->second.ending) return std::nullopt;
  Client& client = found->second;
  client.stream.set_message_bytes_max(is_trusted_(client.five_tuple) ? stun::kStreamMessageBytesMax
                                                                     : limits_.stranger_message_bytes_max);
  const std::optional<net::ByteView> message = client.stream.Next();
  if (message.has_value()) client.last_heard = now;
  if (client.stream.fault() != stun::StreamSplitter::Fault::kNone) Finish(connection, How::kAbort);
  return message;
}

void StunTcpClients::OnWritable(net::SocketId connection) {
  const auto found = clients_.find(connection);
  if (found != clients_.end()) found->second.stream.OnWritable();
}

void StunTcpClients::End(net::SocketId connection, bool gone) { Finish(connection, gone ? How::kGone : How::kClose); }

void StunTcpClients::Finish(net::SocketId connection, How how) {
  const auto found = clients_.find(connection);
  if (found == clients_.end() || std::exchange(found->second.ending, true)) return;
  ending_.emplace_back(connection, how);
}

bool StunTcpClients::Send(const stun::FiveTuple& five_tuple, net::ByteView bytes, const net::SendOptions& options,
                          Need need) {
  const auto found = by_five_tuple_.find(five_tuple);
  if (found == by_five_tuple_.end()) return false;
  Client& client = clients_.at(found->second);
  if (client.ending) return false;
  if (need == Need::kMayDrop && client.stream.unsent_bytes() > limits_.unsent_bytes_max / 2) return false;
  const bool sent = client.stream.Send(bytes, options);
  if (!sent && need == Need::kMust) Finish(found->second, How::kAbort);
  return sent;
}

std::optional<StunTcpClients::Released> StunTcpClients::Release(const stun::FiveTuple& five_tuple) {
  const auto found = by_five_tuple_.find(five_tuple);
  if (found == by_five_tuple_.end()) return std::nullopt;
  const auto client = clients_.find(found->second);
  if (client->second.ending) return std::nullopt;
  const MessageStream& stream = client->second.stream;
  const net::ByteView rest = stream.rest();
  Released released = {client->first, {rest.begin(), rest.end()}, stream.unsent()};
  by_five_tuple_.erase(found);
  clients_.erase(client);
  return released;
}

void StunTcpClients::OnTimer(net::Instant now) {
  if (now < sweep_at_) return;
  sweep_at_ = net::kNever;
  for (const auto& [connection, client] : clients_) {
    net::Instant due = now + limits_.idle_max;
    if (!is_trusted_(client.five_tuple)) due = client.last_heard + limits_.idle_max;
    if (due <= now) {
      Finish(connection, How::kClose);
    } else if (!client.ending) {
      sweep_at_ = std::min(sweep_at_, due);
    }
  }
}

std::optional<stun::FiveTuple> StunTcpClients::TakeEnded() {
  if (ending_.empty()) return std::nullopt;
  const auto [connection, how] = ending_.back();
  ending_.pop_back();
  if (how == How::kClose) host_.Close(connection);
  if (how == How::kAbort) host_.Abort(connection).IgnoreError();
  const auto found = clients_.find(connection);
  const stun::FiveTuple five_tuple = found->second.five_tuple;
  by_five_tuple_.erase(five_tuple);
  clients_.erase(found);
  return five_tuple;
}

}  // namespace pinhole::apps
