#include "sim/event_queue.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "net/contract.h"

namespace pinhole::sim {
namespace {

constexpr std::int64_t kEndOfTime = std::numeric_limits<std::int64_t>::max();

}  // namespace

EventQueue::EventQueue() : near_limit_(kEndOfTime) {
  records_.reserve(32);
  due_mask_ = 15;
  due_ = std::make_unique_for_overwrite<DueKey[]>(due_mask_ + 1);
  near_capacity_ = 2 * kNearMax;
  near_head_ = near_tail_ = kNearFront;
  near_ = std::make_unique_for_overwrite<Key[]>(near_capacity_);
}

EventId EventQueue::Schedule(net::Instant at, const Event& event) {
  PINHOLE_REQUIRES(at >= now());
  std::uint32_t index = free_record_;
  if (index == kNone) {
    index = static_cast<std::uint32_t>(records_.size());
    records_.push_back({event, 1});
  } else {
    free_record_ = records_[index].event.argument;
    records_[index].event = event;
  }
  const std::uint32_t generation = records_[index].generation;
  const Key key = {at.time_since_epoch().count(), index, generation};
  if (key.at == now_) {
    PushDue({index, generation});
  } else {
    if (near_tail_ - near_head_ >= kNearMax && key.at < near_limit_) SpillNear();
    if (key.at < near_limit_) {
      PushNear(key);
    } else {
      PushWheel(key);
    }
  }
  ++pending_;
  return EventId{std::uint64_t{generation} << 32 | index};
}

bool EventQueue::Cancel(EventId id) {
  const std::uint32_t index = static_cast<std::uint32_t>(id);
  const std::uint32_t generation = static_cast<std::uint32_t>(static_cast<std::uint64_t>(id) >> 32);
  if (generation == 0 || index >= records_.size() || IsStale(index, generation)) return false;
  Take(index);
  if (++stale_ > pending_ + 4096) DropStaleKeys();
  return true;
}

Event EventQueue::Take(std::uint32_t index) {
  Record& record = records_[index];
  const Event event = record.event;
  --pending_;
  // A record that has used all its generations is never used again, because an id must not be given twice.
  if (++record.generation != 0) {
    record.event.argument = free_record_;
    free_record_ = index;
  }
  return event;
}

bool EventQueue::Pop(net::Instant limit_instant, Event& event) {
  const std::int64_t limit = limit_instant.time_since_epoch().count();
  while (true) {
    if (near_head_ != near_tail_) {
      // A key in near_ for this instant was scheduled before this instant began. So it comes before all of due_.
      const Key& key = near_[near_head_];
      if (key.at == now_ || due_head_ == due_tail_) {
        if (key.at > limit) return false;
        ++near_head_;
        if (IsStale(key.record, key.generation)) {
          --stale_;
          continue;
        }
        now_ = key.at;
        event = Take(key.record);
        return true;
      }
    }
    if (due_head_ != due_tail_) {
      if (now_ > limit) return false;
      const DueKey key = due_[due_head_++ & due_mask_];
      if (IsStale(key.record, key.generation)) {
        --stale_;
        continue;
      }
      event = Take(key.record);
      return true;
    }
    if (level_bits_ == 0) {
      near_limit_ = kEndOfTime;
      return false;
    }
    if (!OpenNextSlot(limit)) return false;
  }
}

void EventQueue::PushDue(const DueKey& key) {
  if (due_tail_ - due_head_ > due_mask_) {
    const std::uint32_t size = due_mask_ + 1;
    auto larger = std::make_unique_for_overwrite<DueKey[]>(2 * std::size_t{size});
    for (std::uint32_t i = 0; i < size; ++i) larger[i] = due_[(due_head_ + i) & due_mask_];
    due_ = std::move(larger);
    due_mask_ = 2 * size - 1;
    due_head_ = 0;
    due_tail_ = size;
  }
  due_[due_tail_++ & due_mask_] = key;
}

// Inserts `key` behind all keys that are not later, so that equal times stay in the order scheduled. To make room,
// moves either the keys before that place or those behind it, whichever are probably fewer. Both cases are frequent:
// the arrival of a packet comes before most timers, but on a busy link after the arrivals of all other packets.
void EventQueue::PushNear(const Key& key) {
  if (near_tail_ == near_capacity_) GrowNear();
  std::uint32_t i;
  if (near_head_ != 0 && near_head_ != near_tail_ && key.at < near_[near_head_ + (near_tail_ - near_head_) / 2].at) {
    i = --near_head_;
    for (; near_[i + 1].at <= key.at; ++i) near_[i] = near_[i + 1];
  } else {
    i = near_tail_++;
    for (; i > near_head_ && near_[i - 1].at > key.at; --i) near_[i] = near_[i - 1];
  }
  near_[i] = key;
}

// Makes room behind the last key: moves all keys to the front of the array, or to a larger array if they fill more than
// half of it.
void EventQueue::GrowNear() {
  const std::uint32_t count = near_tail_ - near_head_;
  if (count > near_capacity_ / 2) {
    near_capacity_ *= 2;
    auto larger = std::make_unique_for_overwrite<Key[]>(near_capacity_);
    std::copy_n(near_.get() + near_head_, count, larger.get() + kNearFront);
    near_ = std::move(larger);
  } else {
    std::memmove(near_.get() + kNearFront, near_.get() + near_head_, count * sizeof(Key));
  }
  near_head_ = kNearFront;
  near_tail_ = kNearFront + count;
}

// Keeps the first keys of near_ and gives the others to the wheel, because finding a place in so long an array costs
// more than the wheel. Keys of equal time are not separated.
void EventQueue::SpillNear() {
  Key* const begin = near_.get() + near_head_;
  Key* const end = near_.get() + near_tail_;
  Key* cut = begin + kNearKept;
  while (cut != begin && cut[-1].at == cut->at) --cut;
  if (cut == begin) {
    cut = std::upper_bound(begin, end, begin->at, [](std::int64_t at, const Key& key) { return at < key.at; });
  }
  // The wheel may have any origin while it is empty. now_ is not later than any key.
  if (level_bits_ == 0) origin_ = now_;
  // A key earlier than origin_ must not go to the wheel. There are such keys only after a Pop() that stopped at its
  // limit.
  while (cut != end && cut->at < origin_) ++cut;
  near_limit_ = std::max(cut != end ? cut->at : cut[-1].at + 1, origin_);
  for (const Key* key = cut; key != end; ++key) PushWheel(*key);
  near_tail_ = near_head_ + static_cast<std::uint32_t>(cut - begin);
}

std::uint32_t EventQueue::NewBlock() {
  if (free_block_ == kNone) {
    const std::uint32_t first = static_cast<std::uint32_t>(chunks_.size()) * kBlocksInChunk;
    chunks_.push_back(std::make_unique_for_overwrite<Block[]>(kBlocksInChunk));
    for (std::uint32_t i = kBlocksInChunk; i-- > 0;) {
      block(first + i).next = free_block_;
      free_block_ = first + i;
    }
  }
  const std::uint32_t index = free_block_;
  Block& taken = block(index);
  free_block_ = taken.next;
  taken.count = 0;
  taken.next = kNone;
  return index;
}

void EventQueue::PushWheel(const Key& key) {
  const std::uint64_t difference = static_cast<std::uint64_t>(key.at) ^ static_cast<std::uint64_t>(origin_);
  const auto level = static_cast<std::size_t>((63 - std::countl_zero(difference | 1)) / kDigitBits);
  const std::uint32_t digit =
      static_cast<std::uint32_t>(static_cast<std::uint64_t>(key.at) >> (level * kDigitBits)) % kDigits;
  if (!levels_) levels_ = std::make_unique_for_overwrite<Level[]>(kLevels);
  Slot& slot = levels_[level].slots[digit];
  const std::uint64_t bit = std::uint64_t{1} << digit;
  if ((slot_bits_[level] & bit) == 0) {
    slot_bits_[level] |= bit;
    level_bits_ |= 1u << level;
    slot.head = slot.tail = NewBlock();
    slot.count = 0;
  } else if (block(slot.tail).count == kBlockKeys) {
    const std::uint32_t next = NewBlock();
    block(slot.tail).next = next;
    slot.tail = next;
  }
  Block& tail = block(slot.tail);
  tail.keys[tail.count++] = key;
  ++slot.count;
}

// Takes the earliest slot out of the wheel. Its keys go into near_, or, if they are many, into the levels below. False,
// with nothing changed, if the slot begins after `limit`. REQUIRES: near_ is empty, the wheel is not.
bool EventQueue::OpenNextSlot(std::int64_t limit) {
  PINHOLE_REQUIRES(near_head_ == near_tail_ && level_bits_ != 0);
  const auto level = static_cast<std::size_t>(std::countr_zero(level_bits_));
  const auto digit = static_cast<std::size_t>(std::countr_zero(slot_bits_[level]));
  const std::size_t shift = level * kDigitBits;
  const std::uint64_t above = shift + kDigitBits >= 64 ? 0 : ~std::uint64_t{0} << (shift + kDigitBits);
  const std::uint64_t start = (static_cast<std::uint64_t>(origin_) & above) | digit << shift;
  if (static_cast<std::int64_t>(start) > limit) return false;

  const Slot slot = levels_[level].slots[digit];
  slot_bits_[level] &= ~(std::uint64_t{1} << digit);
  if (slot_bits_[level] == 0) level_bits_ &= ~(1u << level);
  origin_ = static_cast<std::int64_t>(start);
  const bool spread = level > 0 && slot.count > kSortedMax;
  if (spread) {
    near_limit_ = origin_;
  } else {
    const std::uint64_t end = start + (std::uint64_t{1} << shift);
    near_limit_ = static_cast<std::int64_t>(std::min(end, static_cast<std::uint64_t>(kEndOfTime)));
    near_head_ = near_tail_ = kNearFront;
  }
  for (std::uint32_t index = slot.head; index != kNone;) {
    Block& from = block(index);
    for (std::uint32_t i = 0; i < from.count; ++i) {
      if (spread) {
        PushWheel(from.keys[i]);
      } else {
        __builtin_prefetch(&records_[from.keys[i].record]);
        PushNear(from.keys[i]);
      }
    }
    const std::uint32_t next = from.next;
    from.next = free_block_;
    free_block_ = index;
    index = next;
  }
  return true;
}

// Calls `visit(at, record, generation)` for every key.
template <typename Visit>
void EventQueue::ForEachKey(Visit visit) const {
  for (std::uint32_t i = due_head_; i != due_tail_; ++i) {
    visit(now_, due_[i & due_mask_].record, due_[i & due_mask_].generation);
  }
  for (std::uint32_t i = near_head_; i < near_tail_; ++i) visit(near_[i].at, near_[i].record, near_[i].generation);
  for (std::size_t level = 0; level < kLevels; ++level) {
    for (std::uint64_t bits = slot_bits_[level]; bits != 0; bits &= bits - 1) {
      const Slot& slot = levels_[level].slots[static_cast<std::size_t>(std::countr_zero(bits))];
      for (std::uint32_t index = slot.head; index != kNone; index = block(index).next) {
        const Block& keys = block(index);
        for (std::uint32_t i = 0; i < keys.count; ++i) {
          visit(keys.keys[i].at, keys.keys[i].record, keys.keys[i].generation);
        }
      }
    }
  }
}

bool EventQueue::HasEventUntil(net::Instant at) const {
  bool has = false;
  ForEachKey([&](std::int64_t key, std::uint32_t record, std::uint32_t generation) {
    has = has || (key <= at.time_since_epoch().count() && !IsStale(record, generation));
  });
  return has;
}

std::size_t EventQueue::CountPending(EventKind kind) const {
  std::size_t count = 0;
  ForEachKey([&](std::int64_t, std::uint32_t record, std::uint32_t generation) {
    if (!IsStale(record, generation) && records_[record].event.kind == kind) ++count;
  });
  return count;
}

const char* EventQueue::BrokenInvariant() const {
  std::size_t pending = 0, keys = 0;
  bool past = false;
  ForEachKey([&](std::int64_t at, std::uint32_t record, std::uint32_t generation) {
    ++keys;
    if (IsStale(record, generation)) return;
    ++pending;
    past = past || at < now_;
  });
  if (past) return "no event is earlier than now";
  if (pending != pending_ || keys != keys_held()) return "events and the keys of cancelled ones are counted";
  for (std::uint32_t i = near_head_; i < near_tail_; ++i) {
    if (i > near_head_ && near_[i].at < near_[i - 1].at) return "what is near is in order";
    if (near_[i].at >= near_limit_ && near_limit_ != kEndOfTime) return "what is near is before its limit";
  }
  for (std::size_t level = 0; level < kLevels; ++level) {
    if ((slot_bits_[level] != 0) != ((level_bits_ >> level & 1) != 0)) return "a level knows whether it has events";
  }
  std::size_t free = 0;
  for (std::uint32_t record = free_record_; record != kNone; record = records_[record].event.argument) {
    if (++free > records_.size()) return "the list of free records ends";
  }
  if (free + pending > records_.size()) return "a record is free or of one event";
  return nullptr;
}

// Removes the keys of all cancelled events at once, so that they do not fill the memory.
void EventQueue::DropStaleKeys() {
  std::uint32_t kept = near_head_;
  for (std::uint32_t i = near_head_; i < near_tail_; ++i) {
    if (!IsStale(near_[i].record, near_[i].generation)) near_[kept++] = near_[i];
  }
  near_tail_ = kept;
  std::uint32_t due_kept = due_head_;
  for (std::uint32_t i = due_head_; i != due_tail_; ++i) {
    const DueKey key = due_[i & due_mask_];
    if (!IsStale(key.record, key.generation)) due_[due_kept++ & due_mask_] = key;
  }
  due_tail_ = due_kept;
  for (std::size_t level = 0; level < kLevels; ++level) {
    for (std::uint64_t bits = slot_bits_[level]; bits != 0; bits &= bits - 1) {
      const auto digit = static_cast<std::size_t>(std::countr_zero(bits));
      const Slot slot = levels_[level].slots[digit];
      slot_bits_[level] &= ~(std::uint64_t{1} << digit);
      if (slot_bits_[level] == 0) level_bits_ &= ~(1u << level);
      for (std::uint32_t index = slot.head; index != kNone;) {
        Block& from = block(index);
        for (std::uint32_t i = 0; i < from.count; ++i) {
          if (!IsStale(from.keys[i].record, from.keys[i].generation)) PushWheel(from.keys[i]);
        }
        const std::uint32_t next = from.next;
        from.next = free_block_;
        free_block_ = index;
        index = next;
      }
    }
  }
  stale_ = 0;
}

}  // namespace pinhole::sim
