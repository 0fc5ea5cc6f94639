#pragma once

#include <optional>
#include <string>

#include "scenarios/topology.pb.h"
#include "sim/nat/profile.h"

namespace pinhole::scenarios {

// Converts the behavior of a NAT. `nat` belongs to a resolved cell (Scenario::Resolve).
sim::NatProfile ToNatProfile(const proto::Nat& nat);

// Sets the defaults that depend on other fields: the timeouts that follow idle_timeout_us.
void FillDependentDefaults(proto::UdpNat* udp);
// The same for the timeouts that follow transitory_timeout_us and established_timeout_us.
void FillDependentDefaults(proto::TcpNat* tcp);

sim::Unsolicited ToUnsolicited(proto::Unsolicited::Answer value);
sim::TcpDepth ToTcpDepth(proto::TcpTracking::Depth value);

// Two settings that no NAT can have together: the field of proto::Nat that shows it ("udp.ports.policy"), and the
// reason.
struct Contradiction {
  std::string field;
  std::string why;
};

// Returns nullopt if a NAT can have this behavior. `nat` belongs to a resolved cell.
std::optional<Contradiction> FindContradiction(const proto::Nat& nat);

}  // namespace pinhole::scenarios
