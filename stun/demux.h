#pragma once

#include <cstdint>

#include "net/bytes.h"

namespace pinhole::stun {

// What a datagram on a port shared by several protocols is, by its first byte (RFC 7983 §7, figure 3).
enum class Protocol : std::uint8_t {
  kStun,         // 0..3
  kZrtp,         // 16..19
  kDtls,         // 20..63
  kTurnChannel,  // 64..79
  kRtp,          // 128..191
  kUnknown,      // anything else, or no byte at all: dropped
};

Protocol Classify(net::ByteView datagram);

// By all the fixed fields of the header (RFC 8489 §5): two zero bits, magic cookie, a length that is a
// multiple of 4 and that of the datagram. A FINGERPRINT check may still say otherwise.
bool LooksLikeStun(net::ByteView datagram);

// First byte 64..79 and at least a header's four bytes (RFC 8656 §12.4).
bool LooksLikeChannelData(net::ByteView datagram);

}  // namespace pinhole::stun
