#pragma once

#include "sim/middlebox.h"
#include "sim/nat/stateful_filter.h"

namespace pinhole::sim {

struct FirewallOptions {
  HostOptions host;
  FilterProfile profile;  // REQUIRES: Validate() is OK
};

// A router with a stateful firewall (RFC 6092), IPv4 and IPv6, that translates nothing.
//
//     inside  --TTL--> StatefulFilter::FromInside  --> route
//     outside --TTL--> StatefulFilter::FromOutside --> route, or an answer: none, ICMP, RST
//
// Interface 1, the first one added, is the outside; all others are inside, and routed between without a look.
class Firewall final : public Middlebox {
 public:
  static constexpr int kOutside = 1;

  Firewall(const NodeInit& init, const FirewallOptions& options);

  StatefulFilter& filter() { return filter_; }

 protected:
  void Forward(int interface, PacketPtr packet) override;

 private:
  StatefulFilter filter_;
};

}  // namespace pinhole::sim
