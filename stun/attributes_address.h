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

// Reads the value of MAPPED-ADDRESS (RFC 8489 §14.1). The first byte is ignored. nullopt: the family is unknown, or the
// length does not fit the family.
std::optional<net::SocketAddress> ParseAddress(net::ByteView value);
void AppendAddress(MessageBuilder& message, AttributeType type, const net::SocketAddress& address);

// Reads the value of XOR-MAPPED-ADDRESS (RFC 8489 §14.2) and unmasks it. Port and IPv4 address are masked by the magic
// cookie, an IPv6 address by the cookie and `id`. The mask hides the address from an ALG that rewrites address bytes.
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

// The source address of the request as the server saw it, for clients of RFC 3489 (RFC 8489 §14.1).
using MappedAddress = AddressAttribute<AttributeType::kMappedAddress>;
// The same address, masked, for all other clients (RFC 8489 §14.2).
using XorMappedAddress = XorAddressAttribute<AttributeType::kXorMappedAddress>;
// A server that the client shall try instead (RFC 8489 §14.15).
using AlternateServer = AddressAttribute<AttributeType::kAlternateServer>;
// The transport address of a peer, as the TURN server sees it (RFC 8656 §18.3).
using XorPeerAddress = XorAddressAttribute<AttributeType::kXorPeerAddress>;
// The relayed address that a TURN server has allocated (RFC 8656 §18.5).
using XorRelayedAddress = XorAddressAttribute<AttributeType::kXorRelayedAddress>;
// The address from which the server sent a Binding response (RFC 5780 §7.3).
using ResponseOrigin = AddressAttribute<AttributeType::kResponseOrigin>;
// The address from which the response would come if CHANGE-REQUEST had both flags (RFC 5780 §7.4).
using OtherAddress = AddressAttribute<AttributeType::kOtherAddress>;

}  // namespace pinhole::stun
