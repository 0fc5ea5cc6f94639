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
  std::string filter;
  std::optional<std::uint64_t> seed;    // in place of the file's base seed
  std::optional<std::uint32_t> repeat;  // in place of the file's repetitions
  int jobs = 0;                         // 0: one for each core
  std::string json;                     // file to write one RunResult a line to; "-": standard output
  bool quiet = false;                   // no matrix
  bool progress = false;                // a progress line on `err`: it is a terminal
  LoadOptions load;
};

// pinhole sweep FILE...: runs every cell, judges each, and prints the matrix, the summary and a command for each cell
// that was not as expected.
ExitCode Sweep(const SweepFlags& flags, FileReader& files, std::ostream& out, std::ostream& err);

}  // namespace pinhole::scenarios
