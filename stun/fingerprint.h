#pragma once

#include <cstdint>

#include "net/bytes.h"

namespace pinhole::stun {

// CRC-32 of ITU V.42, as in RFC 1952 §8.
std::uint32_t Crc32(net::ByteView bytes);

// The value of FINGERPRINT (RFC 8489 §14.7). `message` has the bytes of the message before that attribute; its length
// field already counts the attribute.
inline std::uint32_t FingerprintOf(net::ByteView message) { return Crc32(message) ^ 0x5354554eu; }

}  // namespace pinhole::stun
