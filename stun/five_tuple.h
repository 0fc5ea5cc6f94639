#pragma once

#include <compare>
#include <cstdint>

#include "net/socket_address.h"
#include "stun/transport.h"

namespace pinhole::stun {

// Names the relayed transport address of one allocation, and so the socket behind it. Never reused by a server.
enum class RelayId : std::uint32_t {};

// Names a TCP connection between a relayed address and a peer; on the wire it is CONNECTION-ID (RFC 6062 §6.2.1).
// Never reused by a server.
enum class PeerConnectionId : std::uint32_t {};

// What tells allocations apart (RFC 8656 §2).
struct FiveTuple {
  net::SocketAddress client;  // as the server sees it
  net::SocketAddress server;  // the address that it sent to
  Transport transport = Transport::kUdp;

  friend bool operator==(const FiveTuple&, const FiveTuple&) = default;
  friend std::strong_ordering operator<=>(const FiveTuple&, const FiveTuple&) = default;
};

}  // namespace pinhole::stun
