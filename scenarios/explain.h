#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "ice/views.h"
#include "scenarios/cell_run.h"
#include "scenarios/packet_book.h"
#include "sim/drop_log.h"

// Why a pair, and why a session, came to nothing: the packet that died, where, by which rule, and the state it was
// judged by. Reads the drop log and the packets' lineage of a run that was watched by a PacketBook.
namespace pinhole::scenarios {

struct SessionKiller;

// The latest drop on the way of one pair's checks, or of the answers to them.
struct PairDeath {
  std::size_t pair = 0;  // index in the agent's check list
  sim::DropRecord drop;
};

// The pair of `pairs` whose check the dropped packet is, carries on, or answers; nullopt: none's, or no check traffic.
std::optional<std::size_t> PairOf(const CellRun& run, const PacketBook& book, const std::vector<ice::PairView>& pairs,
                                  const sim::DropRecord& drop);

// For each pair of one side whose checks or answers were dropped anywhere, the latest such drop. By pair.
std::vector<PairDeath> DeathsOf(const CellRun& run, const PacketBook& book, std::size_t session, int side);

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

// True if no state of any filter could have let the packet through: there is no way to where it goes, or nobody there.
// What a NAT's own input refuses on an outside address is what no mapping of its let in: that is not hopeless.
bool IsHopeless(const CellRun& run, const sim::DropRecord& drop);

}  // namespace pinhole::scenarios
