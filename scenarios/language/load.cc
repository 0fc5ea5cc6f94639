#include "scenarios/language/load.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "scenarios/language/axis_texts.h"
#include "scenarios/language/compiled_sweep.h"
#include "scenarios/language/expand.h"
#include "scenarios/language/field_path.h"
#include "scenarios/language/nat_profiles.h"
#include "scenarios/language/parse_text.h"
#include "scenarios/language/problem.h"

namespace pinhole::scenarios {
namespace {

constexpr int kBaseDepthMax = 8;

// Resolves "." and ".." in a path; the prefix "builtin:" is kept.
std::string Normal(const std::string& path) {
  absl::string_view rest = path;
  const bool builtin = absl::ConsumePrefix(&rest, kBuiltinPrefix);
  std::string normal = std::filesystem::path(std::string(rest)).lexically_normal().string();
  return builtin ? absl::StrCat(kBuiltinPrefix, normal) : normal;
}

std::string Join(const std::string& directory, const std::string& name) {
  if (directory.empty() || absl::StartsWith(name, "/") || absl::StartsWith(name, kBuiltinPrefix)) return Normal(name);
  if (directory == kBuiltinPrefix) return Normal(absl::StrCat(directory, name));
  return Normal(absl::StrCat(directory, "/", name));
}

std::string DirectoryOf(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash != std::string::npos) return path.substr(0, slash);
  return absl::StartsWith(path, kBuiltinPrefix) ? kBuiltinPrefix : "";
}

struct FoundFile {
  std::string path;
  std::string text;
};

// Reads the first of `paths` that exists.
absl::StatusOr<FoundFile> ReadFirst(FileReader& files, const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    absl::StatusOr<std::string> text = files.Read(path);
    if (text.ok()) return FoundFile{path, *std::move(text)};
    if (!absl::IsNotFound(text.status())) return text.status();
  }
  return absl::NotFoundError("no such file");
}

std::vector<std::string> FileNames(FileReader& files, const std::string& directory, const std::string& prefix) {
  std::vector<std::string> names;
  for (const std::string& path : files.List(directory)) {
    names.push_back(absl::StrCat(prefix, path.substr(path.rfind('/') + 1)));
  }
  return names;
}

// A file merged with its base, the base's base and so on.
class BaseStack {
 public:
  BaseStack(FileReader& files, const LoadOptions& options, Problems* problems)
      : files_(files), options_(options), problems_(problems) {}

  void Load(const FoundFile& file, int depth) {
    proto::Scenario own;
    Origins own_origins;
    ParseTextInto(file.path, file.text, &own, &own_origins, problems_);
    if (!problems_->empty()) return;
    if (depth == 0 && own.ByteSizeLong() == 0) {
      problems_->Add(Location{file.path, 1, 1}, "the file is empty; a scenario has a name, a topology and a session");
      return;
    }
    if (own.has_base() && !LoadBase(file, own.base(), own_origins.Find("base"), depth)) return;
    for (const proto::Axis& over : own.sweep().axis()) {
      for (proto::Axis& axis : *merged.mutable_sweep()->mutable_axis()) {
        if (over.name() == axis.name()) KeepValueFields(ValueFieldsOf(over), &axis);
      }
    }
    MergeByName(own, &merged);
    origins.MergeFrom(own_origins);
  }

  proto::Scenario merged;
  Origins origins;

 private:
  bool LoadBase(const FoundFile& file, const std::string& base, const Location& place, int depth) {
    if (depth + 1 > kBaseDepthMax) {
      problems_->Add(place, absl::StrCat("base files go more than ", kBaseDepthMax, " deep; do they go in a circle?"));
      return false;
    }
    const absl::StatusOr<FoundFile> found =
        ReadFirst(files_, {Join(DirectoryOf(file.path), base), Join(options_.data_directory, base)});
    if (!found.ok()) {
      std::vector<std::string> names = FileNames(files_, Join(options_.data_directory, "topologies"), "topologies/");
      problems_->Add(place, absl::StrCat("base \"", base, "\": ", found.status().message(),
                                         absl::IsNotFound(found.status()) ? Suggestion(base, names) : ""));
      return false;
    }
    Load(*found, depth + 1);
    return problems_->empty();
  }

