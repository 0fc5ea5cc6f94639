#pragma once

#include <cstdint>

#include "net/bytes.h"

namespace pinhole::stun {

// CRC-32 of ITU V.42, as in RFC 1952 §8.
std::uint32_t Crc32(net::ByteView bytes);

// The value of FINGERPRINT for a message whose bytes before that attribute are `message` and whose length
// field counts the attribute (RFC 8489 §14.7).
inline std::uint32_t FingerprintOf(net::ByteView message) { return Crc32(message) ^ 0x5354554eu; }

}  // namespace pinhole::stun
