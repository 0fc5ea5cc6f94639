#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "net/random.h"
#include "net/socket_address.h"
#include "net/time.h"
#include "stun/integrity.h"

namespace pinhole::stun {

// The nonce cookie of a server without optional security features (RFC 8489 §9.2): "obMatJos2" and the base64 of 24
// zero bits.
inline constexpr absl::string_view kNonceCookie = "obMatJos2AAAA";

// The 24 security feature bits of a nonce; nullopt: the nonce does not start with the nonce cookie. RFC 8489 §18.1
// counts bits from the most significant: its bit 0, "Password algorithms", is bit 23 here, and its bit 1, "Username
// anonymity", is bit 22.
std::optional<std::uint32_t> SecurityFeatures(absl::string_view nonce);
inline constexpr std::uint32_t kFeaturePasswordAlgorithms = 1u << 23;
inline constexpr std::uint32_t kFeatureUsernameAnonymity = 1u << 22;

// Makes nonces that a server recognizes without storing them. A nonce contains the second at which it expires, and a
// MAC of that second and of the client's address, made with a secret key. So each nonce is valid for one source address
// and port only (RFC 8489 §9.2.4), and a flood of unauthenticated requests costs no memory. The latest few nonces are
// cached, because a client sends its nonce with every request.
class NonceSource {
 public:
  // Takes the secret key from `random`. `lifetime` is at least one second; RFC 8656 §5 recommends one hour at most.
  NonceSource(net::RandomSource& random, net::Duration lifetime);

  // The nonce for this client. The view is valid until the next call.
  absl::string_view Make(net::Instant now, const net::SocketAddress& client);
  // False: the nonce was made for another client, was not made by this source, or has expired.
  bool IsValid(net::Instant now, absl::string_view nonce, const net::SocketAddress& client);

 private:
  static constexpr std::size_t kSecondDigits = 16;
  static constexpr std::size_t kMacBytes = 10;  // 80 bits cannot be guessed within the lifetime of a nonce
  static constexpr std::size_t kNonceBytes = kNonceCookie.size() + kSecondDigits + 2 * kMacBytes;
  struct Known {
    std::int64_t second = 0;  // the second at which the nonce expires; 0: the entry is empty
    net::SocketAddress client;
    std::array<char, kNonceBytes> text;
  };

  // The nonce of this client that expires at `second`.
  absl::string_view EndingAt(std::int64_t second, const net::SocketAddress& client);

  HmacSha1Key secret_;
  net::Duration lifetime_;
  std::array<Known, 4> known_;  // a ring buffer
  std::size_t next_known_ = 0;
};

}  // namespace pinhole::stun
