#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "scenarios/language/compiled_axis.h"
#include "scenarios/language/field_path.h"
#include "scenarios/language/problem.h"
#include "scenarios/scenario.pb.h"

namespace pinhole::scenarios {

// A Condition whose axes, fields and values were checked.
class CompiledCondition {
 public:
  // `path` is the field path of the condition; it gives the places of mistakes.
  static std::optional<CompiledCondition> Compile(const proto::Condition& condition, const std::string& path,
                                                  const std::vector<CompiledAxis>& axes, const Origins& origins,
                                                  Problems* problems);

  // True if the condition reads a field, so that Holds() needs the resolved cell.
  bool asks_fields() const;
  // Whether the condition holds for a cell. `numbers` has the number of the cell's value on each axis. `cell` may be
  // null unless asks_fields(). Returns NotFound if a field path names an element that the cell does not have.
  absl::StatusOr<bool> Holds(const std::vector<CompiledAxis>& axes, const std::vector<std::uint32_t>& numbers,
                             const proto::Scenario* cell) const;

 private:
  enum class Kind { kIn, kNotIn, kCompare, kSame, kNotSame, kAll, kAny, kNone };

  Kind kind_ = Kind::kAll;
  std::optional<std::size_t> axis_;
  std::optional<FieldPath> field_;
  std::optional<std::size_t> other_axis_;
  std::optional<FieldPath> other_field_;
  std::set<std::string, std::less<>> values_;
  std::optional<std::int64_t> lt_, le_, gt_, ge_;
  std::vector<CompiledCondition> parts_;
};

}  // namespace pinhole::scenarios
