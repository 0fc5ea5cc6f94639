#pragma once

#include "ice/options.h"
#include "scenarios/session.pb.h"

namespace pinhole::scenarios {

// The options of an ICE agent, except its servers, which the topology knows. `agent` is one of a resolved cell
// (Scenario::Resolve).
ice::AgentOptions ToAgentOptions(const proto::Agent& agent);

}  // namespace pinhole::scenarios
