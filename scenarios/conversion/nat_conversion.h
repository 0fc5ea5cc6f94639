#pragma once

#include <optional>
#include <string>

#include "scenarios/topology.pb.h"
#include "sim/nat/profile.h"

namespace pinhole::scenarios {

// The behavior that the simulator is to give a NAT. `nat` is one of a resolved cell (Scenario::Resolve).
sim::NatProfile ToNatProfile(const proto::Nat& nat);

// Writes the defaults that depend on other fields: the timeouts that follow idle_timeout_us.
void FillDependentDefaults(proto::UdpNat* udp);
// ... and those that follow transitory_timeout_us and established_timeout_us.
void FillDependentDefaults(proto::TcpNat* tcp);

sim::Unsolicited ToUnsolicited(proto::Unsolicited::Answer value);
sim::TcpDepth ToTcpDepth(proto::TcpTracking::Depth value);

// A behavior that cannot be: the field of proto::Nat where it shows ("udp.ports.policy"), and why.
struct Contradiction {
  std::string field;
  std::string why;
};

// nullopt: the behavior is one that a NAT can have. `nat` as above.
std::optional<Contradiction> FindContradiction(const proto::Nat& nat);

}  // namespace pinhole::scenarios
