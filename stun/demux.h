#pragma once

#include <cstdint>

#include "net/bytes.h"

namespace pinhole::stun {

// The protocol of a datagram on a port that several protocols share, told by its first byte (RFC 7983 §7, figure 3).
enum class Protocol : std::uint8_t {
  kStun,         // 0..3
  kZrtp,         // 16..19
  kDtls,         // 20..63
  kTurnChannel,  // 64..79
  kRtp,          // 128..191
  kUnknown,      // any other first byte, or an empty datagram; to be dropped
};

Protocol Classify(net::ByteView datagram);

// True: all fixed fields of the header are those of a STUN message (RFC 8489 §5): two zero bits, the magic cookie, and
// a length that is a multiple of 4 and fits the datagram. A FINGERPRINT check may still show that the datagram is not
// STUN.
bool LooksLikeStun(net::ByteView datagram);

// True: the first byte is 64 to 79, and there are at least the four bytes of a header (RFC 8656 §12.4).
bool LooksLikeChannelData(net::ByteView datagram);

}  // namespace pinhole::stun
