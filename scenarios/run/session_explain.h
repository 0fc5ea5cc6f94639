#pragma once

#include <string>

#include "ice/views.h"
#include "scenarios/run/pair_drops.h"
#include "scenarios/run/session_trial.h"

// Why a pair, and why a session, failed: the packet that was dropped, where, by which rule, and the state that the rule
// looked at. Reads the drop log and the packets' lineage of a run that was watched by a PacketBook.
namespace pinhole::scenarios {

// What ended this pair, in words; empty if nothing did. `death` may be null.
std::string ExplainPair(const CellRun& run, const ice::PairView& pair, const PairDeath* death);

// Why a session that did not connect failed: each side's phase and reason, and what dropped the last hope. Empty if
// it connected. Without a book the last hope is left out.
std::string ExplainSession(const CellRun& run, const PacketBook* book, const SessionTrial& session);

}  // namespace pinhole::scenarios
