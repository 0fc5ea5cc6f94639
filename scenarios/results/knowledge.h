#pragma once

#include "scenarios/results.pb.h"
#include "scenarios/run/cell_run.h"
#include "scenarios/run/packet_book.h"

// Collects the metadata of a run: which node could see which addresses of each participant, and whether the node can
// tell that two participants talk. ICE makes peers reveal addresses to servers and to each other (RFC 8445 §19.1), and
// the result shows to whom.
//
// The rule: a participant knows the addresses that its programs were told, and the sources of the packets that its
// programs received. The same holds for the host of a server. Every other node knows the source and destination
// addresses of the packets that it sent, received or forwarded. Such a node reads no payloads, so it does not learn the
// addresses in a description.
//
// This file also copies the records of the referral server and of each rendezvous: who registered, from where, and when
// the other side was told.
namespace pinhole::scenarios {

// Fills RunResult::knowledge and RunResult::introduction of a finished run.
// `book` must have watched the whole run.
void FillKnowledge(const CellRun& run, const PacketBook& book, proto::RunResult* result);

}  // namespace pinhole::scenarios
