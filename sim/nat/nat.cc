#include "sim/nat/nat.h"

#include <cstdlib>
#include <utility>

#include "sim/nat/conntrack_ports.h"
#include "sim/nat/mapping.h"
#include "sim/nat/refresh.h"

namespace pinhole::sim {
namespace {

using nat::Direction;

Verdict Inside(int network) {
  return {.action = Verdict::Action::kInside, .network = static_cast<std::int16_t>(network)};
}

// RFC 792: codes of destination unreachable.
constexpr std::uint8_t kHostUnreachableCode = 1;
constexpr std::uint8_t kPortUnreachableCode = 3;
constexpr std::uint8_t kAdminProhibitedCode = 13;

bool KeepsSubscribers(const NatProfile& profile, std::size_t pool_size) {
  return profile.mappings_per_host_max > 0 || profile.udp.block_ports > 0 ||
         (pool_size > 1 && profile.pooling == Pooling::kPaired);
}

}  // namespace

Nat::Nat(NatProfile profile, const std::vector<net::IpAddress>& external, std::vector<InsidePrefix> inside,
         net::RandomSource* random)
    : profile_(std::move(profile)),
      inside_(std::move(inside)),
      random_(random),
      shared_externals_(nat::SharesExternalEndpoints(profile_.udp)),
      notes_sessions_(profile_.udp.mapping != Mapping::kConntrack &&
                      (profile_.udp.inbound_sessions || !profile_.port_forwards.empty())),
      keeps_subscribers_(KeepsSubscribers(profile_, external.size())),
      bindings_(shared_externals_, profile_.udp.mapping == Mapping::kConntrack,
                keeps_subscribers_ ? &subscribers_ : nullptr),
      sent_to_(profile_.udp),
      ports_(profile_.udp, *random) {
  pool_.reserve(external.size());
  for (const net::IpAddress& address : external) pool_.push_back(address.v4());
  AddStatics();
}

void Nat::AddStatics() {
  for (const PortForward& forward : profile_.port_forwards) {
    Endpoint external = Endpoint::Of(forward.external);
    if (external.address == 0 && !pool_.empty()) external.address = pool_[0];
    Endpoint inside = Endpoint::Of(forward.inside);
    inside.network = static_cast<std::uint16_t>(NetworkOf(inside.address).value_or(0));
    bindings_.AddStatic(inside, external, profile_.udp.mapping == Mapping::kEndpointIndependent);
  }
}

void Nat::Reboot() {
  bindings_.RemoveDynamic();
  sent_to_.Clear();
  sessions_.Clear();
  claims_.Clear();
  subscribers_.Clear();
  ports_.Reset();
  next_pool_index_ = 0;
  ++counters_.reboots;
}

Verdict Nat::FromInside(net::Instant now, int network, Packet& packet) {
  if (!packet.is_v4()) return Verdict::Drop(Rule::kProtocolBlocked, packet.destination);
  if (packet.is_icmp()) return IcmpFromInside(now, network, packet);
  if (!packet.is_udp()) return Verdict::Drop(Rule::kProtocolBlocked, packet.destination);

  const Endpoint inside = Endpoint::Of(packet.source, network);
  const Endpoint remote = Endpoint::Of(packet.destination);
  if (IsExternal(remote.address)) return PassHairpin(now, inside, packet);
  if (const std::optional<int> other = NetworkOf(remote.address)) {
    return profile_.routes_inside ? Inside(*other) : Verdict::Drop(Rule::kInterfaceNotRouted, packet.destination);
  }
  const Outcome out = Outbound(now, inside, remote);
  if (out.binding == nullptr) return Refused(now, inside, out.rule);
  packet.source = out.binding->external.ToSocketAddress();
  return {.action = Verdict::Action::kOutside};
}

Verdict Nat::FromOutside(net::Instant now, Packet& packet) {
  if (!packet.is_v4()) return Verdict::Drop(Rule::kProtocolBlocked, packet.destination);
  if (packet.is_icmp()) return IcmpFromOutside(now, packet);
  if (!packet.is_udp()) return Verdict::Drop(Rule::kProtocolBlocked, packet.destination);

  const Endpoint external = Endpoint::Of(packet.destination);
  if (!IsExternal(external.address)) return Verdict::Drop(Rule::kInboundRefused, packet.destination);
  const Endpoint remote = Endpoint::Of(packet.source);
  const Outcome in = Inbound(now, external, remote);
  if (in.binding == nullptr) return AnswerUnsolicited(now, external, remote, in);
  packet.destination = in.binding->inside.ToSocketAddress();
  return Inside(in.binding->inside.network);
}

// The packet has to pass as if it went out and came in again (RFC 4787 §6, RFC 6146 §3.8): its sender gets a
// mapping, and the receiver's filter sees the sender by that.
Verdict Nat::PassHairpin(net::Instant now, Endpoint inside, Packet& packet) {
  const Endpoint target = Endpoint::Of(packet.destination);
  if (profile_.udp.hairpin == Hairpin::kNone) {
    return AnswerUnsolicited(now, target, inside, {.rule = Rule::kHairpinRefused});
  }
  const Outcome out = Outbound(now, inside, target);
  if (out.binding == nullptr) return Refused(now, inside, out.rule);
  const Endpoint seen_from = out.binding->external;
  const Outcome in = Inbound(now, target, seen_from);
  if (in.binding == nullptr) return AnswerUnsolicited(now, target, seen_from, in);
  if (profile_.udp.hairpin == Hairpin::kExternalSource) packet.source = seen_from.ToSocketAddress();
  packet.destination = in.binding->inside.ToSocketAddress();
  return Inside(in.binding->inside.network);
}

Nat::Endpoint Nat::ScopeFor(Endpoint inside, Endpoint remote) const {
  // A one-to-one address keeps its ports, towards everyone.
  if (!shared_externals_ && OneToOneInside(inside.address) != nullptr) return {};
  return nat::ScopeOf(profile_.udp.mapping, remote);
}

nat::Owner Nat::OwnerOf(const Binding& binding) const {
  return profile_.udp.filter_memory == FilterMemory::kEndpoint ? binding.inside.bits() : binding.serial;
}

// `counts`: a packet is going out, so timers of the session that points to the binding may start again.
nat::Binding* Nat::FindOutbound(net::Instant now, Endpoint inside, Endpoint remote, bool counts) {
  if (notes_sessions_) {
    InboundSession* session = sessions_.Find({inside.bits(), remote.bits()});
    if (session != nullptr && session->timer.Alive(now)) {
      if (Binding* binding = bindings_.Get(session->binding, session->serial, now)) {
        if (counts) OnPacket(session->timer, profile_.udp, Direction::kOutbound, /*answers=*/true, now);
        return binding;
      }
    }
  }
  return bindings_.FindFromInside(inside, ScopeFor(inside, remote), now);
}

nat::Binding* Nat::FindInbound(net::Instant now, Endpoint external, Endpoint remote) {
  const Endpoint scope = shared_externals_ ? nat::ScopeOf(profile_.udp.mapping, remote) : Endpoint{};
  if (Binding* binding = bindings_.FindFromOutside(external, scope, now)) return binding;
  return bindings_.FindStatic(external);
}

Nat::Outcome Nat::Outbound(net::Instant now, Endpoint inside, Endpoint remote) {
  Binding* binding = FindOutbound(now, inside, remote, /*counts=*/true);
  if (binding == nullptr) {
    const Outcome made = MakeOutbound(now, inside, remote);
    if (made.binding == nullptr) return made;
    binding = made.binding;
  } else if (!binding->is_static) {
    OnPacket(binding->timer, profile_.udp, Direction::kOutbound, /*answers=*/binding->from_outside, now);
    bindings_.NoteExpiry(binding->timer.expires);
  }
  if (profile_.udp.mapping != Mapping::kConntrack) sent_to_.NoteOutbound(OwnerOf(*binding), remote, now);
  return {.binding = binding};
}

Nat::Outcome Nat::Inbound(net::Instant now, Endpoint external, Endpoint remote) {
  if (Claimed(now, external, remote)) return {.for_box = true};
  const bool conntrack = profile_.udp.mapping == Mapping::kConntrack;
  Binding* binding = FindInbound(now, external, remote);
  if (binding == nullptr || (conntrack && binding->is_static)) return InboundNew(now, external, remote);
  if (!binding->is_static && !conntrack) {
    const Rule rule = nat::Filter(profile_.udp.filtering, sent_to_, OwnerOf(*binding), remote, now);
    if (rule != Rule::kNone) return {.rule = rule};
  }
  if (!binding->is_static) {
    OnPacket(binding->timer, profile_.udp, Direction::kInbound, /*answers=*/!binding->from_outside, now);
    bindings_.NoteExpiry(binding->timer.expires);
  }
  if (!conntrack) sent_to_.NoteInbound(OwnerOf(*binding), remote, now);
  if (notes_sessions_) NoteInboundSession(now, *binding, remote);
  return {.binding = binding};
}

// From outside to an external endpoint that nobody's packets have opened towards `remote`.
Nat::Outcome Nat::InboundNew(net::Instant now, Endpoint external, Endpoint remote) {
  if (Binding* forward = bindings_.FindStatic(external)) {
    // Conntrack: a session of its own, whose answers leave by the forwarded endpoint. An older session of the
    // same two ends gives way.
    const Endpoint inside = forward->inside;
    if (Binding* old = bindings_.FindFromInside(inside, remote, now)) bindings_.Remove(*old);
    return AddBinding(now, inside, remote, external, /*from_outside=*/true);
  }
  if (const OneToOne* pair = OneToOneExternal(external.address)) {
    if (profile_.udp.filtering != Filtering::kEndpointIndependent) return {.rule = Rule::kInboundRefused};
    Endpoint inside{pair->inside.v4(), external.port};
    inside.network = static_cast<std::uint16_t>(NetworkOf(inside.address).value_or(0));
    return AddBinding(now, inside, ScopeFor(inside, remote), external, /*from_outside=*/true);
  }
  if (shared_externals_) {
    bindings_.Sweep(now);
    if (bindings_.AnyWithExternal(external)) {
      const bool by_address = profile_.udp.mapping == Mapping::kAddressDependent;
      return {.rule = by_address ? Rule::kFilteredAddress : Rule::kFilteredPort};
    }
  }
  return {.rule = Rule::kNoMapping};
}

void Nat::NoteInboundSession(net::Instant now, Binding& binding, Endpoint remote) {
  // An inside endpoint with one binding for everyone answers by that anyway.
  if (profile_.udp.mapping == Mapping::kEndpointIndependent && !binding.is_static) return;
  if (!profile_.udp.inbound_sessions && !binding.is_static) return;
  const nat::Key key{binding.inside.bits(), remote.bits()};
  const std::uint32_t index = bindings_.IndexOf(binding);
  InboundSession* session = sessions_.Find(key);
  if (session != nullptr && session->timer.Alive(now) && session->serial == binding.serial) {
    OnPacket(session->timer, profile_.udp, Direction::kInbound, /*answers=*/false, now);
    return;
  }
  if (session == nullptr) {
    if (sessions_.full()) sessions_.EraseIf([now](const InboundSession& old) { return !old.timer.Alive(now); });
    session = &sessions_.FindOrAdd(key);
  }
  *session = {.binding = index, .serial = binding.serial, .timer = nat::StartTimer(profile_.udp.timeouts, now)};
}

bool Nat::Claimed(net::Instant now, Endpoint external, Endpoint remote) const {
  const net::Instant* end = claims_.Find({external.bits(), remote.bits()});
  return end != nullptr && now < *end;
}

void Nat::Claim(net::Instant now, Endpoint external, Endpoint remote) {
  if (claims_.full()) claims_.EraseIf([now](net::Instant end) { return now >= end; });
  claims_.FindOrAdd({external.bits(), remote.bits()}) = now + profile_.udp.timeouts.unreplied;
}

// For the box itself, then: what does its input path say?
Verdict Nat::AnswerUnsolicited(net::Instant now, Endpoint external, Endpoint remote, const Outcome& why) {
  if (why.for_box) {
    Claim(now, external, remote);
    return {.action = Verdict::Action::kInput};
  }
  Verdict verdict = Verdict::Drop(why.rule, external.ToSocketAddress());
  if (why.rule == Rule::kFilteredAddress || why.rule == Rule::kFilteredPort) {
    if (Binding* held = FindInbound(now, external, remote)) verdict.state.endpoint = held->inside.ToSocketAddress();
  }
  switch (profile_.udp.unsolicited) {
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
    case Unsolicited::kInput:
      if (profile_.udp.poisoning && why.rule != Rule::kHairpinRefused) Claim(now, external, remote);
      return {.action = Verdict::Action::kInput};
  }
  verdict.action = Verdict::Action::kReject;
  return verdict;
}

// Why a packet from inside got no mapping.
Verdict Nat::Refused(net::Instant now, Endpoint inside, Rule rule) {
  Verdict verdict = Verdict::Drop(rule, inside.ToSocketAddress());
  verdict.state.number = bindings_.CountDynamic(now);
  if (rule == Rule::kMappingLimit) {
    verdict.state.limit = profile_.mappings_max;
    if (profile_.mappings_per_host_max > 0) {
      const int of_host = subscribers_.Of(inside).bindings;
      if (of_host >= profile_.mappings_per_host_max) {
        verdict.state.number = of_host;
        verdict.state.limit = profile_.mappings_per_host_max;
      }
    }
    return verdict;
  }
  verdict.state.limit = PortsFor(inside);
  if (profile_.udp.exhaustion == Exhaustion::kAdminProhibited) {
    verdict.action = Verdict::Action::kReject;
    verdict.icmp_code = kAdminProhibitedCode;
  }
  return verdict;
}

int Nat::PortsFor(Endpoint inside) const {
  if (profile_.udp.block_ports > 0) return profile_.udp.block_ports * profile_.udp.blocks_per_host;
  if (profile_.udp.mapping == Mapping::kConntrack && !profile_.udp.ports) {
    return nat::ConntrackPortClass(inside.port).size();
  }
  return ports_.RangeFor(inside.port).size();
}

std::optional<int> Nat::NetworkOf(std::uint32_t address) const {
  std::optional<int> network;
  int longest = -1;
  for (const InsidePrefix& inside : inside_) {
    if (!inside.prefix.address().is_v4()) continue;
    const int length = inside.prefix.length();
    const std::uint32_t differs = inside.prefix.address().v4() ^ address;
    if (length > longest && (length == 0 || differs >> (32 - length) == 0)) {
      longest = length;
      network = inside.network;
    }
  }
  return network;
}

bool Nat::IsExternal(std::uint32_t address) const {
  for (const std::uint32_t external : pool_) {
    if (external == address) return true;
  }
  return OneToOneExternal(address) != nullptr;
}

bool Nat::IsExternal(const net::IpAddress& address) const { return address.is_v4() && IsExternal(address.v4()); }

const OneToOne* Nat::OneToOneInside(std::uint32_t address) const {
  for (const OneToOne& pair : profile_.one_to_one) {
    if (pair.inside.v4() == address) return &pair;
  }
  return nullptr;
}

const OneToOne* Nat::OneToOneExternal(std::uint32_t address) const {
  for (const OneToOne& pair : profile_.one_to_one) {
    if (pair.external.v4() == address) return &pair;
  }
  return nullptr;
}

}  // namespace pinhole::sim
