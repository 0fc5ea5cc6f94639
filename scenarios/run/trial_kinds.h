#pragma once

#include <ostream>
#include <span>

#include "scenarios/plan/plan.h"
#include "scenarios/results.pb.h"

namespace pinhole::scenarios {

// A kind of trial, as far as it is not one trial's: how the trials of a cell are planned, and how `pinhole run` tells
// its part of a result.
struct TrialKind {
  // Appends the cell's trials of this kind to the plan, in the file's order. The plan has its nodes and servers.
  void (*plan)(const ResolvedCell& cell, CellPlan* plan);
  void (*print)(const proto::RunResult& result, std::ostream& out);
};

// All kinds, in the order in which a cell's trials stand in its plan.
std::span<const TrialKind* const> TrialKinds();

// The plan of a cell, trials included. Cannot fail, because the cell has been checked.
CellPlan PlanCell(const ResolvedCell& cell);

}  // namespace pinhole::scenarios
