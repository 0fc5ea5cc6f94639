#include "sim/tcp/isn.h"

#include <bit>

namespace pinhole::sim {
namespace {

struct SipState {
  std::uint64_t v0, v1, v2, v3;

  void Round() {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }
  void Compress(std::uint64_t word) {
    v3 ^= word;
    Round();
    Round();
    v0 ^= word;
  }
};

// Writes family, address and port, so that no two endpoints give the same bytes.
void WriteEndpoint(net::ByteWriter& writer, const net::SocketAddress& endpoint) {
  writer.WriteU8(endpoint.address().is_v4() ? 4 : 6);
  writer.WriteBytes(endpoint.address().bytes());
  writer.WriteU16(endpoint.port());
}

}  // namespace

std::uint64_t SipHash24(const std::array<std::uint64_t, 2>& key, net::ByteView message) {
  SipState s{key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d, key[0] ^ 0x6c7967656e657261,
             key[1] ^ 0x7465646279746573};
  const std::size_t whole = message.size() / 8 * 8;
  for (std::size_t i = 0; i < whole; i += 8) {
    std::uint64_t word = 0;
    for (std::size_t j = 0; j < 8; ++j) word |= std::uint64_t{message[i + j]} << (8 * j);
    s.Compress(word);
  }
  std::uint64_t last = std::uint64_t{message.size() & 0xff} << 56;
  for (std::size_t j = whole; j < message.size(); ++j) last |= std::uint64_t{message[j]} << (8 * (j - whole));
  s.Compress(last);
  s.v2 ^= 0xff;
  for (int i = 0; i < 4; ++i) s.Round();
  return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

IsnGenerator::IsnGenerator(net::RandomSource& random) {
  key_[0] = random.NextU64();
  key_[1] = random.NextU64();
}

std::uint32_t IsnGenerator::Next(net::Instant now, const net::SocketAddress& local,
                                 const net::SocketAddress& remote) const {
  std::array<std::uint8_t, 2 * (1 + 16 + 2)> connection;
  net::ByteWriter writer(connection);
  WriteEndpoint(writer, local);
  WriteEndpoint(writer, remote);
  const std::uint64_t hash = SipHash24(key_, writer.written());
  constexpr std::int64_t kTickNs = 4000;
  return static_cast<std::uint32_t>(now.time_since_epoch().count() / kTickNs) + static_cast<std::uint32_t>(hash);
}

}  // namespace pinhole::sim
