#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "scenarios/language/nat_profiles.h"
#include "scenarios/language/problem.h"
#include "scenarios/language/scenario.h"

namespace pinhole::scenarios {

// The last step of loading. It compiles the sweep, expands it into cells, resolves and checks each cell, and finds the
// expectations that apply to it. `scenario` must have passed CheckAgainstSchema(). Returns InvalidArgument with one
// line per mistake.
absl::StatusOr<Scenario> ExpandAxes(const std::string& path, proto::Scenario scenario, NatProfiles profiles,
                                    const Origins& origins);

}  // namespace pinhole::scenarios
