#pragma once

#include <cstdint>
#include <optional>

#include "net/bytes.h"
#include "stun/attribute_type.h"
#include "stun/message_builder.h"
#include "stun/transaction_id.h"

// Templates for attributes whose value is one number, or empty.
namespace pinhole::stun {

// An attribute without a value, which is either present or absent.
template <AttributeType kAttribute>
struct FlagAttribute {
  static constexpr AttributeType kType = kAttribute;

  // nullopt: the value is not empty.
  static std::optional<FlagAttribute> Parse(net::ByteView value, const TransactionId&) {
    if (!value.empty()) return std::nullopt;
    return FlagAttribute{};
  }
  void AppendTo(MessageBuilder& message) const { message.Append(kType, 0); }
  friend bool operator==(const FlagAttribute&, const FlagAttribute&) = default;
};

template <AttributeType kAttribute>
struct U32Attribute {
  static constexpr AttributeType kType = kAttribute;
  std::uint32_t value = 0;

  // nullopt: the value does not have 4 bytes.
  static std::optional<U32Attribute> Parse(net::ByteView bytes, const TransactionId&) {
    if (bytes.size() != 4) return std::nullopt;
    return U32Attribute{net::LoadU32(bytes.data())};
  }
  void AppendTo(MessageBuilder& message) const {
    if (std::uint8_t* to = message.Append(kType, 4)) net::StoreU32(to, value);
  }
  friend bool operator==(const U32Attribute&, const U32Attribute&) = default;
};

template <AttributeType kAttribute>
struct U64Attribute {
  static constexpr AttributeType kType = kAttribute;
  std::uint64_t value = 0;

  // nullopt: the value does not have 8 bytes.
  static std::optional<U64Attribute> Parse(net::ByteView bytes, const TransactionId&) {
    if (bytes.size() != 8) return std::nullopt;
    return U64Attribute{net::LoadU64(bytes.data())};
  }
  void AppendTo(MessageBuilder& message) const {
    if (std::uint8_t* to = message.Append(kType, 8)) net::StoreU64(to, value);
  }
  friend bool operator==(const U64Attribute&, const U64Attribute&) = default;
};

}  // namespace pinhole::stun
