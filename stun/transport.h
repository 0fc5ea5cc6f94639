#pragma once

#include <cstdint>

namespace pinhole::stun {

// What carries messages between a client and its server, or a server and its peers (RFC 8656 §2 "5-tuple", RFC 6062).
// TLS and DTLS are not spoken.
enum class Transport : std::uint8_t { kUdp, kTcp };

constexpr const char* ToString(Transport transport) { return transport == Transport::kUdp ? "UDP" : "TCP"; }

}  // namespace pinhole::stun
