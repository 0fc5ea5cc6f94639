#include "apps/referral_protocol.h"

#include <algorithm>
#include <cassert>

namespace pinhole::apps {
namespace {

absl::string_view AsText(net::ByteView bytes) {
  return absl::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

net::ByteView AsBytes(absl::string_view text) {
  return net::ByteView(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
}

std::uint32_t AllBits(std::size_t count) { return count >= 32 ? 0xffffffffu : (std::uint32_t{1} << count) - 1; }

}  // namespace

std::optional<ReferralMessage> ReferralMessage::Parse(net::ByteView datagram) {
  if (datagram.size() < 8 || datagram[0] != kReferralMagic) return std::nullopt;
  const std::uint8_t kind = datagram[1];
  if (kind < 1 || kind > 5) return std::nullopt;
  ReferralMessage message;
  message.kind = static_cast<ReferralKind>(kind);
  message.number = net::LoadU16(&datagram[2]);
  message.index = datagram[4];
  message.count = datagram[5];
  const std::size_t session_bytes = datagram[6];
  const std::size_t side_bytes = datagram[7];
  if (message.count == 0 || message.count > kReferralFragmentsMax || message.index >= message.count) {
    return std::nullopt;
  }
  if (session_bytes > kReferralNameBytesMax || side_bytes > kReferralNameBytesMax) return std::nullopt;
  if (datagram.size() < 8 + session_bytes + side_bytes) return std::nullopt;
  message.session = AsText(datagram.subspan(8, session_bytes));
  message.side = AsText(datagram.subspan(8 + session_bytes, side_bytes));
  message.payload = datagram.subspan(8 + session_bytes + side_bytes);
  if (message.payload.size() > kReferralFragmentBytes) return std::nullopt;
  // Every fragment but the last is full, so an index says where its bytes go.
  const bool carries = message.kind == ReferralKind::kPublish || message.kind == ReferralKind::kDeliver;
  if (carries && message.index + 1 < message.count && message.payload.size() != kReferralFragmentBytes) {
    return std::nullopt;
  }
  return message;
}

net::ByteView ReferralMessage::Write(std::array<std::uint8_t, kReferralDatagramBytesMax>& buffer) const {
  net::ByteWriter writer(buffer);
  writer.WriteU8(kReferralMagic);
  writer.WriteU8(static_cast<std::uint8_t>(kind));
  writer.WriteU16(number);
  writer.WriteU8(index);
  writer.WriteU8(count);
  writer.WriteU8(static_cast<std::uint8_t>(session.size()));
  writer.WriteU8(static_cast<std::uint8_t>(side.size()));
  writer.WriteBytes(AsBytes(session));
  writer.WriteBytes(AsBytes(side));
  writer.WriteBytes(payload);
  assert(writer.ok());
  return writer.written();
}

ReferralTransfer::ReferralTransfer(net::Instant now, std::uint16_t number, net::ByteView description)
    : bytes_(description.begin(), description.end()), number_(number), next_(now) {
  assert(description.size() <= kReferralDescriptionBytesMax);
  const std::size_t fragments = (bytes_.size() + kReferralFragmentBytes - 1) / kReferralFragmentBytes;
  count_ = static_cast<std::uint8_t>(std::max<std::size_t>(1, fragments));
  waiting_ = AllBits(count_);
}

net::ByteView ReferralTransfer::Fragment(std::uint8_t index) const {
  const std::size_t begin = index * kReferralFragmentBytes;
  return net::ByteView(bytes_).subspan(begin, std::min(kReferralFragmentBytes, bytes_.size() - begin));
}

void ReferralTransfer::OnAcknowledged(std::uint16_t number, std::uint8_t index) {
  if (number == number_ && index < count_) waiting_ &= ~(std::uint32_t{1} << index);
}

bool ReferralTransfer::Due(net::Instant now) {
  if (waiting_ == 0 || sends_ >= kReferralSendsMax || now < next_) return false;
  ++sends_;
  next_ = now + wait_;
  wait_ = std::min(wait_ * 2, kReferralResendMax);
  return true;
}

std::optional<net::Instant> ReferralTransfer::NextTimer() const {
  if (waiting_ == 0 || sends_ >= kReferralSendsMax) return std::nullopt;
  return next_;
}

bool ReferralAssembly::Add(const ReferralMessage& message) {
  const bool newer = count_ == 0 || static_cast<std::int16_t>(message.number - number_) > 0;
  if (newer) {
    number_ = message.number;
    count_ = message.count;
    missing_ = AllBits(count_);
    complete_ = false;
    bytes_.assign(0, 0);
  } else if (message.number != number_ || message.count != count_) {
    return false;
  }
  const std::uint32_t bit = std::uint32_t{1} << message.index;
  if ((missing_ & bit) == 0) return false;
  missing_ &= ~bit;
  const std::size_t begin = message.index * kReferralFragmentBytes;
  if (bytes_.size() < begin + message.payload.size()) bytes_.resize(begin + message.payload.size());
  std::copy(message.payload.begin(), message.payload.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(begin));
  if (missing_ != 0) return false;
  complete_ = true;
  return true;
}

}  // namespace pinhole::apps
