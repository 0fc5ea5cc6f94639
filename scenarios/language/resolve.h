#pragma once

#include "scenarios/language/cell_problems.h"
#include "scenarios/language/nat_profiles.h"
#include "scenarios/scenario.pb.h"

namespace pinhole::scenarios {

// Fills in everything that a cell leaves to profiles, to names of other elements and to defaults that depend on other
// fields. Scenario::Resolve() describes the result. Adds each name that refers to nothing to `problems`. `problems` may
// be null if the cell was resolved once before without problems.
void ResolveCell(const NatProfiles& profiles, CellProblems* problems, proto::Scenario* cell);

}  // namespace pinhole::scenarios
