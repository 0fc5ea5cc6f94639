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

// The latest drop on the way of one pair's checks, or of the answers to them.
struct PairDeath {
  std::size_t pair = 0;  // index in the agent's check list
  sim::DropRecord drop;
};

// The pair of `pairs` whose check the dropped packet is, carries on, or answers; nullopt: none's, or no check traffic.
std::optional<std::size_t> PairOf(const CellRun& run, const PacketBook& book, const std::vector<ice::PairView>& pairs,
                                  const sim::DropRecord& drop);

// For each pair of the agent whose checks or answers were dropped anywhere, the latest such drop. Ordered by pair.
std::vector<PairDeath> DeathsOf(const CellRun& run, const PacketBook& book, const ice::Agent& agent);

}  // namespace pinhole::scenarios
