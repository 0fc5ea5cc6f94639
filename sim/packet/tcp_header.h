#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace pinhole::sim {

// The control bits of RFC 9293 §3.1 that are modelled; CWR, ECE and URG are not.
inline constexpr std::uint8_t kTcpFin = 0x01;
inline constexpr std::uint8_t kTcpSyn = 0x02;
inline constexpr std::uint8_t kTcpRst = 0x04;
inline constexpr std::uint8_t kTcpPsh = 0x08;
inline constexpr std::uint8_t kTcpAck = 0x10;

// Octets [left, right) that arrived out of order (RFC 2018 §3).
struct SackBlock {
  std::uint32_t left = 0;
  std::uint32_t right = 0;
  friend bool operator==(const SackBlock&, const SackBlock&) = default;
};

// A TCP header without its ports, and the options that are modelled (RFC 9293 §3.1, §3.2).
struct TcpHeader {
  static constexpr std::uint8_t kNoWindowScale = 0xff;
  static constexpr int kSackBlocksMax = 4;  // RFC 2018 §3: as many as 40 bytes of options hold

  std::uint32_t sequence = 0;
  std::uint32_t acknowledgment = 0;  // 0 without kTcpAck
  std::uint16_t window = 0;          // as on the wire, before scaling
  std::uint16_t mss_bytes = 0;       // RFC 9293 §3.7.1; 0: no such option
  std::uint8_t flags = 0;
  std::uint8_t window_scale = kNoWindowScale;  // RFC 7323 §2.2: shift of 0 to 14
  bool sack_permitted = false;                 // RFC 2018 §2
  std::uint8_t sack_count = 0;
  std::array<SackBlock, kSackBlocksMax> sack = {};

  bool Has(std::uint8_t bits) const { return (flags & bits) == bits; }
  friend bool operator==(const TcpHeader&, const TcpHeader&) = default;
};

// Bytes on the wire: 20, and the options padded to a multiple of 4 with no-operations.
constexpr std::uint32_t TcpHeaderBytes(const TcpHeader& header) {
  std::uint32_t bytes = 20;
  if (header.mss_bytes != 0) bytes += 4;
  if (header.window_scale != TcpHeader::kNoWindowScale) bytes += 4;
  if (header.sack_permitted) bytes += 4;
  if (header.sack_count != 0) bytes += 4 + 8u * header.sack_count;
  return bytes;
}

// The octets of sequence space that a segment takes: its data, SYN and FIN (RFC 9293 §3.4).
constexpr std::uint32_t TcpSegmentLength(const TcpHeader& header, std::uint32_t payload_bytes) {
  return payload_bytes + ((header.flags & kTcpSyn) != 0 ? 1 : 0) + ((header.flags & kTcpFin) != 0 ? 1 : 0);
}

// "SYN,ACK", with the names of RFC 9293 §3.1; "" for no flags.
std::string TcpFlagNames(std::uint8_t flags);

// Comparisons modulo 2^32 (RFC 9293 §3.4): right while the two are less than 2^31 apart.
constexpr bool SeqBefore(std::uint32_t a, std::uint32_t b) { return static_cast<std::int32_t>(a - b) < 0; }
constexpr bool SeqAtOrBefore(std::uint32_t a, std::uint32_t b) { return static_cast<std::int32_t>(a - b) <= 0; }

}  // namespace pinhole::sim
