#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "scenarios/language/field_path.h"
#include "scenarios/language/problem.h"
#include "scenarios/scenario.pb.h"

namespace pinhole::scenarios {

// A Set of the file, its path and values checked against the schema.
class CompiledSet {
 public:
  static absl::StatusOr<CompiledSet> Compile(const proto::Set& set, Location place);
  // `path` = `value`; on a list, `value` is split at commas and replaces it.
  static absl::StatusOr<CompiledSet> CompileAssignment(const FieldPath& path, const std::string& value, Location place);

  // NotFound: the path names an element that is not there.
  absl::Status Apply(proto::Scenario* scenario) const;

  const std::string& path() const { return path_.text(); }
  const Location& place() const { return place_; }

 private:
  enum class Kind { kValue, kReplace, kAppend, kClear };

  CompiledSet(FieldPath path, Kind kind, Location place)
      : path_(std::move(path)), kind_(kind), place_(std::move(place)) {}

  FieldPath path_;
  Kind kind_;
  Location place_;
  std::vector<FieldValue> values_;
};

struct CompiledValue {
  std::string label;
  std::vector<CompiledSet> sets;
};

struct CompiledAxis {
  std::string name;
  std::vector<CompiledValue> values;
};

// `value` as it stands in ids: bytes other than letters, digits and "_-.:+" become "_".
std::string LabelOf(absl::string_view value);

}  // namespace pinhole::scenarios
