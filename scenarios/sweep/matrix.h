#pragma once

#include <ostream>
#include <vector>

#include "scenarios/language/scenario.h"
#include "scenarios/sweep/judged_run.h"

namespace pinhole::scenarios {

// What a sweep came to, for a terminal. `runs` are grouped by cell, in the scenario's order.

// A table of the first two axes that vary, one for each combination of the others, or a list where only one does: a
// letter for what happened, a mark for what to think of it. Nothing when fewer than two cells ran.
void PrintMatrix(const Scenario& scenario, const std::vector<JudgedRun>& runs, std::ostream& out);

// Below the table, what ended the cells without a path: by transport and kind, the rule and at which node, with the
// number of cells. Nothing where no run has a killer.
void PrintKillers(const std::vector<JudgedRun>& runs, std::ostream& out);

struct SweepCounts {
  std::uint64_t runs = 0;
  std::uint64_t pass = 0;     // passes that depend included
  std::uint64_t depends = 0;  // passes in cells where the oracle leaves several outcomes open
  std::uint64_t fail = 0;
  std::uint64_t xfail = 0;
  std::uint64_t unsupported = 0;
  std::uint64_t direct = 0;
  std::uint64_t relayed = 0;
  std::uint64_t failed = 0;
  std::uint64_t undecided = 0;
  std::uint64_t consent_lost = 0;  // of those that connected, later
  std::uint64_t nat_checks = 0;    // which have no path to speak of
};
SweepCounts CountRuns(const std::vector<JudgedRun>& runs);
void PrintSummary(const SweepCounts& counts, std::ostream& out);

// Each cell with a failed run: what was wrong and the command that shows it. `command_options` is what the sweep was
// given besides the file (" --seed 2"). After `cells_max` the command alone, a line a cell.
void PrintFailures(const Scenario& scenario, const std::vector<JudgedRun>& runs, const std::string& command_options,
                   std::size_t cells_max, std::ostream& out);

}  // namespace pinhole::scenarios
