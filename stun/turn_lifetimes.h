#pragma once

#include <chrono>
#include <cstddef>

#include "net/time.h"

// The lifetimes and limits that TURN clients and servers share (RFC 8656).
namespace pinhole::stun {

inline constexpr net::Duration kDefaultAllocationLifetime = std::chrono::seconds(600);  // RFC 8656 §6
inline constexpr net::Duration kPermissionLifetime = std::chrono::seconds(300);         // RFC 8656 §9
inline constexpr net::Duration kChannelLifetime = std::chrono::seconds(600);            // RFC 8656 §12

// A client refreshes allocation, permissions and channels this long before they expire: "roughly 1 minute"
// (RFC 8656 §8). This is enough for a whole transaction with the defaults (39.5 s).
inline constexpr net::Duration kRefreshMargin = std::chrono::seconds(60);

// The largest payload of a UDP datagram over IPv4.
inline constexpr std::size_t kDatagramBytesMax = 65507;

}  // namespace pinhole::stun
