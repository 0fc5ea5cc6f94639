#include "apps/turn/turn_peer_links.h"

#include <utility>

#include "absl/status/statusor.h"

namespace pinhole::apps {
namespace {

// The listener and the connections to peers share the relayed address (RFC 6062 §5.2).
net::TcpOptions RelayedTcp() {
  net::TcpOptions options;
  options.reuse_address = true;
  return options;
}

}  // namespace

std::optional<net::SocketAddress> TurnPeerLinks::Listen(stun::RelayId relay, const net::IpAddress& address) {
  const absl::StatusOr<net::SocketId> listener = host_.Listen(net::SocketAddress(address, 0), RelayedTcp());
  if (!listener.ok()) return std::nullopt;
  listener_of_[relay] = *listener;
  relay_of_[*listener] = relay;
  return host_.LocalAddress(*listener);
}

void TurnPeerLinks::StopListening(stun::RelayId relay) {
  const auto found = listener_of_.find(relay);
  if (found == listener_of_.end()) return;
  host_.Close(found->second);
  relay_of_.erase(found->second);
  listener_of_.erase(found);
}

std::optional<stun::RelayId> TurnPeerLinks::RelayOf(net::SocketId listener) const {
  const auto found = relay_of_.find(listener);
  if (found == relay_of_.end()) return std::nullopt;
  return found->second;
}

void TurnPeerLinks::Connect(stun::PeerConnectionId link, stun::RelayId relay, const net::SocketAddress& peer) {
  const auto listener = listener_of_.find(relay);
  std::optional<net::SocketAddress> local;
  if (listener != listener_of_.end()) local = host_.LocalAddress(listener->second);
  if (local.has_value()) {
    const absl::StatusOr<net::SocketId> connection = host_.Connect(*local, peer, RelayedTcp());
    if (connection.ok()) return Adopt(link, *connection);
  }
  events_.push_back({Event::Kind::kEnded, link});
}

void TurnPeerLinks::Adopt(stun::PeerConnectionId link, net::SocketId connection) {
  links_[link].peer = connection;
  link_of_[connection] = link;
}

void TurnPeerLinks::Join(stun::PeerConnectionId link, net::SocketId client, std::vector<std::uint8_t> to_client,
                         std::vector<std::uint8_t> to_peer) {
  const auto found = links_.find(link);
  if (found == links_.end()) return host_.Close(client);
  Link& one = found->second;
  one.client = client;
  link_of_[client] = link;
  one.joint.emplace(host_, client, one.peer, std::move(to_client), std::move(to_peer));
  if (one.peer_finished) {
    one.joint->OnClosed(one.peer);
  } else {
    one.joint->Move();
  }
  After(link);
}

void TurnPeerLinks::Close(stun::PeerConnectionId link) { Drop(link, How::kClose, std::nullopt); }

TurnPeerLinks::Link* TurnPeerLinks::Find(net::SocketId connection) {
  const auto found = link_of_.find(connection);
  return found == link_of_.end() ? nullptr : &links_.at(found->second);
}

void TurnPeerLinks::OnConnected(net::SocketId connection) {
  const auto found = link_of_.find(connection);
  if (found != link_of_.end()) events_.push_back({Event::Kind::kConnected, found->second});
}

void TurnPeerLinks::OnMoved(net::SocketId connection) {
  Link* const link = Find(connection);
  if (link == nullptr || !link->joint.has_value()) return;
  link->joint->Move();
  After(link_of_.at(connection));
}

void TurnPeerLinks::OnClosed(net::SocketId connection) {
  Link* const link = Find(connection);
  if (link == nullptr) return;
  if (!link->joint.has_value()) {
    link->peer_finished = true;  // The bytes that the peer has sent may still be read.
    return;
  }
  link->joint->OnClosed(connection);
  After(link_of_.at(connection));
}

// One connection of the link has broken, so the other one is reset too.
void TurnPeerLinks::OnReset(net::SocketId connection) {
  const auto found = link_of_.find(connection);
  if (found == link_of_.end()) return;
  const stun::PeerConnectionId link = found->second;
  Drop(link, How::kAbort, connection);
  events_.push_back({Event::Kind::kEnded, link});
}

void TurnPeerLinks::After(stun::PeerConnectionId link) {
  if (!links_.at(link).joint->finished()) return;
  Drop(link, How::kClose, std::nullopt);
  events_.push_back({Event::Kind::kEnded, link});
}

void TurnPeerLinks::Drop(stun::PeerConnectionId link, How how, std::optional<net::SocketId> gone) {
  const auto found = links_.find(link);
  if (found == links_.end()) return;
  const Link one = std::move(found->second);
  links_.erase(found);
  if (one.joint.has_value()) bytes_moved_ += one.joint->bytes_moved();
  for (const std::optional<net::SocketId>& socket : {std::optional(one.peer), one.client}) {
    if (!socket.has_value()) continue;
    link_of_.erase(*socket);
    if (socket == gone) continue;
    if (how == How::kClose) {
      host_.Close(*socket);
    } else {
      host_.Abort(*socket).IgnoreError();
    }
  }
}

std::optional<TurnPeerLinks::Event> TurnPeerLinks::TakeEvent() {
  if (events_.empty()) return std::nullopt;
  const Event event = events_.front();
  events_.erase(events_.begin());
  return event;
}

}  // namespace pinhole::apps
