#pragma once

#include <filesystem>
#include <string>
#include <system_error>

namespace pinhole::scenarios {

// Whether both name one file that is there. An empty name is of none.
inline bool IsSameFile(const std::string& a, const std::string& b) {
  std::error_code absent;
  return !a.empty() && !b.empty() && std::filesystem::equivalent(a, b, absent);
}

}  // namespace pinhole::scenarios
