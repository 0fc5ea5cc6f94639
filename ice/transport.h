#pragma once

#include <cstdint>

namespace pinhole::ice {

// What a candidate is reached by: UDP, or TCP in one of three ways (the tcptype of RFC 6544 §3).
enum class Transport : std::uint8_t {
  kUdp,
  kTcpActive,            // opens connections from ports of no candidate; its own port says nothing
  kTcpPassive,           // accepts connections
  kTcpSimultaneousOpen,  // "so": opens, and accepts, from and at the port it tells
};
// "udp", "active", "passive", "so".
const char* ToString(Transport transport);

constexpr bool IsTcp(Transport transport) { return transport != Transport::kUdp; }
// Connections may come to its port.
constexpr bool Listens(Transport transport) {
  return transport == Transport::kTcpPassive || transport == Transport::kTcpSimultaneousOpen;
}
// A check may open a connection from it.
constexpr bool Connects(Transport transport) {
  return transport == Transport::kTcpActive || transport == Transport::kTcpSimultaneousOpen;
}

// What the other candidate of a pair has to be (RFC 6544 §6.2).
constexpr Transport Counterpart(Transport transport) {
  if (transport == Transport::kTcpActive) return Transport::kTcpPassive;
  if (transport == Transport::kTcpPassive) return Transport::kTcpActive;
  return transport;
}

}  // namespace pinhole::ice
