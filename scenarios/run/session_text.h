#pragma once

#include "scenarios/run/trial_kinds.h"

namespace pinhole::scenarios {

// The ICE session as a kind of trial: it is planned as a PlannedSession. Its text for `pinhole run` shows the times,
// candidates and pairs of each side, and then the outcome.
extern const TrialKind kSessionKind;

}  // namespace pinhole::scenarios
