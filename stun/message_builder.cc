#include "stun/message_builder.h"

#include <cstring>

#include "stun/fingerprint.h"

namespace pinhole::stun {
namespace {

constexpr std::size_t kLengthMax = 0xFFFC;  // The header's length field, in multiples of 4.

}  // namespace

MessageBuilder::MessageBuilder(std::span<std::uint8_t> buffer, MessageClass message_class, Method method,
                               const TransactionId& id)
    : buffer_(buffer), transaction_id_(id) {
  if (buffer.size() < kHeaderBytes) {
    ok_ = false;
    return;
  }
  net::StoreU16(buffer.data(), EncodeType(message_class, method));
  net::StoreU16(buffer.data() + 2, 0);
  net::StoreU32(buffer.data() + 4, kMagicCookie);
  std::memcpy(buffer.data() + 8, id.bytes.data(), id.bytes.size());
}

std::uint8_t* MessageBuilder::AppendAt(Stage stage, AttributeType type, std::size_t length) {
  const bool in_order = stage > stage_ || (stage == Stage::kAttributes && stage_ == Stage::kAttributes);
  const std::size_t padded = (length + 3) & ~std::size_t{3};
  if (!ok_ || !in_order || length > kLengthMax || size_ + 4 + padded > buffer_.size() ||
      size_ + 4 + padded - kHeaderBytes > kLengthMax) {
    ok_ = false;
    return nullptr;
  }
  stage_ = stage;
  std::uint8_t* const header = buffer_.data() + size_;
  net::StoreU16(header, static_cast<std::uint16_t>(type));
  net::StoreU16(header + 2, static_cast<std::uint16_t>(length));
  if (padded != length) std::memset(header + 4 + length, 0, padded - length);
  size_ += 4 + padded;
  return header + 4;
}

std::uint8_t* MessageBuilder::Append(AttributeType type, std::size_t length) {
  return AppendAt(Stage::kAttributes, type, length);
}

void MessageBuilder::AppendBytes(AttributeType type, net::ByteView value) {
  std::uint8_t* const to = Append(type, value.size());
  if (to != nullptr && !value.empty()) std::memcpy(to, value.data(), value.size());
}

MessageBuilder& MessageBuilder::AddIntegrity(const HmacSha1Key& key) {
  const std::size_t text_size = size_;
  if (std::uint8_t* to = AppendAt(Stage::kIntegrity, AttributeType::kMessageIntegrity, kIntegrityBytes - 4)) {
    const auto length = static_cast<std::uint16_t>(size_ - kHeaderBytes);
    const Sha1Digest digest = key.ComputeWithLength(net::ByteView(buffer_.data(), text_size), length);
    std::memcpy(to, digest.data(), digest.size());
  }
  return *this;
}

MessageBuilder& MessageBuilder::AddIntegritySha256(const HmacSha256Key& key) {
  const std::size_t text_size = size_;
  if (std::uint8_t* to =
          AppendAt(Stage::kIntegritySha256, AttributeType::kMessageIntegritySha256, kIntegritySha256Bytes - 4)) {
    const auto length = static_cast<std::uint16_t>(size_ - kHeaderBytes);
    const Sha256Digest digest = key.ComputeWithLength(net::ByteView(buffer_.data(), text_size), length);
    std::memcpy(to, digest.data(), digest.size());
  }
  return *this;
}

MessageBuilder& MessageBuilder::AddFingerprint() {
  const std::size_t text_size = size_;
  if (std::uint8_t* to = AppendAt(Stage::kFingerprint, AttributeType::kFingerprint, kFingerprintBytes - 4)) {
    StoreLength();
    net::StoreU32(to, FingerprintOf(net::ByteView(buffer_.data(), text_size)));
  }
  return *this;
}

std::optional<net::ByteView> MessageBuilder::Finish() {
  if (!ok_) return std::nullopt;
  StoreLength();
  return net::ByteView(buffer_.data(), size_);
}

}  // namespace pinhole::stun
