#pragma once

#include <string>

#include "ice/views.h"
#include "scenarios/run/pair_drops.h"
#include "scenarios/run/session_trial.h"

// Explains in words why a candidate pair or a session failed: the dropped packet, the node and the rule that dropped
// it, and the state that the rule looked at. The explanations are made after the run, from the drop log and the lineage
// of the packets.
namespace pinhole::scenarios {

// Returns the reason why the pair ended, and its last dropped packet. `death` is that packet; null if there is none.
// Empty if the pair did not end and lost nothing.
std::string ExplainPair(const CellRun& run, const ice::PairView& pair, const PairDeath* death);

// Returns the reason why a session did not connect: the phase and the failure of each side that is not connected, and
// the killer (run/killer.h), or a pair that ended without a drop. Empty if both sides connected. If `book` is null, no
// killer can be found.
std::string ExplainSession(const CellRun& run, const PacketBook* book, const SessionTrial& session);

}  // namespace pinhole::scenarios
