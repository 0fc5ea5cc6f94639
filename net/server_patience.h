#pragma once

#include <chrono>

#include "net/time.h"

namespace pinhole::net {

// The time after which a STUN or TURN server closes an idle TCP connection of a client that has no allocation
// (RFC 8489 §6.2.2). The server program (apps/) uses this time, and the oracle predicts with it.
inline constexpr Duration kStunTcpIdleMax = std::chrono::minutes(5);

}  // namespace pinhole::net
