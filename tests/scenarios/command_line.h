#pragma once

#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "scenarios/cli/cli.h"

namespace pinhole::scenarios {

// What the program printed where, and how it ended.
struct Said {
  ExitCode exit_code;
  std::string out;
  std::string err;
};

// The program with these arguments, where `files` and the built-in ones are all there are.
inline Said Pinhole(const std::vector<std::string>& arguments, std::map<std::string, std::string> files = {}) {
  MemoryFiles reader(std::move(files));
  std::ostringstream out;
  std::ostringstream err;
  const ExitCode exit_code = RunCommandLine(arguments, reader, out, err);
  return {exit_code, out.str(), err.str()};
}

}  // namespace pinhole::scenarios
