#pragma once

#include <algorithm>
#include <optional>
#include <utility>

#include "net/ip_address.h"
#include "sim/boxes/egress_policy.h"
#include "sim/host/host_node.h"
#include "sim/nat/stateful_filter.h"

namespace pinhole::sim {

// The common part of NAT box and firewall: the egress policy, the stateful filter and the answers to refused packets.
class Middlebox : public HostNode {
 protected:
  Middlebox(const NodeInit& init, const HostOptions& options, EgressPolicy egress)
      : HostNode(init, options), egress_(std::move(egress)), has_egress_(!egress_.LetsAllPass()) {}

  // Whether packets to `destination` must never leave their machine or network (RFC 1812 §5.3.7, RFC 4291 §2.5.6).
  static bool IsMartian(const net::IpAddress& destination) {
    return destination.IsMulticast() || destination.IsLoopback() || destination.IsLinkLocal() ||
           destination.IsUnspecified();
  }
  // Answers the segment `about` with the RST of RFC 9293 §3.10.7.1, with the destination of `about` as the source.
  // Sends nothing if `about` is itself a RST.
  void SendTcpReset(const Packet& about);

  bool has_egress_policy() const { return has_egress_; }
  // Whether the egress policy lets `packet`, which came in by `interface`, pass. If false, the packet is dropped, and
  // on the way out its sender gets the policy's answer.
  bool PassesOut(int interface, PacketPtr& packet) { return !has_egress_ || Judge(interface, packet, true); }
  bool PassesIn(int interface, PacketPtr& packet) { return !has_egress_ || Judge(interface, packet, false); }
  bool PassesFilter(StatefulFilter& filter, int interface, bool inwards, PacketPtr& packet);
  // Sends the answers that are due to the unsolicited SYNs that `filter` holds. The SYNs came in by interface
  // `outside`.
  void SendHeldAnswers(StatefulFilter& filter, int outside);

 private:
  bool Judge(int interface, PacketPtr& packet, bool out);
  void Reject(int interface, const Packet& packet, std::uint8_t icmp_code);

  EgressPolicy egress_;
  bool has_egress_;
};

}  // namespace pinhole::sim
