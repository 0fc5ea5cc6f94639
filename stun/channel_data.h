#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "net/bytes.h"
#include "net/contract.h"
#include "stun/transport.h"

namespace pinhole::stun {

// ChannelData (RFC 8656 §12.4):  | Channel number (16) | Length (16) |  Application data ...
struct ChannelDataView {
  std::uint16_t channel = 0;
  net::ByteView data;

  // nullopt: a channel number outside 0x4000-0x4FFF, or a datagram shorter than it claims (RFC 8656 §12.6). What
  // follows the data is padding.
  static std::optional<ChannelDataView> Parse(net::ByteView datagram);
};

inline constexpr std::size_t kChannelDataHeaderBytes = 4;
inline constexpr std::uint16_t kChannelNumberMin = 0x4000;  // RFC 8656 §12
inline constexpr std::uint16_t kChannelNumberMax = 0x4FFF;

constexpr bool IsChannelNumber(std::uint16_t number) {
  return number >= kChannelNumberMin && number <= kChannelNumberMax;
}

// What ChannelData with `length` bytes of data takes on a stream: padded to a multiple of four (RFC 8656 §12.5).
constexpr std::size_t PaddedChannelDataBytes(std::size_t length) {
  return (kChannelDataHeaderBytes + length + 3) & ~std::size_t{3};
}
// What it takes over a transport: the padding, allowed over UDP, is left out there.
constexpr std::size_t ChannelDataBytes(Transport transport, std::size_t length) {
  return transport == Transport::kTcp ? PaddedChannelDataBytes(length) : kChannelDataHeaderBytes + length;
}

// Writes all of it, padding zeroed. REQUIRES: `to` is as long as ChannelDataBytes() says; data.size() <= 65535.
void WriteChannelData(std::span<std::uint8_t> to, std::uint16_t channel, net::ByteView data);

// Writes the header in front of `length` bytes of data. REQUIRES: room for it; length <= 65535.
inline void WriteChannelDataHeader(std::span<std::uint8_t> to, std::uint16_t channel, std::size_t length) {
  PINHOLE_REQUIRES(to.size() >= kChannelDataHeaderBytes && length <= 65535);
  net::StoreU16(to.data(), channel);
  net::StoreU16(to.data() + 2, static_cast<std::uint16_t>(length));
}

}  // namespace pinhole::stun
