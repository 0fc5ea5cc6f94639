#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "scenarios/language/axis_texts.h"
#include "scenarios/language/compiled_axis.h"
#include "scenarios/language/condition.h"
#include "scenarios/language/nat_profiles.h"
#include "scenarios/language/problem.h"
#include "scenarios/scenario.pb.h"

namespace pinhole::scenarios {

// The sweep of a scenario, compiled: axes, conditions and NAT profiles, from which the cells are made.
class CompiledSweep {
 public:
  // Adds mistakes to `problems`. The result can be used only if there were none.
  static CompiledSweep Compile(const proto::Scenario& scenario, NatProfiles profiles, const Origins& origins,
                               Problems* problems);

  const std::vector<CompiledAxis>& axes() const { return axes_; }
  const std::vector<CompiledCondition>& only() const { return only_; }
  const std::vector<std::vector<CompiledCondition>>& when() const { return when_; }  // one list per expectation
  const NatProfiles& profiles() const { return profiles_; }

  // The dimensions of the sweep: each is a list of axes that advance together. They are in the order of the file.
  const std::vector<std::vector<std::size_t>>& dimensions() const { return dimensions_; }

  // Returns the scenario without sweep and expectations, with the values of one cell set. Returns NotFound if a path
  // names an element that does not exist; `where`, unless null, is then the place of that path.
  absl::StatusOr<proto::Scenario> Apply(const std::vector<std::uint32_t>& numbers, Location* where) const;
  // The fields that axes set in this cell, with their places, for CellProblems.
  std::vector<std::pair<std::string, Location>> SetPlaces(const std::vector<std::uint32_t>& numbers) const;

 private:
  void CompileAxis(const proto::Axis& axis, const AxisTexts& axis_texts, const Origins& origins, Problems* problems);
  void CompileZips(const proto::Sweep& sweep, const Origins& origins, Problems* problems);

  proto::Scenario plain_;
  NatProfiles profiles_;
  std::vector<CompiledAxis> axes_;
  std::vector<std::vector<std::size_t>> dimensions_;
  std::vector<CompiledCondition> only_;
  std::vector<std::vector<CompiledCondition>> when_;
};

}  // namespace pinhole::scenarios
