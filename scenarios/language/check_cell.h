#pragma once

#include "scenarios/language/cell_problems.h"
#include "scenarios/language/topology.h"

namespace pinhole::scenarios {

// Checks that a resolved cell can be built and run: addresses, subnets, gateways, routes to the referral server,
// trials, and NATs and agents without contradictions. Adds each mistake to `problems`.
void CheckCell(const ResolvedCell& cell, CellProblems* problems);

}  // namespace pinhole::scenarios
