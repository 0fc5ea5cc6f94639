#include "scenarios/run/trial_kinds.h"

#include "scenarios/run/nat_check_trial.h"
#include "scenarios/run/punching_trial.h"
#include "scenarios/run/session_text.h"

namespace pinhole::scenarios {

std::span<const TrialKind* const> TrialKinds() {
  static constexpr const TrialKind* kKinds[] = {&kSessionKind, &kPunchingKind, &kNatCheckKind};
  return kKinds;
}

CellPlan PlanCell(const ResolvedCell& cell) {
  CellPlan plan = PlanNetwork(cell);
  for (const TrialKind* kind : TrialKinds()) kind->plan(cell, &plan);
  return plan;
}

}  // namespace pinhole::scenarios
