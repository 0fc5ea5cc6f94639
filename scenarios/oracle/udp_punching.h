#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "scenarios/oracle/model.h"

// Hole punching by UDP through two NATs, one on each side, in closed form. Both sides send to every address they know
// of the other, again and again, and answer to where a packet came from; each begins with the other's address
// as a STUN server saw it, and each NAT has one external address.
namespace pinhole::scenarios::oracle {

// Whether some pair of addresses comes to work both ways, each NAT with its own mapping, filtering, filter memory and
// inbound sessions. The order of packets does not matter. REQUIRES: neither is per_tuple.
//
// Write x for the side whose signalled address lets the other's first packet in, y for the sender:
//   let in   x filters by nothing; or by address, or by port while y's port is the signalled one, if what x sent to
//            y's signalled address counts for its own signalled address (memory per endpoint, or x maps to one);
//   settled  x answers from the address that was asked (sessions, or x maps to one); or x's answer from elsewhere is
//            let in by y (not filtering by port), and y then stays where it is (sessions, or not mapping by port),
//            or moves once more and x lets that in and stays (neither mapping nor filtering by port).
// A direct path exists if and only if one of the two can be x. On the readings of RFC 4787 (memory per endpoint, no
// sessions) and of connection tracking (per mapping, sessions) this comes to 45 and 57 of 81 pairs.
bool UdpPunchingWorks(const NatBehavior& a, const NatBehavior& b);

// Why not, such as "home_b filters by port and home_a maps by address". REQUIRES: !UdpPunchingWorks(a, b).
std::string WhyUdpPunchingFails(const NatBehavior& a, absl::string_view a_name, const NatBehavior& b,
                                absl::string_view b_name);

}  // namespace pinhole::scenarios::oracle
