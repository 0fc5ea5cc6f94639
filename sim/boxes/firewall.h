#pragma once

#include <optional>

#include "sim/boxes/middlebox.h"
#include "sim/nat/stateful_filter.h"

namespace pinhole::sim {

struct FirewallOptions {
  HostOptions host;
  FilterProfile profile;  // REQUIRES: IsValid(profile)
  EgressPolicy egress;
  int outside = 1;  // the interface; all others are inside, and routed between without a look
};

// A router with a stateful firewall (RFC 6092), IPv4 and IPv6, that translates nothing.
//
//     inside  --TTL--> EgressPolicy --> StatefulFilter::FromInside  --> route
//     outside --TTL--> EgressPolicy --> StatefulFilter::FromOutside --> route, or an answer: none, ICMP, RST
class Firewall final : public Middlebox {
 public:
  Firewall(const NodeInit& init, const FirewallOptions& options);

  StatefulFilter& filter() { return filter_; }

  net::Instant NextTimer() const override;
  void OnTimer() override;

 protected:
  void Forward(int interface, PacketPtr packet) override;

 private:
  int outside_;
  StatefulFilter filter_;
};

}  // namespace pinhole::sim
