#include "ice/nomination.h"

#include <algorithm>

namespace pinhole::ice {
namespace {

CandidateType LocalTypeOf(const Session& session, const CandidatePair& pair) {
  if (pair.valid() && pair.mapped()) return session.local_candidate(*pair.mapped()).type;
  return pair.local ? session.local_candidate(*pair.local).type : session.base(pair.base).self.type;
}

PathClass ClassOfPair(const Session& session, const CandidatePair& pair) {
  return ClassOf(LocalTypeOf(session, pair), session.remotes[pair.remote].candidate.type, pair.tcp());
}

bool IsOf(const CandidatePair& pair, int stream, int component) {
  return pair.stream == stream && pair.component == component;
}

}  // namespace

PathClass ClassOf(CandidateType local, CandidateType remote, bool tcp) {
  const int relays = (local == CandidateType::kRelayed) + (remote == CandidateType::kRelayed);
  if (relays == 2) return PathClass::kTwoRelays;
  if (relays == 1) return PathClass::kOneRelay;
  if (tcp) return PathClass::kTcp;
  const bool hosts = local == CandidateType::kHost && remote == CandidateType::kHost;
  return hosts ? PathClass::kHost : PathClass::kReflexive;
}

std::optional<int> BestValidPair(const Session& session, int stream, int component) {
  std::optional<int> best;
  PathClass best_class{};
  for (int i = 0; i < session.lists.pair_count(); ++i) {
    const CandidatePair& pair = session.lists.pair(i);
    if (!pair.valid() || !IsOf(pair, stream, component)) continue;
    const PathClass path_class = ClassOfPair(session, pair);
    if (!best || path_class < best_class ||
        (path_class == best_class && pair.valid_pair->priority > session.lists.pair(*best).valid_pair->priority)) {
      best = i;
      best_class = path_class;
    }
  }
  return best;
}

NominationDecision DecideNomination(const Session& session, net::Instant now, int stream, int component) {
  const NominationPolicy policy = session.options.nomination;
  const std::optional<int> best = BestValidPair(session, stream, component);
  if (!best) return {};
  if (policy == NominationPolicy::kFirstValid) {
    int first = *best;
    for (int i = 0; i < session.lists.pair_count(); ++i) {
      const CandidatePair& pair = session.lists.pair(i);
      if (pair.valid() && IsOf(pair, stream, component) &&
          pair.valid_pair->since < session.lists.pair(first).valid_pair->since) {
        first = i;
      }
    }
    return {.pair = first, .look_again = net::kNever};
  }

  bool any_open = !session.remote_complete;  // A candidate that the peer has not told yet may give a better pair.
  bool better_open = any_open;
  const PathClass best_class = ClassOfPair(session, session.lists.pair(*best));
  for (int index : session.lists.list(stream).order) {
    const CandidatePair& pair = session.lists.pair(index);
    if (pair.component != component || !IsOpen(pair.state)) continue;
    any_open = true;
    better_open |= ClassOfPair(session, pair) < best_class;
  }
  if (policy == NominationPolicy::kExhaustive) {
    if (any_open) return {};
    int highest = *best;
    for (int i = 0; i < session.lists.pair_count(); ++i) {
      const CandidatePair& pair = session.lists.pair(i);
      if (pair.valid() && IsOf(pair, stream, component) &&
          pair.valid_pair->priority > session.lists.pair(highest).valid_pair->priority) {
        highest = i;
      }
    }
    return {.pair = highest, .look_again = net::kNever};
  }

  if (!better_open) return {.pair = best, .look_again = net::kNever};
  const bool direct_udp = best_class == PathClass::kHost || best_class == PathClass::kReflexive;
  const net::Instant first_check = session.times.first_check.value_or(now);
  const net::Instant mark = first_check + (direct_udp ? session.options.direct_after : session.options.relayed_after);
  if (now >= mark) return {.pair = best, .look_again = net::kNever};
  return {.pair = std::nullopt, .look_again = mark};
}

}  // namespace pinhole::ice
