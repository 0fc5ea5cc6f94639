#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "net/bytes.h"
#include "stun/attribute_type.h"
#include "stun/integrity.h"
#include "stun/transaction_id.h"

namespace pinhole::stun {

// The message class; the value is the two class bits C1 C0 (RFC 8489 §5).
enum class MessageClass : std::uint8_t { kRequest = 0, kIndication = 1, kSuccess = 2, kError = 3 };

// The method, a number of twelve bits (RFC 8489 §18.2, RFC 8656 §17, RFC 6062 §6.1).
enum class Method : std::uint16_t {
  kBinding = 0x001,
  kAllocate = 0x003,
  kRefresh = 0x004,
  kSend = 0x006,
  kData = 0x007,
  kCreatePermission = 0x008,
  kChannelBind = 0x009,
  kConnect = 0x00A,
  kConnectionBind = 0x00B,
  kConnectionAttempt = 0x00C,
};

// The name that the RFC gives the method, or "unassigned".

inline constexpr std::uint32_t kMagicCookie = 0x2112A442;
inline constexpr std::size_t kHeaderBytes = 20;
inline constexpr std::size_t kIntegrityBytes = 4 + 20;
inline constexpr std::size_t kIntegritySha256Bytes = 4 + 32;
inline constexpr std::size_t kFingerprintBytes = 4 + 4;
// The limit of messages over UDP. With an unknown path MTU a message over IPv4 has "less than 548 bytes"
// (RFC 8489 §6.1), and its size is a multiple of 4.
inline constexpr std::size_t kMessageBytesMax = 544;

// The type field of the header, in which class and method are interleaved (RFC 8489 figure 3).
constexpr std::uint16_t EncodeType(MessageClass message_class, Method method) {
  const auto m = static_cast<unsigned>(method);
  const auto c = static_cast<unsigned>(message_class);
  return static_cast<std::uint16_t>((m & 0x00F) | ((m & 0x070) << 1) | ((m & 0xF80) << 2) | ((c & 1) << 4) |
                                    ((c & 2) << 7));
}
constexpr MessageClass DecodeClass(std::uint16_t type) {
  return static_cast<MessageClass>(((type >> 4) & 1) | ((type >> 7) & 2));
}
constexpr Method DecodeMethod(std::uint16_t type) {
  return static_cast<Method>((type & 0x00F) | ((type >> 1) & 0x070) | ((type >> 2) & 0xF80));
}

// A view of a STUN message in the caller's bytes. The message is checked once and then read without copying or
// allocating. The view is valid as long as the bytes.
//
// Parse() stores the offset of the first attribute of each assigned type, so Find() is a look-up. Attributes after
// MESSAGE-INTEGRITY, other than MESSAGE-INTEGRITY-SHA256 and FINGERPRINT, are treated as absent, because no integrity
// protects them (RFC 8489 §9).
class MessageView {
 public:
  // nullopt: `datagram` is not exactly one message by RFC 8489 §5 and §14. A message has two zero bits, the magic
  // cookie, the length of the datagram, every attribute inside that length, and nothing after FINGERPRINT.
  static std::optional<MessageView> Parse(net::ByteView datagram);

  MessageClass message_class() const { return DecodeClass(type_); }
  Method method() const { return DecodeMethod(type_); }
  const TransactionId& transaction_id() const { return transaction_id_; }
  net::ByteView bytes() const { return bytes_; }

  // The value, without padding, of the first attribute of this type; nullopt: there is none.
  std::optional<net::ByteView> Find(AttributeType type) const {
    const std::size_t at = OffsetOf(type);
    if (at == 0) return std::nullopt;
    return bytes_.subspan(at + 4, net::LoadU16(&bytes_[at + 2]));
  }
  bool Has(AttributeType type) const { return OffsetOf(type) != 0; }

  // The first attribute of type T::kType, decoded: view.Get<XorMappedAddress>(). nullopt: there is none, or its value
  // is malformed; Has() tells which.
  template <typename T>
  std::optional<T> Get() const {
    const std::optional<net::ByteView> value = Find(T::kType);
    if (!value.has_value()) return std::nullopt;
    return T::Parse(*value, transaction_id_);
  }

