#pragma once

#include <cstdint>
#include <optional>

#include "absl/functional/function_ref.h"
#include "net/random.h"
#include "sim/nat/endpoint.h"
#include "sim/nat/profile.h"

namespace pinhole::sim::nat {

// Chooses the external endpoint of a new session as Linux does (get_unique_tuple() of net/netfilter/nf_nat_core.c).
// `is_taken(external)` says whether a packet from the session's remote endpoint to `external` would belong to another
// session or to the box itself. Three choices are tried in turn:
//
//   1. The endpoint that the newest session of the same inside endpoint has, if it is in the range and not
//      taken (find_appropriate_src()). This makes a masquerade look endpoint-independent.
//   2. The inside port on `address`, if it is in the range and not taken.
//   3. A draw (UniquePort()).
//
// PortAllocation::kRandom ("random" and "fully-random") goes to 3 at once. nullopt: every try failed. The kernel then
// uses a taken tuple, and drops the packet because the tuple cannot be entered into the table.
std::optional<Endpoint> UniqueTuple(const TransportBehavior& behavior, std::uint16_t inside_port,
                                    std::optional<Endpoint> newest_of_inside, std::uint32_t address,
                                    net::RandomSource& random, absl::FunctionRef<bool(Endpoint)> is_taken);

// The range of ports from which UniqueTuple() draws if the profile has none: Linux's class of the inside port.
PortRange ConntrackPortClass(std::uint16_t inside_port);

}  // namespace pinhole::sim::nat
