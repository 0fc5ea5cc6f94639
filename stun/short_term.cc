#include "stun/short_term.h"

#include "stun/attributes_text.h"

namespace pinhole::stun {

ShortTermVerdict CheckShortTerm(const MessageView& request, const ShortTermCredential& credential) {
  if ((!request.HasIntegrity() && !request.HasIntegritySha256()) || !request.Has(AttributeType::kUsername)) {
    return ShortTermVerdict::kBadRequest;
  }
  const std::optional<Username> username = request.Get<Username>();
  if (!username.has_value() || username->text != credential.username) return ShortTermVerdict::kUnauthenticated;
  const bool right = request.HasIntegritySha256() ? request.CheckIntegritySha256(credential.sha256)
                                                  : request.CheckIntegrity(credential.sha1);
  return right ? ShortTermVerdict::kAccepted : ShortTermVerdict::kUnauthenticated;
}

void AddShortTermIntegrity(const MessageView& request, const ShortTermCredential& credential,
                           MessageBuilder& response) {
  if (request.HasIntegritySha256()) {
    response.AddIntegritySha256(credential.sha256);
  } else {
    response.AddIntegrity(credential.sha1);
  }
}

bool CheckShortTermResponse(const MessageView& response, const HmacSha1Key& key) {
  return !response.HasIntegritySha256() && response.CheckIntegrity(key);
}

}  // namespace pinhole::stun
