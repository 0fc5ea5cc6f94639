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

// What is known of one component of a data stream.
struct ComponentStatus {
  int chosen = -1;    // controlling: the pair being nominated; no others are checked any more
  int selected = -1;  // the nominated pair
  ConsentState consent;
};

// The candidate pairs of one data stream (RFC 8445 §6.1.2).
struct CheckList {
  CheckListState state = CheckListState::kRunning;
  std::optional<net::Instant> ended_at;  // since when only a nomination is waited for
  bool nomination_failed = false;        // Failed as soon as the PAC timer allows (RFC 8445 §7.2.5.3.4, RFC 8863 §4)
  std::vector<int> order;                // listed pairs, highest priority first
  std::vector<int> triggered;            // FIFO of pairs (RFC 8445 §6.1.4.1)
  std::vector<ComponentStatus> components;  // [0] is component 1

  ComponentStatus& component(int id) { return components[static_cast<std::size_t>(id - 1)]; }
  const ComponentStatus& component(int id) const { return components[static_cast<std::size_t>(id - 1)]; }
  bool has_component(int id) const { return id >= 1 && static_cast<std::size_t>(id) <= components.size(); }
};

// All checklists of a session in the order of the streams: what states their pairs are in and which is
// checked next (RFC 8445 §6.1.2.5, §6.1.2.6, §6.1.4). Pairs are named by index, for good.
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

  // Listed pairs, in all lists, and those in a state.
  int listed() const { return listed_; }
  int count(PairState state) const { return counts_[static_cast<std::size_t>(state)]; }
  int running() const;

  // The pair that sends from `base` to the remote candidate; -1 if there is none, listed or not.
  int Find(int base, int remote) const;

  void Reserve(int pairs);
  // Puts `pair` on its list, by priority, in its state. The pair at `slot` (which is on no list any more) makes
  // room for it unless -1.
  int Add(const CandidatePair& pair, int slot = -1);
  // Takes a pair off its list and queue. It keeps its state.
  void Unlist(int index, PairEnd end);
  void SetState(int index, PairState state);
  // Sorts the lists again; priorities have changed.
  void Reorder();

  // RFC 8445 §6.1.2.6: all Frozen, then for each foundation one pair Waiting.
  void ComputeInitialStates();
  // The state of a pair that comes later (RFC 8838 §12, rules 1 to 3).
  PairState StateOfLatePair(const CandidatePair& pair) const;
  // RFC 8445 §7.2.5.3.3: a check of this foundation has succeeded.
  void Unfreeze(std::uint32_t foundation);

  // RFC 8445 §6.1.4.1: does nothing if it is in the queue already. A pair that may not be checked when its turn comes
  // leaves the queue unchecked.
  void Trigger(int index);
  void RemoveFromQueue(int index);
  bool IsTriggered(int index) const;

  // RFC 8445 §6.1.4.2: the pair to check now, out of the next running list that has one; -1 if none has.
  int TakeNext();
  // Whether TakeNext() would find one.
  bool HasNext() const;

  // While held, a TCP pair is checked only if it is triggered.
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
  int TakeFrom(CheckList& list);
  bool FoundationIsActive(std::uint32_t foundation) const;
  int Precedence(int a, int b) const;  // < 0: a is checked before b

  std::vector<CandidatePair> pairs_;
  std::vector<std::uint64_t> keys_;  // of pairs_: base and remote
  std::vector<CheckList> lists_;
  std::size_t next_list_ = 0;
  int listed_ = 0;
  bool tcp_held_ = false;
  std::array<int, 5> counts_ = {};
};

}  // namespace pinhole::ice
