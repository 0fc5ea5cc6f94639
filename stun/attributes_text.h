#pragma once

#include <cstddef>
#include <optional>

#include "absl/strings/string_view.h"
#include "net/bytes.h"
#include "stun/attribute_type.h"
#include "stun/message_builder.h"
#include "stun/transaction_id.h"

// Attributes whose value is text. A parsed text points into the message.
namespace pinhole::stun {

// The limit of received text of any kind, in bytes (RFC 8489 §14.3, §14.8-§14.10, §14.14).
inline constexpr std::size_t kTextBytesMaxDecoding = 763;
// The limit of text that is sent, in bytes.
inline constexpr std::size_t kTextBytesMaxEncoding = 509;
// The limit of text that is sent, in characters: "fewer than 128". It does not apply to USERNAME.
inline constexpr std::size_t kTextCharactersMax = 127;

// The number of characters in `text`; nullopt: `text` is not UTF-8 (RFC 3629).
std::optional<std::size_t> CountUtf8(absl::string_view text);

// Appends a text attribute. MessageBuilder::Finish() gives nullopt if `text` is not UTF-8 or exceeds a limit.
void AppendText(MessageBuilder& message, AttributeType type, absl::string_view text, std::size_t bytes_max,
                std::size_t characters_max);

inline absl::string_view AsText(net::ByteView bytes) {
  return absl::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}
inline net::ByteView AsBytes(absl::string_view text) {
  return net::ByteView(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
}

template <AttributeType kAttribute, std::size_t kBytesMax, std::size_t kCharactersMax>
struct TextAttribute {
  static constexpr AttributeType kType = kAttribute;
  absl::string_view text;

  static std::optional<TextAttribute> Parse(net::ByteView value, const TransactionId&) {
    if (value.size() > kTextBytesMaxDecoding) return std::nullopt;
    return TextAttribute{AsText(value)};
  }
  void AppendTo(MessageBuilder& message) const { AppendText(message, kType, text, kBytesMax, kCharactersMax); }
  friend bool operator==(const TextAttribute&, const TextAttribute&) = default;
};

// USERNAME: the user whose password protects the message (RFC 8489 §14.3). It has fewer than 509 bytes and has been
// processed by OpaqueString (RFC 8265).
using Username = TextAttribute<AttributeType::kUsername, 508, 508>;
// REALM (RFC 8489 §14.9), without quotes.
using Realm = TextAttribute<AttributeType::kRealm, kTextBytesMaxEncoding, kTextCharactersMax>;
// NONCE (RFC 8489 §14.10).
using Nonce = TextAttribute<AttributeType::kNonce, kTextBytesMaxEncoding, kTextCharactersMax>;
// SOFTWARE: the sender's program and version. It has no effect (RFC 8489 §14.14).
using Software = TextAttribute<AttributeType::kSoftware, kTextBytesMaxEncoding, kTextCharactersMax>;
// The domain name of the server that ALTERNATE-SERVER names (RFC 8489 §14.16).
using AlternateDomain = TextAttribute<AttributeType::kAlternateDomain, 255, 255>;

}  // namespace pinhole::stun
