#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "net/random.h"
#include "net/socket_address.h"
#include "net/time.h"
#include "stun/integrity.h"
#include "stun/message.h"
#include "stun/message_builder.h"
#include "stun/nonce.h"

// The long-term credential mechanism with MD5 keys and HMAC-SHA1 (RFC 8489 §9.2). The server here does not offer
// PASSWORD-ALGORITHMS, and the client refuses servers that require it.
namespace pinhole::stun {

// The server's side: checks the credentials of requests, and challenges requests that have none or wrong ones.
class LongTermServer {
 public:
  struct User {
    std::string name;
    HmacSha1Key key;
  };
  struct Verdict {
    const User* user = nullptr;  // the user, if the request is accepted
    int code = 0;                // otherwise the code of the error response: 400, 401 or 438
    bool challenge = false;      // true: the error response has REALM and NONCE
  };

  // Draws the secret behind the nonces from `random`.
  LongTermServer(std::string realm, net::Duration nonce_lifetime, net::RandomSource& random);

  // Adds a user, or replaces the user of that name. Keeps the key, not the password (RFC 8656 §6).
  void AddUser(absl::string_view username, absl::string_view password);
  // Checks a request in the order of RFC 8489 §9.2.4. `client` is its source address.
  Verdict Check(net::Instant now, const MessageView& request, const net::SocketAddress& client);
  // Adds REALM and a NONCE for this client to an error response.
  void AddChallenge(net::Instant now, const net::SocketAddress& client, MessageBuilder& response);

  const std::string& realm() const { return realm_; }

 private:
  std::string realm_;
  NonceSource nonces_;
  std::map<std::string, User, std::less<>> users_;
};

// The client's side: the credentials for one server, and the contents of its last challenge.
class LongTermClient {
 public:
  enum class Next : std::uint8_t {
    kRetry,    // send the request again in a new transaction; AddTo() adds the new credentials
    kGiveUp,   // the request has failed with the code of the error response
    kIgnore,   // handle the response as if it had never come
    kDiscard,  // the integrity of the response is wrong
    kProceed,  // the response is not about authentication
  };

  LongTermClient() = default;  // a client without credentials
  LongTermClient(absl::string_view username, absl::string_view password) : username_(username), password_(password) {}

  // Adds USERNAME (USERHASH if the server asks for anonymity), REALM, NONCE and MESSAGE-INTEGRITY to a request
  // (RFC 8489 §9.2.3.2, §9.2.5). Adds nothing before the first challenge.
  void AddTo(MessageBuilder& request) const;
  bool challenged() const { return challenged_; }

  // Decides how to go on after a response (RFC 8489 §9.2.5). `authenticated`: the request had the credentials of
  // AddTo(). Stores the realm and the nonce of a 401 or 438.
  Next OnResponse(const MessageView& response, bool authenticated);

 private:
  std::string username_;
  std::string password_;
  std::string realm_;
  std::string nonce_;
  HmacSha1Key key_;
  bool challenged_ = false;
  bool anonymous_ = false;  // the nonce has the "Username anonymity" bit
};

}  // namespace pinhole::stun
