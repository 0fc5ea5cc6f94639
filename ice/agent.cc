#include "ice/agent.h"

#include <algorithm>
#include <utility>

#include "ice/agent_impl.h"
#include "ice/nomination.h"
#include "ice/pair_formation.h"
#include "net/contract.h"
#include "stun/demux.h"
#include "stun/message.h"

namespace pinhole::ice {

using Stage = Session::Stage;

void Agent::Impl::HandleDatagram(net::Instant now, int base, const net::SocketAddress& from, net::ByteView bytes,
                                 net::PacketTag tag) {
  if (!session_.base(base).open()) return;
  if (HandedToRelay(now, base, from, bytes, tag) || session_.over()) return;
  if (stun::LooksLikeStun(bytes)) {
    HandleStun(now, base, from, bytes, tag);
  } else {
    HandleData(now, base, from, bytes, tag);
  }
}

bool Agent::Impl::HandedToRelay(net::Instant now, int base, const net::SocketAddress& from, net::ByteView bytes,
                                net::PacketTag tag) {
  if (session_.relays.empty() || session_.base(base).relay) return false;
  for (int i = 0; i < session_.relays.size(); ++i) {
    Relay& relay = session_.relays[i];
    if (relay.socket_base != base || relay.client.options().server != from) continue;
    if (relay.client.OnDatagram(now, from, bytes, tag)) {
      session_.DrainRelay(now, i);
      return true;
    }
  }
  return false;
}

void Agent::Impl::HandleStun(net::Instant now, int base, const net::SocketAddress& from, net::ByteView bytes,
                             net::PacketTag tag) {
  const std::optional<stun::MessageView> message = stun::MessageView::Parse(bytes);
  if (!message.has_value() || message->method() != stun::Method::kBinding) {
    ++session_.counters.datagrams_ignored;
    return;
  }
  switch (message->message_class()) {
    case stun::MessageClass::kRequest:
      return checks_.OnRequest(now, base, from, *message, tag);
    case stun::MessageClass::kIndication:
      return;  // A keepalive needs no answer: it has refreshed the bindings on its way (RFC 8445 §11).
    case stun::MessageClass::kSuccess:
    case stun::MessageClass::kError:
      break;
  }
  if (checks_.OnResponse(now, base, from, *message)) return;
  if (keepalives_.OnResponse(now, base, from, *message)) return;
  if (!session_.base(base).relay && gatherer_.OnResponse(now, base, from, *message)) return;
  ++session_.counters.datagrams_ignored;
}

// Data counts as the peer's only if it comes on a pair that a check has validated.
void Agent::Impl::HandleData(net::Instant now, int base, const net::SocketAddress& from, net::ByteView bytes,
                             net::PacketTag tag) {
  (void)now;
  const LocalBase& local = session_.base(base);
  const std::optional<int> index = session_.FindPair(base, from);
  if (!index || !session_.lists.pair(*index).checks.answered) {
    ++session_.counters.datagrams_ignored;
    return;
  }
  session_.out.Push(DataReceived{local.stream, local.component, {}, tag, *index}, bytes);
}

void Agent::Impl::HandleRelayEvent(net::Instant now, const Relays::Event& event, net::PacketTag tag) {
  using Client = stun::TurnClient;
  const std::optional<int> relay_base = session_.relays[event.relay].base;
  if (const auto* allocated = std::get_if<Client::Allocated>(&event.output)) {
    gatherer_.OnAllocated(now, event.relay, *allocated);
  } else if (const auto* failed = std::get_if<Client::AllocationFailed>(&event.output)) {
    gatherer_.OnAllocationFailed(now, event.relay, failed->code);
  } else if (!relay_base) {
    return;
  } else if (const auto* data = std::get_if<Client::DataFromPeer>(&event.output)) {
    HandleDatagram(now, *relay_base, data->peer, data->payload, tag);
  } else if (const auto* ready = std::get_if<Client::PermissionReady>(&event.output)) {
    checks_.OnPermission(now, *relay_base, ready->peer, true);
  } else if (const auto* refused = std::get_if<Client::PermissionFailed>(&event.output)) {
    checks_.OnPermission(now, *relay_base, refused->peer, false);
  } else if (std::holds_alternative<Client::AllocationLost>(event.output)) {
    session_.base(*relay_base).state = LocalBase::State::kClosed;
    checks_.OnBaseLost(now, *relay_base);
  }
}

void Agent::Impl::DrainRelayEvents(net::Instant now, net::PacketTag tag) {
  while (const std::optional<Relays::Event> event = session_.relays.TakeEvent()) {
    if (!session_.over()) HandleRelayEvent(now, *event, tag);
  }
}

void Agent::Impl::HandleIcmp(int base, const net::SocketAddress& destination, net::IcmpError::Kind kind,
                             net::Instant now) {
  const std::optional<int> index = session_.FindPair(base, destination);
  if (!index) return;
  PairChecks& checks = session_.lists.pair(*index).checks;
  ++checks.icmp_errors;
  checks.last_icmp = kind;
  // RFC 1122 §3.2.2.1: protocol and port unreachable are hard errors. Of ICMPv6, administratively prohibited is hard
  // too.
  const bool hard = kind == net::IcmpError::Kind::kPortUnreachable ||
                    kind == net::IcmpError::Kind::kProtocolUnreachable ||
                    (kind == net::IcmpError::Kind::kAdminProhibited && destination.family() == net::Family::kIpv6);
  if (hard) checks_.FailOnError(now, *index, PairEnd::kIcmpError);
}

void Agent::Impl::StartCheckingIfReady(net::Instant now) {
  if (session_.stage == Stage::kGathering && gatherer_.done()) session_.stage = Stage::kGathered;
  if (session_.stage != Stage::kGathered || !session_.remote.has_value()) return;
  session_.stage = Stage::kChecking;
  session_.times.checks_started = now;
  FormCheckLists(session_);
  session_.lists.HoldTcp(session_.options.tcp.head_start > net::Duration::zero());
  checks_.HandleEarlyRequests(now);
}

// Ends the head start that UDP checks have over TCP checks.
void Agent::Impl::EndHeadStart(net::Instant now) {
  if (session_.lists.holds_tcp() && now >= *session_.times.checks_started + session_.options.tcp.head_start) {
    session_.lists.HoldTcp(false);
  }
}

// Starts the check of the next pair. A relayed pair without a permission for its peer requests the permission instead
// (RFC 8445 §7.2.1). A pair that HoldBack() holds back gets no check. False: there is no pair to check now.
bool Agent::Impl::StartCheck(net::Instant now) {
  const std::optional<int> next = session_.lists.TakeNext();
  if (!next) return false;
  const int index = *next;
  if (checks_.HoldBack(index)) return true;
  CandidatePair& pair = session_.lists.pair(index);
  const LocalBase& base = session_.base(pair.base);
  if (base.relay) {
    const net::IpAddress peer = session_.remotes[pair.remote].candidate.address.address();
    stun::TurnClient& client = session_.relays[*base.relay].client;
    if (!client.HasPermission(now, peer)) {
      session_.lists.SetState(index, PairState::kWaiting);
      pair.checks.wait = CheckWait::kPermission;
      client.CreatePermission(now, peer);  // The CreatePermission request takes the slot of the pacer.
      session_.DrainRelay(now, *base.relay);
      return true;
    }
  }
  if (!session_.pacer.TryTake(now)) {  // Does not happen, because the caller has asked the pacer.
    session_.lists.Trigger(index);
    return false;
  }
  checks_.Start(now, index);
  return true;
}

void Agent::Impl::UseSlots(net::Instant now) {
  while (now >= session_.pacer.next()) {
    if (session_.relays.HasHeld()) {
      if (session_.pacer.TryTake(now)) session_.relays.SendHeld(now, session_.out);
    } else if (!gatherer_.UseSlot(now)) {
      if (session_.stage != Stage::kChecking || !StartCheck(now)) return;
    }
    DrainRelayEvents(now, {});
  }
}

void Agent::Impl::AfterInput(net::Instant now, net::PacketTag tag) {
  DrainRelayEvents(now, tag);
  if (session_.over()) return GiveBack(now);
  if (!session_.reconnected.empty()) keepalives_.CheckReconnected(now);
  StartCheckingIfReady(now);
  EndHeadStart(now);
  checks_.ReleaseHeldBack();
  conclusion_.Update(now);
  if (session_.over()) {
    checks_.Clear();
    gatherer_.Stop();
    release_.StartAll(now);
    return;
  }
  if (session_.stage == Stage::kConnected && !release_.started()) {
    gatherer_.Stop();
    release_.StartUnselected(now + session_.options.free_after);
  }
  UseSlots(now);
  release_.Continue(now);
}

// A failed session only has to release its allocations.
void Agent::Impl::GiveBack(net::Instant now) {
  if (session_.relays.HasHeld() && session_.pacer.TryTake(now)) session_.relays.SendHeld(now, session_.out);
  release_.Continue(now);
}

net::Instant Agent::Impl::ComputeNextTimer() const {
  net::Earliest earliest;
  if (session_.stage == Stage::kClosed) return net::kNever;
  earliest.Add(release_.NextTimer());
  if (!session_.relays.empty()) earliest.Add(session_.relays.NextTimer());
  if (session_.relays.HasHeld()) earliest.Add(session_.pacer.next());
  if (session_.over()) return earliest.at();
  earliest.Add(gatherer_.NextTimer());
  earliest.Add(checks_.NextTimer());
  if (session_.checking()) earliest.Add(keepalives_.NextTimer());
  earliest.Add(conclusion_.NextTimer());
  earliest.Add(session_.connections.NextTimer());
  if (session_.stage == Stage::kChecking && session_.lists.holds_tcp() && session_.lists.HasTcpPair()) {
    earliest.Add(*session_.times.checks_started + session_.options.tcp.head_start);
  }
  const bool wants_slot = gatherer_.WantsSlot() || (session_.stage == Stage::kChecking && session_.lists.HasNext());
  if (wants_slot) earliest.Add(session_.pacer.next());
  return earliest.at();
}

Agent::Agent(const AgentOptions& options, net::RandomSource& random, HostPacer* pacer)
    : impl_(std::make_unique<Impl>(options, random, pacer)) {
  PINHOLE_REQUIRES(Validate(options).ok());
}
Agent::~Agent() = default;
Agent::Agent(Agent&&) noexcept = default;
Agent& Agent::operator=(Agent&&) noexcept = default;

void Agent::StartGathering(net::Instant now, std::span<const LocalAddress> addresses) {
  impl_->BeginInput();
  Session& session = impl_->session_;
  if (session.stage != Stage::kNew) return;
  session.stage = Stage::kGathering;
  impl_->gatherer_.Start(now, addresses);
  impl_->AfterInput(now);
}

void Agent::OnSocketOpened(net::Instant now, SocketTag tag, const net::SocketAddress& bound) {
  impl_->BeginInput();
  if (impl_->session_.over() || static_cast<std::size_t>(tag) >= impl_->session_.bases.size()) return;
  impl_->gatherer_.OnSocketOpened(now, static_cast<int>(tag), bound);
  impl_->AfterInput(now);
}

void Agent::OnSocketFailed(net::Instant now, SocketTag tag) {
  impl_->BeginInput();
  if (impl_->session_.over() || static_cast<std::size_t>(tag) >= impl_->session_.bases.size()) return;
  impl_->gatherer_.OnSocketFailed(now, static_cast<int>(tag));
  impl_->AfterInput(now);
}

void Agent::SetRemote(net::Instant now, const Description& remote) {
  impl_->BeginInput();
  Session& session = impl_->session_;
  if (session.over() || session.remote.has_value()) return;
  session.times.remote_known = now;
  session.remote = MakeCredentials(remote.ufrag, remote.password);
  session.check_username = remote.ufrag + ":" + session.local.ufrag;
  session.remote_complete = remote.complete;
  session.pacer.set_ta(std::max(session.options.ta, remote.ta.value_or(kDefaultTa)));
  if (remote.lite) session.role = Role::kControlling;  // RFC 8445 §6.1.1
  for (const Candidate& candidate : remote.candidates) {
    if (candidate.stream >= 0 && candidate.stream < session.lists.list_count()) session.remotes.Add(candidate);
  }
  impl_->AfterInput(now);
}

void Agent::AddRemoteCandidate(net::Instant now, const Candidate& candidate) {
  impl_->BeginInput();
  Session& session = impl_->session_;
  if (session.over() || !session.remote.has_value() || session.remote_complete) return;
  if (candidate.stream < 0 || candidate.stream >= session.lists.list_count()) return;
  const std::optional<int> remote = session.remotes.Add(candidate);
  if (remote && session.checking()) {
    if (session.remotes[*remote].candidate.type != CandidateType::kPeerReflexive) session.RecomputePriorities();
    PairLateRemoteCandidate(session, *remote);
  }
  impl_->AfterInput(now);
}

void Agent::EndOfRemoteCandidates(net::Instant now) {
  impl_->BeginInput();
  if (impl_->session_.over()) return;
  impl_->session_.remote_complete = true;
  impl_->AfterInput(now);
}

void Agent::OnDatagram(net::Instant now, SocketTag tag, const net::SocketAddress& from, net::ByteView bytes,
                       net::PacketTag packet) {
  impl_->BeginInput();
  Session& session = impl_->session_;
  const auto base = static_cast<std::size_t>(tag);
  if (session.stage == Stage::kClosed || base >= session.bases.size() || session.bases[base].relay ||
      IsTcp(session.bases[base].transport())) {
    return;
  }
  impl_->HandleDatagram(now, static_cast<int>(base), from, bytes, packet);
  impl_->AfterInput(now, packet);
}

void Agent::OnIcmp(net::Instant now, SocketTag tag, const net::SocketAddress& destination, net::IcmpError::Kind kind) {
  impl_->BeginInput();
  if (impl_->session_.over() || static_cast<std::size_t>(tag) >= impl_->session_.bases.size()) return;
  impl_->HandleIcmp(static_cast<int>(tag), destination, kind, now);
  impl_->AfterInput(now);
}

void Agent::OnSendResult(net::Instant now, SocketTag tag, const net::SocketAddress& to, net::SendStatus status) {
  impl_->BeginInput();
  Session& session = impl_->session_;
  const auto base = static_cast<std::size_t>(tag);
  if (session.over() || base >= session.bases.size() || status == net::SendStatus::kSent) return;
  const std::optional<int> index = session.FindPair(static_cast<int>(base), to);
  if (!index) return;
  session.lists.pair(*index).checks.last_refused_send = status;
  const bool passes = status == net::SendStatus::kWouldBlock || status == net::SendStatus::kPendingError;
  if (!passes) impl_->checks_.FailOnError(now, *index, PairEnd::kSendRefused);
  impl_->AfterInput(now);
}

void Agent::OnTimer(net::Instant now) {
  impl_->BeginInput();
  Session& session = impl_->session_;
  if (session.stage == Stage::kClosed) return;
  if (!session.over()) {
    // Checks in the order of their deadlines. Each call moves the deadline of one check, or ends the check.
    while (impl_->checks_.OnTimer(now)) {
    }
    impl_->gatherer_.OnTimer(now);
    session.connections.RetryDue(now, session.out);
  }
  for (int i = 0; i < session.relays.size(); ++i) {
    session.relays[i].client.OnTimer(now);
    session.DrainRelay(now, i);
  }
  if (!session.over()) impl_->keepalives_.OnTimer(now);
  impl_->AfterInput(now);
}

bool Agent::SendData(net::Instant now, int stream, int component, net::ByteView bytes, net::PacketTag cause) {
  impl_->BeginInput();
  Session& session = impl_->session_;
  if (session.over() || stream < 0 || stream >= session.lists.list_count()) return false;
  const CheckList& list = session.lists.list(stream);
  if (!list.has_component(component)) return false;
  const ComponentStatus& status = list.component(component);
  const std::optional<int> usable = status.selected ? status.selected : BestValidPair(session, stream, component);
  if (!usable) return false;
  const int index = *usable;
  CandidatePair& pair = session.lists.pair(index);
  // Before a pair is selected, consent counts from the last successful check of the pair (RFC 7675 §5).
  const ConsentOptions& consent = session.options.consent;
  if (consent.enabled) {
    const bool allowed =
        !status.selected ? now < pair.valid_pair->last_success + consent.expiry : status.consent.Allows(now);
    if (!allowed) return false;
  }
  if (pair.tcp()) {
    const TcpConnection* connection =
        session.connections.FindPeer(pair.base, session.remotes[pair.remote].candidate.address);
    if (connection == nullptr || !connection->answered) return false;
  }
  pair.valid_pair->carries_data = true;
  bool sent = false;
  if (pair.tcp() && stun::LooksLikeStun(bytes)) {
    // The receiver would take these bytes for a STUN message. In two frames it does not (RFC 6544 §10.1).
    sent = session.SendOnPair(now, index, bytes.first(bytes.size() - 1), net::PacketClass::kData, cause) &&
           session.SendOnPair(now, index, bytes.last(1), net::PacketClass::kData, cause);
  } else {
    sent = session.SendOnPair(now, index, bytes, net::PacketClass::kData, cause);
  }
  impl_->DrainRelayEvents(now, {});
  return sent;
}

void Agent::Close(net::Instant now) {
  impl_->BeginInput();
  Session& session = impl_->session_;
  if (session.stage == Stage::kClosed) return;
  impl_->checks_.Clear();
  impl_->gatherer_.Stop();
  session.stage = Stage::kClosed;
  impl_->release_.Now(now);
}

std::optional<Output> Agent::PollOutput() { return impl_->session_.out.Poll(); }

net::Instant Agent::NextTimer() const {
  if (!impl_->next_timer_known_) {
    impl_->next_timer_ = impl_->ComputeNextTimer();
    impl_->next_timer_known_ = true;
  }
  return impl_->next_timer_;
}

Description Agent::LocalDescription() const {
  const Session& session = impl_->session_;
  Description description;
  description.ufrag = session.local.ufrag;
  description.password = session.local.password;
  description.ta = session.options.ta;
  description.streams = session.lists.list_count();
  for (const Candidate& candidate : session.local_candidates) {
    if (candidate.type != CandidateType::kPeerReflexive) description.candidates.push_back(candidate);
  }
  description.complete = impl_->gatherer_.done();
  return description;
}

const std::vector<Candidate>& Agent::LocalCandidates() const { return impl_->session_.local_candidates; }

std::vector<Candidate> Agent::RemoteCandidates() const {
  std::vector<Candidate> candidates;
  for (const RemoteCandidate& remote : impl_->session_.remotes.all()) candidates.push_back(remote.candidate);
  return candidates;
}

std::vector<UnansweredRequest> Agent::UnansweredRequests() const { return impl_->gatherer_.Unanswered(); }

Role Agent::role() const { return impl_->session_.role; }
std::uint64_t Agent::tie_breaker() const { return impl_->session_.tie_breaker; }
absl::string_view Agent::ufrag() const { return impl_->session_.local.ufrag; }
CheckListState Agent::check_list_state(int stream) const { return impl_->session_.lists.list(stream).state; }

std::vector<PairView> Agent::CheckListSnapshot() const {
  std::vector<PairView> views;
  for (int i = 0; i < impl_->session_.lists.pair_count(); ++i) views.push_back(impl_->session_.ViewOf(i));
  return views;
}

std::optional<PairView> Agent::SelectedPair(int stream, int component) const {
  const Session& session = impl_->session_;
  if (stream < 0 || stream >= session.lists.list_count() || !session.lists.list(stream).has_component(component)) {
    return std::nullopt;
  }
  const std::optional<int> selected = session.lists.list(stream).component(component).selected;
  if (!selected) return std::nullopt;
  return session.ViewOf(*selected);
}

const AgentTimes& Agent::times() const { return impl_->session_.times; }

AgentCounters Agent::counters() const {
  AgentCounters counters = impl_->session_.counters;
  counters.transactions += impl_->session_.relays.transactions();
  return counters;
}

std::optional<Failed> Agent::failure() const { return impl_->session_.failure; }

}  // namespace pinhole::ice
