#include "ice/framing.h"

namespace pinhole::ice {

void FrameReader::Append(net::ByteView bytes) {
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(begin_));
  begin_ = 0;
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

std::optional<net::ByteView> FrameReader::Next() {
  while (held() >= kFrameHeaderBytes) {
    const std::size_t length = net::LoadU16(buffer_.data() + begin_);
    if (held() < kFrameHeaderBytes + length) return std::nullopt;
    const net::ByteView payload(buffer_.data() + begin_ + kFrameHeaderBytes, length);
    begin_ += kFrameHeaderBytes + length;
    if (length > 0) return payload;
  }
  return std::nullopt;
}

}  // namespace pinhole::ice
