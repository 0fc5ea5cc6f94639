#include "apps/referral/referral_protocol.h"

#include <algorithm>

#include "net/contract.h"

namespace pinhole::apps {
namespace {

constexpr std::size_t kLengthBytes = 2;
constexpr std::size_t kFrameBytesMax = 1 + kReferralDescriptionBytesMax;
// Most descriptions fit into this space. The buffer grows for longer ones.
constexpr std::size_t kSpaceBytesMin = 1024;

absl::string_view AsText(net::ByteView bytes) {
  return absl::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

void Append(std::vector<std::uint8_t>& bytes, absl::string_view text) {
  bytes.insert(bytes.end(), text.begin(), text.end());
}

}  // namespace

const char* ToString(ReferralRefusal refusal) {
  switch (refusal) {
    case ReferralRefusal::kMalformed:
      return "a malformed frame";
    case ReferralRefusal::kFull:
      return "no more sessions";
    case ReferralRefusal::kOtherSides:
      return "the session has two other sides";
    case ReferralRefusal::kReplaced:
      return "somebody else has registered as this side";
  }
  net::CannotHappen();
}

std::optional<ReferralFrame> ReferralFrame::Parse(net::ByteView bytes) {
  if (bytes.empty() || bytes.size() > kFrameBytesMax) return std::nullopt;
  ReferralFrame frame;
  const net::ByteView body = bytes.subspan(1);
  switch (bytes[0]) {
    case static_cast<std::uint8_t>(ReferralKind::kRegister): {
      frame.kind = ReferralKind::kRegister;
      if (body.empty() || body.size() < 1 + std::size_t{body[0]}) return std::nullopt;
      frame.session = AsText(body.subspan(1, body[0]));
      frame.side = AsText(body.subspan(1 + std::size_t{body[0]}));
      const auto is_name = [](absl::string_view name) { return !name.empty() && name.size() <= kReferralNameBytesMax; };
      if (!is_name(frame.session) || !is_name(frame.side)) return std::nullopt;
      return frame;
    }
    case static_cast<std::uint8_t>(ReferralKind::kPublish):
      frame.kind = ReferralKind::kPublish;
      frame.description = body;
      return frame;
    case static_cast<std::uint8_t>(ReferralKind::kDeliver):
      frame.kind = ReferralKind::kDeliver;
      frame.description = body;
      return frame;
    case static_cast<std::uint8_t>(ReferralKind::kRefuse):
      frame.kind = ReferralKind::kRefuse;
      if (body.size() != 1 || body[0] < 1 || body[0] > 4) return std::nullopt;
      frame.refusal = static_cast<ReferralRefusal>(body[0]);
      return frame;
    default:
      return std::nullopt;
  }
}

void ReferralFrame::AppendTo(std::vector<std::uint8_t>& bytes) const {
  const std::size_t begin = bytes.size();
  bytes.reserve(begin + kLengthBytes + 2 + session.size() + side.size() + description.size());
  bytes.resize(begin + kLengthBytes);
  bytes.push_back(static_cast<std::uint8_t>(kind));
  switch (kind) {
    case ReferralKind::kRegister:
      PINHOLE_REQUIRES(!session.empty() && session.size() <= kReferralNameBytesMax);
      PINHOLE_REQUIRES(!side.empty() && side.size() <= kReferralNameBytesMax);
      bytes.push_back(static_cast<std::uint8_t>(session.size()));
      Append(bytes, session);
      Append(bytes, side);
      break;
    case ReferralKind::kPublish:
    case ReferralKind::kDeliver:
      PINHOLE_REQUIRES(description.size() <= kReferralDescriptionBytesMax);
      bytes.insert(bytes.end(), description.begin(), description.end());
      break;
    case ReferralKind::kRefuse:
      bytes.push_back(static_cast<std::uint8_t>(refusal));
      break;
  }
  net::StoreU16(&bytes[begin], static_cast<std::uint16_t>(bytes.size() - begin - kLengthBytes));
}

std::span<std::uint8_t> ReferralFrames::Space() {
  if (broken_) return {};
  if (begin_ == end_) begin_ = end_ = 0;
  if (buffer_.size() - end_ < kSpaceBytesMin) {
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
              buffer_.begin() + static_cast<std::ptrdiff_t>(end_), buffer_.begin());
    end_ -= begin_;
    begin_ = 0;
    // The buffer holds less than the longest frame here, so it grows to at most about twice the longest frame.
    if (buffer_.size() - end_ < kSpaceBytesMin) buffer_.resize(std::max(2 * buffer_.size(), 2 * kSpaceBytesMin));
  }
  return std::span<std::uint8_t>(buffer_).subspan(end_);
}

std::optional<net::ByteView> ReferralFrames::Next() {
  if (broken_ || end_ - begin_ < kLengthBytes) return std::nullopt;
  const std::size_t length = net::LoadU16(&buffer_[begin_]);
  if (length == 0 || length > kFrameBytesMax) {
    broken_ = true;
    return std::nullopt;
  }
  if (end_ - begin_ < kLengthBytes + length) return std::nullopt;
  const net::ByteView frame(&buffer_[begin_ + kLengthBytes], length);
  begin_ += kLengthBytes + length;
  return frame;
}

void ReferralOutbox::Taken(std::size_t bytes) {
  taken_ += bytes;
  if (empty()) Clear();
}

void ReferralOutbox::Clear() {
  bytes_.clear();
  taken_ = 0;
}

}  // namespace pinhole::apps
