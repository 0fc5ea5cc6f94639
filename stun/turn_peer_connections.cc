#include "stun/turn_peer_connections.h"

#include "net/contract.h"

namespace pinhole::stun {

PeerConnections::Connection& PeerConnections::Add(RelayId relay, const net::SocketAddress& peer, State state,
                                                  net::Instant deadline) {
  PINHOLE_REQUIRES(Find(relay, peer) == nullptr);
  const PeerConnectionId id{++made_};
  Connection& connection = connections_[id];
  connection.id = id;
  connection.relay = relay;
  connection.peer = peer;
  connection.state = state;
  connection.deadline = deadline;
  by_peer_[{relay, peer}] = id;
  deadlines_.insert({deadline, id});
  return connection;
}

PeerConnections::Connection* PeerConnections::Find(PeerConnectionId id) {
  const auto found = connections_.find(id);
  return found == connections_.end() ? nullptr : &found->second;
}

PeerConnections::Connection* PeerConnections::Find(RelayId relay, const net::SocketAddress& peer) {
  const auto found = by_peer_.find({relay, peer});
  return found == by_peer_.end() ? nullptr : Find(found->second);
}

PeerConnections::Connection* PeerConnections::FindBound(const FiveTuple& client) {
  const auto found = by_client_.find(client);
  return found == by_client_.end() ? nullptr : Find(found->second);
}

std::vector<PeerConnectionId> PeerConnections::Of(RelayId relay) const {
  std::vector<PeerConnectionId> ids;
  for (auto at = by_peer_.lower_bound({relay, net::SocketAddress()}); at != by_peer_.end(); ++at) {
    if (at->first.first != relay) break;
    ids.push_back(at->second);
  }
  return ids;
}

std::size_t PeerConnections::CountOf(RelayId relay) const { return Of(relay).size(); }

void PeerConnections::SetPending(Connection& connection, net::Instant deadline) {
  deadlines_.erase({connection.deadline, connection.id});
  connection.state = State::kPending;
  connection.deadline = deadline;
  deadlines_.insert({deadline, connection.id});
}

void PeerConnections::Bind(Connection& connection, const FiveTuple& client) {
  deadlines_.erase({connection.deadline, connection.id});
  connection.state = State::kBound;
  connection.client = client;
  by_client_[client] = connection.id;
}

void PeerConnections::Remove(PeerConnectionId id) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  const Connection& connection = found->second;
  by_peer_.erase({connection.relay, connection.peer});
  if (connection.state == State::kBound) {
    by_client_.erase(connection.client);
  } else {
    deadlines_.erase({connection.deadline, id});
  }
  connections_.erase(found);
}

PeerConnections::Connection* PeerConnections::Due(net::Instant now) {
  if (deadlines_.empty() || now < deadlines_.begin()->first) return nullptr;
  return Find(deadlines_.begin()->second);
}

net::Instant PeerConnections::NextTimer() const { return deadlines_.empty() ? net::kNever : deadlines_.begin()->first; }

}  // namespace pinhole::stun
