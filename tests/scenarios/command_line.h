#pragma once

#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "scenarios/cli/cli.h"

namespace pinhole::scenarios {

// The outputs of the program and its exit code.
struct Said {
  ExitCode exit_code;
  std::string out;
  std::string err;
};

// Runs the program with these arguments. It can read only `files` and the built-in files.
inline Said Pinhole(const std::vector<std::string>& arguments, std::map<std::string, std::string> files = {}) {
  MemoryFiles reader(std::move(files));
  std::ostringstream out;
  std::ostringstream err;
  const ExitCode exit_code = RunCommandLine(arguments, reader, out, err);
  return {exit_code, out.str(), err.str()};
}

}  // namespace pinhole::scenarios
