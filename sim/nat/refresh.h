#pragma once

#include "net/time.h"
#include "sim/nat/profile.h"

namespace pinhole::sim::nat {

enum class Direction : std::uint8_t { kOutbound, kInbound };

// What the timers of one mapping, or of one remembered destination, know (RFC 4787 §4.3).
//
// Linux counts this way, and the rest is a choice of its four times: a packet is given the life that fits what
// was known before it, and only then counts. So the first answer to a mapping of any age still gets `unreplied`
// (nf_conntrack_udp_packet() runs before IPS_SEEN_REPLY is set).
struct Timer {
  net::Instant created{};
  net::Instant expires{};  // dead from this very instant on
  bool replied = false;

  bool Alive(net::Instant now) const { return now < expires; }
};

// The first packet of a mapping.
Timer StartTimer(const UdpTimeouts& timeouts, net::Instant now);

// Any later packet. `answers`: it goes against the direction of the first one.
void OnPacket(Timer& timer, const UdpBehavior& udp, Direction direction, bool answers, net::Instant now);

}  // namespace pinhole::sim::nat
