#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ice/candidate_pair.h"
#include "ice/consent.h"
#include "net/time.h"

namespace pinhole::ice {

// Nomination and consent of one component of a data stream.
struct ComponentStatus {
  // Controlling agent only: the pair that is being nominated; nullopt: none. While it is nominated, no other pair of
  // the component is checked.
  std::optional<int> chosen;
  std::optional<int> selected;  // the nominated pair; nullopt: none
  ConsentState consent;
};

// The candidate pairs of one data stream (RFC 8445 §6.1.2).
struct CheckList {
  CheckListState state = CheckListState::kRunning;
  std::optional<net::Instant> ended_at;  // since when the agent only waits for a nomination
  // True: the list fails as soon as the PAC timer has ended (RFC 8445 §7.2.5.3.4, RFC 8863 §4).
  bool nomination_failed = false;
  std::vector<int> order;                   // listed pairs, highest priority first
  std::vector<int> triggered;               // the triggered-check queue, first in, first out (RFC 8445 §6.1.4.1)
  std::vector<ComponentStatus> components;  // [0] is component 1

  ComponentStatus& component(int id) { return components[static_cast<std::size_t>(id - 1)]; }
  const ComponentStatus& component(int id) const { return components[static_cast<std::size_t>(id - 1)]; }
  bool has_component(int id) const { return id >= 1 && static_cast<std::size_t>(id) <= components.size(); }
};

// All checklists of a session, in the order of the streams. The set keeps the states of the pairs and decides which
// pair is checked next (RFC 8445 §6.1.2.5, §6.1.2.6, §6.1.4). A pair is named by its index, which never changes.
class CheckListSet {
 public:
  explicit CheckListSet(std::span<const int> components);

  CandidatePair& pair(int index) { return pairs_[static_cast<std::size_t>(index)]; }
  const CandidatePair& pair(int index) const { return pairs_[static_cast<std::size_t>(index)]; }
  int pair_count() const { return static_cast<int>(pairs_.size()); }
  CheckList& list(int stream) { return lists_[static_cast<std::size_t>(stream)]; }
  const CheckList& list(int stream) const { return lists_[static_cast<std::size_t>(stream)]; }
  int list_count() const { return static_cast<int>(lists_.size()); }
  const std::vector<CheckList>& lists() const { return lists_; }

  // The number of listed pairs in all lists, and the number of listed pairs that are in `state`.
  int listed() const { return listed_; }
  int count(PairState state) const { return counts_[static_cast<std::size_t>(state)]; }
  int running() const;

  // The pair of this base and this remote candidate, listed or not; nullopt: there is none.
  std::optional<int> Find(int base, int remote) const;

  void Reserve(int pairs);
  // Puts `pair` on its checklist, at the place that its priority gives, in the state that it has. Returns its index. If
  // `slot` is given, the new pair replaces the pair at the index `slot`, which must not be listed any more.
  int Add(const CandidatePair& pair, std::optional<int> slot = std::nullopt);
  // Takes a pair off its checklist and off the triggered-check queue. The pair keeps its state; `end` says why it is no
  // longer checked.
  void Unlist(int index, PairEnd end);
  void SetState(int index, PairState state);
  // Sorts the lists again after priorities have changed.
  void Reorder();

  // RFC 8445 §6.1.2.6: sets all pairs Frozen, then one pair of each foundation Waiting.
  void ComputeInitialStates();
  // The initial state of a pair that is added after the checks have begun (RFC 8838 §12, rules 1 to 3).
  PairState StateOfLatePair(const CandidatePair& pair) const;
  // RFC 8445 §7.2.5.3.3: sets the Frozen pairs of this foundation Waiting, because a check of the foundation has
  // succeeded.
  void Unfreeze(std::uint32_t foundation);

  // RFC 8445 §6.1.4.1: appends the pair to the triggered-check queue, unless it is there already. If the pair may not
  // be checked when its turn comes, TakeNext() removes it from the queue without a check.
  void Trigger(int index);
  void RemoveFromQueue(int index);
  bool IsTriggered(int index) const;

  // RFC 8445 §6.1.4.2: takes the pair to check now. The running lists take turns. nullopt: no running list has a pair
  // to check.
  std::optional<int> TakeNext();
  // Whether TakeNext() would return a pair.
  bool HasNext() const;

  // While TCP is held, a TCP pair is checked only if it is in the triggered-check queue.
  void HoldTcp(bool hold) { tcp_held_ = hold; }
  bool holds_tcp() const { return tcp_held_; }
  bool HasTcpPair() const;

  bool AllEnded(int stream) const;  // every listed pair is Succeeded or Failed
  bool HasValidPair(int stream, int component) const;
  bool HasValidPairForEachComponent(int stream) const;

  // The name of an invariant that does not hold, or nullptr. For tests and fuzzers.
  const char* BrokenInvariant() const;

 private:
  bool IsReady(const CandidatePair& pair) const;
  bool MayCheck(const CandidatePair& pair) const;
  bool MayCheckTriggered(int index) const;
  std::optional<int> TakeFrom(CheckList& list);
  bool FoundationIsActive(std::uint32_t foundation) const;
  int Precedence(int a, int b) const;  // < 0: a is checked before b

  std::vector<CandidatePair> pairs_;
  std::vector<std::uint64_t> keys_;  // base and remote candidate of each pair, as one number; same index as pairs_
  std::vector<CheckList> lists_;
  std::size_t next_list_ = 0;
  int listed_ = 0;
  bool tcp_held_ = false;
  std::array<int, 5> counts_ = {};
};

}  // namespace pinhole::ice
