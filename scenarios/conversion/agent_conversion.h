#pragma once

#include "ice/options.h"
#include "scenarios/session.pb.h"

namespace pinhole::scenarios {

// Converts the options of an ICE agent. The servers are not among them, because they are known from the topology.
// `agent` belongs to a resolved cell (Scenario::Resolve).
ice::AgentOptions ToAgentOptions(const proto::Agent& agent);

}  // namespace pinhole::scenarios
