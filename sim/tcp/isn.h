#pragma once

#include <array>
#include <cstdint>

#include "net/bytes.h"
#include "net/random.h"
#include "net/socket_address.h"
#include "net/time.h"

namespace pinhole::sim {

// Initial sequence numbers as RFC 6528 §3 makes them: M + F(local, remote, secret), where M ticks every 4 us and F is
// SipHash-2-4. One for each host: the same pair of sockets gets a number that only time has moved, so that a new
// connection's is beyond those of the one before; who does not know the secret cannot tell it from another pair's.
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
