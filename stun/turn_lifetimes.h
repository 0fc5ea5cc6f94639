#pragma once

#include <chrono>
#include <cstddef>

#include "net/time.h"

// RFC 8656: what both sides of TURN count on.
namespace pinhole::stun {

inline constexpr net::Duration kDefaultAllocationLifetime = std::chrono::seconds(600);  // RFC 8656 §6
inline constexpr net::Duration kPermissionLifetime = std::chrono::seconds(300);         // RFC 8656 §9
inline constexpr net::Duration kChannelLifetime = std::chrono::seconds(600);            // RFC 8656 §12

// How long before their end a client refreshes allocation, permissions and channels: "roughly 1 minute" (RFC 8656 §8),
// which leaves a whole default transaction (39.5 s) to get through.
inline constexpr net::Duration kRefreshMargin = std::chrono::seconds(60);

// The most that a UDP datagram over IPv4 carries.
inline constexpr std::size_t kDatagramBytesMax = 65507;

}  // namespace pinhole::stun
