#pragma once

#include "scenarios/language/cell_problems.h"
#include "scenarios/scenario.pb.h"

namespace pinhole::scenarios {

// Holds a resolved cell to what a network can be: addresses, subnets, gateways, ways to the referral server, sessions,
// NATs that do not contradict themselves.
void CheckCell(const proto::Scenario& cell, CellProblems* problems);

}  // namespace pinhole::scenarios
