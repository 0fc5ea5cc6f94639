#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "scenarios/language/problem.h"

namespace pinhole::scenarios {

// Collects what is wrong with one cell. A field that an axis set is reported where the axis gives the value.
class CellProblems {
 public:
  // `set_by_axes`: paths and places of what axes set in this cell, later ones winning. `note`: which cell.
  CellProblems(const Origins& origins, std::vector<std::pair<std::string, Location>> set_by_axes, std::string note,
               Problems* problems)
      : origins_(origins), set_by_axes_(std::move(set_by_axes)), note_(std::move(note)), problems_(problems) {}

  // `path`: the field that is wrong, or the nearest thing around it.
  void Add(absl::string_view path, absl::string_view message);
  // Where a field was set, as text.
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
