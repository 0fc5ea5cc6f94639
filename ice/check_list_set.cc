#include "ice/check_list_set.h"

#include <algorithm>

namespace pinhole::ice {
namespace {

constexpr std::uint64_t Key(int base, int remote) {
  return (static_cast<std::uint64_t>(base) << 32) | static_cast<std::uint32_t>(remote);
}

}  // namespace

CheckListSet::CheckListSet(std::span<const int> components) : lists_(components.size()) {
  for (std::size_t stream = 0; stream < components.size(); ++stream) {
    lists_[stream].components.resize(static_cast<std::size_t>(components[stream]));
  }
}

int CheckListSet::running() const {
  int count = 0;
  for (const CheckList& list : lists_) count += list.state == CheckListState::kRunning;
  return count;
}

std::optional<int> CheckListSet::Find(int base, int remote) const {
  const auto found = std::find(keys_.begin(), keys_.end(), Key(base, remote));
  if (found == keys_.end()) return std::nullopt;
  return static_cast<int>(found - keys_.begin());
}

void CheckListSet::Reserve(int pairs) {
  pairs_.reserve(static_cast<std::size_t>(pairs));
  keys_.reserve(static_cast<std::size_t>(pairs));
}

int CheckListSet::Precedence(int a, int b) const {
  const CandidatePair& pa = pair(a);
  const CandidatePair& pb = pair(b);
  if (pa.priority != pb.priority) return pa.priority > pb.priority ? -1 : 1;
  if (pa.component != pb.component) return pa.component - pb.component;
  return a - b;
}

int CheckListSet::Add(const CandidatePair& pair, std::optional<int> slot) {
  const int index = slot.value_or(pair_count());
  if (slot) {
    pairs_[static_cast<std::size_t>(index)] = pair;
    keys_[static_cast<std::size_t>(index)] = Key(pair.base, pair.remote);
  } else {
    pairs_.push_back(pair);
    keys_.push_back(Key(pair.base, pair.remote));
  }
  std::vector<int>& order = list(pair.stream).order;
  const auto at =
      std::upper_bound(order.begin(), order.end(), index, [this](int a, int b) { return Precedence(a, b) < 0; });
  order.insert(at, index);
  ++listed_;
  ++counts_[static_cast<std::size_t>(pair.state)];
  return index;
}

void CheckListSet::Unlist(int index, PairEnd end) {
  CandidatePair& gone = pair(index);
  if (!gone.listed) return;
  gone.listed = false;
  gone.end = end;
  --listed_;
  --counts_[static_cast<std::size_t>(gone.state)];
  RemoveFromQueue(index);
  std::vector<int>& order = list(gone.stream).order;
  order.erase(std::find(order.begin(), order.end(), index));
}

void CheckListSet::SetState(int index, PairState state) {
  CandidatePair& changed = pair(index);
  if (changed.listed) {
    --counts_[static_cast<std::size_t>(changed.state)];
    ++counts_[static_cast<std::size_t>(state)];
  }
  changed.state = state;
}

void CheckListSet::Reorder() {
  for (CheckList& list : lists_) {
    std::sort(list.order.begin(), list.order.end(), [this](int a, int b) { return Precedence(a, b) < 0; });
  }
}

void CheckListSet::ComputeInitialStates() {
  for (CheckList& list : lists_) {
    list.state = CheckListState::kRunning;
    for (int index : list.order) SetState(index, PairState::kFrozen);
  }
  // For each foundation the first list that has it decides. In that list the pair of the lowest component is set
  // Waiting; among several such pairs, the one with the highest priority.
  std::vector<std::uint32_t> done;
  for (const CheckList& list : lists_) {
    const std::size_t done_by_earlier_lists = done.size();
    for (int index : list.order) {
      const std::uint32_t foundation = pair(index).foundation;
      const auto end = done.begin() + static_cast<std::ptrdiff_t>(done_by_earlier_lists);
      if (std::find(done.begin(), end, foundation) != end) continue;
      if (std::find(end, done.end(), foundation) != done.end()) continue;
      done.push_back(foundation);
      int first = index;
      for (int other : list.order) {
        if (pair(other).foundation == foundation && pair(other).component < pair(first).component) first = other;
      }
      SetState(first, PairState::kWaiting);
    }
  }
}

PairState CheckListSet::StateOfLatePair(const CandidatePair& late) const {
  bool topmost = true;
  for (const CheckList& list : lists_) {
    for (int index : list.order) {
      const CandidatePair& other = pair(index);
      if (other.foundation != late.foundation) continue;
      if (other.state == PairState::kSucceeded) return PairState::kWaiting;
      if (other.component < late.component || (other.component == late.component && other.priority >= late.priority)) {
        topmost = false;
      }
    }
  }
  return topmost ? PairState::kWaiting : PairState::kFrozen;
}

void CheckListSet::Unfreeze(std::uint32_t foundation) {
  if (count(PairState::kFrozen) == 0) return;
  for (const CheckList& list : lists_) {
    for (int index : list.order) {
      if (pair(index).state == PairState::kFrozen && pair(index).foundation == foundation) {
        SetState(index, PairState::kWaiting);
      }
    }
  }
}

void CheckListSet::Trigger(int index) {
  if (!IsTriggered(index)) list(pair(index).stream).triggered.push_back(index);
}

void CheckListSet::RemoveFromQueue(int index) {
  std::vector<int>& queue = list(pair(index).stream).triggered;
  queue.erase(std::remove(queue.begin(), queue.end(), index), queue.end());
}

bool CheckListSet::IsTriggered(int index) const {
  const std::vector<int>& queue = list(pair(index).stream).triggered;
  return std::find(queue.begin(), queue.end(), index) != queue.end();
}

bool CheckListSet::FoundationIsActive(std::uint32_t foundation) const {
  for (const CheckList& list : lists_) {
    for (int index : list.order) {
      const CandidatePair& other = pair(index);
      if (other.foundation == foundation &&
          (other.state == PairState::kWaiting || other.state == PairState::kInProgress)) {
        return true;
      }
    }
  }
  return false;
}

// True: the pair only waits for its turn. While its component nominates a pair, no ordinary check of the component is
// started (RFC 8445 §8.1.1).
bool CheckListSet::IsReady(const CandidatePair& candidate) const {
  return candidate.state == PairState::kWaiting && candidate.checks.wait == CheckWait::kNone &&
         !list(candidate.stream).component(candidate.component).chosen;
}

bool CheckListSet::MayCheck(const CandidatePair& candidate) const {
  return IsReady(candidate) && !(tcp_held_ && candidate.tcp());
}

// Whether a pair in the triggered-check queue may be checked. While its component nominates a pair, only the nominating
// check may be: the repeated check of the pair whose first check made the chosen pair valid. That pair is Succeeded, so
// IsReady() does not apply to it.
bool CheckListSet::MayCheckTriggered(int index) const {
  const CandidatePair& triggered = pair(index);
  const std::optional<int> chosen = list(triggered.stream).component(triggered.component).chosen;
  return chosen ? pair(*chosen).generator() == index : IsReady(triggered);
}

std::optional<int> CheckListSet::TakeFrom(CheckList& list) {
  while (!list.triggered.empty()) {  // Step 1.
    const int index = list.triggered.front();
    list.triggered.erase(list.triggered.begin());
    if (MayCheckTriggered(index)) return index;
  }
  const auto is_waiting = [this](int index) { return MayCheck(pair(index)); };
  auto found = std::find_if(list.order.begin(), list.order.end(), is_waiting);
  if (found == list.order.end()) {  // Step 2.
    bool thawed = false;
    for (int index : list.order) {
      const CandidatePair& frozen = pair(index);
      if (frozen.state != PairState::kFrozen || list.component(frozen.component).chosen) continue;
      if (tcp_held_ && frozen.tcp()) continue;
      if (FoundationIsActive(frozen.foundation)) continue;
      SetState(index, PairState::kWaiting);
      thawed = true;
    }
    if (!thawed) return std::nullopt;
    found = std::find_if(list.order.begin(), list.order.end(), is_waiting);
    if (found == list.order.end()) return std::nullopt;
  }
  return *found;  // Step 3: list.order is sorted by priority, then by component.
}

std::optional<int> CheckListSet::TakeNext() {
  for (std::size_t i = 0; i < lists_.size(); ++i) {
    const std::size_t at = (next_list_ + i) % lists_.size();
    if (lists_[at].state != CheckListState::kRunning) continue;
    const std::optional<int> index = TakeFrom(lists_[at]);
    if (!index) continue;  // Step 4.
    next_list_ = (at + 1) % lists_.size();
    return index;
  }
  return std::nullopt;
}

bool CheckListSet::HasNext() const {
  for (const CheckList& list : lists_) {
    if (list.state != CheckListState::kRunning) continue;
    if (std::any_of(list.triggered.begin(), list.triggered.end(),
                    [this](int index) { return MayCheckTriggered(index); })) {
      return true;
    }
    if (count(PairState::kWaiting) + count(PairState::kFrozen) == 0) continue;
    for (int index : list.order) {
      const CandidatePair& candidate = pair(index);
      if (MayCheck(candidate)) return true;
      if (candidate.state == PairState::kFrozen && !list.component(candidate.component).chosen &&
          !(tcp_held_ && candidate.tcp()) && !FoundationIsActive(candidate.foundation)) {
        return true;
      }
    }
  }
  return false;
}

bool CheckListSet::HasTcpPair() const {
  return std::any_of(pairs_.begin(), pairs_.end(), [](const CandidatePair& candidate) { return candidate.tcp(); });
}

bool CheckListSet::AllEnded(int stream) const {
  const std::vector<int>& order = list(stream).order;
  return std::none_of(order.begin(), order.end(), [this](int index) { return ice::IsOpen(pair(index).state); });
}

bool CheckListSet::HasValidPair(int stream, int component) const {
  return std::any_of(pairs_.begin(), pairs_.end(), [&](const CandidatePair& candidate) {
    return candidate.valid() && candidate.stream == stream && candidate.component == component;
  });
}

bool CheckListSet::HasValidPairForEachComponent(int stream) const {
  const int components = static_cast<int>(list(stream).components.size());
  for (int component = 1; component <= components; ++component) {
    if (!HasValidPair(stream, component)) return false;
  }
  return true;
}

}  // namespace pinhole::ice
