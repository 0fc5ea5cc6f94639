#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "scenarios/oracle/model.h"

// UDP hole punching through two NATs, one on each side, as a closed form. It decides most cells of the library, because
// most topologies are two homes; and it checks reachability.h, which must find the same by walking packets.
//
// Assumptions: both sides send again and again to every address that they know of the other side. Both answer to the
// source address of each packet. Each side begins with the address under which a STUN server sees the other side (the
// signalled address). Each NAT has one external address.
namespace pinhole::scenarios::oracle {

// Whether some pair of addresses works in both directions. Each NAT has its own mapping, filtering, filter memory and
// inbound sessions. The order of packets does not matter. REQUIRES: neither NAT is per_tuple.
//
// Let x be the side whose signalled address lets the first packet of the other side in, and y the sender of that
// packet.
//
// let in: x does not filter; or x filters by address; or x filters by port, and y sends from its signalled port.
//         If x filters, the packets that x sent to y's signalled address must also count for x's own signalled
//         address. They count if x remembers per endpoint, or if x has endpoint-independent mapping.
// settled: one of these must hold, so that the two sides end at one pair of addresses:
//         - x answers from the address that y sent to (x has inbound sessions or endpoint-independent mapping).
//         - x answers from another address, y lets the answer in (y does not filter by port), and y keeps its address
//           (y has inbound sessions, or does not map by port).
//         - the same, but y changes its address once more, and x lets y's next packet in and keeps its own address (x
//           neither maps nor filters by port).
//
// A direct path exists if and only if one of the two sides can be x. With memory per endpoint and no sessions (the
// words of RFC 4787 §5) 45 of the 81 ordered pairs of behaviors connect; with memory per mapping and sessions
// (connection tracking) 57 do.
bool UdpPunchingWorks(const NatBehavior& a, const NatBehavior& b);

// The reason, such as "home_b filters by port and home_a maps by address". REQUIRES: !UdpPunchingWorks(a, b).
std::string WhyUdpPunchingFails(const NatBehavior& a, absl::string_view a_name, const NatBehavior& b,
                                absl::string_view b_name);

}  // namespace pinhole::scenarios::oracle
