#include "stun/nonce.h"

#include <algorithm>
#include <chrono>

#include "absl/strings/escaping.h"
#include "stun/attributes_text.h"

namespace pinhole::stun {
namespace {

// Writes the last `digits` hexadecimal digits of `value`, the most significant first.
void WriteHex(std::uint64_t value, std::size_t digits, char* to) {
  for (std::size_t i = digits; i-- > 0; value >>= 4) to[i] = "0123456789abcdef"[value & 0xF];
}

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

absl::string_view NonceSource::EndingAt(std::int64_t second, const net::SocketAddress& client) {
  for (const Known& known : known_) {
    if (known.second == second && known.client == client) return absl::string_view(known.text.data(), kNonceBytes);
  }
  std::array<std::uint8_t, 8 + 2 + 16> text = {};
  net::StoreU64(text.data(), static_cast<std::uint64_t>(second));
  net::StoreU16(text.data() + 8, client.port());
  const net::ByteView address = client.address().bytes();
  std::copy(address.begin(), address.end(), text.begin() + 10);
  const Sha1Digest mac = secret_.Compute(net::ByteView(text).first(10 + address.size()));

  Known& made = known_[next_known_];
  next_known_ = (next_known_ + 1) % known_.size();
  made.second = second;
  made.client = client;
  char* const digits = std::copy(kNonceCookie.begin(), kNonceCookie.end(), made.text.data());
  WriteHex(static_cast<std::uint64_t>(second), kSecondDigits, digits);
  for (std::size_t i = 0; i < kMacBytes; ++i) WriteHex(mac[i], 2, digits + kSecondDigits + 2 * i);
  return absl::string_view(made.text.data(), kNonceBytes);
}

absl::string_view NonceSource::Make(net::Instant now, const net::SocketAddress& client) {
  return EndingAt(std::chrono::ceil<std::chrono::seconds>(now + lifetime_).time_since_epoch().count(), client);
}

bool NonceSource::IsValid(net::Instant now, absl::string_view nonce, const net::SocketAddress& client) {
  if (nonce.size() != kNonceBytes) return false;
  std::int64_t second = 0;
  for (char digit : nonce.substr(kNonceCookie.size(), kSecondDigits)) {
    const int value = digit >= '0' && digit <= '9' ? digit - '0' : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
    if (value < 0 || second > (std::int64_t{1} << 58)) return false;
    second = second * 16 + value;
  }
  if (std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count() >= second) return false;
  return EqualInConstantTime(AsBytes(EndingAt(second, client)), AsBytes(nonce));
}

}  // namespace pinhole::stun
