#include "sim/record/digest.h"

#include <array>
#include <bit>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace pinhole::sim {
namespace {

// XXH3 hashes bytes, so the numbers are laid out in little-endian order on every machine.
std::uint64_t LittleEndian(std::uint64_t value) {
  if constexpr (std::endian::native == std::endian::big) return __builtin_bswap64(value);
  return value;
}

// A sequence of numbers that is hashed as a whole.
class Words {
 public:
  void Add(std::uint64_t value) { words_[count_++] = LittleEndian(value); }
  void Add(const net::IpAddress& address) {
    if (address.is_v4()) {
      Add(address.v4());
    } else {
      Add(net::LoadU64(address.bytes().data()));
      Add(net::LoadU64(address.bytes().data() + 8));
    }
  }
  void Add(const TcpHeader& tcp) {
    Add(std::uint64_t{tcp.sequence} | std::uint64_t{tcp.acknowledgment} << 32);
    Add(std::uint64_t{tcp.window} | std::uint64_t{tcp.mss_bytes} << 16 | std::uint64_t{tcp.flags} << 32 |
        std::uint64_t{tcp.window_scale} << 40 | std::uint64_t{tcp.sack_permitted} << 48 |
        std::uint64_t{tcp.sack_count} << 56);
    for (std::size_t i = 0; i < tcp.sack_count; ++i) {
      Add(std::uint64_t{tcp.sack[i].left} | std::uint64_t{tcp.sack[i].right} << 32);
    }
  }
  std::uint64_t Hash(std::uint64_t seed) const { return XXH3_64bits_withSeed(words_.data(), count_ * 8, seed); }

 private:
  std::array<std::uint64_t, 32> words_;
  std::size_t count_ = 0;
};

std::uint64_t Flags(std::uint8_t protocol, std::uint8_t ttl, std::uint8_t dscp_ecn, bool dont_fragment, bool v4) {
  return std::uint64_t{protocol} | std::uint64_t{ttl} << 8 | std::uint64_t{dscp_ecn} << 16 |
         std::uint64_t{dont_fragment} << 24 | std::uint64_t{v4} << 25;
}

std::uint64_t Ports(const net::SocketAddress& source, const net::SocketAddress& destination, std::uint16_t ip_id) {
  return std::uint64_t{source.port()} | std::uint64_t{destination.port()} << 16 | std::uint64_t{ip_id} << 32;
}

std::uint64_t IcmpWord(const IcmpHeader& icmp) {
  return std::uint64_t{icmp.type} | std::uint64_t{icmp.code} << 8 | std::uint64_t{icmp.rest} << 32;
}

}  // namespace

void Digest::AddPacket(net::Instant at, std::uint32_t place, const Packet& packet, std::uint64_t payload_hash) {
  Words words;
  words.Add(static_cast<std::uint64_t>(at.time_since_epoch().count()));
  words.Add(std::uint64_t{place} << 32 | Flags(static_cast<std::uint8_t>(packet.protocol), packet.ttl, packet.dscp_ecn,
                                               packet.dont_fragment, packet.is_v4()));
  words.Add(Ports(packet.source, packet.destination, packet.ip_id));
  words.Add(packet.source.address());
  words.Add(packet.destination.address());
  words.Add(payload_hash);
  words.Add(packet.payload.size_bytes);
  if (packet.is_tcp()) words.Add(packet.tcp);
  if (packet.is_icmp()) {
    words.Add(IcmpWord(packet.icmp));
    if (IsIcmpError(packet)) {
      const QuotedPacket& quoted = packet.quoted;
      words.Add(Flags(static_cast<std::uint8_t>(quoted.protocol), quoted.ttl, quoted.dscp_ecn, quoted.dont_fragment,
                      quoted.source.address().is_v4()));
      words.Add(Ports(quoted.source, quoted.destination, quoted.ip_id));
      words.Add(quoted.source.address());
      words.Add(quoted.destination.address());
      words.Add(IcmpWord(quoted.icmp));
      if (quoted.protocol == IpProtocol::kTcp) words.Add(packet.tcp);
    }
  }
  wire_ = words.Hash(wire_);
  // This step is a bijection: two different values of wire_ never give the same value of full_.
  const std::uint64_t mixed = (full_ ^ wire_) * 0x9e3779b97f4a7c15;
  full_ = mixed ^ mixed >> 32;
}

void Digest::AddState(net::Instant at, std::uint32_t place, StateKind kind, std::uint64_t a, std::uint64_t b) {
  Words words;
  words.Add(static_cast<std::uint64_t>(at.time_since_epoch().count()));
  words.Add(std::uint64_t{place} << 32 | static_cast<std::uint64_t>(kind));
  words.Add(a);
  words.Add(b);
  full_ = words.Hash(full_);
}

}  // namespace pinhole::sim
