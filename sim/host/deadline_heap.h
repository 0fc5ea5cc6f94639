#pragma once

#include <cstdint>
#include <tuple>
#include <vector>

#include "net/contract.h"
#include "net/time.h"

namespace pinhole::sim {

// The deadlines of many objects, each known by a small index. The earliest deadline is found at once, and any deadline
// can be moved or removed. Equal deadlines come in the order of their `rank`. A binary heap that also keeps the place
// of every index.
class DeadlineHeap {
 public:
  struct Entry {
    net::Instant at;
    std::uint64_t rank = 0;
    std::uint32_t index = 0;
  };

  bool empty() const { return heap_.empty(); }
  std::size_t size() const { return heap_.size(); }
  // REQUIRES: !empty().
  const Entry& top() const {
    PINHOLE_REQUIRES(!empty());
    return heap_[0];
  }
  // The deadline of `index`; nullptr: there is none.
  const Entry* Find(std::uint32_t index) const {
    return index < place_.size() && place_[index] != 0 ? &heap_[place_[index] - 1] : nullptr;
  }

  // Adds or moves the deadline of `index`.
  void Set(std::uint32_t index, net::Instant at, std::uint64_t rank) {
    if (index >= place_.size()) place_.resize(index + 1);
    if (place_[index] == 0) {
      heap_.emplace_back();
      place_[index] = static_cast<std::uint32_t>(heap_.size());
    }
    Settle(place_[index] - 1, {at, rank, index});
  }
  // Removes the deadline of `index`, if there is one.
  void Remove(std::uint32_t index) {
    if (Find(index) == nullptr) return;
    const std::uint32_t hole = place_[index] - 1;
    const Entry last = heap_.back();
    heap_.pop_back();
    place_[index] = 0;
    if (hole < heap_.size()) Settle(hole, last);
  }

 private:
  static bool Before(const Entry& a, const Entry& b) { return std::tie(a.at, a.rank) < std::tie(b.at, b.rank); }
  void Put(std::uint32_t place, const Entry& entry) {
    heap_[place] = entry;
    place_[entry.index] = place + 1;
  }
  // Moves the hole at `place` up or down to the place of `entry`, and puts `entry` there.
  void Settle(std::uint32_t place, const Entry& entry) {
    while (place != 0 && Before(entry, heap_[(place - 1) / 2])) {
      Put(place, heap_[(place - 1) / 2]);
      place = (place - 1) / 2;
    }
    for (;;) {
      std::uint32_t child = 2 * place + 1;
      if (child >= heap_.size()) break;
      if (child + 1 < heap_.size() && Before(heap_[child + 1], heap_[child])) ++child;
      if (!Before(heap_[child], entry)) break;
      Put(place, heap_[child]);
      place = child;
    }
    Put(place, entry);
  }

  std::vector<Entry> heap_;
  std::vector<std::uint32_t> place_;  // by index: the place in heap_ plus 1; 0: no deadline
};

}  // namespace pinhole::sim
