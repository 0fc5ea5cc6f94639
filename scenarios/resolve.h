#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "scenarios/nat_profiles.h"
#include "scenarios/problem.h"
#include "scenarios/scenario.pb.h"

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

// Fills in everything that a cell leaves to profiles, to names and to defaults that depend on others, as
// Scenario::Resolve() promises. What names nothing goes to `problems`; without `problems` the cell has been through
// here before and is known to be sound.
void ResolveCell(const NatProfiles& profiles, CellProblems* problems, proto::Scenario* cell);

// Holds a resolved cell to what a network can be: addresses, subnets, gateways, ways to the referral server, sessions,
// NATs that do not contradict themselves.
void CheckCell(const proto::Scenario& cell, CellProblems* problems);

}  // namespace pinhole::scenarios
