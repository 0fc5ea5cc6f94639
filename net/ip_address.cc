#include "net/ip_address.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "net/parse_decimal.h"

namespace pinhole::net {
namespace {

constexpr int kGroups = 8;  // an IPv6 address has eight groups of 16 bits

// Parses four numbers in dotted decimal, such as "192.0.2.1", into the four bytes at `out`. False: malformed.
bool ParseDottedDecimal(absl::string_view text, std::uint8_t* out) {
  const char* at = text.data();
  const char* const end = at + text.size();
  for (int i = 0; i < 4; ++i) {
    const char* const part_end = i < 3 ? std::find(at, end, '.') : end;
    if (i < 3 && part_end == end) return false;
    const std::optional<std::uint32_t> value =
        ParseDecimal(absl::string_view(at, static_cast<std::size_t>(part_end - at)), 255);
    if (!value) return false;
    out[i] = static_cast<std::uint8_t>(*value);
    if (i < 3) at = part_end + 1;
  }
  return true;
}

// Parses a group of an IPv6 address: one to four hexadecimal digits.
std::optional<std::uint16_t> ParseGroup(absl::string_view text) {
  if (text.empty() || text.size() > 4) return std::nullopt;
  unsigned value = 0;
  for (const char c : text) {
    unsigned digit;
    if (c >= '0' && c <= '9') {
      digit = static_cast<unsigned>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      digit = static_cast<unsigned>(c - 'a') + 10;
    } else if (c >= 'A' && c <= 'F') {
      digit = static_cast<unsigned>(c - 'A') + 10;
    } else {
      return std::nullopt;
    }
    value = value * 16 + digit;
  }
  return static_cast<std::uint16_t>(value);
}

// Parses groups that are separated by single colons into `out`, and returns their number. If `dotted_tail`, the last
// two groups may be in dotted decimal. 0: `text` is empty. nullopt: malformed.
std::optional<int> ParseGroups(absl::string_view text, bool dotted_tail, std::uint8_t* out) {
  if (text.empty()) return 0;
  int groups = 0;
  for (;;) {
    const std::size_t colon = text.find(':');
    const bool last = colon == absl::string_view::npos;
    const absl::string_view group = text.substr(0, colon);
    if (last && dotted_tail && group.find('.') != absl::string_view::npos) {
      if (groups + 2 > kGroups || !ParseDottedDecimal(group, out + 2 * groups)) return std::nullopt;
      return groups + 2;
    }
    const std::optional<std::uint16_t> value = ParseGroup(group);
    if (groups == kGroups || !value) return std::nullopt;
    StoreU16(out + 2 * groups, *value);
    ++groups;
    if (last) return groups;
    text.remove_prefix(colon + 1);
  }
}

std::optional<IpAddress> ParseV6(absl::string_view text) {
  std::array<std::uint8_t, 16> bytes = {};
  const std::size_t gap = text.find("::");
  if (gap == absl::string_view::npos) {
    if (ParseGroups(text, true, bytes.data()) != kGroups) return std::nullopt;
    return IpAddress::V6(bytes);
  }
  std::array<std::uint8_t, 16> tail;
  const std::optional<int> before = ParseGroups(text.substr(0, gap), false, bytes.data());
  const std::optional<int> after = ParseGroups(text.substr(gap + 2), true, tail.data());
  // "::" stands for at least one group of zeros.
  if (!before || !after || *before + *after >= kGroups) return std::nullopt;
  std::copy_n(tail.begin(), 2 * *after, bytes.end() - 2 * *after);
  return IpAddress::V6(bytes);
}

std::string DottedDecimal(const std::uint8_t* p) {
  return absl::StrCat(int{p[0]}, ".", int{p[1]}, ".", int{p[2]}, ".", int{p[3]});
}

}  // namespace

std::optional<IpAddress> IpAddress::Parse(absl::string_view text) {
  if (std::find(text.begin(), text.end(), ':') != text.end()) return ParseV6(text);
  std::uint8_t p[4];
  if (!ParseDottedDecimal(text, p)) return std::nullopt;
  return V4(p[0], p[1], p[2], p[3]);
}

std::optional<IpAddress> IpAddress::FromBytes(ByteView bytes) {
  if (bytes.size() == 4) return V4(bytes[0], bytes[1], bytes[2], bytes[3]);
  if (bytes.size() != 16) return std::nullopt;
  std::array<std::uint8_t, 16> copy;
  std::copy(bytes.begin(), bytes.end(), copy.begin());
  return V6(copy);
}

std::string IpAddress::ToString() const {
  if (is_v4()) return DottedDecimal(bytes_.data());
  if (IsV4Mapped()) return absl::StrCat("::ffff:", DottedDecimal(bytes_.data() + 12));  // RFC 5952 §5
  std::array<std::uint16_t, kGroups> groups;
  for (std::size_t i = 0; i < kGroups; ++i) groups[i] = LoadU16(bytes_.data() + 2 * i);
  // "::" replaces the longest run of two or more zero groups; among equal runs, the first (RFC 5952 §4.2).
  std::size_t gap_begin = kGroups, gap_length = 1;
  for (std::size_t i = 0; i < kGroups; ++i) {
    std::size_t end = i;
    while (end < kGroups && groups[end] == 0) ++end;
    if (end - i > gap_length) gap_begin = i, gap_length = end - i;
    if (end > i) i = end;
  }
  std::string text;
  for (std::size_t i = 0; i < kGroups; ++i) {
    if (i == gap_begin) {
      text += "::";
      i += gap_length - 1;
      continue;
    }
    if (!text.empty() && text.back() != ':') text += ':';
    absl::StrAppend(&text, absl::Hex(groups[i]));
  }
  return text;
}

bool IpAddress::IsUnspecified() const { return high() == 0 && low() == 0; }

bool IpAddress::IsLoopback() const { return is_v4() ? bytes_[0] == 127 : high() == 0 && low() == 1; }

bool IpAddress::IsLinkLocal() const {
  if (is_v4()) return bytes_[0] == 169 && bytes_[1] == 254;
  return bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80;
}

bool IpAddress::IsMulticast() const { return is_v4() ? (bytes_[0] & 0xf0) == 0xe0 : bytes_[0] == 0xff; }

bool IpAddress::IsPrivate() const {
  if (is_v6()) return (bytes_[0] & 0xfe) == 0xfc;
  return bytes_[0] == 10 || (bytes_[0] == 172 && (bytes_[1] & 0xf0) == 16) || (bytes_[0] == 192 && bytes_[1] == 168);
}

bool IpAddress::IsReserved() const { return is_v4() && bytes_[0] >= 240; }

bool IpAddress::IsShared() const { return is_v4() && bytes_[0] == 100 && (bytes_[1] & 0xc0) == 64; }

bool IpAddress::IsV4Mapped() const { return is_v6() && high() == 0 && low() >> 32 == 0xffff; }

bool IpAddress::IsV4Compatible() const { return is_v6() && high() == 0 && low() >> 32 == 0 && low() > 1; }

bool IpAddress::IsSiteLocal() const { return is_v6() && bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0xc0; }

std::optional<IpPrefix> IpPrefix::Parse(absl::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == absl::string_view::npos) return std::nullopt;
  const std::optional<IpAddress> address = IpAddress::Parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  const std::optional<std::uint32_t> length = ParseDecimal(text.substr(slash + 1), address->is_v4() ? 32 : 128);
  if (!length) return std::nullopt;
  return IpPrefix(*address, static_cast<int>(*length));
}

std::string IpPrefix::ToString() const { return absl::StrCat(address_.ToString(), "/", length_); }

bool IpPrefix::Contains(const IpAddress& address) const {
  if (address.family() != address_.family()) return false;
  const std::uint64_t high_difference = address.high() ^ address_.high();
  if (length_ == 0) return true;
  if (length_ <= 64) return high_difference >> (64 - length_) == 0;
  return high_difference == 0 && (address.low() ^ address_.low()) >> (128 - length_) == 0;
}

}  // namespace pinhole::net
