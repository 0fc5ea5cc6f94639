#pragma once

#include "scenarios/run/killer.h"
#include "scenarios/run/session_trial.h"

namespace pinhole::scenarios {

// Shows the search what was dropped on the way of any pair of the session: checks, what carries them, and answers. An
// answer to a SYN that was let in came furthest; before it a SYN that crosses the other side's SYN and is refused;
// before that a SYN that is answered by RST or ICMP; before that what is never let in; before that what could not have
// come in at all. Over UDP it also shows a NAT whose answers came from another port than was asked.
void ShowSessionDrops(const CellRun& run, const PacketBook& book, const SessionTrial& session, KillerSearch& search);

}  // namespace pinhole::scenarios
