#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "scenarios/cli/exit_code.h"
#include "scenarios/language/load.h"

namespace pinhole::scenarios {

struct CheckFlags {
  std::vector<std::string> paths;
  bool list = false;
  std::string filter;  // with list
  LoadOptions load;
};

// pinhole check FILE...: says whether scenarios are well formed, without running them.
ExitCode Check(const CheckFlags& flags, FileReader& files, std::ostream& out, std::ostream& err);

}  // namespace pinhole::scenarios
