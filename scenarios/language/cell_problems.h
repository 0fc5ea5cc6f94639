#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "scenarios/language/problem.h"

namespace pinhole::scenarios {

// Collects the mistakes of one cell. If an axis set the field that is wrong, the mistake is reported at the place
// where the axis gives the value.
class CellProblems {
 public:
  // `set_by_axes` has the path and the place of each field that an axis set in this cell; a later entry wins over an
  // earlier one. `note` names the cell.
  CellProblems(const Origins& origins, std::vector<std::pair<std::string, Location>> set_by_axes, std::string note,
               Problems* problems)
      : origins_(origins), set_by_axes_(std::move(set_by_axes)), note_(std::move(note)), problems_(problems) {}

  // Adds a mistake. `path` is the wrong field, or the nearest element around it.
  void Add(absl::string_view path, absl::string_view message);
  // The place where a field was set, as text.
  std::string PlaceOf(absl::string_view path) const { return Find(path).ToString(); }
  bool found() const { return found_; }

 private:
  Location Find(absl::string_view path) const;

  const Origins& origins_;
  std::vector<std::pair<std::string, Location>> set_by_axes_;
  std::string note_;
  Problems* problems_;
  bool found_ = false;
};

}  // namespace pinhole::scenarios
