#pragma once

#include <ostream>

#include "scenarios/results.pb.h"

namespace pinhole::scenarios {

// One run for a terminal: each side's candidates and check list, then what became of the session and why, the
// verdict, and what it cost.
void PrintResult(const proto::RunResult& result, std::ostream& out);

}  // namespace pinhole::scenarios
