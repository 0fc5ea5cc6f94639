#pragma once

#include <filesystem>
#include <string>
#include <system_error>

namespace pinhole::scenarios {

// True if both paths name the same file and the file exists. False if a path is empty.
inline bool IsSameFile(const std::string& a, const std::string& b) {
  std::error_code absent;
  return !a.empty() && !b.empty() && std::filesystem::equivalent(a, b, absent);
}

}  // namespace pinhole::scenarios
