#pragma once

#include <cstdint>
#include <initializer_list>

namespace pinhole::stun {

// Attribute types of RFC 8489 §18.3, RFC 8445 §16.1, RFC 8656 §18, RFC 6062 §6.2 and RFC 5780 §7.
enum class AttributeType : std::uint16_t {
  // Comprehension-required: 0x0000-0x7FFF (RFC 8489 §14).
  kMappedAddress = 0x0001,
  kChangeRequest = 0x0003,
  kUsername = 0x0006,
  kMessageIntegrity = 0x0008,
  kErrorCode = 0x0009,
  kUnknownAttributes = 0x000A,
  kChannelNumber = 0x000C,
  kLifetime = 0x000D,
  kXorPeerAddress = 0x0012,
  kData = 0x0013,
  kRealm = 0x0014,
  kNonce = 0x0015,
  kXorRelayedAddress = 0x0016,
  kRequestedAddressFamily = 0x0017,
  kEvenPort = 0x0018,
  kRequestedTransport = 0x0019,
  kDontFragment = 0x001A,
  kMessageIntegritySha256 = 0x001C,
  kPasswordAlgorithm = 0x001D,
  kUserhash = 0x001E,
  kXorMappedAddress = 0x0020,
  kReservationToken = 0x0022,
  kPriority = 0x0024,
  kUseCandidate = 0x0025,
  kPadding = 0x0026,
  kResponsePort = 0x0027,
  kConnectionId = 0x002A,
  // Comprehension-optional: 0x8000-0xFFFF.
  kAdditionalAddressFamily = 0x8000,
  kAddressErrorCode = 0x8001,
  kPasswordAlgorithms = 0x8002,
  kAlternateDomain = 0x8003,
  kIcmp = 0x8004,
  kSoftware = 0x8022,
  kAlternateServer = 0x8023,
  kFingerprint = 0x8028,
  kIceControlled = 0x8029,
  kIceControlling = 0x802A,
  kResponseOrigin = 0x802B,
  kOtherAddress = 0x802C,
};

// True for a type that a receiver must know to process the message (RFC 8489 §14).
constexpr bool IsComprehensionRequired(AttributeType type) { return static_cast<std::uint16_t>(type) < 0x8000; }

// The comprehension-required attributes that a usage of STUN understands. The set holds types below 0x0040 only; all
// types that the RFCs above assign are below that. Contains() is false for types of 0x0040 and more.
class AttributeSet {
 public:
  constexpr AttributeSet(std::initializer_list<AttributeType> types) {
    for (AttributeType type : types) bits_ |= std::uint64_t{1} << static_cast<std::uint16_t>(type);
  }
  constexpr bool Contains(AttributeType type) const {
    const auto number = static_cast<std::uint16_t>(type);
    return number < 64 && ((bits_ >> number) & 1) != 0;
  }
  constexpr std::uint64_t bits() const { return bits_; }
  constexpr AttributeSet Without(AttributeType type) const {
    AttributeSet rest = *this;
    rest.bits_ &= ~(std::uint64_t{1} << static_cast<std::uint16_t>(type));
    return rest;
  }
  friend constexpr AttributeSet operator|(AttributeSet a, AttributeSet b) {
    a.bits_ |= b.bits_;
    return a;
  }

 private:
  std::uint64_t bits_ = 0;
};

// The attributes that every agent here understands in any message, whatever the method (RFC 8489).
inline constexpr AttributeSet kBaseAttributes = {
    AttributeType::kMappedAddress,
    AttributeType::kUsername,
    AttributeType::kMessageIntegrity,
    AttributeType::kErrorCode,
    AttributeType::kUnknownAttributes,
    AttributeType::kRealm,
    AttributeType::kNonce,
    AttributeType::kMessageIntegritySha256,
    AttributeType::kPasswordAlgorithm,
    AttributeType::kUserhash,
    AttributeType::kXorMappedAddress,
};
// The attributes that an ICE agent understands in a connectivity check (RFC 8445 §16.1). The role attributes are
// comprehension-optional, so they are not in the set.
inline constexpr AttributeSet kIceAttributes =
    kBaseAttributes | AttributeSet{AttributeType::kPriority, AttributeType::kUseCandidate};
// The attributes that TURN client and server understand (RFC 8656 §18, RFC 6062 §6.2). All options of Allocate are in
// the set, although the server refuses some of them.
inline constexpr AttributeSet kTurnAttributes =
    kBaseAttributes | AttributeSet{AttributeType::kChannelNumber,     AttributeType::kLifetime,
                                   AttributeType::kXorPeerAddress,    AttributeType::kData,
                                   AttributeType::kXorRelayedAddress, AttributeType::kRequestedAddressFamily,
                                   AttributeType::kEvenPort,          AttributeType::kRequestedTransport,
                                   AttributeType::kDontFragment,      AttributeType::kReservationToken,
                                   AttributeType::kConnectionId};

}  // namespace pinhole::stun
