#pragma once

#include <chrono>

#include "net/time.h"

namespace pinhole::net {

// How long a STUN or TURN server keeps a client's TCP connection that has no allocation and on which nothing comes (RFC
// 8489 §6.2.2). The server program (apps/) closes it then, and whoever predicts what a client can rely on reckons with
// it.
inline constexpr Duration kStunTcpIdleMax = std::chrono::minutes(5);

}  // namespace pinhole::net
