#pragma once

#include "net/ip_address.h"
#include "sim/host_node.h"

namespace pinhole::sim {

// What boxes that let packets through or not have in common.
class Middlebox : public HostNode {
 protected:
  using HostNode::HostNode;

  // What never leaves its own machine or network (RFC 1812 §5.3.7, RFC 4291 §2.5.6).
  static bool IsMartian(const net::IpAddress& destination) {
    return destination.IsMulticast() || destination.IsLoopback() || destination.IsLinkLocal() ||
           destination.IsUnspecified();
  }
  // Answers a segment with the RST of RFC 9293 §3.10.7.1, in the name of the host that it was for; nothing, if it is a
  // RST itself.
  void SendTcpReset(const Packet& about);
};

}  // namespace pinhole::sim
