#include "stun/stream_framing.h"

#include <algorithm>
#include <cstring>

#include "net/contract.h"

namespace pinhole::stun {
namespace {

// The smallest room for a read: enough for requests and small data. A longer message gets more room.
constexpr std::size_t kSpaceBytesMin = 2048;
constexpr std::size_t kCookieEnd = 8;  // the offset at which the magic cookie of a STUN header ends

}  // namespace

std::nullopt_t StreamSplitter::Fail(Fault fault) {
  fault_ = fault;
  return std::nullopt;
}

std::optional<std::size_t> StreamSplitter::LengthOfFirst() {
  const net::ByteView bytes = rest();
  if (bytes.empty()) return std::nullopt;
  std::size_t length = 0;
  if ((bytes[0] & 0xC0) == 0) {
    if (bytes.size() < kCookieEnd) return std::nullopt;
    if (net::LoadU32(&bytes[4]) != kMagicCookie) return Fail(Fault::kNoMagicCookie);
    length = kHeaderBytes + net::LoadU16(&bytes[2]);
    if ((length & 3) != 0) return Fail(Fault::kBadLength);
  } else {
    if ((bytes[0] & 0x80) != 0) return Fail(Fault::kNeitherStunNorChannelData);
    if (bytes.size() < kChannelDataHeaderBytes) return std::nullopt;
    length = PaddedChannelDataBytes(net::LoadU16(&bytes[2]));
  }
  if (length > options_.message_bytes_max) return Fail(Fault::kTooLong);
  return length;
}

std::optional<net::ByteView> StreamSplitter::Next() {
  while (fault_ == Fault::kNone) {
    const std::optional<std::size_t> length = LengthOfFirst();
    const net::ByteView bytes = rest();
    if (!length.has_value() || bytes.size() < *length) break;
    begin_ += *length;
    if ((bytes[0] & 0xC0) == 0) return bytes.first(*length);
    if (IsChannelNumber(net::LoadU16(bytes.data()))) {
      return bytes.first(kChannelDataHeaderBytes + net::LoadU16(&bytes[2]));
    }
  }
  return std::nullopt;
}

std::span<std::uint8_t> StreamSplitter::Space() {
  if (begin_ != 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (fault_ != Fault::kNone) return {};
  const std::size_t wanted = std::max(LengthOfFirst().value_or(0), kSpaceBytesMin);
  if (fault_ != Fault::kNone) return {};
  if (buffer_.size() < wanted) buffer_.resize(wanted);
  return std::span(buffer_).subspan(end_);
}

}  // namespace pinhole::stun
