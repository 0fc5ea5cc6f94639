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

// Writes one message into the caller's buffer; never allocates.
//
//     std::array<uint8_t, kMessageBytesMax> buffer;
//     MessageBuilder message(buffer, MessageClass::kSuccess, Method::kBinding, request.transaction_id());
//     message.Add(XorMappedAddress{from}).AddIntegrity(key).AddFingerprint();
//     if (std::optional<ByteView> bytes = message.Finish()) Send(*bytes);
//
// Finish() gives nullopt if the buffer was too small, if an attribute cannot carry its value, or if the attributes came
// in a wrong order. So a caller may check once, at the end. Padding is zero (RFC 8489 §14).
class MessageBuilder {
 public:
  MessageBuilder(std::span<std::uint8_t> buffer, MessageClass message_class, Method method, const TransactionId& id);

  // Adds an attribute: any of the structs in stun/attributes_*.h.
  template <typename T>
  MessageBuilder& Add(const T& attribute) {
    attribute.AppendTo(*this);
    return *this;
  }
  // Adds MESSAGE-INTEGRITY. Only MESSAGE-INTEGRITY-SHA256 and FINGERPRINT may follow (RFC 8489 §9, §14.7).
  MessageBuilder& AddIntegrity(const HmacSha1Key& key);
  // Adds MESSAGE-INTEGRITY-SHA256 with all 32 bytes. Only FINGERPRINT may follow.
  MessageBuilder& AddIntegritySha256(const HmacSha256Key& key);
  // Adds FINGERPRINT. Nothing may follow.
  MessageBuilder& AddFingerprint();

  // The message; nullopt if anything went wrong. More attributes may still be added afterwards.
  std::optional<net::ByteView> Finish();

  // For attribute structs: appends the header of an attribute and returns room for a value of `length` bytes, which the
  // caller must fill at once. The padding is set to zero. nullptr: the attribute does not fit, and the message has
  // failed for good.
  std::uint8_t* Append(AttributeType type, std::size_t length);
  void AppendBytes(AttributeType type, net::ByteView value);
  // For attribute structs: marks the message as failed, because a value cannot be sent.
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
