#pragma once

#include "absl/status/status.h"
#include "scenarios/plan/plan.h"

namespace pinhole::scenarios {

// What a cell runs besides ICE sessions, in the plan whose nodes are there already. Errors as PlanCell()'s.
absl::Status PlanTrials(const proto::Scenario& cell, CellPlan* plan);

}  // namespace pinhole::scenarios
