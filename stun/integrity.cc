#include "stun/integrity.h"

#include <nettle/md5.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>

#include <bit>
#include <cstddef>
#include <cstring>

#include "net/contract.h"
#include "stun/attributes_text.h"

// HMAC-SHA1 calls nettle's compression function block by block. A STUN message is two or three blocks, so a general
// hash context (copied for each message, its buffer filled and emptied) would cost as much as one more block.
namespace pinhole::stun {
namespace {

constexpr std::size_t kBlockBytes = 64;
constexpr std::uint8_t kInnerPad = 0x36;  // RFC 2104 §2
constexpr std::uint8_t kOuterPad = 0x5C;

constexpr std::array<std::uint32_t, 5> kSha1Initial = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};

std::array<std::uint32_t, 5> StateAfterPad(const std::array<std::uint8_t, kBlockBytes>& key, std::uint8_t pad) {
  std::array<std::uint8_t, kBlockBytes> block;
  for (std::size_t i = 0; i < kBlockBytes; ++i) block[i] = key[i] ^ pad;
  std::array<std::uint32_t, 5> state = kSha1Initial;
  nettle_sha1_compress(state.data(), block.data());
  return state;
}

// The compression function loads 16 bytes at a time. If a narrower store wrote these bytes just before, the load would
// wait for the cache (20 ns of 150). So its input is assembled in words of 16 bytes.
typedef std::uint32_t Four __attribute__((vector_size(16)));
constexpr std::size_t kFoursInBlock = kBlockBytes / sizeof(Four);

// The words with their bytes swapped, if needed, so that the most significant byte comes first in memory.
Four BigEndian(Four words) {
  if constexpr (std::endian::native == std::endian::big) return words;
  return words << 24 | (words & 0xFF00) << 8 | (words >> 8 & 0xFF00) | words >> 24;
}

Four FirstFour(const std::array<std::uint32_t, 5>& state) {
  Four words;
  std::memcpy(&words, state.data(), sizeof(words));
  return BigEndian(words);
}

// The last 16 bytes of the last block of a message with `bytes` bytes (FIPS 180-4 §5.1.1).
Four LengthOf(std::size_t bytes) {
  return BigEndian(Four{0, 0, static_cast<std::uint32_t>(bytes >> 29), static_cast<std::uint32_t>(bytes * 8)});
}

// Hashes the last, partial block and the padding of a message of `total` bytes (FIPS 180-4 §5.1.1).
void Sha1Finish(std::array<std::uint32_t, 5>& state, net::ByteView rest, std::size_t total) {
  const bool fits = rest.size() + 9 <= kBlockBytes;
  std::array<Four, 2 * kFoursInBlock> tail;
  for (std::size_t i = 0; i < kFoursInBlock; ++i) tail[i] = Four{};
  for (std::size_t i = kFoursInBlock; i < tail.size() && !fits; ++i) tail[i] = Four{};
  auto* const bytes = reinterpret_cast<std::uint8_t*>(tail.data());
  const bool length_is_alone = !fits || rest.size() + 1 + sizeof(Four) <= kBlockBytes;
  if (length_is_alone) tail[(fits ? 1 : 2) * kFoursInBlock - 1] = LengthOf(total);
  if (!rest.empty()) std::memcpy(bytes, rest.data(), rest.size());
  bytes[rest.size()] = 0x80;
  if (!length_is_alone) net::StoreU64(bytes + kBlockBytes - 8, std::uint64_t{total} * 8);
  nettle_sha1_compress(state.data(), bytes);
  if (!fits) nettle_sha1_compress(state.data(), bytes + kBlockBytes);
}

// The HMAC from the states `inner` and `outer`, which have hashed one block each. `first` (a whole block or empty) and
// `rest` are the message.
Sha1Digest HmacSha1(std::array<std::uint32_t, 5> inner, std::array<std::uint32_t, 5> outer, net::ByteView first,
                    net::ByteView rest) {
  const std::size_t total = kBlockBytes + first.size() + rest.size();
  if (!first.empty()) nettle_sha1_compress(inner.data(), first.data());
  for (; rest.size() >= kBlockBytes; rest = rest.subspan(kBlockBytes)) {
    nettle_sha1_compress(inner.data(), rest.data());
  }
  Sha1Finish(inner, rest, total);

  // The outer hash covers one block, which is already hashed, and the inner digest.
  constexpr std::size_t kDigestBytes = 20;
  const std::array<Four, kFoursInBlock> last = {FirstFour(inner), BigEndian(Four{inner[4], 0x80000000, 0, 0}), Four{},
                                                LengthOf(kBlockBytes + kDigestBytes)};
  nettle_sha1_compress(outer.data(), reinterpret_cast<const std::uint8_t*>(last.data()));
  Sha1Digest digest;
  const Four first_four = FirstFour(outer);
  std::memcpy(digest.data(), &first_four, sizeof(first_four));
  net::StoreU32(digest.data() + sizeof(first_four), outer[4]);
  return digest;
}

template <typename... Parts>
Md5Digest Md5(const Parts&... parts) {
  md5_ctx context;
  md5_init(&context);
  (md5_update(&context, parts.size(), reinterpret_cast<const std::uint8_t*>(parts.data())), ...);
  Md5Digest digest;
  md5_digest(&context, digest.size(), digest.data());
  return digest;
}

template <typename... Parts>
Sha256Digest Sha256(const Parts&... parts) {
  sha256_ctx context;
  sha256_init(&context);
  (sha256_update(&context, parts.size(), reinterpret_cast<const std::uint8_t*>(parts.data())), ...);
  Sha256Digest digest;
  sha256_digest(&context, digest.size(), digest.data());
  return digest;
}

constexpr absl::string_view kColon = ":";

}  // namespace

