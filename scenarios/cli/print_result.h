#pragma once

#include <ostream>

#include "scenarios/results.pb.h"

namespace pinhole::scenarios {

// Prints the result of one run for a terminal: for each session both sides with candidates and check lists, and the
// outcome with its reason; then the verdict, the traffic and the digests.
void PrintResult(const proto::RunResult& result, std::ostream& out);

}  // namespace pinhole::scenarios
