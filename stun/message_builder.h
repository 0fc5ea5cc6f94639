#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "net/bytes.h"
#include "stun/attribute_type.h"
#include "stun/integrity.h"
#include "stun/message.h"
#include "stun/transaction_id.h"

namespace pinhole::stun {

// Writes one message into a buffer of the caller's; never allocates.
//
//     std::array<uint8_t, kMessageBytesMax> buffer;
//     MessageBuilder message(buffer, MessageClass::kSuccess, Method::kBinding, request.transaction_id());
//     message.Add(XorMappedAddress{from}).AddIntegrity(key).AddFingerprint();
//     if (std::optional<ByteView> bytes = message.Finish()) Send(*bytes);
//
// What does not fit, a value that its attribute cannot carry, or a wrong order makes Finish() give nullopt,
// so a caller may check once at the end. Padding is zero (RFC 8489 §14).
class MessageBuilder {
 public:
  MessageBuilder(std::span<std::uint8_t> buffer, MessageClass message_class, Method method, const TransactionId& id);

  // Any of the attribute structs of stun/attributes_*.h.
  template <typename T>
  MessageBuilder& Add(const T& attribute) {
    attribute.AppendTo(*this);
    return *this;
  }
  // MESSAGE-INTEGRITY. Only the two below may follow (RFC 8489 §9, §14.7).
  MessageBuilder& AddIntegrity(const HmacSha1Key& key);
  // MESSAGE-INTEGRITY-SHA256, of all 32 bytes. Only FINGERPRINT may follow.
  MessageBuilder& AddIntegritySha256(const HmacSha256Key& key);
  // FINGERPRINT. Nothing may follow.
  MessageBuilder& AddFingerprint();

  // The message; nullopt if anything went wrong. Further attributes may still be added.
  std::optional<net::ByteView> Finish();

  // For attribute structs: room for a value of `length` bytes, padding set to zero. nullptr (and failure
  // for good) if it does not fit. The place is to be filled at once.
  std::uint8_t* Append(AttributeType type, std::size_t length);
  void AppendBytes(AttributeType type, net::ByteView value);
  // For attribute structs: their value cannot be sent.
  void Fail() { ok_ = false; }
  const TransactionId& transaction_id() const { return transaction_id_; }

 private:
  enum class Stage : std::uint8_t { kAttributes, kIntegrity, kIntegritySha256, kFingerprint };

  std::uint8_t* AppendAt(Stage stage, AttributeType type, std::size_t length);
  void StoreLength() { net::StoreU16(buffer_.data() + 2, static_cast<std::uint16_t>(size_ - kHeaderBytes)); }

  std::span<std::uint8_t> buffer_;
  std::size_t size_ = kHeaderBytes;
  TransactionId transaction_id_;
  Stage stage_ = Stage::kAttributes;
  bool ok_ = true;
};

}  // namespace pinhole::stun
