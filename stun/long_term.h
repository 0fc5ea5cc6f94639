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

// The long-term credential mechanism with MD5 keys and HMAC-SHA1 (RFC 8489 §9.2). PASSWORD-ALGORITHMS is not
// offered; a client here refuses servers that insist on it.
namespace pinhole::stun {

// The server's side: who may come in, and the challenge for everybody else.
class LongTermServer {
 public:
  struct User {
    std::string name;
    HmacSha1Key key;
  };
  struct Verdict {
    const User* user = nullptr;  // who it is, if accepted
    int code = 0;                // otherwise 400, 401 or 438
    bool challenge = false;      // and whether REALM and NONCE go with it
  };

  // Draws the secret behind the nonces from `random`.
  LongTermServer(std::string realm, net::Duration nonce_lifetime, net::RandomSource& random);

  // Keeps the key, not the password (RFC 8656 §6). Replaces a user of that name.
  void AddUser(absl::string_view username, absl::string_view password);
  // RFC 8489 §9.2.4, in its order.
  Verdict Check(net::Instant now, const MessageView& request, const net::SocketAddress& client);
  // REALM and a NONCE for this client.
  void AddChallenge(net::Instant now, const net::SocketAddress& client, MessageBuilder& response);

  const std::string& realm() const { return realm_; }

 private:
  std::string realm_;
  NonceSource nonces_;
  std::map<std::string, User, std::less<>> users_;
};

// The client's side: what it knows of one server's challenge.
class LongTermClient {
 public:
  enum class Next : std::uint8_t {
    kRetry,    // send the request again, in a new transaction, with AddTo()
    kGiveUp,   // the request has failed with the error's code
    kIgnore,   // as if the response had never come
    kDiscard,  // its integrity is wrong
    kProceed,  // not about authentication
  };

  LongTermClient() = default;  // nobody
  LongTermClient(absl::string_view username, absl::string_view password) : username_(username), password_(password) {}

  // USERNAME (USERHASH if the server asks for anonymity), REALM, NONCE and MESSAGE-INTEGRITY (RFC 8489 §9.2.3.2,
  // RFC 8489 §9.2.5). Adds nothing before the first challenge.
  void AddTo(MessageBuilder& request) const;
  bool challenged() const { return challenged_; }

  // What to make of a response to a request that carried these credentials (`authenticated`) or not (RFC 8489 §9.2.5).
  // Learns realm and nonce from 401 and 438.
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
