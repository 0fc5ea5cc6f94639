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

// "obMatJos2" and the base64 of 24 zero bits: a server of RFC 8489 without optional security features (§9.2).
inline constexpr absl::string_view kNonceCookie = "obMatJos2AAAA";

// The security feature bits of a nonce that starts with the nonce cookie: bit 23 is "Password algorithms",
// bit 22 "Username anonymity" (RFC 8489 §18.1: bits 0 and 1 counted from the most significant). nullopt: no cookie.
std::optional<std::uint32_t> SecurityFeatures(absl::string_view nonce);
inline constexpr std::uint32_t kFeaturePasswordAlgorithms = 1u << 23;
inline constexpr std::uint32_t kFeatureUsernameAnonymity = 1u << 22;

// Makes nonces that a server recognises without remembering them: the second in which they end, and a MAC of
// it and the client's address under a secret. So each is valid for one source address and port only (RFC 8489 §9.2.4),
// and a flood of unauthenticated requests costs no memory. The last few are known by sight: a client shows its nonce
// with every request.
class NonceSource {
 public:
  // Draws the secret. `lifetime` of at least a second; an hour is the most that RFC 8656 §5 recommends.
  NonceSource(net::RandomSource& random, net::Duration lifetime);

  // Valid until the next call.
  absl::string_view Make(net::Instant now, const net::SocketAddress& client);
  // False: another client's, not ours, or too old.
  bool IsValid(net::Instant now, absl::string_view nonce, const net::SocketAddress& client);

 private:
  static constexpr std::size_t kSecondDigits = 16;
  static constexpr std::size_t kMacBytes = 10;  // 80 bits: nobody guesses one while it lasts
  static constexpr std::size_t kNonceBytes = kNonceCookie.size() + kSecondDigits + 2 * kMacBytes;
  struct Known {
    std::int64_t second = 0;  // 0: none
    net::SocketAddress client;
    std::array<char, kNonceBytes> text;
  };

  // The nonce of this client that ends then.
  absl::string_view EndingAt(std::int64_t second, const net::SocketAddress& client);

  HmacSha1Key secret_;
  net::Duration lifetime_;
  std::array<Known, 4> known_;  // a ring
  std::size_t next_known_ = 0;
};

}  // namespace pinhole::stun
