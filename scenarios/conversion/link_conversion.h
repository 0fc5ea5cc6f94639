#pragma once

#include "scenarios/topology.pb.h"
#include "sim/link.h"

namespace pinhole::scenarios {

// Converts one direction of a link. `link` belongs to a resolved cell (Scenario::Resolve).
sim::LinkProfile ToLinkProfile(const proto::Link& link);

}  // namespace pinhole::scenarios
