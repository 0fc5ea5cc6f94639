#include "sim/nat_box.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "sim/world.h"

namespace pinhole::sim {
namespace {

// What never leaves its own machine or network (RFC 1812 §5.3.7, RFC 4291 §2.5.6).
bool IsMartian(const net::IpAddress& destination) {
  return destination.IsMulticast() || destination.IsLoopback() || destination.IsLinkLocal() ||
         destination.IsUnspecified();
}

}  // namespace

NatBox::NatBox(const NodeInit& init, const NatBoxOptions& options)
    : HostNode(init, options.host), profile_(options.profile), passes_ipv6_(options.passes_ipv6) {}

Nat& NatBox::Translator() const {
  if (nat_) return *nat_;
  std::vector<net::IpAddress> external;
  if (interfaces().size() > kOutside) {
    for (const net::InterfaceAddress& held : interfaces()[kOutside].addresses) {
      bool one_to_one = false;
      for (const OneToOne& pair : profile_.one_to_one) one_to_one = one_to_one || pair.external == held.address;
      if (held.address.is_v4() && !one_to_one) external.push_back(held.address);
    }
  }
  std::vector<InsidePrefix> inside;
  for (const Route& route : routes().routes()) {
    if (route.interface <= kOutside || !route.prefix.address().is_v4() || route.prefix.length() == 0) continue;
    inside.push_back({route.prefix, route.interface});
  }
  random_.emplace(world().seed(), absl::StrCat("nat/", name(), "/ports"));
  nat_.emplace(profile_, external, std::move(inside), &*random_);
  return *nat_;
}

void NatBox::Reboot() {
  Translator().Reboot();
  world().NoteState(*this, StateKind::kMappingRemoved, ~std::uint64_t{0});
}

void NatBox::OnPacket(int interface, PacketPtr packet) {
  if (!packet->is_v4()) {
    if (IsLocal(packet->destination.address())) {
      Input(interface, std::move(packet));
    } else {
      RouteIpv6(interface, std::move(packet));
    }
  } else if (interface == kLoopbackInterface) {
    // Its own. An error about a packet that it had translated is for whoever sent that.
    if (IsIcmpError(*packet) && Translator().IsExternal(packet->destination.address())) {
      FromOutside(interface, std::move(packet));
    } else {
      Input(interface, std::move(packet));
    }
  } else if (interface == kOutside) {
    FromOutside(interface, std::move(packet));
  } else {
    FromInside(interface, std::move(packet));
  }
}

void NatBox::RouteIpv6(int interface, PacketPtr packet) {
  if (IsMartian(packet->destination.address())) {
    world().Drop(*this, std::move(packet), Rule::kMartian);
  } else if (!passes_ipv6_) {
    world().Drop(*this, std::move(packet), Rule::kProtocolBlocked);
  } else if (StepTtl(interface, packet)) {
    RouteOut(interface, std::move(packet));
  }
}

void NatBox::FromInside(int interface, PacketPtr packet) {
  Nat& nat = Translator();
  const net::IpAddress& destination = packet->destination.address();
  const bool external = nat.IsExternal(destination);
  if (!external && IsLocal(destination)) {
    Input(interface, std::move(packet));
    return;
  }
  if (IsMartian(destination)) {
    world().Drop(*this, std::move(packet), Rule::kMartian);
    return;
  }
  // A packet that ends here for its TTL leaves no mapping. One for the box itself needs no TTL.
  const bool for_box = external && profile_.udp.hairpin == Hairpin::kNone;
  if (!for_box && !StepTtl(interface, packet)) return;
  const Ends before = {packet->source, packet->destination};
  const std::uint64_t mappings = nat.counters().mappings_made;
  const Verdict verdict = nat.FromInside(world().now(), interface, *packet);
  if (nat.counters().mappings_made != mappings) {
    world().NoteState(*this, StateKind::kMappingCreated, net::StableHash(before.source),
                      net::StableHash(packet->source));
  }
  Obey(verdict, before, interface, std::move(packet));
}

void NatBox::FromOutside(int interface, PacketPtr packet) {
  const Ends before = {packet->source, packet->destination};
  const Verdict verdict = Translator().FromOutside(world().now(), *packet);
  if (verdict.action == Verdict::Action::kInside) {
    if (packet->ttl <= 1) packet->destination = before.destination;  // as the error has to quote it
    if (!StepTtl(interface, packet)) return;
  } else if (verdict.rule == Rule::kNoMapping && packet->is_udp() && HasSocket(packet->destination)) {
    // A program of the box has opened this port.
    Input(interface, std::move(packet));
    return;
  }
  Obey(verdict, before, interface, std::move(packet));
}

void NatBox::Obey(const Verdict& verdict, const Ends& before, int interface, PacketPtr packet) {
  switch (verdict.action) {
    case Verdict::Action::kOutside:
    case Verdict::Action::kInside:
      if (packet->source != before.source || packet->destination != before.destination) {
        world().Rename(*packet, Relation::kTranslated);
      }
      RouteOut(interface, std::move(packet), verdict.action == Verdict::Action::kOutside ? kOutside : verdict.network);
      return;
    case Verdict::Action::kInput:
      Input(interface, std::move(packet));
      return;
    case Verdict::Action::kReject:
      SendIcmpError(interface, *packet, 3, verdict.icmp_code, 0);
      break;
    case Verdict::Action::kDrop:
      break;
  }
  world().Drop(*this, std::move(packet), verdict.rule, verdict.state);
}

}  // namespace pinhole::sim
