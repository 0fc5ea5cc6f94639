#pragma once

#include <chrono>

#include "net/time.h"

namespace pinhole::net {

// How long a STUN or TURN server keeps a client's TCP connection that has no allocation and on which nothing comes
// (RFC 8489 §6.2.2). The server program (apps/) closes the connection then, and the oracle reckons with that time.
inline constexpr Duration kStunTcpIdleMax = std::chrono::minutes(5);

}  // namespace pinhole::net
