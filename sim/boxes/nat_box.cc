#include "sim/boxes/nat_box.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "sim/world.h"

namespace pinhole::sim {
NatBox::NatBox(const NodeInit& init, const NatBoxOptions& options)
    : Middlebox(init, options.host, options.egress), profile_(options.profile), passes_ipv6_(options.passes_ipv6) {
  if (options.ipv6_filter) ipv6_filter_ = std::make_unique<StatefulFilter>(*options.ipv6_filter);
  UseTimer();
}

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
  if (ipv6_filter_) ipv6_filter_->Reboot();
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
    // A packet that the box has sent to itself. An ICMP error about a translated packet goes on to the sender of that
    // packet.
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
    const bool inwards = interface == kOutside;
    const bool outwards = !inwards && LeadsOutside(packet->destination.address());
    if (outwards && !PassesOut(interface, packet)) return;
    if (inwards && !PassesIn(interface, packet)) return;
    const bool filtered = ipv6_filter_ != nullptr && (inwards || outwards);
    if (filtered && !PassesFilter(*ipv6_filter_, interface, inwards, packet)) return;
    RouteOut(interface, std::move(packet));
  }
}

bool NatBox::LeadsOutside(const net::IpAddress& destination) const {
  const Route* route = routes().Find(destination);
  return route != nullptr && route->interface == kOutside;
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
  // The TTL is checked first, because a packet that is dropped for its TTL makes no mapping. A packet for the box
  // itself needs no TTL.
  const Hairpin hairpin = packet->is_tcp() ? profile_.tcp.hairpin : profile_.udp.hairpin;
  const bool for_box = external && hairpin == Hairpin::kNone;
  if (!for_box && !StepTtl(interface, packet)) return;
  const bool judged = has_egress_policy() && !external && LeadsOutside(destination);
  if (judged && !PassesOut(interface, packet)) return;
  const Ends before = {packet->source, packet->destination};
  const std::uint64_t mappings = nat.counters().mappings_made;
  const Verdict verdict = nat.FromInside(world().now(), interface, *packet);
  if (nat.counters().mappings_made != mappings) {
    world().NoteState(*this, StateKind::kMappingCreated, net::StableHash(before.source),
                      net::StableHash(packet->source));
  }
  Obey(verdict, before, interface, std::move(packet));
  Drain();
}

void NatBox::FromOutside(int interface, PacketPtr packet) {
  if (!PassesIn(interface, packet)) return;
  const Ends before = {packet->source, packet->destination};
  const Verdict verdict = Translator().FromOutside(world().now(), *packet);
  if (verdict.action == Verdict::Action::kInside) {
    // StepTtl() will send an ICMP error, which must quote the packet with the destination that it had on arrival.
    if (packet->ttl <= 1) packet->destination = before.destination;
    if (!StepTtl(interface, packet)) return Drain();
  } else if (verdict.rule == Rule::kNoMapping && packet->is_udp() && HasSocket(packet->destination)) {
    // No mapping has this port, but a program of the box has opened it.
    Input(interface, std::move(packet));
    return;
  }
  Obey(verdict, before, interface, std::move(packet));
  Drain();
}

// Sends the packets that the translator has queued: answers to held SYNs, and RSTs for idle connections.
void NatBox::Drain() {
  while (std::optional<NatOutput> output = nat_->PollOutput()) {
    switch (output->kind) {
      case NatOutput::Kind::kIcmpError:
        SendIcmpError(kOutside, output->packet, 3, output->icmp_code, 0);
        break;
      case NatOutput::Kind::kReset:
        SendTcpReset(output->packet);
        break;
      case NatOutput::Kind::kSegment: {
        PacketPtr segment = NewPacket(PacketId::kNone, Relation::kSent);
        segment->protocol = IpProtocol::kTcp;
        segment->source = segment->emitted_source = output->packet.source;
        segment->destination = segment->emitted_destination = output->packet.destination;
        segment->tcp = output->packet.tcp;
        RouteOut(kOwn, std::move(segment), output->network == NatOutput::kToOutside ? kOutside : output->network);
        break;
      }
    }
  }
}

net::Instant NatBox::NextTimer() const {
  net::Earliest earliest;
  earliest.Add(HostNode::NextTimer());
  if (nat_) earliest.Add(nat_->NextTimer());
  if (ipv6_filter_) earliest.Add(ipv6_filter_->NextTimer());
  return earliest.at();
}

void NatBox::OnTimer() {
  HostNode::OnTimer();
  if (ipv6_filter_) {
    ipv6_filter_->OnTimer(world().now());
    SendHeldAnswers(*ipv6_filter_, kOutside);
  }
  if (!nat_) return;
  nat_->OnTimer(world().now());
  Drain();
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
    case Verdict::Action::kLeak:
      RouteOut(interface, std::move(packet), kOutside);
      return;
    case Verdict::Action::kReject:
      SendIcmpError(interface, *packet, 3, verdict.icmp_code, 0);
      break;
    case Verdict::Action::kReset:
      SendTcpReset(*packet);
      break;
    case Verdict::Action::kDrop:
      break;
  }
  world().Drop(*this, std::move(packet), verdict.rule, verdict.state);
}

}  // namespace pinhole::sim
