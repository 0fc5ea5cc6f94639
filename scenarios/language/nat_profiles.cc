#include "scenarios/language/nat_profiles.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "scenarios/conversion/nat_conversion.h"
#include "scenarios/language/parse_text.h"

namespace pinhole::scenarios {

NatProfiles NatProfiles::Load(FileReader& files, const std::string& data_directory, Problems* problems) {
  NatProfiles loaded;
  const std::string directory =
      data_directory == kBuiltinPrefix ? absl::StrCat(data_directory, "nats") : absl::StrCat(data_directory, "/nats");
  for (const std::string& path : files.List(directory)) {
    const absl::StatusOr<std::string> text = files.Read(path);
    if (!text.ok()) {
      problems->Add(Location{path, 0, 0}, text.status().message());
      continue;
    }
    proto::NatProfile profile;
    Origins origins;
    Problems own;
    ParseTextInto(path, *text, &profile, &origins, &own);
    if (own.empty()) CheckAgainstSchema(profile, "", origins, /*partial=*/false, &own);
    if (own.empty()) {
      proto::Nat nat;
      *nat.mutable_udp() = profile.udp();
      *nat.mutable_tcp() = profile.tcp();
      *nat.mutable_icmp() = profile.icmp();
      *nat.mutable_pool() = profile.pool();
      *nat.mutable_limits() = profile.limits();
      FillDependentDefaults(nat.mutable_udp());
      FillDependentDefaults(nat.mutable_tcp());
      if (const std::optional<Contradiction> found = FindContradiction(nat)) {
        own.Add(origins.Find(found->field), absl::StrCat(found->field, ": ", found->why));
      }
      if (profile.source_size() == 0)
        own.Add(Location{path, 0, 0}, "a profile says where its figures come from: source");
    }
    if (!own.empty()) {
      problems->MergeFrom(own);
      continue;
    }
    loaded.profiles_.push_back(std::move(profile));
  }
  std::sort(loaded.profiles_.begin(), loaded.profiles_.end(),
            [](const proto::NatProfile& a, const proto::NatProfile& b) { return a.name() < b.name(); });
  for (std::size_t i = 0; i < loaded.profiles_.size(); ++i) {
    const proto::NatProfile& profile = loaded.profiles_[i];
    std::vector<std::string> names(profile.alias().begin(), profile.alias().end());
    names.push_back(profile.name());
    for (const std::string& name : names) {
      if (!loaded.by_name_.emplace(name, i).second) {
        problems->Add(Location{directory, 0, 0}, absl::StrCat("two NAT profiles are called \"", name, "\""));
      }
    }
  }
  return loaded;
}

const proto::NatProfile* NatProfiles::Find(absl::string_view name) const {
  const auto it = by_name_.find(name);
  return it == by_name_.end() ? nullptr : &profiles_[it->second];
}

std::vector<std::string> NatProfiles::names() const {
  std::vector<std::string> names;
  for (const auto& [name, index] : by_name_) names.push_back(name);
  return names;
}

}  // namespace pinhole::scenarios
