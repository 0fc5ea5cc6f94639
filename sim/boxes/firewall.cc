#include "sim/boxes/firewall.h"

#include <utility>

#include "sim/world.h"

namespace pinhole::sim {

Firewall::Firewall(const NodeInit& init, const FirewallOptions& options)
    : Middlebox(init, options.host, options.egress), outside_(options.outside), filter_(options.profile) {
  UseTimer();
}

net::Instant Firewall::NextTimer() const { return std::min(HostNode::NextTimer(), filter_.NextTimer()); }

void Firewall::OnTimer() {
  HostNode::OnTimer();
  filter_.OnTimer(world().now());
  SendHeldAnswers(filter_, outside_);
}

void Firewall::Forward(int interface, PacketPtr packet) {
  const net::IpAddress& destination = packet->destination.address();
  if (IsMartian(destination)) {
    world().Drop(*this, std::move(packet), Rule::kMartian);
    return;
  }
  const bool inwards = interface == outside_;
  const Route* route = routes().Find(destination);
  const bool outwards = !inwards && route != nullptr && route->interface == outside_;
  if (!StepTtl(interface, packet)) return;
  if (outwards && !PassesOut(interface, packet)) return;
  if (inwards && !PassesIn(interface, packet)) return;
  if ((inwards || outwards) && !PassesFilter(filter_, interface, inwards, packet)) return;
  RouteOut(interface, std::move(packet));
}

}  // namespace pinhole::sim
