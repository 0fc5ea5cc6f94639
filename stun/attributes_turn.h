#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "net/bytes.h"
#include "net/ip_address.h"
#include "stun/attribute_type.h"
#include "stun/attributes_scalar.h"
#include "stun/message_builder.h"
#include "stun/transaction_id.h"

// The attributes of RFC 8656 §18 and RFC 6062 §6.2. Those that carry an address are in attributes_address.h,
// ADDRESS-ERROR-CODE is in attributes_error.h.
namespace pinhole::stun {

// The remaining lifetime of an allocation, in seconds (RFC 8656 §18.2).
using Lifetime = U32Attribute<AttributeType::kLifetime>;
// Names a peer data connection (RFC 6062 §6.2.1).
using ConnectionId = U32Attribute<AttributeType::kConnectionId>;
// Asks the server to set the DF bit in the datagram to the peer. In an Allocate request it asks whether the server can
// do so (RFC 8656 §18.9).
using DontFragment = FlagAttribute<AttributeType::kDontFragment>;

// CHANNEL-NUMBER (RFC 8656 §18.1):  | Channel number (16) | RFFU (16): 0 when sent, ignored |
struct ChannelNumber {
  static constexpr AttributeType kType = AttributeType::kChannelNumber;
  std::uint16_t number = 0;

  static std::optional<ChannelNumber> Parse(net::ByteView value, const TransactionId&);
  void AppendTo(MessageBuilder& message) const;
  friend bool operator==(const ChannelNumber&, const ChannelNumber&) = default;
};

// DATA (RFC 8656 §18.4): the payload of the UDP datagram between the TURN server and the peer.
struct Data {
  static constexpr AttributeType kType = AttributeType::kData;
  net::ByteView bytes;  // points into the message it was parsed from

  static std::optional<Data> Parse(net::ByteView value, const TransactionId&) { return Data{value}; }
  void AppendTo(MessageBuilder& message) const { message.AppendBytes(kType, bytes); }
};

// REQUESTED-ADDRESS-FAMILY (RFC 8656 §18.6) and ADDITIONAL-ADDRESS-FAMILY (§18.11):
//   | Family (8): 1 IPv4, 2 IPv6 |  Reserved (24): 0 when sent, ignored |
template <AttributeType kAttribute>
struct FamilyAttribute {
  static constexpr AttributeType kType = kAttribute;
  net::Family family = net::Family::kIpv4;

  // nullopt: not 4 bytes, or another family.
  static std::optional<FamilyAttribute> Parse(net::ByteView value, const TransactionId&) {
    if (value.size() != 4 || (value[0] != 1 && value[0] != 2)) return std::nullopt;
    return FamilyAttribute{value[0] == 1 ? net::Family::kIpv4 : net::Family::kIpv6};
  }
  void AppendTo(MessageBuilder& message) const {
    if (std::uint8_t* to = message.Append(kType, 4))
      net::StoreU32(to, family == net::Family::kIpv4 ? 1u << 24 : 2u << 24);
  }
  friend bool operator==(const FamilyAttribute&, const FamilyAttribute&) = default;
};
using RequestedAddressFamily = FamilyAttribute<AttributeType::kRequestedAddressFamily>;
using AdditionalAddressFamily = FamilyAttribute<AttributeType::kAdditionalAddressFamily>;

// EVEN-PORT (RFC 8656 §18.7):  | R (1) | RFFU (7): 0 when sent, ignored |
struct EvenPort {
  static constexpr AttributeType kType = AttributeType::kEvenPort;
  bool reserve_next = false;

  static std::optional<EvenPort> Parse(net::ByteView value, const TransactionId&);
  void AppendTo(MessageBuilder& message) const;
  friend bool operator==(const EvenPort&, const EvenPort&) = default;
};

// REQUESTED-TRANSPORT (RFC 8656 §18.8):  | Protocol (8): 17 UDP, 6 TCP (RFC 6062) |  RFFU (24): 0 when sent, ignored |
struct RequestedTransport {
  static constexpr AttributeType kType = AttributeType::kRequestedTransport;
  static constexpr std::uint8_t kUdp = 17;
  static constexpr std::uint8_t kTcp = 6;
  std::uint8_t protocol = kUdp;

  static std::optional<RequestedTransport> Parse(net::ByteView value, const TransactionId&);
  void AppendTo(MessageBuilder& message) const;
  friend bool operator==(const RequestedTransport&, const RequestedTransport&) = default;
};

// RESERVATION-TOKEN (RFC 8656 §18.10).
struct ReservationToken {
  static constexpr AttributeType kType = AttributeType::kReservationToken;
  std::array<std::uint8_t, 8> token = {};

  static std::optional<ReservationToken> Parse(net::ByteView value, const TransactionId&);
  void AppendTo(MessageBuilder& message) const;
  friend bool operator==(const ReservationToken&, const ReservationToken&) = default;
};

// ICMP (RFC 8656 §18.13): the contents of an ICMP error about a relayed datagram.
//   | Reserved (16) | ICMP type (7) | ICMP code (9) |  Error data (32) |
struct Icmp {
  static constexpr AttributeType kType = AttributeType::kIcmp;
  std::uint8_t type = 0;         // 0 to 127
  std::uint16_t code = 0;        // 0 to 511
  std::uint32_t error_data = 0;  // the next-hop MTU for "too big", otherwise 0

  static std::optional<Icmp> Parse(net::ByteView value, const TransactionId&);
  void AppendTo(MessageBuilder& message) const;
  friend bool operator==(const Icmp&, const Icmp&) = default;
};

}  // namespace pinhole::stun
