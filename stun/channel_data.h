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

  // Bytes after the data are padding. nullopt: the channel number is outside 0x4000-0x4FFF, or the datagram is shorter
  // than Length says (RFC 8656 §12.6).
  static std::optional<ChannelDataView> Parse(net::ByteView datagram);
};

inline constexpr std::size_t kChannelDataHeaderBytes = 4;
inline constexpr std::uint16_t kChannelNumberMin = 0x4000;  // RFC 8656 §12
inline constexpr std::uint16_t kChannelNumberMax = 0x4FFF;

constexpr bool IsChannelNumber(std::uint16_t number) {
  return number >= kChannelNumberMin && number <= kChannelNumberMax;
}

// The size on a stream of a ChannelData message with `length` bytes of data: padded to a multiple of four
// (RFC 8656 §12.5).
constexpr std::size_t PaddedChannelDataBytes(std::size_t length) {
  return (kChannelDataHeaderBytes + length + 3) & ~std::size_t{3};
}
// The size of a ChannelData message with `length` bytes of data. Over UDP the message is sent without padding, which
// would be allowed.
constexpr std::size_t ChannelDataBytes(Transport transport, std::size_t length) {
  return transport == Transport::kTcp ? PaddedChannelDataBytes(length) : kChannelDataHeaderBytes + length;
}

// Writes the whole message, with zeros as padding. REQUIRES: to.size() is the ChannelDataBytes() of a transport;
// data.size() <= 65535.
void WriteChannelData(std::span<std::uint8_t> to, std::uint16_t channel, net::ByteView data);

// Writes the header of a message with `length` bytes of data. REQUIRES: `to` has room for the header; length <= 65535.
inline void WriteChannelDataHeader(std::span<std::uint8_t> to, std::uint16_t channel, std::size_t length) {
  PINHOLE_REQUIRES(to.size() >= kChannelDataHeaderBytes && length <= 65535);
  net::StoreU16(to.data(), channel);
  net::StoreU16(to.data() + 2, static_cast<std::uint16_t>(length));
}

}  // namespace pinhole::stun
