#pragma once

#include <ostream>
#include <span>

#include "scenarios/plan/plan.h"
#include "scenarios/results.pb.h"

namespace pinhole::scenarios {

// A kind of trial: ICE session, punching or NAT check. It has the two functions that concern all trials of the kind.
struct TrialKind {
  // Appends the cell's trials of this kind to the plan, in the file's order. The plan must already contain the nodes
  // and servers.
  void (*plan)(const ResolvedCell& cell, CellPlan* plan);
  // Prints the results of all trials of this kind for `pinhole run`.
  void (*print)(const proto::RunResult& result, std::ostream& out);
};

// All kinds. The trials of a plan are in this order of kinds.
std::span<const TrialKind* const> TrialKinds();

// Returns the plan of a cell with its trials. It cannot fail, because the loader has checked the cell.
CellPlan PlanCell(const ResolvedCell& cell);

}  // namespace pinhole::scenarios
