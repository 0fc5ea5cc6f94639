#pragma once

#include <cstdint>

namespace pinhole::ice {

// The transport of a candidate: UDP, or TCP with one of three tcptypes (RFC 6544 §3).
enum class Transport : std::uint8_t {
  kUdp,
  kTcpActive,            // opens connections, each from a new port; the port of the candidate means nothing
  kTcpPassive,           // accepts connections
  kTcpSimultaneousOpen,  // "so": opens connections from its port, and accepts connections at its port
};
// The transport as text: "udp", "active", "passive", "so".
const char* ToString(Transport transport);

constexpr bool IsTcp(Transport transport) { return transport != Transport::kUdp; }
// True: the candidate accepts connections at its port.
constexpr bool Listens(Transport transport) {
  return transport == Transport::kTcpPassive || transport == Transport::kTcpSimultaneousOpen;
}
// True: a check may open a connection from the candidate.
constexpr bool Connects(Transport transport) {
  return transport == Transport::kTcpActive || transport == Transport::kTcpSimultaneousOpen;
}

// The transport that the other candidate of a pair must have (RFC 6544 §6.2).
constexpr Transport Counterpart(Transport transport) {
  if (transport == Transport::kTcpActive) return Transport::kTcpPassive;
  if (transport == Transport::kTcpPassive) return Transport::kTcpActive;
  return transport;
}

}  // namespace pinhole::ice
