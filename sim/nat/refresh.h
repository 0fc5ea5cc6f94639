#pragma once

#include "net/time.h"
#include "sim/nat/profile.h"

namespace pinhole::sim::nat {

enum class Direction : std::uint8_t { kOutbound, kInbound };

// The timer of one mapping, or of one remembered destination (RFC 4787 §4.3).
//
// The timer follows Linux; other NATs differ from Linux only in the times. The state before a packet decides which time
// the packet gives the mapping; only then the packet changes the state. So the first answer still gets `unreplied`, at
// any age of the mapping (nf_conntrack_udp_packet() runs before IPS_SEEN_REPLY is set).
struct Timer {
  net::Instant created{};
  net::Instant expires{};  // dead from this instant on
  bool replied = false;

  bool Alive(net::Instant now) const { return now < expires; }
};

// The timer after the first packet of a mapping.
Timer StartTimer(const UdpTimeouts& timeouts, net::Instant now);

// Updates the timer for each packet after the first. `answers`: the packet goes in the opposite direction of the first
// packet.
void OnPacket(Timer& timer, const UdpBehavior& udp, Direction direction, bool answers, net::Instant now);

}  // namespace pinhole::sim::nat
