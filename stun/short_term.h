#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "stun/integrity.h"
#include "stun/message.h"
#include "stun/message_builder.h"

// The short-term credential mechanism (RFC 8489 §9.1). The hash is agreed outside STUN (ICE uses SHA-1), unless the
// integrity attribute of a message shows another one.
namespace pinhole::stun {

// A username and its keys; the password is not kept. Username and password are given as OpaqueString leaves them.
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

// Checks a request or indication in the order of RFC 8489 §9.1.3. An indication that is not accepted must be discarded
// silently.
ShortTermVerdict CheckShortTerm(const MessageView& request, const ShortTermCredential& credential);

// Adds the integrity attribute of the response to `request` (RFC 8489 §9.1.3). It uses the hash of the request; if the
// request had both, SHA-256.
void AddShortTermIntegrity(const MessageView& request, const ShortTermCredential& credential, MessageBuilder& response);

// Whether `response` has a correct integrity made with the same hash as the request. Any other response must be
// discarded as if it had never come (RFC 8489 §9.1.4).
bool CheckShortTermResponse(const MessageView& response, const HmacSha1Key& key);

}  // namespace pinhole::stun
