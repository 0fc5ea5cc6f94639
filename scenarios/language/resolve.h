#pragma once

#include "scenarios/language/cell_problems.h"
#include "scenarios/language/nat_profiles.h"
#include "scenarios/scenario.pb.h"

namespace pinhole::scenarios {

// Fills in everything that a cell leaves to profiles, to names and to defaults that depend on others, as
// Scenario::Resolve() promises. What names nothing goes to `problems`; without `problems` the cell has been through
// here before and is known to be sound.
void ResolveCell(const NatProfiles& profiles, CellProblems* problems, proto::Scenario* cell);

}  // namespace pinhole::scenarios
