#pragma once

#include <string>
#include <vector>

#include "scenarios/results.pb.h"
#include "scenarios/run/session_trial.h"

// The measures of each side of a session: one table says where each comes from, which field of proto::Side has it, and
// how a person reads it. Both JSON and text come from the table.
//
// A new measure is a field of proto::Side and a row of the table in session_measures.cc; it also needs a counter in the
// engine if nobody counts it yet.
namespace pinhole::scenarios {

// Sets the fields of the table's measures. A measure that was not taken leaves its field without a value.
void FillMeasures(const CellRun& run, const PacketBook& book, const SessionTrial& session, int side,
                  const apps::EndpointReport& report, proto::Side* result);

// The measures in words, by line and in the table's order: "times: started 0.000 ms, gathered 52.001 ms". Measures that
// only JSON has are left out, and so is a line without a measure.
std::vector<std::string> MeasureLines(const proto::Side& side);

}  // namespace pinhole::scenarios
