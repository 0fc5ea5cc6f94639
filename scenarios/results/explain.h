#pragma once

#include <cstddef>
#include <string>

#include "ice/views.h"
#include "scenarios/results/pair_drops.h"
#include "scenarios/run/cell_run.h"
#include "scenarios/run/packet_book.h"
#include "sim/record/drop_log.h"

// Why a pair, and why a session, came to nothing: the packet that died, where, by which rule, and the state it was
// judged by. Reads the drop log and the packets' lineage of a run that was watched by a PacketBook.
namespace pinhole::scenarios {

struct SessionKiller;

// "retransmitted_check 198.51.100.1:5000 > 203.0.113.2:6000 dropped at home_b: filtered_port, ...".
std::string Describe(const CellRun& run, const sim::DropRecord& drop);

// The same of what ended a session by a packet's death, and what came of it: "..., and answered with RST".
// REQUIRES: killer.drop.
std::string Describe(const CellRun& run, const SessionKiller& killer);

// What ended this pair, in words; empty if nothing did.
std::string ExplainPair(const CellRun& run, const ice::PairView& pair, const PairDeath* death);

// Why a session that did not connect failed: each side's phase and reason, and what dropped the last hope. Empty if
// it connected.
std::string ExplainSession(const CellRun& run, const PacketBook& book, std::size_t session);

}  // namespace pinhole::scenarios
