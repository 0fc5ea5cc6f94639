#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "net/bytes.h"
#include "stun/attribute_type.h"
#include "stun/message_builder.h"
#include "stun/transaction_id.h"

// Attributes of the long-term credential mechanism (RFC 8489 §9.2), except those with text values (attributes_text.h).
namespace pinhole::stun {

// USERHASH (RFC 8489 §14.4): SHA-256(username ":" realm) in place of USERNAME.
struct Userhash {
  static constexpr AttributeType kType = AttributeType::kUserhash;
  std::array<std::uint8_t, 32> hash = {};

  // nullopt: not 32 bytes.
  static std::optional<Userhash> Parse(net::ByteView value, const TransactionId&);
  void AppendTo(MessageBuilder& message) const;
  friend bool operator==(const Userhash&, const Userhash&) = default;
};

// The algorithm that makes the key from the password (RFC 8489 §18.5). Neither algorithm takes parameters.
enum class PasswordAlgorithmNumber : std::uint16_t { kMd5 = 1, kSha256 = 2 };

// One algorithm and its parameters:
//   | Algorithm (16) | Parameters length (16) |  Parameters ... | padding to 32 bits |
struct PasswordAlgorithm {
  static constexpr AttributeType kType = AttributeType::kPasswordAlgorithm;
  PasswordAlgorithmNumber algorithm = PasswordAlgorithmNumber::kMd5;
  net::ByteView parameters;  // points into the message it was parsed from

  // nullopt: the two lengths contradict each other (RFC 8489 §14.12).
  static std::optional<PasswordAlgorithm> Parse(net::ByteView value, const TransactionId&);
  void AppendTo(MessageBuilder& message) const;
  friend bool operator==(const PasswordAlgorithm& a, const PasswordAlgorithm& b);
};

// PASSWORD-ALGORITHMS (RFC 8489 §14.11): the algorithms that a server offers, best first. The list is kept in its
// encoded form, because a client must send it back unchanged (RFC 8489 §9.2.5).
struct PasswordAlgorithms {
  static constexpr AttributeType kType = AttributeType::kPasswordAlgorithms;
  net::ByteView encoded;

  // nullopt: the last algorithm does not end where the attribute's value ends.
  static std::optional<PasswordAlgorithms> Parse(net::ByteView value, const TransactionId&);
  void AppendTo(MessageBuilder& message) const { message.AppendBytes(kType, encoded); }
  // The first algorithm on the list that is also in `supported`; nullopt: there is none.
  std::optional<PasswordAlgorithm> FirstOf(std::span<const PasswordAlgorithmNumber> supported) const;
  friend bool operator==(const PasswordAlgorithms& a, const PasswordAlgorithms& b);
};

}  // namespace pinhole::stun
