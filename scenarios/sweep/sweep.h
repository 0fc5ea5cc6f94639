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

// The runs of a sweep.
struct SweepPlan {
  const Scenario* scenario = nullptr;
  std::vector<const Cell*> cells;  // the cells of the scenario that are run, in the scenario's order
  std::uint32_t repetitions = 1;   // runs of each cell; they are numbered from 0
  std::uint64_t base_seed = 1;
  int jobs = 1;       // number of threads
  bool json = false;  // fill JudgedRun::json
  // Fill JudgedRun::killed for the first repetition of each cell. One is enough, because the repetitions of a cell
  // usually fail for the same reason.
  bool killers = false;
};

// Runs every cell of the plan `repetitions` times, on `jobs` threads. Gives each run to `on_run`, in the order of the
// plan. While it waits, it calls `on_idle` about ten times a second with the number of runs that have finished. Both
// functions are called on the calling thread. After an internal error no further runs are started, and the error is
// returned. Runs with Verdict::missed_share are not decided here; JudgeShares() decides them.
absl::Status RunSweep(const SweepPlan& plan, const std::function<void(JudgedRun)>& on_run,
                      const std::function<void(std::uint64_t finished)>& on_idle);

// Decides the expectations with share_min_ppm, which a part of the repetitions of a cell may miss. If too few
// repetitions of a cell meet such an expectation, the runs that missed it fail. `runs` are grouped by cell.
void JudgeShares(const Scenario& scenario, std::vector<JudgedRun>& runs);

}  // namespace pinhole::scenarios
