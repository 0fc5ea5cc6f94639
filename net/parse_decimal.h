#pragma once

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "net/contract.h"

namespace pinhole::net {

// Parses a decimal number in [0, max] as it is written in addresses and ports: digits only, no sign, no space, no
// leading zero. Returns nullopt for anything else. REQUIRES: max < 2^32 / 10.
inline std::optional<std::uint32_t> ParseDecimal(absl::string_view text, std::uint32_t max) {
  PINHOLE_REQUIRES(max <= (UINT32_MAX - 9) / 10);
  if (text.empty() || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  std::uint32_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<std::uint32_t>(c - '0');
    if (value > max) return std::nullopt;
  }
  return value;
}

}  // namespace pinhole::net
