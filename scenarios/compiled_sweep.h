#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "scenarios/field_path.h"
#include "scenarios/nat_profiles.h"
#include "scenarios/problem.h"
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

// A Condition, its axes, fields and values checked.
class CompiledCondition {
 public:
  // `path` leads to the condition, for places.
  static std::optional<CompiledCondition> Compile(const proto::Condition& condition, const std::string& path,
                                                  const std::vector<CompiledAxis>& axes, const Origins& origins,
                                                  Problems* problems);

  // It can be judged only with the resolved cell at hand.
  bool asks_fields() const;
  // `numbers`: the cell's value number on each axis. `cell` may be null unless asks_fields(). NotFound: a field path
  // names an element that the cell does not have.
  absl::StatusOr<bool> Holds(const std::vector<CompiledAxis>& axes, const std::vector<std::uint32_t>& numbers,
                             const proto::Scenario* cell) const;

 private:
  enum class Kind { kIn, kNotIn, kCompare, kSame, kNotSame, kAll, kAny, kNone };

  Kind kind_ = Kind::kAll;
  int axis_ = -1;
  std::optional<FieldPath> field_;
  int other_axis_ = -1;
  std::optional<FieldPath> other_field_;
  std::set<std::string, std::less<>> values_;
  std::optional<std::int64_t> lt_, le_, gt_, ge_;
  std::vector<CompiledCondition> parts_;
};

// Everything that turns a scenario into its cells.
class CompiledSweep {
 public:
  // What is wrong goes to `problems`; the result is of use only if nothing was.
  static CompiledSweep Compile(const proto::Scenario& scenario, NatProfiles profiles, const Origins& origins,
                               Problems* problems);

  const std::vector<CompiledAxis>& axes() const { return axes_; }
  const std::vector<CompiledCondition>& only() const { return only_; }
  const std::vector<std::vector<CompiledCondition>>& when() const { return when_; }  // by expectation
  const NatProfiles& profiles() const { return profiles_; }

  // Axes that advance together, in the order of the file.
  const std::vector<std::vector<int>>& dimensions() const { return dimensions_; }

  // The scenario without sweep and expectations, with the values of one cell set. NotFound: a path names an element
  // that is not there; `where` says whose, unless null.
  absl::StatusOr<proto::Scenario> Apply(const std::vector<std::uint32_t>& numbers, Location* where) const;
  // What axes set in that cell, for CellProblems.
  std::vector<std::pair<std::string, Location>> SetPlaces(const std::vector<std::uint32_t>& numbers) const;

 private:
  void CompileAxis(const proto::Axis& axis, const Origins& origins, Problems* problems);
  void CompileZips(const proto::Sweep& sweep, const Origins& origins, Problems* problems);

  proto::Scenario plain_;
  NatProfiles profiles_;
  std::vector<CompiledAxis> axes_;
  std::vector<std::vector<int>> dimensions_;
  std::vector<CompiledCondition> only_;
  std::vector<std::vector<CompiledCondition>> when_;
};

// `value` as it stands in ids: bytes other than letters, digits and "_-.:+" become "_".
std::string LabelOf(absl::string_view value);

}  // namespace pinhole::scenarios
