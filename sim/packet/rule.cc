#include "sim/packet/rule.h"

#include "net/contract.h"

namespace pinhole::sim {

const char* ToString(Rule rule) {
  switch (rule) {
    case Rule::kNone:
      return "none";
    case Rule::kLinkLoss:
      return "link_loss";
    case Rule::kLinkDown:
      return "link_down";
    case Rule::kQueueFull:
      return "queue_full";
    case Rule::kFault:
      return "fault";
    case Rule::kTooBig:
      return "too_big";
    case Rule::kNeedsFragments:
      return "needs_fragments";
    case Rule::kNoRoute:
      return "no_route";
    case Rule::kNoNeighbour:
      return "no_neighbour";
    case Rule::kTtlExceeded:
      return "ttl_exceeded";
    case Rule::kPrivateInCore:
      return "private_in_core";
    case Rule::kMartian:
      return "martian";
    case Rule::kNotForwarding:
      return "not_forwarding";
    case Rule::kInterfaceDown:
      return "interface_down";
    case Rule::kSourceFiltered:
      return "source_filtered";
    case Rule::kNoSocket:
      return "no_socket";
    case Rule::kNoProtocol:
      return "no_protocol";
    case Rule::kInputDropped:
      return "input_dropped";
    case Rule::kNoMapping:
      return "no_mapping";
    case Rule::kFilteredAddress:
      return "filtered_address";
    case Rule::kFilteredPort:
      return "filtered_port";
    case Rule::kPortExhausted:
      return "port_exhausted";
    case Rule::kMappingLimit:
      return "mapping_limit";
    case Rule::kHairpinRefused:
      return "hairpin_refused";
    case Rule::kInterfaceNotRouted:
      return "interface_not_routed";
    case Rule::kProtocolBlocked:
      return "protocol_blocked";
    case Rule::kIcmpNotTranslated:
      return "icmp_not_translated";
    case Rule::kInboundRefused:
      return "inbound_refused";
    case Rule::kTcpOutOfWindow:
      return "tcp_out_of_window";
    case Rule::kTcpBadAck:
      return "tcp_bad_ack";
    case Rule::kTcpChallenged:
      return "tcp_challenged";
    case Rule::kTcpNotExpected:
      return "tcp_not_expected";
    case Rule::kTcpReassemblyFull:
      return "tcp_reassembly_full";
    case Rule::kTcpBacklogFull:
      return "tcp_backlog_full";
    case Rule::kSynHeld:
      return "syn_held";
    case Rule::kSynHoldFull:
      return "syn_hold_full";
    case Rule::kSimultaneousOpen:
      return "simultaneous_open";
    case Rule::kTcpState:
      return "tcp_state";
    case Rule::kTcpNoConnection:
      return "tcp_no_connection";
    case Rule::kTcpSynAckNumber:
      return "tcp_syn_ack_number";
    case Rule::kTcpSequenceTooHigh:
      return "tcp_sequence_too_high";
    case Rule::kTcpSequenceTooLow:
      return "tcp_sequence_too_low";
    case Rule::kTcpAckTooHigh:
      return "tcp_ack_too_high";
    case Rule::kTcpAckTooLow:
      return "tcp_ack_too_low";
    case Rule::kTcpResetNumber:
      return "tcp_reset_number";
  }
  net::CannotHappen();
}

}  // namespace pinhole::sim
