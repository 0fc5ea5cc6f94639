#include "sim/firewall.h"

#include <utility>

#include "sim/world.h"

namespace pinhole::sim {

Firewall::Firewall(const NodeInit& init, const FirewallOptions& options)
    : Middlebox(init, options.host), filter_(options.profile) {}

void Firewall::Forward(int interface, PacketPtr packet) {
  const net::IpAddress& destination = packet->destination.address();
  if (IsMartian(destination)) {
    world().Drop(*this, std::move(packet), Rule::kMartian);
    return;
  }
  const bool inwards = interface == kOutside;
  const Route* route = routes().Find(destination);
  const bool outwards = !inwards && route != nullptr && route->interface == kOutside;
  if (!StepTtl(interface, packet)) return;
  if (!inwards && !outwards) {
    RouteOut(interface, std::move(packet));
    return;
  }
  const Verdict verdict =
      inwards ? filter_.FromOutside(world().now(), *packet) : filter_.FromInside(world().now(), *packet);
  switch (verdict.action) {
    case Verdict::Action::kReject:
      SendUnreachable(interface, *packet,
                      verdict.icmp_code == 13  ? Unreachable::kAdmin
                      : verdict.icmp_code == 1 ? Unreachable::kHost
                                               : Unreachable::kPort);
      break;
    case Verdict::Action::kReset:
      SendTcpReset(*packet);
      break;
    case Verdict::Action::kDrop:
      break;
    default:
      RouteOut(interface, std::move(packet));
      return;
  }
  world().Drop(*this, std::move(packet), verdict.rule, verdict.state);
}

}  // namespace pinhole::sim
