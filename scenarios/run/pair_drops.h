#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "ice/agent.h"
#include "ice/views.h"
#include "scenarios/run/cell_run.h"
#include "scenarios/run/packet_book.h"
#include "sim/record/drop_log.h"

namespace pinhole::scenarios {

// The last dropped packet that belongs to one candidate pair: a check of the pair, or an answer to such a check.
struct PairDeath {
  std::size_t pair = 0;  // index in the agent's check list
  sim::DropRecord drop;
};

// Returns the index in `pairs` of the candidate pair to which a dropped packet belongs. The packet may be a check of
// the pair, the same check translated by a NAT or forwarded by a relay, or the answer to it. nullopt: the packet is
// neither a check nor an answer, or belongs to none of `pairs`.
std::optional<std::size_t> PairOf(const CellRun& run, const PacketBook& book, const std::vector<ice::PairView>& pairs,
                                  const sim::DropRecord& drop);

// Returns the last drop of each pair in the agent's check list that lost a check or an answer at any node. The order is
// that of the check list.
std::vector<PairDeath> DeathsOf(const CellRun& run, const PacketBook& book, const ice::Agent& agent);

}  // namespace pinhole::scenarios
