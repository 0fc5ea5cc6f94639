#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "scenarios/cli/exit_code.h"
#include "scenarios/language/file_reader.h"

namespace pinhole::scenarios {

// The whole program but for main(): `arguments` without the program's name.
ExitCode RunCommandLine(const std::vector<std::string>& arguments, FileReader& files, std::ostream& out,
                        std::ostream& err);

}  // namespace pinhole::scenarios
