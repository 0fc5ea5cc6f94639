// The checks that the peer sends (RFC 8445 §7.3).
#include <algorithm>
#include <array>

#include "ice/connectivity_checks.h"
#include "ice/pair_formation.h"
#include "ice/role_conflict.h"

namespace pinhole::ice {

// Handles role conflicts and nominations (RFC 8445 §7.3.1.1 and §7.3.1.5). A request that was retransmitted, or
// duplicated by the network, gets the same answer as its first copy (RFC 8489 §6.3.1), although this agent's role may
// have changed meanwhile. The peer may act on either answer, so both must be the same, and an accepted nomination stays
// accepted.
ConnectivityChecks::Judged ConnectivityChecks::Judge(const stun::TransactionId& id, int base,
                                                     const net::SocketAddress& from, const IncomingCheck& check) {
  for (const Judged& judged : judged_) {
    if (judged.id == id) return judged;
  }
  Judged judged{id, 0, false};
  if (check.role.has_value()) {
    switch (ResolveRoleConflict(session_.role, session_.tie_breaker, *check.role, check.tie_breaker)) {
      case ConflictAction::kNone:
        break;
      case ConflictAction::kRefuse:
        judged.code = 487;
        break;
      case ConflictAction::kSwitch:
        SwitchRole();
        break;
    }
  }
  judged.nominates = check.use_candidate && session_.role == Role::kControlled;
  if (judged.code == 0 && judged.nominates && !AcceptsNomination(base, from)) judged.code = 400;
  if (judged_.size() < kJudgedMax) {
    judged_.push_back(judged);
  } else {
    judged_[next_judged_] = judged;
    next_judged_ = (next_judged_ + 1) % kJudgedMax;
  }
  return judged;
}

void ConnectivityChecks::OnRequest(net::Instant now, int base, const net::SocketAddress& from,
                                   const stun::MessageView& request, net::PacketTag tag) {
  if (!request.FingerprintOk()) {  // RFC 8445 §7.2.4: every check has a fingerprint.
    ++session_.counters.datagrams_ignored;
    return;
  }
  IncomingCheck check;
  bool authenticated = false;
  int code = ReadCheck(request, session_.local.ufrag, session_.local.key, check, authenticated);
  bool nominates = false;
  if (code == 0) {
    const Judged judged = Judge(request.transaction_id(), base, from, check);
    code = judged.code;
    nominates = judged.nominates;
  }

  std::array<std::uint8_t, stun::kMessageBytesMax> buffer;
  if (code != 0) {
    ++session_.counters.requests_refused;
    const net::ByteView error = WriteError(buffer, request, code, authenticated ? &session_.local.key : nullptr);
    session_.Send(now, base, from, error, net::PacketClass::kResponse, tag);
    return;
  }
  const LocalBase& local = session_.base(base);
  session_.TrustConnection(base, from, false);
  const CheckList& list = session_.lists.list(local.stream);
  const bool concluded = list.has_component(local.component) && list.component(local.component).selected;
  session_.Send(now, base, from, WriteSuccess(buffer, request.transaction_id(), from, session_.local.key),
                concluded ? net::PacketClass::kConsent : net::PacketClass::kResponse, tag);
  if (session_.checking()) {
    if (check.sender_ufrag == session_.remote->ufrag) {
      HandleCheck(now, base, from, check.priority, nominates, tag);
    }
    return;
  }
  // The request is answered now. It is handled when the peer's candidates are known.
  const auto known = std::find_if(early_.begin(), early_.end(),
                                  [&](const EarlyRequest& early) { return early.base == base && early.from == from; });
  if (known != early_.end()) {
    known->use_candidate |= nominates;
  } else if (early_.size() < kEarlyRequestsMax) {
    early_.push_back({base, from, check.priority, nominates, std::string(check.sender_ufrag), tag});
  }
}

void ConnectivityChecks::HandleEarlyRequests(net::Instant now) {
  for (const EarlyRequest& early : early_) {
    if (early.sender_ufrag != session_.remote->ufrag) continue;
    HandleCheck(now, early.base, early.from, early.priority, early.use_candidate, early.tag);
  }
  early_.clear();
}

// Whether a nomination that came on `base` from `from` may be accepted. Only the first nomination of a component
// counts; its repetitions are accepted too.
bool ConnectivityChecks::AcceptsNomination(int base, const net::SocketAddress& from) const {
  const LocalBase& local = session_.base(base);
  const CheckList& list = session_.lists.list(local.stream);
  if (!list.has_component(local.component) || list.nomination_failed) return false;
  const std::optional<int> selected = list.component(local.component).selected;
  if (!selected) return true;
  const CandidatePair& pair = session_.lists.pair(*selected);
  const auto is = [&](const CandidatePair& one) {
    return one.base == base && session_.remotes[one.remote].candidate.address == from;
  };
  return is(pair) || is(session_.lists.pair(pair.valid_pair->generator));
}

// Learns a peer-reflexive candidate (RFC 8445 §7.3.1.3). nullopt: a limit forbids it.
std::optional<ConnectivityChecks::Learned> ConnectivityChecks::LearnRemote(int base, const net::SocketAddress& from,
                                                                           std::uint32_t priority) {
  const LocalBase& local = session_.base(base);
  CheckListSet& lists = session_.lists;
  std::optional<int> slot;
  std::optional<int> reused;
  const bool too_many_ports = session_.remotes.CountLearned(base, from.address()) >= session_.options.prflx_port_limit;
  const bool tcp = IsTcp(local.transport());
  if (!too_many_ports && lists.listed() >= session_.options.pair_limit && (tcp || !GiveUpTcpPair(session_))) {
    // Only another pair with a peer-reflexive remote candidate makes room: first a Failed one, otherwise the oldest
    // that has neither succeeded nor been nominated.
    for (int i = 0; i < lists.pair_count(); ++i) {
      const CandidatePair& other = lists.pair(i);
      if (!other.listed || other.tcp() != tcp || !session_.remotes[other.remote].learned_on) continue;
      if (other.state == PairState::kSucceeded || other.nomination != Nomination::kNone) continue;
      if (!slot || (other.state == PairState::kFailed && lists.pair(*slot).state != PairState::kFailed)) slot = i;
    }
  }
  if (too_many_ports || (lists.listed() >= session_.options.pair_limit && !slot)) {
    ++session_.counters.prflx_remote_refused;
    return std::nullopt;
  }
  if (slot) {
    const CandidatePair& old = lists.pair(*slot);
    const int old_remote = old.remote;
    if (old.checks.open) Free(*old.checks.open);
    while (old.checks.cancelled > 0) ForgetOldestCancelled(*slot);
    lists.Unlist(*slot, PairEnd::kNone);
    ++session_.counters.prflx_pairs_replaced;
    const std::vector<int>& order = lists.list(old.stream).order;
    const bool shared =
        std::any_of(order.begin(), order.end(), [&](int i) { return lists.pair(i).remote == old_remote; });
    if (!shared) reused = old_remote;
  }
  ++session_.counters.prflx_remote_learned;
  const int remote = session_.remotes.Learn(local.stream, local.component, Counterpart(local.transport()), base, from,
                                            priority, reused);
  return Learned{remote, slot};
}

// Handles a check of the peer after the success response to it (RFC 8445 §7.3.1.3 to §7.3.1.5). `nominates`: the check
// has USE-CANDIDATE, and this agent is controlled.
void ConnectivityChecks::HandleCheck(net::Instant now, int base, const net::SocketAddress& from, std::uint32_t priority,
                                     bool nominates, net::PacketTag tag) {
  const LocalBase& local = session_.base(base);
  CheckListSet& lists = session_.lists;
  CheckList& list = lists.list(local.stream);
  if (!list.has_component(local.component) || list.state == CheckListState::kFailed) return;
  if (list.component(local.component).selected) return AdoptConnection(now, base, from);

  std::optional<int> remote = session_.FindRemote(base, from);
  std::optional<int> known;
  std::optional<int> slot;
  if (remote) {
    known = lists.Find(base, *remote);
  } else {
    const std::optional<Learned> learned = LearnRemote(base, from, priority);
    if (!learned) return;
    remote = learned->remote;
    slot = learned->slot;
  }
  if (!known && !slot && lists.listed() >= session_.options.pair_limit) return;
  const int index = known ? *known : lists.Add(MakePair(session_, base, local.candidate, *remote), slot);
  CandidatePair& pair = lists.pair(index);
  if (!pair.listed) return;
  if (pair.state == PairState::kSucceeded) {
    if (nominates) {
      for (int i = 0; i < lists.pair_count(); ++i) {
        if (lists.pair(i).valid() && lists.pair(i).generator() == index) return Nominate(now, i);
      }
      // The pair became valid by the check of another pair, whose mapped address is the base of this one
      // (RFC 8445 §7.2.5.3.2, case 2).
      if (pair.valid()) Nominate(now, index);
    }
    return;
  }
  if (pair.state == PairState::kInProgress) {
    // The check that nominates is not cancelled, because both agents wait for its response.
    if (list.component(local.component).chosen) return;
    Cancel(now, index);
  }
  if (nominates) pair.nomination = Nomination::kRequested;
  if (list.component(local.component).chosen) return;
  lists.SetState(index, PairState::kWaiting);
  pair.end = PairEnd::kNone;
  pair.checks.cause = tag;
  if (pair.checks.wait != CheckWait::kPermission) lists.Trigger(index);
}

// Concludes the component on this valid pair (RFC 8445 §7.2.5.3.4, §7.3.1.5 and §8.1.2).
void ConnectivityChecks::Nominate(net::Instant now, int index) {
  CheckListSet& lists = session_.lists;
  CandidatePair& pair = lists.pair(index);
  ComponentStatus& component = lists.list(pair.stream).component(pair.component);
  if (component.selected) return;
  component.selected = index;
  component.chosen.reset();
  pair.nomination = Nomination::kNominated;
  pair.nominated_at = now;
  for (int i = 0; i < lists.pair_count(); ++i) {
    const CandidatePair& other = lists.pair(i);
    if (i == index || !other.listed || other.stream != pair.stream || other.component != pair.component) continue;
    Cancel(now, i);
    if (other.tcp()) StopConnecting(i);
    lists.Unlist(i, other.end == PairEnd::kNone && IsOpen(other.state) ? PairEnd::kConcluded : other.end);
  }
  session_.newly_selected.push_back(index);
  session_.out.Push(PairNominated{pair.stream, pair.component, index});
}

}  // namespace pinhole::ice
