#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "net/random.h"
#include "stun/integrity.h"

namespace pinhole::ice {

// One side's username fragment and password with the key made from it (RFC 8445 §7.2.2). The password needs no
// string preparation: ice-chars are unchanged by it.
struct Credentials {
  std::string ufrag;
  std::string password;
  stun::HmacSha1Key key;
};

// `length` random ice-chars, six bits of the generator each (RFC 8445 §5.3, RFC 8839 §5.4).
std::string RandomIceChars(net::RandomSource& random, int length);

inline Credentials MakeCredentials(std::string ufrag, std::string password) {
  stun::HmacSha1Key key{absl::string_view(password)};
  return {std::move(ufrag), std::move(password), key};
}

}  // namespace pinhole::ice
