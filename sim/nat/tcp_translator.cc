#include "sim/nat/tcp_translator.h"

namespace pinhole::sim::nat {
namespace {

using Way = TcpTracker::Way;
using Action = TcpTracker::Action;

// Codes of ICMP destination unreachable (RFC 792, RFC 1812 §5.2.7.1).
constexpr std::uint8_t kHostUnreachableCode = 1;
constexpr std::uint8_t kPortUnreachableCode = 3;
constexpr std::uint8_t kAdminProhibitedCode = 13;

}  // namespace

void ShiftTcpAnswers(TcpHeader& segment, std::uint32_t by) {
  if (segment.Has(kTcpAck)) segment.acknowledgment += by;
  for (std::size_t i = 0; i < segment.sack_count; ++i) {
    segment.sack[i].left += by;
    segment.sack[i].right += by;
  }
}

TcpTranslator::TcpTranslator(Shared& shared)
    : shared_(shared), transport_(Transport::Protocol::kTcp, shared.profile.tcp, shared) {}

void TcpTranslator::Reboot() {
  transport_.Reboot();
  sessions_.clear();
  free_.clear();
  by_ends_.Clear();
  newest_.Clear();
  earliest_expiry_ = net::kNever;
  sweep_at_ = kSweepAtLeast;
  held_.Clear();
  outputs_.clear();
}

Verdict TcpTranslator::FromInside(net::Instant now, int network, Packet& packet) {
  OnTimer(now);
  const Endpoint inside = Endpoint::Of(packet.source, network);
  const Endpoint remote = Endpoint::Of(packet.destination);
  if (shared_.IsExternal(remote.address)) return PassHairpin(now, inside, packet);
  if (const std::optional<int> other = shared_.NetworkOf(remote.address)) {
    return shared_.profile.routes_inside ? Verdict::Inside(*other)
                                         : Verdict::Drop(Rule::kInterfaceNotRouted, packet.destination);
  }
  TcpHeader segment = packet.tcp;
  const Passage out = Outbound(now, inside, remote, segment, packet.payload.size_bytes);
  if (!out.external) return AnswerInside(now, inside, packet, out);
  packet.tcp = segment;
  packet.source = out.external->ToSocketAddress();
  return {.action = Verdict::Action::kOutside};
}

Verdict TcpTranslator::FromOutside(net::Instant now, Packet& packet) {
  OnTimer(now);
  const Endpoint external = Endpoint::Of(packet.destination);
  if (!shared_.IsExternal(external.address)) return Verdict::Drop(Rule::kInboundRefused, packet.destination);
  const Endpoint remote = Endpoint::Of(packet.source);
  TcpHeader segment = packet.tcp;
  const Passage in = Inbound(now, external, remote, segment, packet.payload.size_bytes);
  if (!in.inside) return AnswerOutside(now, external, remote, packet, in, /*may_hold=*/true);
  packet.tcp = segment;
  packet.destination = in.inside->ToSocketAddress();
  return Verdict::Inside(in.inside->network);
}

// Hairpinning (RFC 5382 §7.2 REQ-8): the segment goes out and comes in again. Each end has its own session, and the
// trackers of both sessions judge the segment.
Verdict TcpTranslator::PassHairpin(net::Instant now, Endpoint inside, Packet& packet) {
  const Endpoint target = Endpoint::Of(packet.destination);
  const Hairpin hairpin = shared_.profile.tcp.hairpin;
  if (hairpin == Hairpin::kNone) {
    return AnswerOutside(now, target, inside, packet, {.rule = Rule::kHairpinRefused, .unsolicited = true},
                         /*may_hold=*/false);
  }
  TcpHeader segment = packet.tcp;
  const Passage out = Outbound(now, inside, target, segment, packet.payload.size_bytes);
  if (!out.external) return AnswerInside(now, inside, packet, out);
  const Passage in = Inbound(now, target, *out.external, segment, packet.payload.size_bytes);
  if (!in.inside) return AnswerOutside(now, target, *out.external, packet, in, /*may_hold=*/true);
  packet.tcp = segment;
  if (hairpin == Hairpin::kExternalSource) packet.source = out.external->ToSocketAddress();
  packet.destination = in.inside->ToSocketAddress();
  return Verdict::Inside(in.inside->network);
}

TcpTranslator::Passage TcpTranslator::Outbound(net::Instant now, Endpoint inside, Endpoint remote, TcpHeader& segment,
                                               std::uint32_t bytes) {
  Session* session = FindSession(now, inside, remote);
  std::optional<Session> before;  // to restore a session for which no binding may be found
  if (session != nullptr && !session->bound) before = *session;
  Action action = Action::kPass;
  if (session != nullptr) {
    TcpHeader own = segment;  // the segment in the numbers of its sender and its receiver
    ShiftTcpAnswers(own, 0 - session->remote_shift);
    const Way way = session->from_outside ? Way::kReply : Way::kOriginal;
    const TcpTracker::Judgement judgement = session->tracker.OnSegment(tracking(), way, own, bytes);
    if (judgement.action == Action::kRefuse) {
      return {.rule = judgement.rule,
              .state = {.endpoint = inside.ToSocketAddress(), .number = judgement.number, .limit = judgement.limit}};
    }
    action = judgement.action;
    if (action == Action::kReopen) session = Reopen(now, *session, /*from_outside=*/false, segment, bytes);
  }
  Endpoint external;
  if (session == nullptr) {
    Session fresh;
    fresh.inside = inside;
    fresh.remote = remote;
    fresh.sent = true;
    const TcpTracker::Judgement judgement = fresh.tracker.Start(tracking(), segment, bytes);
    if (judgement.action == Action::kRefuse) {
      return {.rule = judgement.rule,
              .state = {.endpoint = inside.ToSocketAddress(), .number = judgement.number, .limit = judgement.limit}};
    }
    Binding* binding = transport_.FindOutbound(now, inside, remote);
    if (binding == nullptr) {
      const net::Instant ends = now + fresh.tracker.Life(tracking());
      const Outcome made = transport_.MakeOutbound(now, inside, remote, {.created = now, .expires = ends});
      if (made.binding == nullptr) return {.rule = made.rule, .unsolicited = true};
      binding = made.binding;
    }
    external = binding->external;
    fresh.binding = transport_.table().IndexOf(*binding);
    fresh.serial = binding->serial;
    fresh.external = external;
    session = &AddSession(now, fresh, IsOpeningSyn(segment));
  } else {
    Passage failed;
    external = LeavesBy(now, *session, &failed);
    if (failed.rule != Rule::kNone) {
      *session = *before;
      return failed;
    }
    session->sent = true;
    if (action == Action::kPass || action == Action::kReopen) Restart(now, *session);
  }
  // RFC 5382 §4.3 REQ-4: the inside host wants the connection, so the held SYN gets no answer.
  if (segment.Has(kTcpSyn)) held_.Cancel({external.ToSocketAddress(), remote.ToSocketAddress()});
  segment.sequence += session->inside_shift;
  ShiftTcpAnswers(segment, 0 - session->remote_shift);
  if (action == Action::kPassAndForget) Forget(now, *session);
  return {.external = external};
}

// The external endpoint by which segments of `session` leave. Binds a session that is not bound yet; sets `failed` if
// no binding can be made.
Endpoint TcpTranslator::LeavesBy(net::Instant now, Session& session, Passage* failed) {
  if (session.bound) return session.external;
  Binding* binding = transport_.FindOutbound(now, session.inside, session.remote);
  if (binding == nullptr) {
    const Endpoint inside = session.inside;
    const Outcome made =
        transport_.MakeOutbound(now, inside, session.remote, {.created = now, .expires = session.expires});
    if (made.binding == nullptr) {
      *failed = {.rule = made.rule, .unsolicited = true};
      return {};
    }
    binding = made.binding;
  }
  session.binding = transport_.table().IndexOf(*binding);
  session.serial = binding->serial;
  session.external = binding->external;
  session.bound = true;
  return session.external;
}

TcpTranslator::Passage TcpTranslator::Inbound(net::Instant now, Endpoint external, Endpoint remote, TcpHeader& segment,
                                              std::uint32_t bytes) {
  Binding* binding = transport_.FindInbound(now, external, remote);
  if (binding == nullptr || (transport_.conntrack() && binding->is_static)) {
    return InboundNew(now, external, remote, segment, bytes);
  }
  const Endpoint inside = binding->inside;
  const std::uint32_t index = transport_.table().IndexOf(*binding);
  const std::uint64_t serial = binding->serial;
  Session* session = FindSession(now, inside, remote);
  // FindSession() may have ended the session, and the binding with it.
  binding = transport_.table().Get(index, serial, now);
  if (binding == nullptr) return InboundNew(now, external, remote, segment, bytes);

  const bool by_session = session != nullptr && session->serial == serial;
  if (!by_session && !binding->is_static) {
    const Rule rule = Filter(now, *binding, remote);
    if (rule != Rule::kNone) {
      return {.rule = rule, .state = {.endpoint = inside.ToSocketAddress()}, .unsolicited = true};
    }
  }
  const bool sessions = shared_.profile.tcp.inbound_sessions || binding->is_static ||
                        shared_.profile.tcp.mapping == Mapping::kEndpointIndependent;
  Action action = Action::kPass;
  if (session != nullptr) {
    TcpHeader own = segment;
    ShiftTcpAnswers(own, 0 - session->inside_shift);
    const Way way = session->from_outside ? Way::kOriginal : Way::kReply;
    const TcpTracker::Judgement judgement = session->tracker.OnSegment(tracking(), way, own, bytes);
    action = judgement.action;
    if (action == Action::kRefuse) {
      return {.rule = judgement.rule,
              .state = {.endpoint = inside.ToSocketAddress(), .number = judgement.number, .limit = judgement.limit},
              .unsolicited = judgement.rule == Rule::kSimultaneousOpen};
    }
    if (action == Action::kReopen) {
      session = Reopen(now, *session, /*from_outside=*/true, segment, bytes);
      if (session == nullptr) return Inbound(now, external, remote, segment, bytes);
    }
    if (!by_session && sessions && IsOpeningSyn(segment)) {
      session->binding = index;
      session->serial = serial;
      session->external = external;
      session->bound = true;
    }
    if (action == Action::kPass || action == Action::kReopen) Restart(now, *session);
  } else {
    Session fresh;
    fresh.inside = inside;
    fresh.remote = remote;
    fresh.external = external;
    fresh.binding = index;
    fresh.serial = serial;
    fresh.from_outside = true;
    fresh.bound = sessions;
    const TcpTracker::Judgement judgement = fresh.tracker.Start(tracking(), segment, bytes);
    if (judgement.action == Action::kRefuse) {
      return {.rule = judgement.rule,
              .state = {.endpoint = inside.ToSocketAddress(), .number = judgement.number, .limit = judgement.limit}};
    }
    session = &AddSession(now, fresh, IsOpeningSyn(segment));
  }
  segment.sequence += session->remote_shift;
  ShiftTcpAnswers(segment, 0 - session->inside_shift);
  if (action == Action::kPassAndForget) Forget(now, *session);
  return {.inside = inside};
}

// A segment from outside to an external endpoint that no segment from inside has opened for `remote`.
TcpTranslator::Passage TcpTranslator::InboundNew(net::Instant now, Endpoint external, Endpoint remote,
                                                 const TcpHeader& segment, std::uint32_t bytes) {
  Session fresh;
  fresh.remote = remote;
  fresh.external = external;
  fresh.from_outside = true;
  const TcpTracker::Judgement judgement = fresh.tracker.Start(tracking(), segment, bytes);
  const bool open = transport_.table().FindStatic(external) != nullptr ||
                    (shared_.OneToOneExternal(external.address) != nullptr &&
                     shared_.profile.tcp.filtering == Filtering::kEndpointIndependent);
  if (open && judgement.action == Action::kRefuse) {
    return {.rule = judgement.rule,
            .state = {.endpoint = external.ToSocketAddress(), .number = judgement.number, .limit = judgement.limit}};
  }
  const net::Instant ends = now + fresh.tracker.Life(tracking());
  const Outcome made = transport_.MakeInbound(now, external, remote, {.created = now, .expires = ends});
  if (made.binding == nullptr) {
    return {.rule = made.rule, .state = {.endpoint = external.ToSocketAddress()}, .unsolicited = true};
  }
  fresh.inside = made.binding->inside;
  fresh.binding = transport_.table().IndexOf(*made.binding);
  fresh.serial = made.binding->serial;
  if (Session* old = FindSession(now, fresh.inside, remote)) Forget(now, *old);
  const Endpoint inside = fresh.inside;
  AddSession(now, fresh, IsOpeningSyn(segment));
  return {.inside = inside};
}

// Whether `remote` may send in through an existing binding (RFC 5382 §4.3): the inside endpoint must have sent on a
// session to it.
Rule TcpTranslator::Filter(net::Instant now, const Binding& binding, Endpoint remote) {
  const TransportBehavior& behavior = shared_.profile.tcp;
  if (behavior.filtering == Filtering::kEndpointIndependent) return Rule::kNone;
  const bool by_address = behavior.filtering == Filtering::kAddressDependent;
  const std::uint32_t* newest = newest_.Find({binding.inside.bits(), kMark});
  for (std::uint32_t i = newest == nullptr ? kNone : *newest - 1; i != kNone; i = sessions_[i].older) {
    const Session& session = sessions_[i];
    if (!session.sent || now >= session.expires) continue;
    if (behavior.filter_memory == FilterMemory::kMapping && session.serial != binding.serial) continue;
    if (session.remote == remote || (by_address && session.remote.address == remote.address)) return Rule::kNone;
  }
  return by_address ? Rule::kFilteredAddress : Rule::kFilteredPort;
}

Verdict TcpTranslator::AnswerInside(net::Instant now, Endpoint inside, const Packet& packet, const Passage& why) {
  Verdict verdict = Verdict::Drop(why.rule, inside.ToSocketAddress());
  if (why.unsolicited) {  // no binding could be made
    verdict.state = transport_.DescribeFull(now, inside, why.rule);
    if (why.rule == Rule::kPortExhausted && shared_.profile.tcp.exhaustion == Exhaustion::kAdminProhibited) {
      verdict.action = Verdict::Action::kReject;
      verdict.icmp_code = kAdminProhibitedCode;
    }
    return verdict;
  }
  verdict.state = why.state;
  const bool late = why.rule == Rule::kTcpNoConnection && tracking().idle == TcpIdle::kResetLate;
  if (late || tracking().invalid == TcpInvalid::kReset) {
    if (!packet.tcp.Has(kTcpRst)) verdict.action = Verdict::Action::kReset;
  } else if (tracking().invalid == TcpInvalid::kLeak) {
    // An untranslated segment is routed by its destination. A segment to an external address of the box goes to the
    // input of the box itself.
    const bool ours = shared_.IsExternal(Endpoint::Of(packet.destination).address);
    verdict.action = ours ? Verdict::Action::kInput : Verdict::Action::kLeak;
  }
  return verdict;
}

Verdict TcpTranslator::AnswerOutside(net::Instant now, Endpoint external, Endpoint remote, const Packet& packet,
                                     const Passage& why, bool may_hold) {
  Verdict verdict = Verdict::Drop(why.rule, external.ToSocketAddress());
  verdict.state.number = why.state.number;
  verdict.state.limit = why.state.limit;
  if (why.state.endpoint != net::SocketAddress()) verdict.state.endpoint = why.state.endpoint;
  const bool resets = packet.tcp.Has(kTcpRst);
  if (!why.unsolicited) {
    switch (tracking().invalid) {
      case TcpInvalid::kDrop:
        return verdict;
      case TcpInvalid::kReset:
        if (!resets) verdict.action = Verdict::Action::kReset;
        return verdict;
      case TcpInvalid::kInput:
      case TcpInvalid::kLeak:
        break;  // not translated, so it is for the box
    }
  }
  Verdict::Action action = Verdict::Action::kReject;
  switch (shared_.profile.tcp.unsolicited) {
    case Unsolicited::kDrop:
      return verdict;
    case Unsolicited::kInput:
      return {.action = Verdict::Action::kInput, .rule = verdict.rule, .state = verdict.state};
    case Unsolicited::kReset:
      action = Verdict::Action::kReset;
      break;
    case Unsolicited::kPortUnreachable:
      verdict.icmp_code = kPortUnreachableCode;
      break;
    case Unsolicited::kHostUnreachable:
      verdict.icmp_code = kHostUnreachableCode;
      break;
    case Unsolicited::kAdminProhibited:
      verdict.icmp_code = kAdminProhibitedCode;
      break;
  }
  if (action == Verdict::Action::kReset && resets) return verdict;
  const bool holds = may_hold && why.unsolicited && IsOpeningSyn(packet.tcp) &&
                     shared_.profile.tcp.unsolicited_hold > net::Duration::zero();
  if (holds) {
    verdict.rule = Rule::kSynHeld;
    const bool resets_it = action == Verdict::Action::kReset;
    const net::Instant until = now + shared_.profile.tcp.unsolicited_hold;
    const HeldSyns::Ends ends{external.ToSocketAddress(), remote.ToSocketAddress()};
    if (!held_.Hold(ends, packet, until, resets_it, verdict.icmp_code)) {
      verdict.rule = Rule::kSynHoldFull;
      verdict.state.number = verdict.state.limit = HeldSyns::kMax;
    }
    return verdict;
  }
  verdict.action = action;
  return verdict;
}

net::Instant TcpTranslator::NextTimer() const {
  net::Instant next = held_.NextTimer();
  if (tracking().idle == TcpIdle::kResetBoth && earliest_expiry_ < next) next = earliest_expiry_;
  if (!outputs_.empty()) next = net::Instant{};
  return next;
}

void TcpTranslator::OnTimer(net::Instant now) {
  while (const std::optional<NatOutput> answer = held_.PopDue(now)) outputs_.push_back(*answer);
  if (tracking().idle != TcpIdle::kResetBoth || now < earliest_expiry_) return;
  earliest_expiry_ = net::kNever;
  for (Session& session : sessions_) {
    if (session.serial == 0) continue;
    if (now >= session.expires) {
      Expire(now, session);
    } else if (session.expires < earliest_expiry_) {
      earliest_expiry_ = session.expires;
    }
  }
}

std::optional<NatOutput> TcpTranslator::PollOutput() {
  if (outputs_.empty()) return std::nullopt;
  std::optional<NatOutput> output = outputs_.front();
  outputs_.pop_front();
  return output;
}

}  // namespace pinhole::sim::nat
