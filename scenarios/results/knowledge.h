#pragma once

#include "scenarios/results.pb.h"
#include "scenarios/run/cell_run.h"
#include "scenarios/run/packet_book.h"

namespace pinhole::scenarios {

// The metadata of a finished run: which node could see which addresses of each participant, and whether it can tell
// that two of them talk. Servers and participants know what their programs were told and the sources of what came to
// them; every other node knows the IP headers of what passed through it, and reads no payloads. And what the referral
// server recorded.
void FillKnowledge(const CellRun& run, const PacketBook& book, proto::RunResult* result);

}  // namespace pinhole::scenarios
