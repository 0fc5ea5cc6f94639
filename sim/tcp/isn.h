#pragma once

#include <array>
#include <cstdint>

#include "net/bytes.h"
#include "net/random.h"
#include "net/socket_address.h"
#include "net/time.h"

namespace pinhole::sim {

// Initial sequence numbers as RFC 6528 §3 makes them: M + F(local, remote, secret), where M ticks every 4 us and F is
// SipHash-2-4. Each host has one generator. For the same pair of endpoints only M changes, so the numbers of a new
// connection are beyond those of the connection before it. Without the secret, the number of one pair says nothing
// about the number of another pair.
class IsnGenerator {
 public:
  // Draws the secret, 128 bits.
  explicit IsnGenerator(net::RandomSource& random);

  std::uint32_t Next(net::Instant now, const net::SocketAddress& local, const net::SocketAddress& remote) const;

 private:
  std::array<std::uint64_t, 2> key_;
};

// SipHash-2-4 (Aumasson and Bernstein, 2012) with the key as two little-endian halves.
std::uint64_t SipHash24(const std::array<std::uint64_t, 2>& key, net::ByteView message);

}  // namespace pinhole::sim
