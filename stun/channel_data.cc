#include "stun/channel_data.h"

namespace pinhole::stun {

std::optional<ChannelDataView> ChannelDataView::Parse(net::ByteView datagram) {
  if (datagram.size() < kChannelDataHeaderBytes) return std::nullopt;
  const std::uint16_t channel = net::LoadU16(datagram.data());
  const std::size_t length = net::LoadU16(datagram.data() + 2);
  if (!IsChannelNumber(channel) || datagram.size() - kChannelDataHeaderBytes < length) return std::nullopt;
  return ChannelDataView{channel, datagram.subspan(kChannelDataHeaderBytes, length)};
}

}  // namespace pinhole::stun
