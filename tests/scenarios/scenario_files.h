#pragma once

#include <map>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "scenarios/language/load.h"

namespace pinhole::scenarios {

// Loads `text` as the file "test.textproto". `others` are other files in the same folder.
inline absl::StatusOr<Scenario> LoadText(const std::string& text, std::map<std::string, std::string> others = {},
                                         const LoadOptions& options = {}) {
  others["test.textproto"] = text;
  MemoryFiles files(std::move(others));
  return LoadScenario("test.textproto", files, options);
}

// The text of a scenario with two homes, and `more`.
inline std::string Homes(const std::string& more) {
  return "name: \"test\"\nbase: \"topologies/two_homes.textproto\"\n" + more;
}

}  // namespace pinhole::scenarios
