#pragma once

#include <algorithm>
#include <optional>
#include <utility>

#include "net/ip_address.h"
#include "sim/boxes/egress_policy.h"
#include "sim/host/host_node.h"
#include "sim/nat/stateful_filter.h"

namespace pinhole::sim {

// What boxes that let packets through or not have in common.
class Middlebox : public HostNode {
 protected:
  Middlebox(const NodeInit& init, const HostOptions& options, EgressPolicy egress)
      : HostNode(init, options), egress_(std::move(egress)), has_egress_(!egress_.LetsAllPass()) {}

  // What never leaves its own machine or network (RFC 1812 §5.3.7, RFC 4291 §2.5.6).
  static bool IsMartian(const net::IpAddress& destination) {
    return destination.IsMulticast() || destination.IsLoopback() || destination.IsLinkLocal() ||
           destination.IsUnspecified();
  }
  // Answers a segment with the RST of RFC 9293 §3.10.7.1, in the name of the host that it was for; nothing, if it is a
  // RST itself.
  void SendTcpReset(const Packet& about);

  bool has_egress_policy() const { return has_egress_; }
  // False, with `packet` gone and its sender told as the rules have it, if it may not pass. `interface`: it came in by.
  bool PassesOut(int interface, PacketPtr& packet) { return !has_egress_ || Judge(interface, packet, true); }
  bool PassesIn(int interface, PacketPtr& packet) { return !has_egress_ || Judge(interface, packet, false); }
  bool PassesFilter(StatefulFilter& filter, int interface, bool inwards, PacketPtr& packet);
  // Sends what `filter` has to say by itself to what came in by `outside`.
  void SendHeldAnswers(StatefulFilter& filter, int outside);

 private:
  bool Judge(int interface, PacketPtr& packet, bool out);
  void Reject(int interface, const Packet& packet, std::uint8_t icmp_code);

  EgressPolicy egress_;
  bool has_egress_;
};

}  // namespace pinhole::sim
