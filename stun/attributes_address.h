#pragma once

#include <optional>

#include "net/bytes.h"
#include "net/socket_address.h"
#include "stun/attribute_type.h"
#include "stun/message_builder.h"
#include "stun/transaction_id.h"

// Attributes that carry a transport address, plain or masked.
//   | 0 (8) | Family (8): 1 IPv4, 2 IPv6 |  Port (16)  |
//   |  Address (32 or 128 bits)                        |
namespace pinhole::stun {

// The value of MAPPED-ADDRESS (RFC 8489 §14.1). nullopt: unknown family, or a length that is not the
// family's. The first byte is ignored.
std::optional<net::SocketAddress> ParseAddress(net::ByteView value);
void AppendAddress(MessageBuilder& message, AttributeType type, const net::SocketAddress& address);

// The value of XOR-MAPPED-ADDRESS (RFC 8489 §14.2): port and IPv4 address masked by the magic cookie, IPv6
// by the cookie and `id`, so that an ALG that rewrites address bytes does not find them.
std::optional<net::SocketAddress> ParseXorAddress(net::ByteView value, const TransactionId& id);
void AppendXorAddress(MessageBuilder& message, AttributeType type, const net::SocketAddress& address);

template <AttributeType kAttribute>
struct AddressAttribute {
  static constexpr AttributeType kType = kAttribute;
  net::SocketAddress address;

  static std::optional<AddressAttribute> Parse(net::ByteView value, const TransactionId&) {
    const std::optional<net::SocketAddress> address = ParseAddress(value);
    if (!address.has_value()) return std::nullopt;
    return AddressAttribute{*address};
  }
  void AppendTo(MessageBuilder& message) const { AppendAddress(message, kType, address); }
  friend bool operator==(const AddressAttribute&, const AddressAttribute&) = default;
};

template <AttributeType kAttribute>
struct XorAddressAttribute {
  static constexpr AttributeType kType = kAttribute;
  net::SocketAddress address;  // unmasked

  static std::optional<XorAddressAttribute> Parse(net::ByteView value, const TransactionId& id) {
    const std::optional<net::SocketAddress> address = ParseXorAddress(value, id);
    if (!address.has_value()) return std::nullopt;
    return XorAddressAttribute{*address};
  }
  void AppendTo(MessageBuilder& message) const { AppendXorAddress(message, kType, address); }
  friend bool operator==(const XorAddressAttribute&, const XorAddressAttribute&) = default;
};

// Where the server saw the request come from, for clients of RFC 3489 (RFC 8489 §14.1).
using MappedAddress = AddressAttribute<AttributeType::kMappedAddress>;
// The same, masked: what everybody else reads (RFC 8489 §14.2).
using XorMappedAddress = XorAddressAttribute<AttributeType::kXorMappedAddress>;
// A server to try instead (RFC 8489 §14.15).
using AlternateServer = AddressAttribute<AttributeType::kAlternateServer>;
// The peer that data goes to or comes from, as the TURN server sees it (RFC 8656 §18.3).
using XorPeerAddress = XorAddressAttribute<AttributeType::kXorPeerAddress>;
// What a TURN server allocated (RFC 8656 §18.5).
using XorRelayedAddress = XorAddressAttribute<AttributeType::kXorRelayedAddress>;
// Where a Binding response was sent from (RFC 5780 §7.3).
using ResponseOrigin = AddressAttribute<AttributeType::kResponseOrigin>;
// Where it would come from with both flags of CHANGE-REQUEST (RFC 5780 §7.4).
using OtherAddress = AddressAttribute<AttributeType::kOtherAddress>;

}  // namespace pinhole::stun
