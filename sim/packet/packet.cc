#include "sim/packet/packet.h"

namespace pinhole::sim {

bool IsIcmpError(const Packet& packet) {
  // RFC 792: destination unreachable, source quench, redirect, time exceeded, parameter problem.
  if (packet.protocol == IpProtocol::kIcmp) {
    const std::uint8_t type = packet.icmp.type;
    return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
  }
  // RFC 4443 §2.1: error messages have types 0 to 127.
  return packet.protocol == IpProtocol::kIcmpv6 && packet.icmp.type < 128;
}

}  // namespace pinhole::sim
