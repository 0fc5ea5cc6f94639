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
  std::string cell;  // id of the cell, perhaps with a repetition; may be empty if the scenario has only one cell
  std::optional<std::uint64_t> seed;  // base seed; replaces the file's base seed
  bool ladder = true;                 // print the ladder of packets
  std::string pcapng;                 // file for the capture; empty: no capture
  std::string json;                   // file for the RunResult; "-": print it to `out`, and nothing else
  LoadOptions load;
};

// pinhole run FILE: runs one cell once and prints all about it: the ladder of packets, the candidates and check list of
// each side, the outcome with its reason, and the verdict. Returns kUnexpected if the verdict is a fail.
ExitCode Run(const RunFlags& flags, FileReader& files, std::ostream& out, std::ostream& err);

}  // namespace pinhole::scenarios
