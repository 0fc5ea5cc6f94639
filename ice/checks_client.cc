// The checks that this agent sends (RFC 8445 §7.2).
#include <array>

#include "ice/connectivity_checks.h"
#include "ice/rto.h"
#include "stun/attributes.h"

namespace pinhole::ice {

void ConnectivityChecks::Start(net::Instant now, int index) {
  CheckListSet& lists = session_.lists;
  CandidatePair& pair = lists.pair(index);
  // A pair may be nominated while its check is open, if the role changed and changed back since it was sent. The new
  // check replaces that one, as a triggered check would (RFC 8445 §7.3.1.4).
  Cancel(now, index);
  lists.SetState(index, PairState::kInProgress);
  pair.end = PairEnd::kNone;

  const int slot = NewCheck();
  Check& check = checks_[static_cast<std::size_t>(slot)];
  check.started = ++started_;
  check.pair = index;
  check.priority = pair.check_priority;
  check.role = session_.role;
  check.role_switches = session_.counters.role_switches;
  const std::optional<int> chosen = lists.list(pair.stream).component(pair.component).chosen;
  check.use_candidate = session_.role == Role::kControlling && chosen && lists.pair(*chosen).generator() == index;

  std::array<std::uint8_t, stun::kMessageBytesMax> buffer;
  const net::ByteView request = WriteCheck(buffer, stun::TransactionId::Random(session_.random),
                                           {.username = session_.check_username,
                                            .priority = check.priority,
                                            .role = check.role,
                                            .tie_breaker = session_.tie_breaker,
                                            .use_candidate = check.use_candidate},
                                           session_.remote->key);
  const CheckLoad load{.running_checklists = lists.running(),
                       .pairs = lists.listed(),
                       .waiting = lists.count(PairState::kWaiting),
                       .in_progress = lists.count(PairState::kInProgress)};
  const AgentOptions& options = session_.options;
  check.transaction.emplace(now, request,
                            pair.tcp()
                                ? stun::ClientTransaction::Options::OverTcp(options.tcp.transaction_timeout)
                                : stun::ClientTransaction::Options{
                                      .rto = CheckRto(options.rto_policy, options.fixed_rto, session_.pacer.ta(), load),
                                      .sends_max = options.sends_max,
                                      .last_wait_rtos = options.last_wait_rtos});
  pair.checks.open = slot;
  ++pair.checks.started;
  ++session_.counters.transactions;
  if (!pair.checks.first.has_value()) pair.checks.first = now;
  if (!session_.times.first_check.has_value()) session_.times.first_check = now;
  check.transaction->PollOutput();
  UpdateDeadline(slot);
  if (pair.tcp()) {
    SendOverTcp(now, slot);
  } else {
    SendRequest(now, slot);
  }
}

// Sends the request of a check for the first time.
void ConnectivityChecks::SendRequest(net::Instant now, int slot) {
  Check& check = checks_[static_cast<std::size_t>(slot)];
  PairChecks& checks = session_.lists.pair(check.pair).checks;
  check.sent_at = now;
  ++checks.sends;
  session_.SendOnPair(now, check.pair, check.transaction->request(), net::PacketClass::kCheck, checks.cause);
  checks.cause = {};
}

bool ConnectivityChecks::OnTimer(net::Instant now) {
  std::optional<std::size_t> due;
  for (std::size_t i = 0; i < deadlines_.size(); ++i) {
    if (deadlines_[i] > now) continue;
    if (!due || deadlines_[i] < deadlines_[*due] ||
        (deadlines_[i] == deadlines_[*due] && checks_[i].started < checks_[*due].started)) {
      due = i;
    }
  }
  if (!due) return false;
  const int slot = static_cast<int>(*due);
  Check& check = checks_[*due];
  const int index = check.pair;
  if (IsActive(slot) && check.role != session_.role) {
    // A retransmission must repeat the same bytes, which claim a role that this agent no longer has. So a new check is
    // triggered instead.
    Cancel(now, index);
    session_.lists.SetState(index, PairState::kWaiting);
    session_.lists.Trigger(index);
    return true;
  }
  check.transaction->OnTimer(now);
  while (const auto output = check.transaction->PollOutput()) {
    if (const auto* send = std::get_if<stun::ClientTransaction::SendRequest>(&*output)) {
      ++session_.lists.pair(index).checks.sends;
      session_.SendOnPair(now, index, send->bytes, net::PacketClass::kRetransmittedCheck, {});
    } else if (std::holds_alternative<stun::ClientTransaction::Failed>(*output)) {
      EndWithTransaction(now, slot);
      return true;
    }
  }
  UpdateDeadline(slot);
  return true;
}

// The transaction of a check has failed. The pair fails too, unless the check had been cancelled.
void ConnectivityChecks::EndWithTransaction(net::Instant now, int slot) {
  const Check& check = checks_[static_cast<std::size_t>(slot)];
  const int index = check.pair;
  const bool violated =
      check.transaction->failure_reason() == stun::ClientTransaction::FailureReason::kIntegrityViolated;
  const bool active = IsActive(slot);
  Free(slot);
  if (active) EndFailed(now, index, violated ? PairEnd::kIntegrityViolated : PairEnd::kTimeout, 0);
}

bool ConnectivityChecks::OnResponse(net::Instant now, int base, const net::SocketAddress& from,
                                    const stun::MessageView& response) {
  const std::optional<int> found = FindCheck(response.transaction_id());
  if (!found) return false;
  const int slot = *found;
  Check& check = checks_[static_cast<std::size_t>(slot)];
  // The response must be made with the peer's password, which nobody else knows (RFC 8489 §9.1.4).
  if (!response.FingerprintOk() || !response.CheckIntegrity(session_.remote->key)) {
    ++session_.counters.datagrams_ignored;
    // A response of another method, one without a fingerprint (RFC 8489 §6.3), and one with another hash than its
    // request (RFC 8489 §9.1.4) are ignored as if they had not come. Any other counts as an integrity violation.
    const bool violates =
        check.transaction->IsFor(response) && response.FingerprintOk() && !response.HasIntegritySha256();
    if (violates) check.transaction->OnDiscardedResponse();
    if (check.transaction->state() == stun::ClientTransaction::State::kFailed) EndWithTransaction(now, slot);
    return true;
  }
  const int sends = check.transaction->sends();
  const net::Duration round_trip = now - check.sent_at;
  if (!check.transaction->OnResponse(now, response)) return false;
  const bool active = IsActive(slot);
  const int index = check.pair;
  const Check answered{std::nullopt,        check.started,       index,        check.priority, check.role,
                       check.role_switches, check.use_candidate, check.sent_at};
  Free(slot);
  if (!session_.lists.pair(index).listed) return true;  // The component was concluded on another pair.

  const CandidatePair& pair = session_.lists.pair(index);
  const auto fail = [&](PairEnd why, int code) {
    if (active) EndFailed(now, index, why, code);
    return true;
  };
  if (base != pair.base || from != session_.remotes[pair.remote].candidate.address) {  // RFC 8445 §7.2.5.2.1
    return fail(PairEnd::kNotSymmetric, 0);
  }
  if (response.message_class() == stun::MessageClass::kError) {
    const std::optional<stun::ErrorCode> error = response.Get<stun::ErrorCode>();
    const int code = error.has_value() ? error->code : 0;
    if (code != 487) return fail(PairEnd::kErrorResponse, code);
    OnRoleConflict(now, answered, active);
    return true;
  }
  const std::optional<stun::XorMappedAddress> mapped = response.Get<stun::XorMappedAddress>();
  if (!mapped.has_value() || response.HasUnknownRequired(stun::kIceAttributes)) {
    return fail(PairEnd::kErrorResponse, 0);
  }
  session_.TrustConnection(base, from, true);
  OnSuccess(now, answered, mapped->address, sends == 1, round_trip);
  return true;
}

// A 487 error response has come (RFC 8445 §7.2.5.1). The agent leaves the role that the request claimed. If it has
// switched its role since the request, it does not switch again. Such a late 487 does not disturb a pair that is being
// checked anew either.
void ConnectivityChecks::OnRoleConflict(net::Instant now, const Check& check, bool active) {
  CandidatePair& pair = session_.lists.pair(check.pair);
  const bool switches = check.role_switches == session_.counters.role_switches;
  if (switches) SwitchRole();
  session_.tie_breaker = session_.random.NextU64();
  if (pair.state == PairState::kSucceeded || !(switches || active)) return;
  Cancel(now, check.pair);
  session_.lists.SetState(check.pair, PairState::kWaiting);
  session_.lists.Trigger(check.pair);
}

// The local candidate that has the mapped address (RFC 8445 §7.2.5.3.1). An unknown address becomes a new
// peer-reflexive candidate.
std::optional<int> ConnectivityChecks::MappedCandidate(const Check& check, const net::SocketAddress& mapped) {
  const CandidatePair& pair = session_.lists.pair(check.pair);
  const std::optional<int> known = session_.FindLocalCandidate(mapped, pair.base);
  if (known) return known;
  if (session_.local_candidates.size() >= kLocalCandidatesMax) return pair.mapped() ? pair.mapped() : pair.local;
  const LocalBase& base = session_.base(pair.base);
  Candidate found;
  found.stream = pair.stream;
  found.component = pair.component;
  found.type = CandidateType::kPeerReflexive;
  found.transport = base.transport();
  found.priority = check.priority;
  found.address = mapped;
  found.base = base.address();
  found.related = base.address();
  const FoundationId foundation = session_.local_foundations.Of(CandidateType::kPeerReflexive, base.address().address(),
                                                                net::IpAddress(), base.transport());
  found.foundation = LocalFoundations::Text(foundation);
  const int index = session_.AddLocalCandidate(found, pair.base, foundation);
  session_.out.Push(CandidateFound{index});
  return index;
}

// Handles the success response to a check (RFC 8445 §7.2.5.3.2 to §7.2.5.3.4).
void ConnectivityChecks::OnSuccess(net::Instant now, const Check& check, const net::SocketAddress& mapped_address,
                                   bool sent_once, net::Duration round_trip) {
  CheckListSet& lists = session_.lists;
  const ComponentStatus& component =
      lists.list(lists.pair(check.pair).stream).component(lists.pair(check.pair).component);
  const bool is_chosen = component.chosen && lists.pair(*component.chosen).generator() == check.pair;
  if (is_chosen && !check.use_candidate) {  // The late response to an earlier check must not end the check that
                                            // nominates.
    lists.pair(*component.chosen).valid_pair->last_success = now;
    return;
  }
  const std::optional<int> mapped = MappedCandidate(check, mapped_address);

  // The valid pair is usually the checked pair. But if the mapped address is another base, and a listed pair has that
  // base and the same remote candidate, that pair is the valid pair.
  int valid_index = check.pair;
  if (mapped) {
    const int mapped_base = session_.local_details[static_cast<std::size_t>(*mapped)].base;
    if (mapped_base != lists.pair(check.pair).base && session_.base(mapped_base).candidate == *mapped) {
      const std::optional<int> other = lists.Find(mapped_base, lists.pair(check.pair).remote);
      if (other && lists.pair(*other).listed) valid_index = *other;
    }
  }
  Cancel(now, check.pair);
  lists.RemoveFromQueue(check.pair);
  lists.SetState(check.pair, PairState::kSucceeded);
  lists.pair(check.pair).end = PairEnd::kNone;
  lists.pair(check.pair).checks.answered = true;
  CandidatePair& valid = lists.pair(valid_index);
  if (valid_index != check.pair) {
    Cancel(now, valid_index);
    lists.RemoveFromQueue(valid_index);
    lists.SetState(valid_index, PairState::kSucceeded);
    lists.pair(valid_index).checks.answered = true;
  }
  const std::uint32_t local_priority =
      mapped ? session_.local_candidate(*mapped).priority : session_.LocalPriorityOf(valid);
  const bool was_valid = valid.valid();
  if (!valid.valid_pair.has_value()) valid.valid_pair.emplace();
  ValidPair& made = *valid.valid_pair;
  if (sent_once) made.round_trip = round_trip;
  made.mapped = mapped;
  made.generator = check.pair;
  made.priority = session_.PriorityOf(local_priority, session_.remotes[valid.remote].candidate.priority);
  made.last_success = now;
  if (!was_valid) {
    made.on_valid_list = true;
    made.since = now;
    if (!session_.times.first_valid.has_value()) session_.times.first_valid = now;
    session_.out.Push(PairValid{valid.stream, valid.component, valid_index});
  }
  lists.Unfreeze(lists.pair(check.pair).foundation);

  // The present role does not matter here. Success was the answer to the nomination, either the peer's answer or this
  // agent's, so the peer takes the pair for nominated. A later role conflict does not undo that.
  const bool peer_nominated = lists.pair(check.pair).nomination == Nomination::kRequested;
  if (check.use_candidate || peer_nominated) Nominate(now, valid_index);
}

void ConnectivityChecks::Fail(net::Instant now, int index, PairEnd why, int error_code) {
  const std::optional<int> check = session_.lists.pair(index).checks.open;
  if (check) Free(*check);
  EndFailed(now, index, why, error_code);
}

void ConnectivityChecks::FailOnError(net::Instant now, int index, PairEnd why) {
  if (session_.options.icmp_fails_pairs && session_.lists.pair(index).state == PairState::kInProgress) {
    Fail(now, index, why, 0);
  }
}

void ConnectivityChecks::OnPermission(net::Instant now, int base, const net::IpAddress& peer, bool granted) {
  CheckListSet& lists = session_.lists;
  for (int i = 0; i < lists.pair_count(); ++i) {
    CandidatePair& pair = lists.pair(i);
    if (pair.base != base || pair.checks.wait != CheckWait::kPermission) continue;
    if (session_.remotes[pair.remote].candidate.address.address() != peer) continue;
    pair.checks.wait = CheckWait::kNone;
    if (!pair.listed || pair.state != PairState::kWaiting) continue;
    if (granted) {
      lists.Trigger(i);
    } else {
      EndFailed(now, i, PairEnd::kPermissionRefused, 0);
    }
  }
}

void ConnectivityChecks::OnBaseLost(net::Instant now, int base) {
  for (int i = 0; i < session_.lists.pair_count(); ++i) {
    const CandidatePair& pair = session_.lists.pair(i);
    if (pair.base == base && pair.listed && IsOpen(pair.state)) Fail(now, i, PairEnd::kRelayLost, 0);
  }
}

// The check of a pair has failed (RFC 8445 §7.2.5.2). If it was to nominate, for this agent or for the peer, the
// nomination has failed too (RFC 8445 §7.2.5.3.4).
void ConnectivityChecks::EndFailed(net::Instant now, int index, PairEnd why, int error_code) {
  (void)now;
  CheckListSet& lists = session_.lists;
  CandidatePair& pair = lists.pair(index);
  CheckList& list = lists.list(pair.stream);
  lists.RemoveFromQueue(index);
  lists.SetState(index, PairState::kFailed);
  pair.end = why;
  pair.checks.error_code = error_code;
  const std::optional<int> chosen = list.component(pair.component).chosen;
  const bool was_nominating = chosen && lists.pair(*chosen).generator() == index;
  if (was_nominating) {
    lists.pair(*chosen).valid_pair->on_valid_list = false;
    list.nomination_failed = true;
  }
  if (pair.nomination == Nomination::kRequested) list.nomination_failed = true;
  pair.nomination = Nomination::kNone;
  if (pair.valid_pair.has_value()) pair.valid_pair->on_valid_list = false;
  if (pair.tcp()) StopConnecting(index);
}

}  // namespace pinhole::ice
