#pragma once

#include <ostream>
#include <vector>

#include "scenarios/language/scenario.h"
#include "scenarios/sweep/judged_run.h"

namespace pinhole::scenarios {

// The results of a sweep as text for a terminal. In all functions `runs` are grouped by cell, in the scenario's order.

// Prints a table: its rows are the values of the first axis that varies, its columns those of the second. There is one
// table for each combination of the other axes. If only one axis varies, the table has one column. Each entry has a
// letter for the outcome and a mark for the verdict; a legend follows. Prints nothing if no axis varies.
void PrintMatrix(const Scenario& scenario, const std::vector<JudgedRun>& runs, std::ostream& out);

// Prints, below the table, what ended the cells that failed: for each transport and kind of behavior the rules, their
// nodes and the number of cells. Prints nothing if no run has a killer.
void PrintKillers(const std::vector<JudgedRun>& runs, std::ostream& out);

struct SweepCounts {
  std::uint64_t runs = 0;
  std::uint64_t pass = 0;     // `depends` included
  std::uint64_t depends = 0;  // passes in cells for which the oracle allows several outcomes
  std::uint64_t fail = 0;
  std::uint64_t xfail = 0;
  std::uint64_t unsupported = 0;
  std::uint64_t direct = 0;
  std::uint64_t relayed = 0;
  std::uint64_t failed = 0;
  std::uint64_t undecided = 0;
  std::uint64_t consent_lost = 0;  // runs in which a side that had connected lost consent later
  std::uint64_t nat_checks = 0;    // runs of NAT checks, which have no outcome and are in none of the four above
};
SweepCounts CountRuns(const std::vector<JudgedRun>& runs);
void PrintSummary(const SweepCounts& counts, std::ostream& out);

// Prints each cell with a failed run: the reason, and the command that repeats the run. `command_options` are the
// options of the sweep that the command needs too (" --seed 2"). For the cells after the first `cells_max`, only the
// command is printed.
void PrintFailures(const Scenario& scenario, const std::vector<JudgedRun>& runs, const std::string& command_options,
                   std::size_t cells_max, std::ostream& out);

}  // namespace pinhole::scenarios
