#include "stun/nonce.h"

#include <array>
#include <chrono>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "stun/attributes_text.h"

namespace pinhole::stun {
namespace {

constexpr std::size_t kSecondDigits = 16;
constexpr std::size_t kMacBytes = 10;  // 80 bits: nobody guesses one while it lasts
constexpr std::size_t kNonceBytes = kNonceCookie.size() + kSecondDigits + 2 * kMacBytes;

HmacSha1Key DrawSecret(net::RandomSource& random) {
  std::array<std::uint8_t, 20> secret;
  random.Fill(secret);
  return HmacSha1Key(net::ByteView(secret));
}

}  // namespace

std::optional<std::uint32_t> SecurityFeatures(absl::string_view nonce) {
  constexpr absl::string_view kStart = "obMatJos2";
  if (nonce.size() < kNonceCookie.size() || nonce.substr(0, kStart.size()) != kStart) return std::nullopt;
  std::string bytes;
  if (!absl::Base64Unescape(nonce.substr(kStart.size(), 4), &bytes) || bytes.size() != 3) return std::nullopt;
  return std::uint32_t{static_cast<std::uint8_t>(bytes[0])} << 16 |
         std::uint32_t{static_cast<std::uint8_t>(bytes[1])} << 8 | static_cast<std::uint8_t>(bytes[2]);
}

NonceSource::NonceSource(net::RandomSource& random, net::Duration lifetime)
    : secret_(DrawSecret(random)), lifetime_(lifetime) {}

std::string NonceSource::MakeEndingAt(std::int64_t second, const net::SocketAddress& client) const {
  std::array<std::uint8_t, 8 + 2 + 16> text = {};
  net::StoreU64(text.data(), static_cast<std::uint64_t>(second));
  net::StoreU16(text.data() + 8, client.port());
  const net::ByteView address = client.address().bytes();
  std::copy(address.begin(), address.end(), text.begin() + 10);
  const Sha1Digest mac = secret_.Compute(net::ByteView(text).first(10 + address.size()));
  return absl::StrCat(kNonceCookie, absl::Hex(second, absl::kZeroPad16),
                      absl::BytesToHexString(AsText(net::ByteView(mac).first(kMacBytes))));
}

std::string NonceSource::Make(net::Instant now, const net::SocketAddress& client) const {
  return MakeEndingAt(std::chrono::ceil<std::chrono::seconds>(now + lifetime_).time_since_epoch().count(), client);
}

bool NonceSource::IsValid(net::Instant now, absl::string_view nonce, const net::SocketAddress& client) const {
  if (nonce.size() != kNonceBytes) return false;
  std::int64_t second = 0;
  for (char digit : nonce.substr(kNonceCookie.size(), kSecondDigits)) {
    const int value = digit >= '0' && digit <= '9' ? digit - '0' : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
    if (value < 0 || second > (std::int64_t{1} << 58)) return false;
    second = second * 16 + value;
  }
  if (std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count() >= second) return false;
  return EqualInConstantTime(AsBytes(MakeEndingAt(second, client)), AsBytes(nonce));
}

}  // namespace pinhole::stun
