#pragma once

#include "scenarios/results.pb.h"
#include "scenarios/run/session_trial.h"

namespace pinhole::scenarios {

// Adds the session's SessionResult, and its part of the peak rate. `prediction` is null where the oracle was not asked.
void FillSession(const CellRun& run, const PacketBook& book, const SessionTrial& session, const Prediction* prediction,
                 proto::RunResult* result);

}  // namespace pinhole::scenarios
