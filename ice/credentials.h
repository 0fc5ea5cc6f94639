#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "net/random.h"
#include "stun/integrity.h"

namespace pinhole::ice {

// The username fragment and password of one agent, with the key made from the password (RFC 8445 §7.2.2). String
// preparation of the password is not needed, because it leaves ice-chars unchanged.
struct Credentials {
  std::string ufrag;
  std::string password;
  stun::HmacSha1Key key;
};

// `length` random ice-chars; each uses six bits of `random` (RFC 8445 §5.3, RFC 8839 §5.4).
std::string RandomIceChars(net::RandomSource& random, int length);

inline Credentials MakeCredentials(std::string ufrag, std::string password) {
  stun::HmacSha1Key key{absl::string_view(password)};
  return {std::move(ufrag), std::move(password), key};
}

}  // namespace pinhole::ice