  // True: there is a comprehension-required attribute outside `understood` (RFC 8489 §6.3).
  bool HasUnknownRequired(const AttributeSet& understood) const {
    return other_required_ || (required_ & ~understood.bits()) != 0;
  }
  // Writes the comprehension-required types outside `understood` into `types`, each once, in the order of appearance,
  // as many as fit. Returns how many were written.
  std::size_t UnknownRequired(const AttributeSet& understood, std::span<AttributeType> types) const;

  bool HasFingerprint() const { return fingerprint_at_ != 0; }
  // Whether FINGERPRINT is correct; false if there is none. Each call computes the CRC.
  bool FingerprintOk() const;

  bool HasIntegrity() const { return integrity_at_ != 0; }
  bool HasIntegritySha256() const { return integrity_sha256_at_ != 0; }
  // Whether MESSAGE-INTEGRITY is correct (RFC 8489 §14.5); false if there is none. Each call computes the HMAC.
  bool CheckIntegrity(const HmacSha1Key& key) const;
  // Whether MESSAGE-INTEGRITY-SHA256 is correct (RFC 8489 §14.6); false if there is none, or if it is truncated,
  // because no usage here allows truncation.
  bool CheckIntegritySha256(const HmacSha256Key& key) const;

  // Calls visit(std::optional<T>) for every attribute of type T::kType in order, repeated ones included, with
  // nullopt for a malformed one.
  template <typename T, typename Visitor>
  void ForEach(Visitor&& visit) const {
    for (std::size_t at = kHeaderBytes; at < protected_end_;) {
      const std::size_t length = net::LoadU16(&bytes_[at + 2]);
      if (static_cast<AttributeType>(net::LoadU16(&bytes_[at])) == T::kType) {
        visit(T::Parse(bytes_.subspan(at + 4, length), transaction_id_));
      }
      at += 4 + ((length + 3) & ~std::size_t{3});
    }
  }

 private:
  // The number of types from 0x0000 on, and from 0x8000 on, whose offsets are stored.
  static constexpr std::uint16_t kIndexed = 64;
  static constexpr std::uint16_t kFirstOptional = 0x8000;
  struct Private {};

 public:
  // For Parse() only. Leaves the two tables of offsets uninitialized: a bit in required_ or optional_ says which
  // entries are set.
  explicit MessageView(Private) {}

 private:
  // The offset of the header of the first attribute of a type; 0: there is none. Inline, so that a type known at
  // compile time costs one test.
  std::size_t OffsetOf(AttributeType type) const {
    const auto number = static_cast<std::uint16_t>(type);
    if (type == AttributeType::kFingerprint) return fingerprint_at_;
    if (type == AttributeType::kMessageIntegrity) return integrity_at_;
    if (type == AttributeType::kMessageIntegritySha256) return integrity_sha256_at_;
    if (number < kIndexed) return ((required_ >> number) & 1) != 0 ? required_at_[number] : 0;
    if (number >= kFirstOptional && number < kFirstOptional + kIndexed) {
      const int index = number - kFirstOptional;
      return ((optional_ >> index) & 1) != 0 ? optional_at_[static_cast<std::size_t>(index)] : 0;
    }
    return SearchFor(type);
  }
  std::size_t SearchFor(AttributeType type) const;
  // Parses the attributes. REQUIRES: LooksLikeStun(datagram).
  static std::optional<MessageView> ParseAttributes(net::ByteView datagram);

  net::ByteView bytes_;
  TransactionId transaction_id_;
  std::uint16_t type_ = 0;
  bool other_required_ = false;  // true: there is an attribute of type 0x0040-0x7FFF
  bool other_optional_ = false;  // true: there is an attribute of type 0x8040-0xFFFF
  // Offsets of attribute headers. 0 means none, because the message header is there.
  std::uint16_t integrity_at_ = 0;
  std::uint16_t integrity_sha256_at_ = 0;
  std::uint16_t fingerprint_at_ = 0;
  std::uint16_t protected_end_ = 0;  // from here on only the three attributes above count
  std::uint64_t required_ = 0;       // bit n: type n is present, at the offset required_at_[n]
  std::uint64_t optional_ = 0;       // bit n: type 0x8000 + n is present, at the offset optional_at_[n]
  std::array<std::uint16_t, kIndexed> required_at_;
  std::array<std::uint16_t, kIndexed> optional_at_;
};

}  // namespace pinhole::stun
