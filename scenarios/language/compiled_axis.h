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

// A Set of the file whose path and values were checked against the schema.
class CompiledSet {
 public:
  static absl::StatusOr<CompiledSet> Compile(const proto::Set& set, Location place);
  // Compiles the assignment `path` = `value`. If the field is a list, `value` is split at commas and replaces the list.
  static absl::StatusOr<CompiledSet> CompileAssignment(const FieldPath& path, const std::string& value, Location place);

  // Sets the field in `scenario`. Returns NotFound if the path names an element that does not exist.
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

// `value` as it is written in ids: each byte except letters, digits and "_-.:+" is replaced by "_".
std::string LabelOf(absl::string_view value);

}  // namespace pinhole::scenarios
