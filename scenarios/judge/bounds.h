#pragma once

#include <string>

#include "scenarios/oracle/outcome.h"
#include "scenarios/scenario.pb.h"

// Holds the measures of a session against the upper bounds of an expectation (proto::Bounds). A new bound is a field of
// the schema, a row of the table in bounds.cc and, where nobody measures it yet, a field of TrialOutcome.
namespace pinhole::scenarios {

// The first bound that the session exceeds, or whose measure the session does not have: "packets 40, expected at most
// 39", "nominated after: there is none". Empty: every bound that is set holds.
std::string BrokenBound(const proto::Bounds& bounds, const TrialOutcome& outcome);

}  // namespace pinhole::scenarios