HmacSha1Key::HmacSha1Key(net::ByteView key) {
  std::array<std::uint8_t, kBlockBytes> block = {};
  if (key.size() > kBlockBytes) {
    sha1_ctx context;
    sha1_init(&context);
    sha1_update(&context, key.size(), key.data());
    sha1_digest(&context, SHA1_DIGEST_SIZE, block.data());
  } else if (!key.empty()) {
    std::memcpy(block.data(), key.data(), key.size());
  }
  inner_ = StateAfterPad(block, kInnerPad);
  outer_ = StateAfterPad(block, kOuterPad);
}

HmacSha1Key::HmacSha1Key(absl::string_view password) : HmacSha1Key(AsBytes(password)) {}

Sha1Digest HmacSha1Key::Compute(net::ByteView text) const { return HmacSha1(inner_, outer_, {}, text); }

Sha1Digest HmacSha1Key::ComputeWithLength(net::ByteView text, std::uint16_t length) const {
  PINHOLE_REQUIRES(text.size() >= 20);
  std::array<std::uint8_t, kBlockBytes> first;
  const std::size_t size = text.size() < kBlockBytes ? text.size() : kBlockBytes;
  if (size < kBlockBytes) {
    std::memcpy(first.data(), text.data(), size);
    net::StoreU16(first.data() + 2, length);
    return HmacSha1(inner_, outer_, {}, net::ByteView(first.data(), size));
  }
  // The length is inserted while the first 16 bytes are in a register.
  typedef std::uint16_t Eight __attribute__((vector_size(16)));
  Eight start;
  std::memcpy(&start, text.data(), sizeof(start));
  std::array<std::uint8_t, 2> length_bytes;
  net::StoreU16(length_bytes.data(), length);
  start[1] = std::bit_cast<std::uint16_t>(length_bytes);
  std::memcpy(first.data(), &start, sizeof(start));
  std::memcpy(first.data() + sizeof(start), text.data() + sizeof(start), kBlockBytes - sizeof(start));
  return HmacSha1(inner_, outer_, first, text.subspan(kBlockBytes));
}

bool HmacSha1Key::Verify(net::ByteView text, net::ByteView mac) const {
  return EqualInConstantTime(Compute(text), mac);
}

HmacSha256Key::HmacSha256Key(net::ByteView key) {
  std::array<std::uint8_t, kBlockBytes> block = {};
  if (key.size() > kBlockBytes) {
    const Sha256Digest digest = Sha256(key);
    std::memcpy(block.data(), digest.data(), digest.size());
  } else if (!key.empty()) {
    std::memcpy(block.data(), key.data(), key.size());
  }
  for (std::size_t i = 0; i < kBlockBytes; ++i) {
    inner_pad_[i] = block[i] ^ kInnerPad;
    outer_pad_[i] = block[i] ^ kOuterPad;
  }
}

HmacSha256Key::HmacSha256Key(absl::string_view password) : HmacSha256Key(AsBytes(password)) {}

Sha256Digest HmacSha256Key::Compute(net::ByteView text) const { return Sha256(outer_pad_, Sha256(inner_pad_, text)); }

Sha256Digest HmacSha256Key::ComputeWithLength(net::ByteView text, std::uint16_t length) const {
  PINHOLE_REQUIRES(text.size() >= 20);
  std::array<std::uint8_t, 4> start = {text[0], text[1]};
  net::StoreU16(start.data() + 2, length);
  return Sha256(outer_pad_, Sha256(inner_pad_, start, text.subspan(4)));
}

bool HmacSha256Key::Verify(net::ByteView text, net::ByteView mac) const {
  return EqualInConstantTime(Compute(text), mac);
}

bool EqualInConstantTime(net::ByteView a, net::ByteView b) {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned>(a[i] ^ b[i]);
  return difference == 0;
}

Md5Digest LongTermKeyMd5(absl::string_view username, absl::string_view realm, absl::string_view password) {
  return Md5(username, kColon, realm, kColon, password);
}

Sha256Digest LongTermKeySha256(absl::string_view username, absl::string_view realm, absl::string_view password) {
  return Sha256(username, kColon, realm, kColon, password);
}

Sha256Digest UserhashOf(absl::string_view username, absl::string_view realm) { return Sha256(username, kColon, realm); }

}  // namespace pinhole::stun
