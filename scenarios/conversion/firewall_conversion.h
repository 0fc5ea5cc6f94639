#pragma once

#include <optional>

#include "scenarios/conversion/nat_conversion.h"
#include "scenarios/topology.pb.h"
#include "sim/boxes/egress_policy.h"
#include "sim/nat/stateful_filter.h"

namespace pinhole::scenarios {

// Converts the two parts of a firewall: the rules for packets that leave, and the stateful filter.
sim::EgressPolicy ToEgressPolicy(const proto::Firewall& firewall);
sim::FilterProfile ToFilterProfile(const proto::Firewall& firewall);

// Returns the field of proto::Firewall that contradicts another one or has no effect, and the reason. nullopt: there is
// none.
std::optional<Contradiction> FindContradiction(const proto::Router& router);
std::optional<Contradiction> FindFirewallContradiction(const proto::Nat& nat);

}  // namespace pinhole::scenarios
