#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "scenarios/cli/exit_code.h"
#include "scenarios/language/load.h"

namespace pinhole::scenarios {

struct SweepFlags {
  std::vector<std::string> paths;
  std::string filter;                   // "axis=value,...", as Scenario::Filter() takes it; empty: all cells
  std::optional<std::uint64_t> seed;    // base seed; replaces the file's base seed
  std::optional<std::uint32_t> repeat;  // runs of each cell; replaces the file's repetitions
  int jobs = 0;                         // number of threads; 0: one for each core
  std::string json;                     // file for the RunResults, one a line; "-": print them to `out`
  bool quiet = false;                   // do not print the matrix
  bool progress = false;                // print a progress line to `err`, which then must be a terminal
  LoadOptions load;
};

// pinhole sweep FILE...: runs and judges every cell of each scenario. Prints the matrix, a command for each cell that
// failed, and the summary. Returns kUnexpected if a verdict is a fail.
ExitCode Sweep(const SweepFlags& flags, FileReader& files, std::ostream& out, std::ostream& err);

}  // namespace pinhole::scenarios
