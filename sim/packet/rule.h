#pragma once

#include <cstdint>

#include "net/socket_address.h"

namespace pinhole::sim {

// Why a packet ended before its destination. One list for links, routers, hosts and NATs, so that every
// drop can be counted, traced and explained by the same name.
enum class Rule : std::uint8_t {
  kNone,  // not dropped

  // Drops by links.
  kLinkLoss,        // lost by the random loss of the link
  kLinkDown,        // sent during an outage
  kQueueFull,       // tail drop
  kFault,           // lost on purpose: the n-th packet of a class
  kTooBig,          // larger than the link's MTU, and IPv6 or DF
  kNeedsFragments,  // larger than the link's MTU, IPv4 without DF: fragments are not modelled

  // Drops by routing.
  kNoRoute,         // no route to the destination
  kNoNeighbour,     // the next hop is not on that network (nobody answers ARP or ND)
  kTtlExceeded,     // the hop limit ran out
  kPrivateInCore,   // a private destination in the public core
  kMartian,         // a loopback, unspecified or multicast address where it cannot be
  kNotForwarding,   // reached a host that is not its destination and does not forward
  kInterfaceDown,   // the interface by which it should leave or enter is down
  kSourceFiltered,  // its source address does not belong to the side it came from (RFC 3704)

  // Drops by hosts, and by the input path of any box.
  kNoSocket,      // no socket is bound to the destination
  kNoProtocol,    // the host does not speak this protocol
  kInputDropped,  // refused by the box's input policy

  // Drops by TCP endpoints (RFC 9293 §3.10.7).
  kTcpOutOfWindow,     // outside the receive window; answered with an ACK
  kTcpBadAck,          // acknowledges data never sent; answered with an ACK, or a RST before the handshake is over
  kTcpChallenged,      // a SYN or RST that may be forged; answered with a challenge ACK (RFC 5961)
  kTcpNotExpected,     // has no meaning in the connection's state, such as a segment without ACK
  kTcpReassemblyFull,  // came out of sequence, and would make one gap too many
  kTcpBacklogFull,     // the listener's queue is full

  // Drops by NATs and firewalls.
  kNoMapping,           // came from outside to an endpoint that no inside endpoint holds (RFC 4787 §4)
  kFilteredAddress,     // address-dependent filtering: the mapping's owner never sent to this address (RFC 4787 §5)
  kFilteredPort,        // address and port-dependent filtering: ... never sent to this address and port
  kPortExhausted,       // no external port was left for a new mapping
  kMappingLimit,        // the limit on mappings was reached
  kHairpinRefused,      // from inside to an external address of this NAT, which does not hairpin (RFC 4787 §6)
  kInterfaceNotRouted,  // from one inside network to another, between which the box does not route
  kProtocolBlocked,     // the box lets no packet of this protocol or port pass
  kIcmpNotTranslated,   // an ICMP error that this NAT does not carry, or that quotes no packet of its sessions
  kInboundRefused,      // a new session from outside, to an address that accepts only answers

  // Drops by the TCP tracking of NATs and firewalls (sim/nat/tcp_tracker.h).
  kSynHeld,             // an unsolicited SYN, not answered for a while (RFC 5382 §4.3 REQ-4)
  kSynHoldFull,         // an unsolicited SYN that will not be answered, because too many are held
  kSimultaneousOpen,    // a SYN that crosses the inside host's own, which this NAT refuses (RFC 5382 §4.2 REQ-2)
  kTcpState,            // flags for which the connection's state has no transition
  kTcpNoConnection,     // not a SYN, and part of no known connection
  kTcpSynAckNumber,     // a SYN,ACK that does not acknowledge the SYN's number + 1
  kTcpSequenceTooHigh,  // begins beyond the window's end
  kTcpSequenceTooLow,   // ends before the window's start
  kTcpAckTooHigh,       // acknowledges data that the other side has not sent
  kTcpAckTooLow,        // acknowledges less than the other side's window explains
  kTcpResetNumber,      // a RST with a sequence number before the highest acknowledged
};
inline constexpr int kRuleCount = static_cast<int>(Rule::kTcpResetNumber) + 1;

// One row of the table of rules (rule.cc). A new rule needs an enumerator of Rule and a row in that table.
struct RuleEntry {
  Rule rule;
  // Stable lower-case name, such as "filtered_port".
  const char* name;
  // The kind of behavior that the rule is part of (RFC 4787 §4, §5; RFC 5382): "link", "route", "mapping",
  // "filtering", "firewall", "simultaneous_open", "tcp_state", "sequence_number" or "host".
  const char* kind;
  // Whether no filter, in any state, could have let the packet through: no route leads to the destination, or no host
  // or socket is there.
  bool hopeless = false;
  // The kind if the box that dropped the packet is a NAT; nullptr: `kind`. A packet that the filter of a NAT does not
  // let in goes to the input of the NAT itself, so a drop there is a matter of filtering. Such a packet to an external
  // address of the NAT is not hopeless.
  const char* kind_at_nat = nullptr;
};
const RuleEntry& EntryOf(Rule rule);

inline const char* ToString(Rule rule) { return EntryOf(rule).name; }

// The values that led to a drop. They are numbers because nothing is formatted while a run lasts. DescribeState()
// (sim/record/drop_log.h) puts them into words. Their meaning for each rule:
//   kLinkLoss               number: how many packets this link direction had taken, this one included
//   kFault                  number: it was the number-th of its class
//   kQueueFull              number: bytes queued, limit: bytes that fit
//   kTooBig, kNeedsFragments  number: packet bytes, limit: MTU
//   kNoRoute, kNoNeighbour  endpoint: the next hop's address
//   kNoMapping              endpoint: the external endpoint it was for
//   kFilteredAddress, kFilteredPort  endpoint: the inside endpoint that is mapped there, or, where several may be,
//                           the external endpoint
//   kPortExhausted, kMappingLimit    number: mappings now, limit: the bound; endpoint: the inside endpoint
//   kTcpOutOfWindow, kTcpBadAck, kTcpSynAckNumber, kTcpSequenceTooHigh ... kTcpResetNumber
//                           number: the sequence or acknowledgment number seen, limit: the bound that it missed
//   kTcpBacklogFull         number: handshakes under way, limit: the backlog
//   kSynHoldFull            number: SYNs held, limit: the bound
//   kTcpState, kSimultaneousOpen  number: the flags of the segment, limit: the TcpTrackerState
//   otherwise               endpoint: the address or endpoint that decided, if set
struct DropState {
  net::SocketAddress endpoint;
  std::int64_t number = 0;
  std::int64_t limit = 0;
};

}  // namespace pinhole::sim
