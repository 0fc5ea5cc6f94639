#pragma once

#include "scenarios/results.pb.h"
#include "scenarios/run/session_trial.h"

namespace pinhole::scenarios {

// Adds the SessionResult of one session to the result, and raises peak_packets_per_second to the peak of the session's
// hosts. `prediction` is null if the oracle was not asked.
void FillSession(const CellRun& run, const PacketBook& book, const SessionTrial& session, const Prediction* prediction,
                 proto::RunResult* result);

}  // namespace pinhole::scenarios
