#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "scenarios/language/scenario.h"
#include "scenarios/sweep/judged_run.h"

namespace pinhole::scenarios {

struct SweepPlan {
  const Scenario* scenario = nullptr;
  std::vector<const Cell*> cells;  // of the scenario, in its order
  std::uint32_t repetitions = 1;   // of each cell, from 0
  std::uint64_t base_seed = 1;
  int jobs = 1;       // threads
  bool json = false;  // JudgedRun::json
  // JudgedRun::killed, of the first repetition of each cell: the others' reasons are alike.
  bool killers = false;
};

// Runs every cell of the plan as often as it says, on `jobs` threads, and gives each run to `on_run`, which is called
// on the calling thread and in the plan's order whatever the threads do. `on_idle` is called on the calling
// thread, about ten times a second, with the runs finished so far. Ends early with the first internal error. A
// missed share (Verdict::missed_share) is left for JudgeShares().
absl::Status RunSweep(const SweepPlan& plan, const std::function<void(JudgedRun)>& on_run,
                      const std::function<void(std::uint64_t finished)>& on_idle);

// Settles expectations that allow a share of the repetitions to miss (share_min_ppm): where too many runs of a
// cell missed one, those fail.
void JudgeShares(const Scenario& scenario, std::vector<JudgedRun>& runs);

}  // namespace pinhole::scenarios
