#pragma once

#include <string>

#include "scenarios/oracle/outcome.h"
#include "scenarios/scenario.pb.h"

// Compares the measures of a trial with the upper bounds of an expectation (proto::Bounds). It exists so that a
// scenario can demand that a session is not only connected, but also fast and cheap.
//
// The rule: a bound holds if the measure is at most the bound. Times are in microseconds, rounded up; the side with the
// longer time counts. A measure that does not exist breaks its bound, because a session that never connected is not
// fast.
//
// A new bound is a field in the schema. If it is on a count, the trial counts it in TrialOutcome::counts under the
// field's name without "_max". If it is on a time, it also needs a row of the table in bounds.cc.
namespace pinhole::scenarios {

// Returns a sentence on the first bound that is broken, in the order of the schema's fields: "packets 40, expected at
// most 39", or "nominated after: there is none" if there is no measure. Empty: all bounds that are set hold.
std::string BrokenBound(const proto::Bounds& bounds, const TrialOutcome& outcome);

}  // namespace pinhole::scenarios
