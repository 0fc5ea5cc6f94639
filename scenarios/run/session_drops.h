#pragma once

#include "scenarios/run/killer.h"
#include "scenarios/run/session_trial.h"

namespace pinhole::scenarios {

// Shows the search every dropped packet that belongs to a candidate pair of the session (PairOf()), with its reach.
// Over UDP a packet is kHopeless or kKeptOut. A TCP segment may have come further:
//
//   kRefused          a SYN that a NAT or firewall answered with RST or ICMP
//   kCrossingRefused  a SYN that crossed the other side's SYN and was refused
//   kLetIn            a segment after the first SYN, such as the SYN,ACK, or a SYN that reached an open port
//
// Also shows, without a dropped packet, a NAT whose answers over UDP came from another port than the one that was asked
// (RFC 8445 §7.2.5.2.1).
void ShowSessionDrops(const CellRun& run, const PacketBook& book, const SessionTrial& session, KillerSearch& search);

}  // namespace pinhole::scenarios
