#include "ice/pair_formation.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <vector>

#include "ice/priority.h"

namespace pinhole::ice {
namespace {

bool IsLinkLocalV6(const net::IpAddress& address) { return address.is_v6() && address.IsLinkLocal(); }

bool MayPair(const Candidate& local, const Candidate& remote) {
  return local.stream == remote.stream && local.component == remote.component &&
         remote.transport == Counterpart(local.transport) && local.address.family() == remote.address.family() &&
         IsLinkLocalV6(local.address.address()) == IsLinkLocalV6(remote.address.address());
}

// Whether pairs are formed with this local candidate. A passive candidate has none, because the peer opens the
// connections to it (RFC 6544 §6.2). A peer-reflexive candidate has none, because checks make its pairs.
bool IsPaired(const Session& session, int local) {
  const Candidate& candidate = session.local_candidate(local);
  return candidate.type != CandidateType::kPeerReflexive && candidate.transport != Transport::kTcpPassive &&
         session.base(session.local_details[static_cast<std::size_t>(local)].base).open();
}

const net::IpAddress& TargetOf(const Session& session, const CandidatePair& pair) {
  return session.remotes[pair.remote].candidate.address.address();
}

// Removes the pairs whose remote address TcpTargets forbids.
void RefuseTargets(Session& session, std::vector<CandidatePair>& pairs) {
  std::set<int> refused;
  const auto is_refused = [&](const CandidatePair& pair) {
    if (!pair.tcp() || !session.targets.Forbids(TargetOf(session, pair))) return false;
    refused.insert(pair.remote);
    return true;
  };
  pairs.erase(std::remove_if(pairs.begin(), pairs.end(), is_refused), pairs.end());
  session.counters.targets_refused += static_cast<int>(refused.size());
}

// Unlists TCP pairs whose private remote addresses exceed the limit, after the pair limit has been applied. This works
// on a copy of TcpTargets, because an address only counts when the agent connects to it.
void RefuseTooManyPrivate(Session& session, std::vector<std::vector<CandidatePair>>& lists) {
  std::set<int> refused;
  TcpTargets allowed = session.targets;
  for (std::vector<CandidatePair>& list : lists) {
    for (CandidatePair& pair : list) {
      if (!pair.listed || !pair.tcp() || allowed.Allow(TargetOf(session, pair))) continue;
      pair.listed = false;
      refused.insert(pair.remote);
    }
  }
  session.counters.targets_refused += static_cast<int>(refused.size());
}

// RFC 8445 §6.1.2.2: a stream gets the smaller of both agents' numbers of components, if the peer's candidates are
// complete and one of them is of the stream.
void MatchComponents(Session& session) {
  for (int stream = 0; stream < session.lists.list_count(); ++stream) {
    int remote_max = 0;
    for (const RemoteCandidate& remote : session.remotes.all()) {
      if (remote.candidate.stream == stream) remote_max = std::max(remote_max, remote.candidate.component);
    }
    std::vector<ComponentStatus>& components = session.lists.list(stream).components;
    if (remote_max > 0 && static_cast<std::size_t>(remote_max) < components.size() && session.remote_complete) {
      components.resize(static_cast<std::size_t>(remote_max));
    }
  }
}

bool Precedes(const CandidatePair& a, const CandidatePair& b) {
  if (a.priority != b.priority) return a.priority > b.priority;
  return std::tie(a.component, a.local, a.remote) < std::tie(b.component, b.local, b.remote);
}

// The pairs of one stream, sorted and pruned.
std::vector<CandidatePair> PairsOf(Session& session, int stream) {
  std::vector<CandidatePair> pairs;
  pairs.reserve(session.local_candidates.size() * static_cast<std::size_t>(session.remotes.size()));
  for (std::size_t i = 0; i < session.local_candidates.size(); ++i) {
    const Candidate& local = session.local_candidates[i];
    if (local.stream != stream || !IsPaired(session, static_cast<int>(i))) continue;
    if (!session.lists.list(stream).has_component(local.component)) continue;
    const int base = session.local_details[i].base;
    for (int remote = 0; remote < session.remotes.size(); ++remote) {
      if (!MayPair(local, session.remotes[remote].candidate)) continue;
      pairs.push_back(MakePair(session, base, static_cast<int>(i), remote));
    }
  }
  std::sort(pairs.begin(), pairs.end(), Precedes);
  RefuseTargets(session, pairs);
  std::vector<bool> seen(session.bases.size() * static_cast<std::size_t>(session.remotes.size()));
  const auto is_redundant = [&](const CandidatePair& pair) {
    const std::size_t key = static_cast<std::size_t>(pair.base) * static_cast<std::size_t>(session.remotes.size()) +
                            static_cast<std::size_t>(pair.remote);
    const bool redundant = seen[key];
    seen[key] = true;
    return redundant;
  };
  pairs.erase(std::remove_if(pairs.begin(), pairs.end(), is_redundant), pairs.end());
  return pairs;
}

// Discards pairs down to `limit` (RFC 8445 §6.1.2.5). Each list in turn loses its lowest pair, but never the last pair
// of a component. Returns the number of discarded pairs. `tcp_only`: only TCP pairs are discarded. Relayed UDP pairs
// then stay although direct TCP pairs are preferred to them, because relayed pairs connect when nothing else does.
int DiscardBeyond(int limit, bool tcp_only, std::vector<std::vector<CandidatePair>>& lists) {
  struct Bottom {
    int at;                 // pairs from here on have been looked at
    std::vector<int> left;  // pairs by component
  };
  int total = 0;
  std::vector<Bottom> bottoms;
  for (const std::vector<CandidatePair>& list : lists) {
    Bottom bottom{static_cast<int>(list.size()), std::vector<int>(257)};
    for (const CandidatePair& pair : list) {
      if (!pair.listed) continue;
      ++bottom.left[static_cast<std::size_t>(pair.component)];
      ++total;
    }
    bottoms.push_back(std::move(bottom));
  }
  int discarded = 0;
  for (bool any = true; total > limit && any;) {
    any = false;
    for (std::size_t i = 0; i < lists.size() && total > limit; ++i) {
      Bottom& bottom = bottoms[i];
      while (bottom.at > 0) {
        CandidatePair& lowest = lists[i][static_cast<std::size_t>(--bottom.at)];
        int& left = bottom.left[static_cast<std::size_t>(lowest.component)];
        if (left < 2 || !lowest.listed || (tcp_only && !lowest.tcp())) continue;
        --left;
        --total;
        ++discarded;
        lowest.listed = false;
        any = true;
        break;
      }
    }
  }
  return discarded;
}

}  // namespace

CandidatePair MakePair(const Session& session, int base_index, std::optional<int> local, int remote) {
  const LocalBase& base = session.base(base_index);
  const RemoteCandidate& peer = session.remotes[remote];
  CandidatePair pair;
  pair.stream = base.stream;
  pair.component = base.component;
  pair.base = base_index;
  pair.local = local;
  pair.remote = remote;
  pair.foundation = PairFoundation(base.foundation, peer.foundation);
  pair.priority = session.PriorityOf(session.LocalPriorityOf(pair), peer.candidate.priority);
  pair.check_priority = PeerReflexivePriority(base.self.priority, base.transport());
  if (IsTcp(base.transport())) pair.connection.emplace();
  pair.state = PairState::kWaiting;
  return pair;
}

void FormCheckLists(Session& session) {
  MatchComponents(session);
  std::vector<std::vector<CandidatePair>> lists;
  int total = 0;
  for (int stream = 0; stream < session.lists.list_count(); ++stream) {
    lists.push_back(PairsOf(session, stream));
    total += static_cast<int>(lists.back().size());
  }
  if (total > session.options.pair_limit) {
    session.counters.pairs_discarded += DiscardBeyond(session.options.pair_limit, true, lists);
    session.counters.pairs_discarded += DiscardBeyond(session.options.pair_limit, false, lists);
  }
  RefuseTooManyPrivate(session, lists);
  session.lists.Reserve(std::min(total, session.options.pair_limit));
  for (const std::vector<CandidatePair>& list : lists) {
    for (const CandidatePair& pair : list) {
      if (pair.listed) session.lists.Add(pair);
    }
  }
  session.lists.ComputeInitialStates();
}

bool GiveUpTcpPair(Session& session) {
  std::optional<int> lowest;
  for (int i = 0; i < session.lists.pair_count(); ++i) {
    const CandidatePair& pair = session.lists.pair(i);
    const bool unchecked = pair.state == PairState::kFrozen || pair.state == PairState::kWaiting;
    if (!pair.listed || !pair.tcp() || !unchecked || pair.nomination != Nomination::kNone) continue;
    if (!lowest || pair.priority < session.lists.pair(*lowest).priority) lowest = i;
  }
  if (!lowest) return false;
  session.lists.Unlist(*lowest, PairEnd::kDiscarded);
  ++session.counters.pairs_discarded;
  return true;
}

void PairLateRemoteCandidate(Session& session, int remote) {
  for (std::size_t i = 0; i < session.local_candidates.size(); ++i) {
    const Candidate& local = session.local_candidates[i];
    const int base = session.local_details[i].base;
    if (!IsPaired(session, static_cast<int>(i))) continue;
    const Candidate& peer = session.remotes[remote].candidate;
    if (!MayPair(local, peer) || !session.lists.list(local.stream).has_component(local.component)) continue;
    const CheckList& list = session.lists.list(local.stream);
    if (list.state != CheckListState::kRunning || list.component(local.component).selected) continue;
    // Redundant: an earlier local candidate with the same base has made this pair.
    if (session.lists.Find(base, remote)) continue;
    CandidatePair pair = MakePair(session, base, static_cast<int>(i), remote);
    if (pair.tcp() && !session.targets.WouldAllow(peer.address.address())) {
      ++session.counters.targets_refused;
      continue;
    }
    if (session.lists.listed() >= session.options.pair_limit && (pair.tcp() || !GiveUpTcpPair(session))) {
      ++session.counters.pairs_discarded;
      continue;
    }
    pair.state = session.lists.StateOfLatePair(pair);
    session.lists.Add(pair);
  }
}

}  // namespace pinhole::ice
