#pragma once

#include "scenarios/run/trial_kinds.h"

namespace pinhole::scenarios {

// ICE sessions: planned as PlannedSession, told side by side with candidates, pairs and times.
extern const TrialKind kSessionKind;

}  // namespace pinhole::scenarios
