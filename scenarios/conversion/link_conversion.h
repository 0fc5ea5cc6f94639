#pragma once

#include "scenarios/topology.pb.h"
#include "sim/link.h"

namespace pinhole::scenarios {

// One direction of a link, as the simulator takes it. `link` is one of a resolved cell (Scenario::Resolve).
sim::LinkProfile ToLinkProfile(const proto::Link& link);

}  // namespace pinhole::scenarios
