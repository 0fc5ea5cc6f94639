// The invariants of an agent, which hold after every input. Fuzzers and tests check them after each input.
#include <algorithm>
#include <set>

#include "ice/agent.h"
#include "ice/agent_impl.h"
#include "ice/check_list_set.h"
#include "ice/connectivity_checks.h"

namespace pinhole::ice {
namespace {

bool Has(const std::vector<int>& indices, int index) {
  return std::find(indices.begin(), indices.end(), index) != indices.end();
}

bool HasTwice(const std::vector<int>& indices) {
  return std::set<int>(indices.begin(), indices.end()).size() != indices.size();
}

}  // namespace

const char* CheckListSet::BrokenInvariant() const {
  int listed = 0;
  std::array<int, 5> counts = {};
  for (int index = 0; index < pair_count(); ++index) {
    const CandidatePair& one = pair(index);
    if (!Find(one.base, one.remote)) return "a pair is found by its base and remote candidate";
    if (one.stream < 0 || one.stream >= list_count() || !list(one.stream).has_component(one.component)) {
      return "a pair is of a component of a stream";
    }
    if (one.listed != Has(list(one.stream).order, index)) return "a pair knows whether it is on the checklist";
    if (one.listed) {
      ++listed;
      ++counts[static_cast<std::size_t>(one.state)];
    }
  }
  if (listed != listed_ || counts != counts_) return "listed pairs are counted, in all and by state";
  for (int stream = 0; stream < list_count(); ++stream) {
    const CheckList& checked = list(stream);
    for (std::size_t i = 0; i < checked.order.size(); ++i) {
      if (pair(checked.order[i]).stream != stream) return "a checklist has pairs of its own stream";
      if (i > 0 && Precedence(checked.order[i - 1], checked.order[i]) >= 0) {
        return "a checklist is in order of priority, no pair twice (RFC 8445 §6.1.2.3)";
      }
    }
    if (HasTwice(checked.triggered)) return "no pair is twice in the triggered-check queue (RFC 8445 §7.3.1.4)";
    for (const int index : checked.triggered) {
      if (!Has(checked.order, index)) return "what is in the triggered-check queue is on the checklist";
    }
    for (int id = 1; checked.has_component(id); ++id) {
      const ComponentStatus& status = checked.component(id);
      for (const std::optional<int> index : {status.chosen, status.selected}) {
        if (!index) continue;
        if (*index < 0 || *index >= pair_count()) return "what is chosen or selected is a pair";
        const CandidatePair& one = pair(*index);
        if (one.stream != stream || one.component != id) return "and one of the component that it is for";
        const bool failed = index == status.chosen && checked.nomination_failed;
        if (!one.valid() && !failed) return "only a valid pair is nominated (RFC 8445 §8.1.1, §8.1.2)";
      }
      if (status.chosen && status.selected) return "once a pair is selected no other is being nominated";
      for (int index = 0; index < pair_count(); ++index) {
        const CandidatePair& one = pair(index);
        if (one.stream != stream || one.component != id) continue;
        if ((one.nomination == Nomination::kNominated) != (status.selected == index)) {
          return "the nominated pair of a component is the selected one, and there is no other (RFC 8445 §8.1.1)";
        }
      }
      if (checked.state == CheckListState::kCompleted && !status.selected) {
        return "a Completed checklist has a nominated pair for each component (RFC 8445 §6.1.2.1)";
      }
    }
  }
  return nullptr;
}

const char* ConnectivityChecks::BrokenInvariant() const {
  if (HasTwice(free_)) return "a slot for a transaction is free once";
  std::vector<int> cancelled(static_cast<std::size_t>(session_.lists.pair_count()));
  for (std::size_t i = 0; i < checks_.size(); ++i) {
    const int check = static_cast<int>(i);
    if (Has(free_, check)) {
      if (keys_[i] != 0 || deadlines_[i] != net::kNever) return "a free slot is found by no response and has no timer";
      continue;
    }
    const int index = checks_[i].pair;
    if (index < 0 || index >= session_.lists.pair_count()) return "a transaction is of a pair";
    if (session_.lists.pair(index).checks.open != check) ++cancelled[static_cast<std::size_t>(index)];
  }
  for (int index = 0; index < session_.lists.pair_count(); ++index) {
    const CandidatePair& pair = session_.lists.pair(index);
    if (const std::optional<int> open = pair.checks.open) {
      if (*open < 0 || *open >= static_cast<int>(checks_.size()) || Has(free_, *open)) {
        return "the check of a pair is open";
      }
      if (checks_[static_cast<std::size_t>(*open)].pair != index) return "and its own";
    }
    if (pair.listed && !session_.over() && (pair.state == PairState::kInProgress) != pair.checks.open.has_value()) {
      return "a pair is In-Progress exactly while its check is open (RFC 8445 §6.1.2.6)";
    }
    if (pair.checks.cancelled != cancelled[static_cast<std::size_t>(index)] || pair.checks.cancelled > kCancelledMax) {
      return "cancelled transactions of a pair are counted, and few";
    }
  }
  return nullptr;
}

const char* Agent::BrokenInvariant() const {
  const Session& session = impl_->session_;
  if (const char* broken = session.lists.BrokenInvariant()) return broken;
  if (const char* broken = impl_->checks_.BrokenInvariant()) return broken;
  if (session.lists.listed() > session.options.pair_limit) return "pairs are limited (RFC 8445 §6.1.2.5)";
  if (session.connections.all().size() > TcpConnections::kAllMax) return "connections are limited";
  if (session.local_candidates.size() != session.local_details.size()) return "each local candidate has its details";
  for (const CheckList& list : session.lists.lists()) {
    for (const ComponentStatus& component : list.components) {
      if (component.chosen && session.role != Role::kControlling) {
        return "only the controlling agent nominates (RFC 8445 §8.1.1)";
      }
      if (!component.selected && component.consent.state() != ConsentState::State::kNone) {
        return "consent is about a selected pair (RFC 7675 §5.1)";
      }
    }
  }
  if (session.stage == Session::Stage::kConnected && session.lists.running() > 0) {
    return "a connected agent has no Running checklist (RFC 8445 §8.1.2)";
  }
  if (session.stage == Session::Stage::kClosed && NextTimer() != net::kNever) return "a closed agent has no timer";
  return nullptr;
}

}  // namespace pinhole::ice