  FileReader& files_;
  const LoadOptions& options_;
  Problems* problems_;
};

// If `path` is a field that gives the values of an axis and was set by --set, clears the other fields that give the
// values of the axis.
void KeepValuesSetAt(const FieldPath& path, proto::Scenario* scenario) {
  const absl::StatusOr<google::protobuf::Message*> holder = path.Holder(scenario);
  if (!holder.ok() || (*holder)->GetDescriptor() != proto::Axis::descriptor()) return;
  proto::Axis* axis = static_cast<proto::Axis*>(*holder);
  for (const google::protobuf::FieldDescriptor* field : ValueFieldsOf(*axis)) {
    if (field == &path.field()) return KeepValueFields({field}, axis);
  }
}

void ApplySets(const std::vector<std::string>& sets, proto::Scenario* scenario, Origins* origins, Problems* problems) {
  for (const std::string& text : sets) {
    const Location place{absl::StrCat("--set ", text), 0, 0};
    // A value may contain "=", a path may not.
    const std::pair<std::string, std::string> parts = absl::StrSplit(text, absl::MaxSplits('=', 1));
    if (!absl::StrContains(text, '=')) {
      problems->Add(place, "say path=value, such as topology.nat[home_a].profile=pf");
      continue;
    }
    const absl::StatusOr<FieldPath> path = FieldPath::Compile(parts.first, *proto::Scenario::descriptor());
    if (!path.ok()) {
      problems->Add(place, path.status().message());
      continue;
    }
    const absl::StatusOr<CompiledSet> set = CompiledSet::CompileAssignment(*path, parts.second, place);
    const absl::Status status = set.ok() ? set->Apply(scenario) : set.status();
    if (!status.ok()) {
      problems->Add(place, status.message());
      continue;
    }
    KeepValuesSetAt(*path, scenario);
    origins->Record(parts.first, place);
  }
}

// The library file that the user may have meant by a path that does not exist. The file name alone is also compared.
std::string NearestFile(FileReader& files, const std::string& data_directory, const std::string& path) {
  const std::vector<std::string> paths = FileNames(files, Join(data_directory, "library"), "library/");
  if (const std::string nearest = Nearest(path, paths); !nearest.empty()) return nearest;
  const auto bare = [](absl::string_view whole) {
    return absl::StripSuffix(whole.substr(whole.rfind('/') + 1), ".textproto");
  };
  std::vector<std::string> names;
  for (const std::string& whole : paths) names.emplace_back(bare(whole));
  return Nearest(bare(path), names);
}

}  // namespace

absl::StatusOr<Scenario> LoadScenario(const std::string& path, FileReader& files, const LoadOptions& options) {
  Problems problems;
  const absl::StatusOr<FoundFile> file =
      ReadFirst(files, {path, Join(options.data_directory, path), Join(options.data_directory, "library/" + path),
                        Join(options.data_directory, "library/" + path + ".textproto")});
  if (!file.ok()) {
    std::string hint;
    if (absl::IsNotFound(file.status())) {
      const std::string nearest = NearestFile(files, options.data_directory, path);
      if (!nearest.empty()) hint = absl::StrCat("; did you mean \"", nearest, "\"?");
    }
    problems.Add(Location{path, 0, 0}, absl::StrCat(file.status().message(), hint));
    return problems.ToStatus();
  }

  BaseStack stack(files, options, &problems);
  stack.Load(*file, 0);
  if (!problems.empty()) return problems.ToStatus();

  ApplySets(options.sets, &stack.merged, &stack.origins, &problems);
  if (!problems.empty()) return problems.ToStatus();

  CheckAgainstSchema(stack.merged, "", stack.origins, /*partial=*/false, &problems);
  if (!problems.empty()) return problems.ToStatus();

  NatProfiles profiles = NatProfiles::Load(files, options.data_directory, &problems);
  if (!problems.empty()) return problems.ToStatus();

  return ExpandAxes(file->path, std::move(stack.merged), std::move(profiles), stack.origins);
}

}  // namespace pinhole::scenarios
