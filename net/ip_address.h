#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "net/bytes.h"
#include "net/contract.h"

namespace pinhole::net {

enum class Family : std::uint8_t { kIpv4 = 4, kIpv6 = 6 };

// An IPv4 or IPv6 address in 17 plain bytes. Addresses are ordered by family and then numerically. There is no zone: a
// link-local address is only meaningful together with an interface.
class IpAddress {
 public:
  // The unspecified IPv4 address, 0.0.0.0.
  constexpr IpAddress() = default;

  static constexpr IpAddress V4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
    IpAddress address;
    address.bytes_ = {a, b, c, d};
    return address;
  }
  static constexpr IpAddress V4(std::uint32_t host_order) {
    return V4(static_cast<std::uint8_t>(host_order >> 24), static_cast<std::uint8_t>(host_order >> 16),
              static_cast<std::uint8_t>(host_order >> 8), static_cast<std::uint8_t>(host_order));
  }
  static constexpr IpAddress V6(const std::array<std::uint8_t, 16>& bytes) {
    IpAddress address;
    address.family_ = Family::kIpv6;
    address.bytes_ = bytes;
    return address;
  }
  static constexpr IpAddress Unspecified(Family family) { return family == Family::kIpv4 ? IpAddress() : V6({}); }
  static constexpr IpAddress Loopback(Family family) {
    if (family == Family::kIpv4) return V4(127, 0, 0, 1);
    return V6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
  }

  // Parses dotted decimal without leading zeros, or any form of RFC 4291 §2.2. Returns nullopt for anything else, also
  // for zones and surrounding space.
  static std::optional<IpAddress> Parse(absl::string_view text);

  // Takes 4 or 16 bytes in network order. Returns nullopt for any other length.
  static std::optional<IpAddress> FromBytes(ByteView bytes);

  // Writes IPv4 in dotted decimal, and IPv6 in the canonical form (RFC 5952 §4). IPv4-mapped addresses are written as
  // in RFC 5952 §5: "::ffff:192.0.2.1".
  std::string ToString() const;

  Family family() const { return family_; }
  constexpr bool is_v4() const { return family_ == Family::kIpv4; }
  constexpr bool is_v6() const { return family_ == Family::kIpv6; }
  // 4 or 16 bytes in network order; valid as long as the address object.
  ByteView bytes() const { return ByteView(bytes_.data(), is_v4() ? 4 : 16); }
  // The IPv4 address as a number. REQUIRES: is_v4().
  std::uint32_t v4() const {
    PINHOLE_REQUIRES(is_v4());
    return LoadU32(bytes_.data());
  }

  bool IsUnspecified() const;
  bool IsLoopback() const;      // 127/8, ::1
  bool IsLinkLocal() const;     // 169.254/16, fe80::/10
  bool IsMulticast() const;     // 224/4, ff00::/8
  bool IsReserved() const;      // 240/4 (RFC 1112 §4); includes the limited broadcast address
  bool IsPrivate() const;       // RFC 1918, fc00::/7 (RFC 4193)
  bool IsShared() const;        // 100.64/10 (RFC 6598)
  bool IsV4Mapped() const;      // ::ffff:0:0/96 (RFC 4291 §2.5.5.2)
  bool IsV4Compatible() const;  // ::/96 (RFC 4291 §2.5.5.1) except :: and ::1
  bool IsSiteLocal() const;     // fec0::/10 (RFC 3879)

  // The first and the last eight bytes as numbers. For IPv4, the twelve bytes after the address are zero.
  constexpr std::uint64_t high() const { return LoadU64(bytes_.data()); }
  constexpr std::uint64_t low() const { return LoadU64(bytes_.data() + 8); }

  friend constexpr bool operator==(const IpAddress& a, const IpAddress& b) {
    return a.high() == b.high() && a.low() == b.low() && a.family_ == b.family_;
  }
  friend constexpr std::strong_ordering operator<=>(const IpAddress& a, const IpAddress& b) {
    if (a.family_ != b.family_) return a.family_ <=> b.family_;
    if (a.high() != b.high()) return a.high() <=> b.high();
    return a.low() <=> b.low();
  }

 private:
  // The bytes come first, because an address is then copied as sixteen bytes and one byte, and each load of high() and
  // low() lies within the first part.
  std::array<std::uint8_t, 16> bytes_ = {};
  Family family_ = Family::kIpv4;
};

// An address and the number of its leading bits that count: "192.168.1.0/24", "2001:db8::/32".
class IpPrefix {
 public:
  constexpr IpPrefix() = default;  // 0.0.0.0/0
  // Bits of `address` after `length` are kept in address() and ignored by Contains(). REQUIRES: length <= 32 (IPv4) or
  // 128 (IPv6).
  constexpr IpPrefix(IpAddress address, int length) : address_(address), length_(length) {
    PINHOLE_REQUIRES(length >= 0 && length <= (address.is_v4() ? 32 : 128));
  }

  // Parses "address/length". Returns nullopt for anything else.
  static std::optional<IpPrefix> Parse(absl::string_view text);
  std::string ToString() const;

  bool Contains(const IpAddress& address) const;
  const IpAddress& address() const { return address_; }
  int length() const { return length_; }

  friend constexpr bool operator==(const IpPrefix&, const IpPrefix&) = default;

 private:
  IpAddress address_;
  int length_ = 0;
};

// A 64-bit hash that is the same in every process and build. It costs one multiplication. `salt` distinguishes keys
// that have more fields than an address. Not safe against keys that an attacker chooses.
inline std::uint64_t StableHash(const IpAddress& address, std::uint64_t salt = 0) {
  const std::uint64_t a = address.high() ^ 0xa0761d6478bd642f ^ (address.is_v4() ? 0 : 0x8ebc6af09c88c6e3);
  const std::uint64_t b = address.low() ^ 0xe7037ed1a0b428db ^ (salt * 0x9e3779b97f4a7c15);
  const unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace pinhole::net
