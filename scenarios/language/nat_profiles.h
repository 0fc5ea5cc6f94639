#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "scenarios/language/file_reader.h"
#include "scenarios/language/problem.h"
#include "scenarios/nat_profile.pb.h"

namespace pinhole::scenarios {

// The NAT profiles of a data directory: one file each in nats/. They are found by name or alias.
class NatProfiles {
 public:
  // Loads all profiles. Reports to `problems` files that cannot be read or parsed, names that occur twice, and profiles
  // that contradict themselves.
  static NatProfiles Load(FileReader& files, const std::string& data_directory, Problems* problems);

  // The profile with this name or alias; null if there is none.
  const proto::NatProfile* Find(absl::string_view name) const;
  // All profiles, sorted by name; aliases are not listed.
  const std::vector<proto::NatProfile>& all() const& { return profiles_; }
  void all() const&& = delete;  // the reference would outlive the object
  // All names and aliases, for suggestions.
  std::vector<std::string> names() const;

 private:
  std::vector<proto::NatProfile> profiles_;
  std::map<std::string, std::size_t, std::less<>> by_name_;
};

}  // namespace pinhole::scenarios
