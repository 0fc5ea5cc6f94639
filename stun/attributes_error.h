#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "absl/strings/string_view.h"
#include "net/bytes.h"
#include "net/ip_address.h"
#include "stun/attribute_type.h"
#include "stun/message_builder.h"
#include "stun/transaction_id.h"

namespace pinhole::stun {

// ERROR-CODE (RFC 8489 §14.8): the reason why a request was refused.
//   |  Reserved (21)  | Class (3) | Number (8) |  Reason phrase (UTF-8) ...
struct ErrorCode {
  static constexpr AttributeType kType = AttributeType::kErrorCode;
  int code = 0;              // 300 to 699
  absl::string_view reason;  // for humans; points into the message it was parsed from

  // nullopt: shorter than 4 bytes, class not 3 to 6, number above 99, or a reason above 763 bytes.
  static std::optional<ErrorCode> Parse(net::ByteView value, const TransactionId&);
  void AppendTo(MessageBuilder& message) const;
  friend bool operator==(const ErrorCode&, const ErrorCode&) = default;
};

// The assigned codes with their recommended phrases (RFC 8489 §14.8, RFC 8445 §16.2, RFC 8656 §19, RFC 6062 §6.3).
namespace errors {
inline constexpr ErrorCode kTryAlternate{300, "Try Alternate"};
inline constexpr ErrorCode kBadRequest{400, "Bad Request"};
inline constexpr ErrorCode kUnauthenticated{401, "Unauthenticated"};
inline constexpr ErrorCode kForbidden{403, "Forbidden"};
inline constexpr ErrorCode kUnknownAttribute{420, "Unknown Attribute"};
inline constexpr ErrorCode kAllocationMismatch{437, "Allocation Mismatch"};
inline constexpr ErrorCode kStaleNonce{438, "Stale Nonce"};
inline constexpr ErrorCode kAddressFamilyNotSupported{440, "Address Family not Supported"};
inline constexpr ErrorCode kWrongCredentials{441, "Wrong Credentials"};
inline constexpr ErrorCode kUnsupportedTransportProtocol{442, "Unsupported Transport Protocol"};
inline constexpr ErrorCode kPeerAddressFamilyMismatch{443, "Peer Address Family Mismatch"};
inline constexpr ErrorCode kConnectionAlreadyExists{446, "Connection Already Exists"};
inline constexpr ErrorCode kConnectionTimeoutOrFailure{447, "Connection Timeout or Failure"};
inline constexpr ErrorCode kAllocationQuotaReached{486, "Allocation Quota Reached"};
inline constexpr ErrorCode kRoleConflict{487, "Role Conflict"};
inline constexpr ErrorCode kServerError{500, "Server Error"};
inline constexpr ErrorCode kInsufficientCapacity{508, "Insufficient Capacity"};
}  // namespace errors

// UNKNOWN-ATTRIBUTES (RFC 8489 §14.13): the attribute types because of which a request got the error 420.
struct UnknownAttributes {
  static constexpr AttributeType kType = AttributeType::kUnknownAttributes;
  // The number of types in one response. With this limit a response stays far below kMessageBytesMax, whatever the
  // request contained.
  static constexpr std::size_t kTypesMax = 32;

  std::array<AttributeType, kTypesMax> types = {};
  std::size_t count = 0;

  // nullopt: the length is odd. Types beyond kTypesMax are dropped.
  static std::optional<UnknownAttributes> Parse(net::ByteView value, const TransactionId&);
  void AppendTo(MessageBuilder& message) const;
  std::span<const AttributeType> list() const { return std::span(types).first(count); }
  friend bool operator==(const UnknownAttributes& a, const UnknownAttributes& b);
};

// ADDRESS-ERROR-CODE (RFC 8656 §18.12): the reason why one of two requested address families was not allocated.
//   | Family (8) |  Reserved (13)  | Class (3) | Number (8) |  Reason phrase ...
struct AddressErrorCode {
  static constexpr AttributeType kType = AttributeType::kAddressErrorCode;
  net::Family family = net::Family::kIpv4;
  int code = 0;
  absl::string_view reason;

  static std::optional<AddressErrorCode> Parse(net::ByteView value, const TransactionId&);
  void AppendTo(MessageBuilder& message) const;
  friend bool operator==(const AddressErrorCode&, const AddressErrorCode&) = default;
};

}  // namespace pinhole::stun
