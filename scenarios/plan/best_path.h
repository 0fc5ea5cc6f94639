#pragma once

#include <cstdint>
#include <optional>

#include "net/time.h"
#include "scenarios/plan/plan.h"

namespace pinhole::scenarios {

struct BestPath {
  net::Duration delay{};    // sum of the propagation delays
  std::uint32_t links = 0;  // number of links
};

// Finds the path with the least propagation delay between two nodes; if several have the same delay, the one with the
// fewest links. It is the standard against which the selected path of a session is measured.
//
// Only the links count. NATs, routes and addresses are ignored, and so are jitter, rates, loss and outages. A host does
// not forward packets, but one that is the middle of a LAN bridges this LAN. `from` and `to` are indices in
// CellPlan::nodes. Returns {0, 0} from a node to itself, and nullopt if no links lead to `to`.
std::optional<BestPath> FindBestPath(const CellPlan& plan, std::uint32_t from, std::uint32_t to);

}  // namespace pinhole::scenarios
