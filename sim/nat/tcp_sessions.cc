#include <algorithm>

#include "sim/nat/tcp_translator.h"

// The sessions of a TcpTranslator: how they are found, live and end, and how ICMP errors about them are translated.
namespace pinhole::sim::nat {

TcpTranslator::Session* TcpTranslator::FindSession(net::Instant now, Endpoint inside, Endpoint remote) {
  const std::uint32_t* index = by_ends_.Find({inside.bits(), remote.bits()});
  if (index == nullptr) return nullptr;
  Session& session = sessions_[*index];
  if (now >= session.expires) {
    Expire(now, session);
    return nullptr;
  }
  if (BindingOf(now, session) == nullptr) {  // evicted, or forgotten otherwise
    Detach(session);
    return nullptr;
  }
  return &session;
}

Binding* TcpTranslator::BindingOf(net::Instant now, const Session& session) {
  return transport_.table().Get(session.binding, session.serial, now);
}

TcpTranslator::Session& TcpTranslator::AddSession(net::Instant now, const Session& session, bool opens) {
  std::uint32_t index;
  if (free_.empty()) {
    index = static_cast<std::uint32_t>(sessions_.size());
    sessions_.push_back(session);
  } else {
    index = free_.back();
    free_.pop_back();
    sessions_[index] = session;
  }
  Session& added = sessions_[index];
  by_ends_.FindOrAdd({added.inside.bits(), added.remote.bits()}) = index;
  std::uint32_t& newest = newest_.FindOrAdd({added.inside.bits(), kMark});
  if (newest != 0) {
    added.older = newest - 1;
    sessions_[newest - 1].newer = index;
  }
  newest = index + 1;
  if (opens) DrawShifts(added);
  Restart(now, added);
  if (sessions_kept() >= sweep_at_) Sweep(now);
  return added;
}

// The timers of bindings need no update: a live binding has a session that is still alive. Sessions that send RSTs at
// their end are not swept, because OnTimer() ends them.
void TcpTranslator::Sweep(net::Instant now) {
  for (Session& session : sessions_) {
    if (tracking().idle == TcpIdle::kResetBoth) break;
    if (session.serial != 0 && now >= session.expires) Detach(session);
  }
  sweep_at_ = std::max(kSweepAtLeast, sessions_kept() * 2);
}

void TcpTranslator::DrawShifts(Session& session) {
  if (tracking().depth != TcpDepth::kRewritesIsn) return;
  session.inside_shift = static_cast<std::uint32_t>(shared_.random->NextU64());
  session.remote_shift = static_cast<std::uint32_t>(shared_.random->NextU64());
}

// Begins a new connection between the ends of an old one. With conntrack mapping, Reopen() deletes the old session and
// returns nullptr, and the caller looks again. Other NATs reuse the session, so that filters still know the remote
// endpoint.
TcpTranslator::Session* TcpTranslator::Reopen(net::Instant now, Session& session, bool from_outside,
                                              const TcpHeader& segment, std::uint32_t bytes) {
  if (transport_.conntrack()) {
    Forget(now, session);
    return nullptr;
  }
  session.from_outside = from_outside;
  (void)session.tracker.Start(tracking(), segment, bytes);  // a SYN: always passes
  DrawShifts(session);
  return &session;
}

void TcpTranslator::Restart(net::Instant now, Session& session) {
  const net::Instant before = session.expires;
  session.expires = now + session.tracker.Life(tracking());
  if (session.expires < earliest_expiry_) earliest_expiry_ = session.expires;
  Binding* binding = BindingOf(now, session);
  if (binding == nullptr || binding->is_static) return;
  if (session.expires >= binding->timer.expires) {
    binding->timer.expires = session.expires;
  } else if (before >= binding->timer.expires) {
    FollowSessions(*binding);
  }
}

// The binding lives as long as the longest-lived of its sessions, and not without any.
void TcpTranslator::FollowSessions(Binding& binding) {
  const std::uint32_t* newest = newest_.Find({binding.inside.bits(), kMark});
  net::Instant latest{};
  for (std::uint32_t i = newest == nullptr ? kNone : *newest - 1; i != kNone; i = sessions_[i].older) {
    if (sessions_[i].serial == binding.serial && sessions_[i].expires > latest) latest = sessions_[i].expires;
  }
  if (latest == net::Instant{}) {
    transport_.table().Remove(binding);
    return;
  }
  binding.timer.expires = latest;
  transport_.table().NoteExpiry(latest);
}

void TcpTranslator::Forget(net::Instant now, Session& session) {
  Binding* binding = BindingOf(now, session);
  Detach(session);
  if (binding != nullptr && !binding->is_static) FollowSessions(*binding);
}

void TcpTranslator::Expire(net::Instant now, Session& session) {
  const bool established = session.tracker.InEstablishedPhase() && session.tracker.replied();
  if (established && tracking().idle == TcpIdle::kResetBoth) {
    // Each end gets a RST that looks like one from the other end, with the sequence number that it expects.
    const TcpTracker::Way inside_way = session.from_outside ? TcpTracker::Way::kReply : TcpTracker::Way::kOriginal;
    const TcpTracker::Way remote_way = session.from_outside ? TcpTracker::Way::kOriginal : TcpTracker::Way::kReply;
    NatOutput inwards{.network = static_cast<std::int16_t>(session.inside.network)};
    inwards.packet.protocol = IpProtocol::kTcp;
    inwards.packet.source = session.remote.ToSocketAddress();
    inwards.packet.destination = session.inside.ToSocketAddress();
    inwards.packet.tcp.flags = kTcpRst | kTcpAck;
    inwards.packet.tcp.sequence = session.tracker.NextExpected(inside_way) + session.remote_shift;
    inwards.packet.tcp.acknowledgment = session.tracker.NextSent(inside_way);
    outputs_.push_back(inwards);
    // Of a hairpinned connection, the session of the other end sends the RST to that end.
    if (shared_.IsExternal(session.remote.address)) return Forget(now, session);
    NatOutput outwards = inwards;
    outwards.network = NatOutput::kToOutside;
    outwards.packet.source = session.external.ToSocketAddress();
    outwards.packet.destination = session.remote.ToSocketAddress();
    outwards.packet.tcp.sequence = session.tracker.NextExpected(remote_way) + session.inside_shift;
    outwards.packet.tcp.acknowledgment = session.tracker.NextSent(remote_way);
    outputs_.push_back(outwards);
  }
  Forget(now, session);
}

void TcpTranslator::Detach(Session& session) {
  const auto index = static_cast<std::uint32_t>(&session - sessions_.data());
  by_ends_.Erase({session.inside.bits(), session.remote.bits()});
  if (session.older != kNone) sessions_[session.older].newer = session.newer;
  if (session.newer != kNone) {
    sessions_[session.newer].older = session.older;
  } else if (session.older != kNone) {
    newest_.FindOrAdd({session.inside.bits(), kMark}) = session.older + 1;
  } else {
    newest_.Erase({session.inside.bits(), kMark});
  }
  session = Session();
  free_.push_back(index);
}

std::optional<TcpTranslator::Entry> TcpTranslator::Find(net::Instant now, Endpoint inside, Endpoint remote) {
  const Session* session = FindSession(now, inside, remote);
  if (session == nullptr) return std::nullopt;
  return Entry{session->tracker.state(), session->expires};
}

std::optional<Endpoint> TcpTranslator::TranslateQuoteInwards(net::Instant now, Packet& packet) {
  const Endpoint external = Endpoint::Of(packet.quoted.source);
  const Endpoint remote = Endpoint::Of(packet.quoted.destination);
  Binding* binding = transport_.FindInbound(now, external, remote);
  if (binding == nullptr) return std::nullopt;
  const Endpoint inside = binding->inside;
  packet.quoted.source = inside.ToSocketAddress();
  if (Session* session = FindSession(now, inside, remote)) {
    packet.tcp.sequence -= session->inside_shift;
    ShiftTcpAnswers(packet.tcp, session->remote_shift);
    if (shared_.profile.icmp_errors_close) Forget(now, *session);
  }
  return inside;
}

std::optional<Endpoint> TcpTranslator::TranslateQuoteOutwards(net::Instant now, int network, Packet& packet) {
  const Endpoint inside = Endpoint::Of(packet.quoted.destination, network);
  const Endpoint remote = Endpoint::Of(packet.quoted.source);
  Session* session = FindSession(now, inside, remote);
  Binding* binding = session != nullptr ? BindingOf(now, *session) : transport_.FindOutbound(now, inside, remote);
  if (binding == nullptr) return std::nullopt;
  const Endpoint external = binding->external;
  packet.quoted.destination = external.ToSocketAddress();
  if (session != nullptr) {
    packet.tcp.sequence -= session->remote_shift;
    ShiftTcpAnswers(packet.tcp, session->inside_shift);
    if (shared_.profile.icmp_errors_close) Forget(now, *session);
  }
  return external;
}

}  // namespace pinhole::sim::nat
