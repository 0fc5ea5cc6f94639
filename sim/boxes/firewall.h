#pragma once

#include <optional>

#include "sim/boxes/middlebox.h"
#include "sim/nat/stateful_filter.h"

namespace pinhole::sim {

struct FirewallOptions {
  HostOptions host;
  FilterProfile profile;  // REQUIRES: IsValid(profile)
  EgressPolicy egress;
  // The index of the outside interface. All others are inside, and traffic between them is not filtered.
  int outside = 1;
};

// A router with a stateful firewall (RFC 6092) for IPv4 and IPv6. It translates nothing.
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
