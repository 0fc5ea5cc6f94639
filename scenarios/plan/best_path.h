#pragma once

#include <cstdint>
#include <optional>

#include "net/time.h"
#include "scenarios/plan/plan.h"

namespace pinhole::scenarios {

struct BestPath {
  net::Duration delay{};
  std::uint32_t links = 0;
};

// The way from one node to another that the links alone would allow: of least propagation delay, and of several such
// the one of fewest links. Whether a NAT, a route or an address lets a packet take it is not asked; jitter, rates,
// loss and outages count for nothing. Hosts pass on only what they bridge within a LAN. {0, 0} from a node to itself;
// nullopt: no links lead there.
std::optional<BestPath> FindBestPath(const CellPlan& plan, std::uint32_t from, std::uint32_t to);

}  // namespace pinhole::scenarios
