#pragma once

#include <optional>

#include "scenarios/conversion/nat_conversion.h"
#include "scenarios/topology.pb.h"
#include "sim/boxes/egress_policy.h"
#include "sim/nat/stateful_filter.h"

namespace pinhole::scenarios {

// The two parts of a firewall, in the simulator's words.
sim::EgressPolicy ToEgressPolicy(const proto::Firewall& firewall);
sim::FilterProfile ToFilterProfile(const proto::Firewall& firewall);

// What in a box's firewall cannot be, or has no effect: the field of proto::Firewall, and why. nullopt: nothing.
std::optional<Contradiction> FindContradiction(const proto::Router& router);
std::optional<Contradiction> FindFirewallContradiction(const proto::Nat& nat);

}  // namespace pinhole::scenarios
