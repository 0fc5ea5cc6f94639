#include "sim/nat/nat.h"

// ICMP errors about packets that were translated (RFC 5508 §4). An ICMP error never restarts a timer (RFC 7857 §7.1).
namespace pinhole::sim {
namespace {

net::SocketAddress WithoutPort(const net::SocketAddress& address) { return address.WithPort(0); }

}  // namespace

// The verdict on an ICMP packet from outside. RFC 5508 §4.2.1 REQ-4: an ICMP error about a packet that went out is
// translated.
Verdict Nat::IcmpFromOutside(net::Instant now, Packet& packet) {
  if (!IsIcmpError(packet)) {
    if (shared_.profile.udp.unsolicited == Unsolicited::kInput) return {.action = Verdict::Action::kInput};
    return Verdict::Drop(Rule::kInputDropped, packet.destination);
  }
  const bool tcp = packet.quoted.protocol == IpProtocol::kTcp;
  if ((packet.quoted.protocol != IpProtocol::kUdp && !tcp) || !packet.quoted.source.address().is_v4()) {
    return Verdict::Drop(Rule::kIcmpNotTranslated, packet.quoted.source);
  }
  if (tcp) {
    const net::SocketAddress quoted = packet.quoted.source;
    if (!shared_.profile.icmp_errors_translated && !shared_.profile.icmp_errors_close) {
      return Verdict::Drop(Rule::kIcmpNotTranslated, quoted);
    }
    const std::optional<Endpoint> inside = Tcp().TranslateQuoteInwards(now, packet);
    if (!inside || !shared_.profile.icmp_errors_translated) return Verdict::Drop(Rule::kIcmpNotTranslated, quoted);
    packet.destination = WithoutPort(packet.quoted.source);
    return Verdict::Inside(inside->network);
  }
  const Endpoint external = Endpoint::Of(packet.quoted.source);
  const Endpoint remote = Endpoint::Of(packet.quoted.destination);
  if (udp_.Claimed(now, external, remote)) return {.action = Verdict::Action::kInput};
  Binding* binding = udp_.FindInbound(now, external, remote);
  if (binding == nullptr) return Verdict::Drop(Rule::kIcmpNotTranslated, packet.quoted.source);
  const Endpoint inside = binding->inside;
  if (shared_.profile.icmp_errors_close && !binding->is_static) udp_.table().Remove(*binding);
  if (!shared_.profile.icmp_errors_translated) return Verdict::Drop(Rule::kIcmpNotTranslated, packet.quoted.source);
  packet.quoted.source = inside.ToSocketAddress();
  packet.destination = WithoutPort(packet.quoted.source);
  return Verdict::Inside(inside.network);
}

// The verdict on an ICMP packet from inside. RFC 5508 §4.2.2 REQ-5: an ICMP error about a packet that came in is
// translated.
Verdict Nat::IcmpFromInside(net::Instant now, int network, Packet& packet) {
  const std::uint32_t destination = packet.destination.address().v4();
  const bool to_external = shared_.IsExternal(destination);
  if (!to_external) {
    // A packet to an inside network is routed without translation. If it is an ICMP error, the packet that it quotes
    // was itself routed between inside networks, or was hairpinned with its inside source.
    if (const std::optional<int> other = shared_.NetworkOf(destination)) {
      if (!shared_.profile.routes_inside) return Verdict::Drop(Rule::kInterfaceNotRouted, packet.destination);
      return Verdict::Inside(*other);
    }
  }
  if (!IsIcmpError(packet)) {
    if (to_external) return {.action = Verdict::Action::kInput};
    return Verdict::Drop(Rule::kProtocolBlocked, packet.destination);
  }
  const bool tcp = packet.quoted.protocol == IpProtocol::kTcp;
  if ((packet.quoted.protocol != IpProtocol::kUdp && !tcp) || !packet.quoted.source.address().is_v4()) {
    return Verdict::Drop(Rule::kIcmpNotTranslated, packet.quoted.destination);
  }
  if (tcp) {
    const bool translated = shared_.profile.icmp_errors_translated;
    if (!translated || !Tcp().TranslateQuoteOutwards(now, network, packet)) {
      return Verdict::Drop(Rule::kIcmpNotTranslated, packet.quoted.destination);
    }
    packet.source = WithoutPort(packet.quoted.destination);
    if (to_external) return IcmpFromOutside(now, packet);
    return {.action = Verdict::Action::kOutside};
  }
  const Endpoint inside = Endpoint::Of(packet.quoted.destination, network);
  const Endpoint remote = Endpoint::Of(packet.quoted.source);
  Binding* binding = FindOutbound(now, inside, remote, /*counts=*/false);
  if (binding == nullptr || !shared_.profile.icmp_errors_translated) {
    return Verdict::Drop(Rule::kIcmpNotTranslated, packet.quoted.destination);
  }
  packet.quoted.destination = binding->external.ToSocketAddress();
  packet.source = WithoutPort(packet.quoted.destination);
  if (shared_.profile.icmp_errors_close && !binding->is_static) udp_.table().Remove(*binding);
  // An ICMP error about a hairpinned packet goes back in, to the inside host that sent this packet.
  if (to_external) return IcmpFromOutside(now, packet);
  return {.action = Verdict::Action::kOutside};
}

}  // namespace pinhole::sim
