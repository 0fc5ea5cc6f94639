#include "stun/channel_data.h"

#include <algorithm>

#include "net/contract.h"

namespace pinhole::stun {

std::optional<ChannelDataView> ChannelDataView::Parse(net::ByteView datagram) {
  if (datagram.size() < kChannelDataHeaderBytes) return std::nullopt;
  const std::uint16_t channel = net::LoadU16(datagram.data());
  const std::size_t length = net::LoadU16(datagram.data() + 2);
  if (!IsChannelNumber(channel) || datagram.size() - kChannelDataHeaderBytes < length) return std::nullopt;
  return ChannelDataView{channel, datagram.subspan(kChannelDataHeaderBytes, length)};
}

void WriteChannelData(std::span<std::uint8_t> to, std::uint16_t channel, net::ByteView data) {
  PINHOLE_REQUIRES(to.size() == kChannelDataHeaderBytes + data.size() ||
                   to.size() == PaddedChannelDataBytes(data.size()));
  WriteChannelDataHeader(to, channel, data.size());
  const auto end = std::copy(data.begin(), data.end(), to.begin() + kChannelDataHeaderBytes);
  std::fill(end, to.end(), std::uint8_t{0});
}

}  // namespace pinhole::stun
