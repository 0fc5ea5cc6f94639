#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "stun/integrity.h"
#include "stun/message.h"
#include "stun/message_builder.h"

// The short-term credential mechanism (RFC 8489 §9.1). Which hash both sides know is settled outside (as in
// ICE, where it is SHA-1), unless a message says otherwise by what it carries.
namespace pinhole::stun {

// A username and its keys; the password is not kept. Both are given as OpaqueString leaves them.
struct ShortTermCredential {
  std::string username;
  HmacSha1Key sha1;
  HmacSha256Key sha256;

  ShortTermCredential(absl::string_view username_in, absl::string_view password)
      : username(username_in), sha1(password), sha256(password) {}
};

enum class ShortTermVerdict : std::uint8_t {
  kAccepted,
  kBadRequest,       // 400: no integrity attribute, or no USERNAME
  kUnauthenticated,  // 401: another username, or a wrong hash
};

// RFC 8489 §9.1.3, in its order. An indication that is not accepted is to be discarded silently.
ShortTermVerdict CheckShortTerm(const MessageView& request, const ShortTermCredential& credential);

// The integrity of a response to `request` (RFC 8489 §9.1.3): the one hash that the request had, SHA-256 before SHA-1.
void AddShortTermIntegrity(const MessageView& request, const ShortTermCredential& credential, MessageBuilder& response);

// True if `response` carries a right integrity made with the hash that the request had. One that does not is
// discarded as if it had never come (RFC 8489 §9.1.4).
bool CheckShortTermResponse(const MessageView& response, const HmacSha1Key& key);

}  // namespace pinhole::stun
