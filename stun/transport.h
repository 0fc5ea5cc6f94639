#pragma once

#include <cstdint>

namespace pinhole::stun {

// The transport between a client and its TURN server, or between the server and a peer (RFC 8656 §2 "5-tuple",
// RFC 6062). TLS and DTLS are not supported.
enum class Transport : std::uint8_t { kUdp, kTcp };

constexpr const char* ToString(Transport transport) { return transport == Transport::kUdp ? "UDP" : "TCP"; }

}  // namespace pinhole::stun
