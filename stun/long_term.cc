#include "stun/long_term.h"

#include <utility>

#include "stun/attributes_auth.h"
#include "stun/attributes_error.h"
#include "stun/attributes_text.h"

namespace pinhole::stun {

LongTermServer::LongTermServer(std::string realm, net::Duration nonce_lifetime, net::RandomSource& random)
    : realm_(std::move(realm)), nonces_(random, nonce_lifetime) {}

void LongTermServer::AddUser(absl::string_view username, absl::string_view password) {
  User& user = users_[std::string(username)];
  user.name = std::string(username);
  user.key = HmacSha1Key(net::ByteView(LongTermKeyMd5(username, realm_, password)));
}

LongTermServer::Verdict LongTermServer::Check(net::Instant now, const MessageView& request,
                                              const net::SocketAddress& client) {
  if (!request.HasIntegrity() && !request.HasIntegritySha256()) return {.code = 401, .challenge = true};

  const bool has_user = request.Has(AttributeType::kUsername) || request.Has(AttributeType::kUserhash);
  if (!has_user || !request.Has(AttributeType::kRealm) || !request.Has(AttributeType::kNonce)) return {.code = 400};

  // The nonces of this server have neither the "Password algorithms" nor the "Username anonymity" bit. So a request
  // without USERNAME has no known user, and a request with only MESSAGE-INTEGRITY-SHA256 has no integrity that is
  // checked.
  const std::optional<Username> username = request.Get<Username>();
  const auto user = username.has_value() ? users_.find(username->text) : users_.end();
  if (user == users_.end()) return {.code = 401, .challenge = true};

  if (!request.CheckIntegrity(user->second.key)) return {.code = 401, .challenge = true};

  const std::optional<Nonce> nonce = request.Get<Nonce>();
  if (!nonce.has_value() || !nonces_.IsValid(now, nonce->text, client)) return {.code = 438, .challenge = true};
  return {.user = &user->second};
}

void LongTermServer::AddChallenge(net::Instant now, const net::SocketAddress& client, MessageBuilder& response) {
  response.Add(Realm{realm_}).Add(Nonce{nonces_.Make(now, client)});
}

void LongTermClient::AddTo(MessageBuilder& request) const {
  if (!challenged_) return;
  if (anonymous_) {
    request.Add(Userhash{UserhashOf(username_, realm_)});
  } else {
    request.Add(Username{username_});
  }
  request.Add(Realm{realm_}).Add(Nonce{nonce_}).AddIntegrity(key_);
}

LongTermClient::Next LongTermClient::OnResponse(const MessageView& response, bool authenticated) {
  const std::optional<Nonce> nonce = response.Get<Nonce>();
  std::uint32_t features = 0;
  if (nonce.has_value()) features = SecurityFeatures(nonce->text).value_or(0);
  const bool offers_algorithms = (features & kFeaturePasswordAlgorithms) != 0;
  const bool bid_down = offers_algorithms && !response.Has(AttributeType::kPasswordAlgorithms);

  int code = 0;
  if (response.message_class() == MessageClass::kError) {
    const std::optional<ErrorCode> error = response.Get<ErrorCode>();
    if (error.has_value()) code = error->code;
  }
  if (code == 401 || code == 438) {
    if (bid_down) return Next::kGiveUp;
    // PASSWORD-ALGORITHMS would require MESSAGE-INTEGRITY-SHA256, which this client does not implement.
    if (response.Has(AttributeType::kPasswordAlgorithms)) return Next::kGiveUp;
    const std::optional<Realm> realm = response.Get<Realm>();
    if (!nonce.has_value() || !realm.has_value()) return Next::kGiveUp;
    // The server has just refused the same username, realm and password, so a retry is useless.
    if (code == 401 && authenticated && realm->text == realm_) return Next::kGiveUp;
    if (!challenged_ || realm->text != realm_) {
      realm_ = std::string(realm->text);
      key_ = HmacSha1Key(net::ByteView(LongTermKeyMd5(username_, realm_, password_)));
    }
    nonce_ = std::string(nonce->text);
    challenged_ = true;
    anonymous_ = (features & kFeatureUsernameAnonymity) != 0;
    return Next::kRetry;
  }
  if (bid_down) return Next::kIgnore;
  if (!authenticated) return Next::kProceed;
  if (code == 400 && !response.HasIntegrity() && !response.HasIntegritySha256()) return Next::kIgnore;
  if (!response.CheckIntegrity(key_)) return Next::kDiscard;
  return Next::kProceed;
}

}  // namespace pinhole::stun
