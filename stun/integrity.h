#pragma once

#include <array>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "net/bytes.h"

// Keyed hashes of RFC 8489 §14.5 and §14.6. The key is prepared once, when its object is made. With HMAC-SHA1 a message
// then costs only its own blocks and one more.
namespace pinhole::stun {

using Sha1Digest = std::array<std::uint8_t, 20>;
using Sha256Digest = std::array<std::uint8_t, 32>;
using Md5Digest = std::array<std::uint8_t, 16>;

// HMAC-SHA1 (RFC 2104) under one key.
class HmacSha1Key {
 public:
  HmacSha1Key() : HmacSha1Key(net::ByteView{}) {}
  // A key of any length. A key of more than 64 bytes is hashed first (RFC 2104 §3).
  explicit HmacSha1Key(net::ByteView key);
  // The key of a short-term credential (RFC 8489 §9.1.1). `password` has been through OpaqueString already.
  explicit HmacSha1Key(absl::string_view password);

  Sha1Digest Compute(net::ByteView text) const;
  // The HMAC of `text` with its bytes 2 and 3 replaced by `length`, big-endian. For a STUN message `length` counts up
  // to the end of the integrity attribute. REQUIRES: text.size() >= 20.
  Sha1Digest ComputeWithLength(net::ByteView text, std::uint16_t length) const;
  // Whether `mac` is the HMAC of `text`; false if `mac` is not 20 bytes. Takes constant time.
  bool Verify(net::ByteView text, net::ByteView mac) const;

 private:
  std::array<std::uint32_t, 5> inner_;  // SHA-1 state after the block key ^ ipad
  std::array<std::uint32_t, 5> outer_;  // SHA-1 state after the block key ^ opad
};

// HMAC-SHA256 under one key.
class HmacSha256Key {
 public:
  HmacSha256Key() : HmacSha256Key(net::ByteView{}) {}
  explicit HmacSha256Key(net::ByteView key);
  explicit HmacSha256Key(absl::string_view password);

  Sha256Digest Compute(net::ByteView text) const;
  // As HmacSha1Key::ComputeWithLength.
  Sha256Digest ComputeWithLength(net::ByteView text, std::uint16_t length) const;
  // Whether `mac` is the HMAC of `text`; false if `mac` is not 32 bytes. Takes constant time.
  bool Verify(net::ByteView text, net::ByteView mac) const;

 private:
  std::array<std::uint8_t, 64> inner_pad_;
  std::array<std::uint8_t, 64> outer_pad_;
};

// Whether both have the same bytes. The time does not depend on the bytes, so that it betrays nothing to an attacker.
bool EqualInConstantTime(net::ByteView a, net::ByteView b);

// The key of a long-term credential: MD5(username ":" realm ":" password) (RFC 8489 §9.2.2). All three texts have been
// processed by OpaqueString, and have no quotes and no trailing nulls.
Md5Digest LongTermKeyMd5(absl::string_view username, absl::string_view realm, absl::string_view password);
// The same with SHA-256 (RFC 8489 §18.5.1.2).
Sha256Digest LongTermKeySha256(absl::string_view username, absl::string_view realm, absl::string_view password);
// USERHASH: SHA-256(username ":" realm) (RFC 8489 §14.4).
Sha256Digest UserhashOf(absl::string_view username, absl::string_view realm);

}  // namespace pinhole::stun
