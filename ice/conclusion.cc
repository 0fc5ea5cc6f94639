#include "ice/conclusion.h"

#include <algorithm>

#include "ice/nomination.h"

namespace pinhole::ice {

using Stage = Session::Stage;

void Conclusion::Update(net::Instant now) {
  next_ = {};
  AttendToSelected(now);
  if (session_.stage == Stage::kGathered) {
    const bool any_base =
        std::any_of(session_.bases.begin(), session_.bases.end(), [](const LocalBase& base) { return base.open(); });
    if (!any_base) return FailSession(now, {Phase::kGathering, FailureReason::kNoLocalCandidates, 0});
    const net::Instant give_up = *session_.times.gathered + session_.options.exchange_wait;
    if (now >= give_up) return FailSession(now, {Phase::kExchange, FailureReason::kNoRemoteDescription, 0});
    return next_.Add(give_up);
  }
  if (session_.stage != Stage::kChecking) return;

  const net::Instant pac_ends = *session_.times.checks_started + session_.options.pac_timer;
  if (now >= pac_ends) {
    // RFC 8863 §5: a fallback for a peer that never says that its candidates are complete.
    session_.remote_complete = true;
  } else {
    next_.Add(pac_ends);
  }
  if (session_.role == Role::kControlling) Nominate(now);
  for (int stream = 0; stream < session_.lists.list_count(); ++stream) {
    if (session_.lists.list(stream).state == CheckListState::kRunning) UpdateList(now, stream);
  }
  if (session_.lists.running() > 0) return;
  if (first_failure_.has_value()) return FailSession(now, *first_failure_);
  session_.stage = Stage::kConnected;
  session_.times.connected = now;
  session_.out.Push(Connected{});
}

// Starts consent for newly selected pairs. A relayed pair also gets a channel, because most of the traffic will go over
// it (RFC 8445 §12.1).
void Conclusion::AttendToSelected(net::Instant now) {
  for (int index : session_.newly_selected) {
    keepalives_.OnSelected(now, index);
    const CandidatePair& pair = session_.lists.pair(index);
    const LocalBase& base = session_.base(pair.base);
    if (!base.relay) continue;
    session_.relays[*base.relay].client.BindChannel(now, session_.remotes[pair.remote].candidate.address);
    session_.DrainRelay(now, *base.relay);
  }
  session_.newly_selected.clear();
}

// RFC 8445 §8.1.1: repeats the check of the chosen pair with USE-CANDIDATE. The other pairs of the component leave the
// triggered-check queue, so that they do not delay it.
void Conclusion::Nominate(net::Instant now) {
  CheckListSet& lists = session_.lists;
  for (int stream = 0; stream < lists.list_count(); ++stream) {
    CheckList& list = lists.list(stream);
    if (list.state != CheckListState::kRunning || list.nomination_failed) continue;
    const int components = static_cast<int>(list.components.size());
    for (int id = 1; id <= components; ++id) {
      ComponentStatus& component = list.component(id);
      if (component.chosen || component.selected || PeerNominates(stream, id)) continue;
      const NominationDecision decision = DecideNomination(session_, now, stream, id);
      next_.Add(decision.look_again);
      if (!decision.pair) continue;
      component.chosen = *decision.pair;
      CandidatePair& pair = lists.pair(*decision.pair);
      pair.nomination = Nomination::kChosen;
      std::vector<int>& queue = list.triggered;
      queue.erase(
          std::remove_if(queue.begin(), queue.end(), [&](int other) { return lists.pair(other).component == id; }),
          queue.end());
      lists.Trigger(pair.valid_pair->generator);
    }
  }
}

bool Conclusion::PeerNominates(int stream, int component) const {
  for (int i = 0; i < session_.lists.pair_count(); ++i) {
    const CandidatePair& pair = session_.lists.pair(i);
    if (pair.stream == stream && pair.component == component && pair.nomination == Nomination::kRequested) return true;
  }
  return false;
}

FailureReason Conclusion::ReasonWithoutValidPairs(int stream) const {
  const auto of_stream = [&](const Candidate& candidate) { return candidate.stream == stream; };
  for (int i = 0; i < session_.lists.pair_count(); ++i) {
    if (session_.lists.pair(i).stream == stream) return FailureReason::kAllPairsFailed;
  }
  if (std::none_of(session_.local_candidates.begin(), session_.local_candidates.end(), of_stream)) {
    return FailureReason::kNoLocalCandidates;
  }
  const std::vector<RemoteCandidate>& remotes = session_.remotes.all();
  if (std::none_of(remotes.begin(), remotes.end(),
                   [&](const RemoteCandidate& remote) { return of_stream(remote.candidate); })) {
    return FailureReason::kNoRemoteCandidates;
  }
  return FailureReason::kNoPairs;
}

void Conclusion::UpdateList(net::Instant now, int stream) {
  CheckList& list = session_.lists.list(stream);
  const bool all_selected =
      std::all_of(list.components.begin(), list.components.end(),
                  [](const ComponentStatus& component) { return component.selected.has_value(); });
  if (all_selected) {
    list.state = CheckListState::kCompleted;
    return;
  }
  const net::Instant pac_ends = *session_.times.checks_started + session_.options.pac_timer;
  if (list.nomination_failed) {
    if (now >= pac_ends) FailList(stream, Phase::kNominating, FailureReason::kNominationFailed);
    return;
  }
  if (!session_.lists.HasValidPairForEachComponent(stream)) {
    list.ended_at.reset();
    // RFC 8863 §4: not while the PAC timer runs.
    if (now >= pac_ends && session_.lists.AllEnded(stream)) {
      FailList(stream, Phase::kChecking, ReasonWithoutValidPairs(stream));
    }
    return;
  }
  if (OwnChecksAreOpen(stream)) {
    list.ended_at.reset();
    return;
  }
  if (!list.ended_at.has_value()) list.ended_at = now;
  if (session_.role == Role::kControlled) {
    const net::Instant give_up = std::max(*list.ended_at, pac_ends) + session_.options.nomination_wait;
    if (now >= give_up) return FailList(stream, Phase::kNominating, FailureReason::kNominationNeverCame);
    next_.Add(give_up);
  }
}

// Whether a pair whose remote candidate the peer told still waits for its first check or for the response to it. Pairs
// that the peer's checks have added or opened again do not count: a peer that sends checks for ever would delay the
// conclusion for ever.
bool Conclusion::OwnChecksAreOpen(int stream) const {
  const std::vector<int>& order = session_.lists.list(stream).order;
  return std::any_of(order.begin(), order.end(), [&](int index) {
    const CandidatePair& pair = session_.lists.pair(index);
    const bool first = pair.checks.started == 0 || (pair.checks.started == 1 && pair.state == PairState::kInProgress);
    return IsOpen(pair.state) && first && !session_.remotes[pair.remote].learned_on.has_value();
  });
}

void Conclusion::FailList(int stream, Phase phase, FailureReason reason) {
  CheckList& list = session_.lists.list(stream);
  list.state = CheckListState::kFailed;
  list.triggered.clear();
  if (!first_failure_.has_value()) first_failure_ = Failed{phase, reason, stream};
}

void Conclusion::FailSession(net::Instant now, const Failed& failed) {
  session_.stage = Stage::kFailed;
  session_.failure = failed;
  session_.times.failed = now;
  session_.out.Push(failed);
}

}  // namespace pinhole::ice
