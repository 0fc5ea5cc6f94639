#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "scenarios/cli/exit_code.h"
#include "scenarios/language/file_reader.h"

namespace pinhole::scenarios {

// Runs the program `pinhole`: parses the arguments (without the program's name) and calls the command. main() adds only
// the standard streams and the system's files, so that tests can call this function.
ExitCode RunCommandLine(const std::vector<std::string>& arguments, FileReader& files, std::ostream& out,
                        std::ostream& err);

}  // namespace pinhole::scenarios
