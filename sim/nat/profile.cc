#include "sim/nat/profile.h"

#include "net/contract.h"

namespace pinhole::sim {

const char* ToString(Mapping value) {
  switch (value) {
    case Mapping::kEndpointIndependent:
      return "endpoint_independent";
    case Mapping::kAddressDependent:
      return "address_dependent";
    case Mapping::kAddressAndPortDependent:
      return "address_and_port_dependent";
    case Mapping::kConntrack:
      return "conntrack";
  }
  net::CannotHappen();
}

const char* ToString(Filtering value) {
  switch (value) {
    case Filtering::kEndpointIndependent:
      return "endpoint_independent";
    case Filtering::kAddressDependent:
      return "address_dependent";
    case Filtering::kAddressAndPortDependent:
      return "address_and_port_dependent";
  }
  net::CannotHappen();
}

const char* ToString(FilterMemory value) {
  switch (value) {
    case FilterMemory::kEndpoint:
      return "endpoint";
    case FilterMemory::kMapping:
      return "mapping";
  }
  net::CannotHappen();
}

const char* ToString(PortAllocation value) {
  switch (value) {
    case PortAllocation::kPreserve:
      return "preserve";
    case PortAllocation::kPreserveOverloading:
      return "preserve_overloading";
    case PortAllocation::kSequential:
      return "sequential";
    case PortAllocation::kRandom:
      return "random";
  }
  net::CannotHappen();
}

const char* ToString(Refresh value) {
  switch (value) {
    case Refresh::kOutbound:
      return "outbound";
    case Refresh::kInbound:
      return "inbound";
    case Refresh::kBoth:
      return "both";
    case Refresh::kNone:
      return "none";
  }
  net::CannotHappen();
}

const char* ToString(Hairpin value) {
  switch (value) {
    case Hairpin::kNone:
      return "none";
    case Hairpin::kInternalSource:
      return "internal_source";
    case Hairpin::kExternalSource:
      return "external_source";
  }
  net::CannotHappen();
}

const char* ToString(Unsolicited value) {
  switch (value) {
    case Unsolicited::kDrop:
      return "drop";
    case Unsolicited::kPortUnreachable:
      return "port_unreachable";
    case Unsolicited::kHostUnreachable:
      return "host_unreachable";
    case Unsolicited::kAdminProhibited:
      return "admin_prohibited";
    case Unsolicited::kInput:
      return "input";
    case Unsolicited::kReset:
      return "reset";
  }
  net::CannotHappen();
}

const char* ToString(TcpDepth value) {
  switch (value) {
    case TcpDepth::kAddresses:
      return "addresses";
    case TcpDepth::kFlags:
      return "flags";
    case TcpDepth::kSynAckNumber:
      return "syn_ack_number";
    case TcpDepth::kWindow:
      return "window";
    case TcpDepth::kLinux:
      return "linux";
    case TcpDepth::kRewritesIsn:
      return "rewrites_isn";
  }
  net::CannotHappen();
}

const char* ToString(TcpInvalid value) {
  switch (value) {
    case TcpInvalid::kDrop:
      return "drop";
    case TcpInvalid::kReset:
      return "reset";
    case TcpInvalid::kInput:
      return "input";
    case TcpInvalid::kLeak:
      return "leak";
  }
  net::CannotHappen();
}

const char* ToString(TcpOnReset value) {
  switch (value) {
    case TcpOnReset::kClose:
      return "close";
    case TcpOnReset::kForget:
      return "forget";
    case TcpOnReset::kTransitory:
      return "transitory";
    case TcpOnReset::kIgnore:
      return "ignore";
  }
  net::CannotHappen();
}

const char* ToString(TcpIdle value) {
  switch (value) {
    case TcpIdle::kSilent:
      return "silent";
    case TcpIdle::kResetLate:
      return "reset_late";
    case TcpIdle::kResetBoth:
      return "reset_both";
  }
  net::CannotHappen();
}

}  // namespace pinhole::sim
