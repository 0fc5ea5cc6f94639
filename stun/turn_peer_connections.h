#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "net/packet_class.h"
#include "net/socket_address.h"
#include "net/time.h"
#include "stun/five_tuple.h"
#include "stun/transaction_id.h"

namespace pinhole::stun {

// RFC 6062 §5.2, §5.3: how long a server tries to reach a peer (at least), and how long a connection with a peer waits
// for the client's ConnectionBind.
inline constexpr net::Duration kPeerConnectTimeout = std::chrono::seconds(30);
inline constexpr net::Duration kConnectionBindTimeout = std::chrono::seconds(30);

// The peer data connections of a server's TCP allocations (RFC 6062 §5), as the engine knows them:
//
//     Connect request --> kConnecting --made--> kPending --ConnectionBind--> kBound
//     a peer's SYN -----------------------------'
//
// Each but the last for 30 s at most. All look-ups are ordered.
class PeerConnections {
 public:
  enum class State : std::uint8_t { kConnecting, kPending, kBound };
  // The request that a connection is being made for: what its answer needs.
  struct ConnectRequest {
    TransactionId id;
    bool fingerprint = false;
    net::PacketTag cause;
  };
  struct Connection {
    PeerConnectionId id{};
    RelayId relay{};
    net::SocketAddress peer;
    State state = State::kConnecting;
    net::Instant deadline;   // unless kBound
    ConnectRequest request;  // kConnecting
    FiveTuple client;        // kBound: the client data connection
  };

  // REQUIRES: Find(relay, peer) is nullptr.
  Connection& Add(RelayId relay, const net::SocketAddress& peer, State state, net::Instant deadline);
  // nullptr if there is none.
  Connection* Find(PeerConnectionId id);
  Connection* Find(RelayId relay, const net::SocketAddress& peer);
  Connection* FindBound(const FiveTuple& client);
  std::size_t CountOf(RelayId relay) const;
  std::vector<PeerConnectionId> Of(RelayId relay) const;

  // kConnecting --> kPending.
  void SetPending(Connection& connection, net::Instant deadline);
  // kPending --> kBound.
  void Bind(Connection& connection, const FiveTuple& client);
  void Remove(PeerConnectionId id);

  // The one whose time is up first, if that is by `now`.
  Connection* Due(net::Instant now);
  net::Instant NextTimer() const;
  std::size_t size() const { return connections_.size(); }

 private:
  std::uint32_t made_ = 0;
  std::map<PeerConnectionId, Connection> connections_;
  std::map<std::pair<RelayId, net::SocketAddress>, PeerConnectionId> by_peer_;
  std::map<FiveTuple, PeerConnectionId> by_client_;
  std::set<std::pair<net::Instant, PeerConnectionId>> deadlines_;
};

}  // namespace pinhole::stun
