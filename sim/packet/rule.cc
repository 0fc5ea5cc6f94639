#include "sim/packet/rule.h"

#include <iterator>

#include "net/contract.h"

namespace pinhole::sim {
namespace {

constexpr bool kHopeless = true;

// One row for each enumerator of Rule, in their order: rule, name, kind, hopeless, kind_at_nat.
constexpr RuleEntry kRules[] = {
    {Rule::kNone, "none", "route"},

    // Drops by links.
    {Rule::kLinkLoss, "link_loss", "link"},
    {Rule::kLinkDown, "link_down", "link"},
    {Rule::kQueueFull, "queue_full", "link"},
    {Rule::kFault, "fault", "link"},
    {Rule::kTooBig, "too_big", "link"},
    {Rule::kNeedsFragments, "needs_fragments", "link"},

    // Drops by routing.
    {Rule::kNoRoute, "no_route", "route", kHopeless},
    {Rule::kNoNeighbour, "no_neighbour", "route", kHopeless},
    {Rule::kTtlExceeded, "ttl_exceeded", "route"},
    {Rule::kPrivateInCore, "private_in_core", "route", kHopeless},
    {Rule::kMartian, "martian", "route", kHopeless},
    {Rule::kNotForwarding, "not_forwarding", "route", kHopeless},
    {Rule::kInterfaceDown, "interface_down", "route"},
    {Rule::kSourceFiltered, "source_filtered", "route"},

    // Drops by hosts, and by the input path of any box.
    {Rule::kNoSocket, "no_socket", "host", kHopeless, "filtering"},
    {Rule::kNoProtocol, "no_protocol", "host", kHopeless},
    {Rule::kInputDropped, "input_dropped", "host", false, "filtering"},

    // Drops by TCP endpoints.
    {Rule::kTcpOutOfWindow, "tcp_out_of_window", "host"},
    {Rule::kTcpBadAck, "tcp_bad_ack", "host"},
    {Rule::kTcpChallenged, "tcp_challenged", "host"},
    {Rule::kTcpNotExpected, "tcp_not_expected", "host"},
    {Rule::kTcpReassemblyFull, "tcp_reassembly_full", "host"},
    {Rule::kTcpBacklogFull, "tcp_backlog_full", "host"},

    // Drops by NATs and firewalls.
    {Rule::kNoMapping, "no_mapping", "mapping"},
    {Rule::kFilteredAddress, "filtered_address", "filtering"},
    {Rule::kFilteredPort, "filtered_port", "filtering"},
    {Rule::kPortExhausted, "port_exhausted", "mapping"},
    {Rule::kMappingLimit, "mapping_limit", "mapping"},
    {Rule::kHairpinRefused, "hairpin_refused", "mapping", kHopeless},
    {Rule::kInterfaceNotRouted, "interface_not_routed", "route", kHopeless},
    {Rule::kProtocolBlocked, "protocol_blocked", "firewall", kHopeless},
    {Rule::kIcmpNotTranslated, "icmp_not_translated", "filtering"},
    {Rule::kInboundRefused, "inbound_refused", "filtering"},

    // Drops by the TCP tracking of NATs and firewalls.
    {Rule::kSynHeld, "syn_held", "filtering"},
    {Rule::kSynHoldFull, "syn_hold_full", "filtering"},
    {Rule::kSimultaneousOpen, "simultaneous_open", "simultaneous_open"},
    {Rule::kTcpState, "tcp_state", "tcp_state"},
    {Rule::kTcpNoConnection, "tcp_no_connection", "tcp_state"},
    {Rule::kTcpSynAckNumber, "tcp_syn_ack_number", "sequence_number"},
    {Rule::kTcpSequenceTooHigh, "tcp_sequence_too_high", "sequence_number"},
    {Rule::kTcpSequenceTooLow, "tcp_sequence_too_low", "sequence_number"},
    {Rule::kTcpAckTooHigh, "tcp_ack_too_high", "sequence_number"},
    {Rule::kTcpAckTooLow, "tcp_ack_too_low", "sequence_number"},
    {Rule::kTcpResetNumber, "tcp_reset_number", "sequence_number"},
};

constexpr bool HasEveryRuleInOrder() {
  if (std::size(kRules) != kRuleCount) return false;
  for (std::size_t i = 0; i < std::size(kRules); ++i) {
    if (kRules[i].rule != static_cast<Rule>(i)) return false;
  }
  return true;
}
static_assert(HasEveryRuleInOrder());

}  // namespace

const RuleEntry& EntryOf(Rule rule) {
  const std::size_t index = static_cast<std::size_t>(rule);
  if (index >= std::size(kRules)) net::CannotHappen();
  return kRules[index];
}

}  // namespace pinhole::sim
