#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>

#include "scenarios/cli/exit_code.h"
#include "scenarios/language/load.h"

namespace pinhole::scenarios {

struct RunFlags {
  std::string path;
  std::string cell;                   // id, perhaps with a repetition; may be left out where there is one cell only
  std::optional<std::uint64_t> seed;  // in place of the file's base seed
  bool ladder = true;
  std::string pcapng;  // file for the capture; empty: none
  std::string json;    // file for the RunResult; "-": standard output, alone
  LoadOptions load;
};

// pinhole run FILE: one run of one cell, told in full: the ladder of its packets, each side's candidates and check
// list, what became of it and why, and the verdict.
ExitCode Run(const RunFlags& flags, FileReader& files, std::ostream& out, std::ostream& err);

}  // namespace pinhole::scenarios
