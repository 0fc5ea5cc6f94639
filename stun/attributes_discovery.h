#pragma once

#include <cstdint>
#include <optional>

#include "net/bytes.h"
#include "stun/attribute_type.h"
#include "stun/message_builder.h"
#include "stun/transaction_id.h"

// The attributes of RFC 5780 §7, except those that carry an address (attributes_address.h).
namespace pinhole::stun {

// CHANGE-REQUEST (RFC 5780 §7.2): asks the server to respond from its other address, its other port, or both.
//   |  0 (29)  | change IP (1) | change port (1) | 0 (1) |
struct ChangeRequest {
  static constexpr AttributeType kType = AttributeType::kChangeRequest;
  bool change_ip = false;
  bool change_port = false;

  static std::optional<ChangeRequest> Parse(net::ByteView value, const TransactionId&);
  void AppendTo(MessageBuilder& message) const;
  friend bool operator==(const ChangeRequest&, const ChangeRequest&) = default;
};

// RESPONSE-PORT (RFC 5780 §7.5): asks the server to respond to this port of the sender's address.
//   | Port (16) | padding (16) |
struct ResponsePort {
  static constexpr AttributeType kType = AttributeType::kResponsePort;
  std::uint16_t port = 0;

  // Accepts a length of 2 (without the padding) and of 4, because implementations read the RFC in both ways.
  static std::optional<ResponsePort> Parse(net::ByteView value, const TransactionId&);
  void AppendTo(MessageBuilder& message) const;
  friend bool operator==(const ResponsePort&, const ResponsePort&) = default;
};

// PADDING (RFC 5780 §7.6): meaningless bytes that make a message long. They are sent as zeros.
struct Padding {
  static constexpr AttributeType kType = AttributeType::kPadding;
  std::uint16_t length = 0;

  static std::optional<Padding> Parse(net::ByteView value, const TransactionId&) {
    return Padding{static_cast<std::uint16_t>(value.size())};
  }
  void AppendTo(MessageBuilder& message) const;
  friend bool operator==(const Padding&, const Padding&) = default;
};

}  // namespace pinhole::stun
