#include "sim/nat/nat.h"

#include <algorithm>
#include <utility>

#include "net/contract.h"
#include "sim/nat/refresh.h"
#include "sim/nat/validate.h"

namespace pinhole::sim {
namespace {

using nat::Direction;

// Codes of ICMP destination unreachable (RFC 792, RFC 1812 §5.2.7.1).
constexpr std::uint8_t kHostUnreachableCode = 1;
constexpr std::uint8_t kPortUnreachableCode = 3;
constexpr std::uint8_t kAdminProhibitedCode = 13;

}  // namespace

namespace {

bool Contains(const std::vector<net::IpAddress>& addresses, const net::IpAddress& address) {
  return std::find(addresses.begin(), addresses.end(), address) != addresses.end();
}

bool AreDistinctV4(const std::vector<net::IpAddress>& addresses) {
  return std::all_of(addresses.begin(), addresses.end(), [&](const net::IpAddress& address) {
    return address.is_v4() && std::count(addresses.begin(), addresses.end(), address) == 1;
  });
}

}  // namespace

Nat::Nat(NatProfile profile, const std::vector<net::IpAddress>& external, std::vector<InsidePrefix> inside,
         net::RandomSource* random)
    : shared_(std::move(profile), external, std::move(inside), random),
      notes_sessions_(shared_.profile.udp.mapping != Mapping::kConntrack &&
                      (shared_.profile.udp.inbound_sessions || !shared_.profile.port_forwards.empty())),
      udp_(nat::Transport::Protocol::kUdp, shared_.profile.udp, shared_),
      sent_to_(shared_.profile.udp) {
  PINHOLE_REQUIRES(IsValid(shared_.profile));
  PINHOLE_REQUIRES(AreDistinctV4(external));
  PINHOLE_REQUIRES(std::none_of(shared_.profile.one_to_one.begin(), shared_.profile.one_to_one.end(),
                                [&](const OneToOne& pair) { return Contains(external, pair.external); }));
}

nat::TcpTranslator& Nat::Tcp() {
  if (!tcp_) tcp_ = std::make_unique<nat::TcpTranslator>(shared_);
  return *tcp_;
}

void Nat::Reboot() {
  udp_.Reboot();
  sent_to_.Clear();
  sessions_.Clear();
  if (tcp_) tcp_->Reboot();
  shared_.subscribers.Clear();
  shared_.next_pool_index = {};
  shared_.wants_reboot = false;
  ++shared_.counters.reboots;
}

Verdict Nat::FromInside(net::Instant now, int network, Packet& packet) {
  if (!packet.is_v4()) return Verdict::Drop(Rule::kProtocolBlocked, packet.destination);
  if (packet.is_icmp()) return IcmpFromInside(now, network, packet);
  if (packet.is_tcp()) {
    const Verdict verdict = Tcp().FromInside(now, network, packet);
    if (shared_.wants_reboot) Reboot();
    return verdict;
  }
  if (!packet.is_udp()) return Verdict::Drop(Rule::kProtocolBlocked, packet.destination);

  const Endpoint inside = Endpoint::Of(packet.source, network);
  const Endpoint remote = Endpoint::Of(packet.destination);
  if (shared_.IsExternal(remote.address)) return PassHairpin(now, inside, packet);
  if (const std::optional<int> other = shared_.NetworkOf(remote.address)) {
    return shared_.profile.routes_inside ? Verdict::Inside(*other)
                                         : Verdict::Drop(Rule::kInterfaceNotRouted, packet.destination);
  }
  const Outcome out = Outbound(now, inside, remote);
  if (out.binding == nullptr) return Refused(now, inside, out.rule);
  packet.source = out.binding->external.ToSocketAddress();
  return {.action = Verdict::Action::kOutside};
}

Verdict Nat::FromOutside(net::Instant now, Packet& packet) {
  if (!packet.is_v4()) return Verdict::Drop(Rule::kProtocolBlocked, packet.destination);
  if (packet.is_icmp()) return IcmpFromOutside(now, packet);
  if (packet.is_tcp()) {
    const Verdict verdict = Tcp().FromOutside(now, packet);
    if (shared_.wants_reboot) Reboot();
    return verdict;
  }
  if (!packet.is_udp()) return Verdict::Drop(Rule::kProtocolBlocked, packet.destination);

  const Endpoint external = Endpoint::Of(packet.destination);
  if (!shared_.IsExternal(external.address)) return Verdict::Drop(Rule::kInboundRefused, packet.destination);
  const Endpoint remote = Endpoint::Of(packet.source);
  const Outcome in = Inbound(now, external, remote);
  if (in.binding == nullptr) return AnswerUnsolicited(now, external, remote, in);
  packet.destination = in.binding->inside.ToSocketAddress();
  return Verdict::Inside(in.binding->inside.network);
}

// A hairpinned packet passes as if it went out and came in again (RFC 4787 §6, RFC 6146 §3.8): the sender gets a
// mapping, and the receiver's filter sees the external endpoint of this mapping as the source.
Verdict Nat::PassHairpin(net::Instant now, Endpoint inside, Packet& packet) {
  const Endpoint target = Endpoint::Of(packet.destination);
  if (shared_.profile.udp.hairpin == Hairpin::kNone) {
    return AnswerUnsolicited(now, target, inside, {.rule = Rule::kHairpinRefused});
  }
  const Outcome out = Outbound(now, inside, target);
  if (out.binding == nullptr) return Refused(now, inside, out.rule);
  const Endpoint seen_from = out.binding->external;
  const Outcome in = Inbound(now, target, seen_from);
  if (in.binding == nullptr) return AnswerUnsolicited(now, target, seen_from, in);
  if (shared_.profile.udp.hairpin == Hairpin::kExternalSource) packet.source = seen_from.ToSocketAddress();
  packet.destination = in.binding->inside.ToSocketAddress();
  return Verdict::Inside(in.binding->inside.network);
}

// The binding by which a packet from `inside` to `remote` leaves. `counts`: a packet is sent, not only quoted by an
// ICMP error, so the timer of the inbound session may start again.
nat::Binding* Nat::FindOutbound(net::Instant now, Endpoint inside, Endpoint remote, bool counts) {
  if (notes_sessions_) {
    InboundSession* session = sessions_.Find({inside.bits(), remote.bits()});
    if (session != nullptr && session->timer.Alive(now)) {
      if (Binding* binding = udp_.table().Get(session->binding, session->serial, now)) {
        if (counts) OnPacket(session->timer, shared_.profile.udp, Direction::kOutbound, /*answers=*/true, now);
        return binding;
      }
    }
  }
  return udp_.FindOutbound(now, inside, remote);
}

Nat::Outcome Nat::Outbound(net::Instant now, Endpoint inside, Endpoint remote) {
  Binding* binding = FindOutbound(now, inside, remote, /*counts=*/true);
  if (binding == nullptr) {
    const Outcome made = udp_.MakeOutbound(now, inside, remote, nat::StartTimer(shared_.profile.udp.timeouts, now));
    if (made.binding == nullptr) return made;
    binding = made.binding;
  } else if (!binding->is_static) {
    OnPacket(binding->timer, shared_.profile.udp, Direction::kOutbound, /*answers=*/binding->from_outside, now);
    udp_.table().NoteExpiry(binding->timer.expires);
  }
  if (shared_.profile.udp.mapping != Mapping::kConntrack) sent_to_.NoteOutbound(udp_.OwnerOf(*binding), remote, now);
  return {.binding = binding};
}

Nat::Outcome Nat::Inbound(net::Instant now, Endpoint external, Endpoint remote) {
  if (udp_.Claimed(now, external, remote)) return {.for_box = true};
  const bool conntrack = shared_.profile.udp.mapping == Mapping::kConntrack;
  Binding* binding = udp_.FindInbound(now, external, remote);
  if (binding == nullptr || (conntrack && binding->is_static)) return InboundNew(now, external, remote);
  if (!binding->is_static && !conntrack) {
    const Rule rule = nat::Filter(shared_.profile.udp.filtering, sent_to_, udp_.OwnerOf(*binding), remote, now);
    if (rule != Rule::kNone) return {.rule = rule};
  }
  if (!binding->is_static) {
    OnPacket(binding->timer, shared_.profile.udp, Direction::kInbound, /*answers=*/!binding->from_outside, now);
    udp_.table().NoteExpiry(binding->timer.expires);
  }
  if (!conntrack) sent_to_.NoteInbound(udp_.OwnerOf(*binding), remote, now);
  if (notes_sessions_) NoteInboundSession(now, *binding, remote);
  return {.binding = binding};
}

// A packet from outside to an external endpoint that no packet from inside has opened for `remote`.
Nat::Outcome Nat::InboundNew(net::Instant now, Endpoint external, Endpoint remote) {
  return udp_.MakeInbound(now, external, remote, nat::StartTimer(shared_.profile.udp.timeouts, now));
}

void Nat::NoteInboundSession(net::Instant now, Binding& binding, Endpoint remote) {
  // With endpoint-independent mapping the inside endpoint has only one binding, so the answers of the inside endpoint
  // leave by that binding in any case.
  if (shared_.profile.udp.mapping == Mapping::kEndpointIndependent && !binding.is_static) return;
  if (!shared_.profile.udp.inbound_sessions && !binding.is_static) return;
  const nat::Key key{binding.inside.bits(), remote.bits()};
  const std::uint32_t index = udp_.table().IndexOf(binding);
  InboundSession* session = sessions_.Find(key);
  if (session != nullptr && session->timer.Alive(now) && session->serial == binding.serial) {
    OnPacket(session->timer, shared_.profile.udp, Direction::kInbound, /*answers=*/false, now);
    return;
  }
  if (session == nullptr) {
    if (sessions_.full()) sessions_.EraseIf([now](const InboundSession& old) { return !old.timer.Alive(now); });
    session = &sessions_.FindOrAdd(key);
  }
  *session = {.binding = index, .serial = binding.serial, .timer = nat::StartTimer(shared_.profile.udp.timeouts, now)};
}

void Nat::Claim(net::Instant now, Endpoint external, Endpoint remote) {
  udp_.Claim(now, external, remote, shared_.profile.udp.timeouts.unreplied);
}

// The answer to a packet that no mapping or filter lets in: a drop, an ICMP error, or the input of the box itself.
Verdict Nat::AnswerUnsolicited(net::Instant now, Endpoint external, Endpoint remote, const Outcome& why) {
  if (why.for_box) {
    Claim(now, external, remote);
    return {.action = Verdict::Action::kInput};
  }
  Verdict verdict = Verdict::Drop(why.rule, external.ToSocketAddress());
  if (why.rule == Rule::kFilteredAddress || why.rule == Rule::kFilteredPort) {
    if (Binding* held = udp_.FindInbound(now, external, remote))
      verdict.state.endpoint = held->inside.ToSocketAddress();
  }
  switch (shared_.profile.udp.unsolicited) {
    case Unsolicited::kDrop:
      return verdict;
    case Unsolicited::kPortUnreachable:
      verdict.icmp_code = kPortUnreachableCode;
      break;
    case Unsolicited::kHostUnreachable:
      verdict.icmp_code = kHostUnreachableCode;
      break;
    case Unsolicited::kAdminProhibited:
      verdict.icmp_code = kAdminProhibitedCode;
      break;
    case Unsolicited::kReset:  // for TCP only; refused by FindContradiction()
      return verdict;
    case Unsolicited::kInput:
      if (shared_.profile.udp.poisoning && why.rule != Rule::kHairpinRefused) Claim(now, external, remote);
      return {.action = Verdict::Action::kInput};
  }
  verdict.action = Verdict::Action::kReject;
  return verdict;
}

// The verdict on a packet from inside that got no mapping because of `rule`.
Verdict Nat::Refused(net::Instant now, Endpoint inside, Rule rule) {
  Verdict verdict = Verdict::Drop(rule, inside.ToSocketAddress());
  verdict.state = udp_.DescribeFull(now, inside, rule);
  if (shared_.wants_reboot) Reboot();
  if (rule == Rule::kPortExhausted && shared_.profile.udp.exhaustion == Exhaustion::kAdminProhibited) {
    verdict.action = Verdict::Action::kReject;
    verdict.icmp_code = kAdminProhibitedCode;
  }
  return verdict;
}

bool Nat::IsExternal(const net::IpAddress& address) const {
  return address.is_v4() && shared_.IsExternal(address.v4());
}

std::optional<nat::TcpTranslator::Entry> Nat::FindTcp(net::Instant now, int network, const net::SocketAddress& inside,
                                                      const net::SocketAddress& remote) {
  if (!tcp_) return std::nullopt;
  return tcp_->Find(now, Endpoint::Of(inside, network), Endpoint::Of(remote));
}

}  // namespace pinhole::sim
