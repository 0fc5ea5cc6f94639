#pragma once

#include <cstdint>
#include <string>

#include "net/time.h"
#include "scenarios/oracle/outcome.h"
#include "scenarios/results.pb.h"

// Converts values of a run into the units and enums of results.proto, and such values into text.
namespace pinhole::scenarios {

// Whole microseconds, rounded down.
std::uint64_t ToUs(net::Duration duration);
// Whole microseconds since the start of the run, rounded down.
std::uint64_t ToUs(net::Instant instant);

proto::RunOutcome ToProto(Outcome outcome);

// "12.345 ms".
std::string Ms(std::uint64_t us);
// "1 run", "2 runs".
std::string Counted(std::uint64_t count, const char* noun);

}  // namespace pinhole::scenarios
