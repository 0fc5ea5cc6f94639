#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "scenarios/cli/exit_code.h"
#include "scenarios/language/load.h"

namespace pinhole::scenarios {

struct CheckFlags {
  std::vector<std::string> paths;
  bool list = false;   // print the id of every cell
  std::string filter;  // only with `list`: "axis=value,...", as Scenario::Filter() takes it; empty: all cells
  LoadOptions load;
};

// pinhole check FILE...: loads each scenario without running it, and prints its mistakes to `err` or a summary to
// `out`. Returns kBadScenario if any file has a mistake.
ExitCode Check(const CheckFlags& flags, FileReader& files, std::ostream& out, std::ostream& err);

}  // namespace pinhole::scenarios
