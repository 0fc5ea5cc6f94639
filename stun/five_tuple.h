#pragma once

#include <compare>
#include <cstdint>

#include "net/socket_address.h"
#include "stun/transport.h"

namespace pinhole::stun {

// Names the relayed transport address of one allocation, and thus its socket. A server never uses an id again.
enum class RelayId : std::uint32_t {};

// Names a TCP connection between a relayed address and a peer; on the wire it is CONNECTION-ID (RFC 6062 §6.2.1). A
// server never uses an id again.
enum class PeerConnectionId : std::uint32_t {};

// The 5-tuple that identifies an allocation (RFC 8656 §2): two addresses and the transport between client and server.
struct FiveTuple {
  net::SocketAddress client;  // as the server sees it
  net::SocketAddress server;  // the server's address to which the client sends
  Transport transport = Transport::kUdp;

  friend bool operator==(const FiveTuple&, const FiveTuple&) = default;
  friend std::strong_ordering operator<=>(const FiveTuple&, const FiveTuple&) = default;
};

}  // namespace pinhole::stun
