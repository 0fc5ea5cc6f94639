#pragma once

#include <array>
#include <compare>
#include <cstdint>

#include "net/bytes.h"
#include "net/random.h"

namespace pinhole::stun {

// The 96 bits that pair a response with its request (RFC 8489 §5).
struct TransactionId {
  std::array<std::uint8_t, 12> bytes = {};

  // A uniformly distributed id. It is as hard to guess as the output of `random`.
  static TransactionId Random(net::RandomSource& random) {
    TransactionId id;
    random.Fill(id.bytes);
    return id;
  }

  friend constexpr bool operator==(const TransactionId&, const TransactionId&) = default;
  friend constexpr std::strong_ordering operator<=>(const TransactionId&, const TransactionId&) = default;
};

// A hash that is the same in every process and build. Not for tables whose ids an attacker may choose.
inline std::uint64_t StableHash(const TransactionId& id) {
  return (net::LoadU64(id.bytes.data()) ^ net::LoadU32(id.bytes.data() + 8)) * 0x9E3779B97F4A7C15u;
}

}  // namespace pinhole::stun
