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

// The times of RFC 6062 §5.2 and §5.3: how long a server tries to reach a peer (at least), and how long a connection
// with a peer waits for the client's ConnectionBind request.
inline constexpr net::Duration kPeerConnectTimeout = std::chrono::seconds(30);
inline constexpr net::Duration kConnectionBindTimeout = std::chrono::seconds(30);

// The connections between a server's TCP allocations and their peers (RFC 6062 §5), as the engine knows them:
//
//     Connect request --> kConnecting --made--> kPending --ConnectionBind--> kBound
//     a peer's SYN -----------------------------'
//
// A connection stays in kConnecting and in kPending for 30 s at most. All look-ups are ordered, so iteration is
// deterministic.
class PeerConnections {
 public:
  enum class State : std::uint8_t { kConnecting, kPending, kBound };
  // The Connect request that asked for a connection, as far as its response needs it.
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
    net::Instant deadline;   // the end of the present state; meaningless in kBound
    ConnectRequest request;  // kConnecting
    FiveTuple client;        // the 5-tuple of the client data connection, in kBound
  };

  // REQUIRES: Find(relay, peer) is nullptr.
  Connection& Add(RelayId relay, const net::SocketAddress& peer, State state, net::Instant deadline);
  // Each Find function returns nullptr if there is no such connection.
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

  // The connection with the earliest deadline if that is not after `now`; otherwise nullptr.
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
