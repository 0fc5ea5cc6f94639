#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <vector>

#include "net/contract.h"
#include "net/time.h"

namespace pinhole::sim {

enum class EventKind : std::uint32_t {
  kArrival,    // argument: the packet, which arrives at the end of its link
  kLoopback,   // node, argument: a packet that the node sent to itself
  kNodeTimer,  // node
  kNodeEvent,  // node, argument: a value that the node chose (Node::OnEvent)
};

// One event: the node, the kind, and an argument of that kind. Plain data, no closure.
struct Event {
  std::uint32_t node = 0;
  EventKind kind = EventKind::kArrival;
  std::uint32_t argument = 0;
};
static_assert(std::is_trivially_copyable_v<Event> && sizeof(Event) == 12);

// Names one scheduled event. No two events of a run have the same id.
enum class EventId : std::uint64_t { kNone = 0 };

// The pending events of one world: earliest first, and at the same instant in the order scheduled. The order at one
// instant is part of the contract, because digests depend on it.
//
//     Schedule --at now()-----------> due_    (a plain queue)
//        |`-----before near_limit_--> near_   (a few, sorted)
//        `------later---------------> wheel   (by the highest six-bit digit that differs from origin_)
//
// The wheel is a radix heap. Two bit scans find its next slot. A slot with few keys is sorted into near_, and a slot
// with many keys is spread over the levels below. While only a few events are pending, near_ holds all of them. Keys
// always move in the order in which they were appended, so equal times need no tie-breaker. The cost of an event grows
// with the number of levels that it passes, not with the number of pending events. A slot is a chain of blocks of
// 16-byte keys, so that memory is read in sequence.
class EventQueue {
 public:
  EventQueue();
  EventQueue(const EventQueue&) = delete;
  EventQueue& operator=(const EventQueue&) = delete;

  // REQUIRES: at >= now().
  EventId Schedule(net::Instant at, const Event& event);
  // Cancels a pending event. False, with nothing changed, if the event has happened or was cancelled before.
  bool Cancel(EventId id);
  // Takes the earliest event out and moves now() to its instant. False, with now() unchanged, if no event is due at
  // `limit` or before.
  bool Pop(net::Instant limit, Event& event);
  // As Pop(limit, event), but returns the event as an optional, which is slower.
  std::optional<Event> Pop(net::Instant limit = net::Instant::max()) {
    Event event;
    return Pop(limit, event) ? std::optional<Event>(event) : std::nullopt;
  }
  net::Instant now() const { return net::Instant(net::Duration(now_)); }
  // Moves now() forward. REQUIRES: at >= now(), and every event is later than `at`.
  void AdvanceTo(net::Instant at) {
    PINHOLE_REQUIRES(at >= now() && !HasEventUntil(at));
    now_ = at.time_since_epoch().count();
  }
  // HasEventUntil(): whether an event is pending at `at` or before. CountPending(): how many events of a kind are
  // pending. Both look at every key, so they are for contracts and tests only.
  bool HasEventUntil(net::Instant at) const;
  std::size_t CountPending(EventKind kind) const;
  // The number of pending events.
  std::size_t pending() const { return pending_; }
  // The number of keys in the queue, those of cancelled events included. The memory of the queue grows with it.
  std::size_t keys_held() const { return pending_ + stale_; }
  // The name of an invariant that does not hold, or nullptr. For tests and fuzzers.
  const char* BrokenInvariant() const;

 private:
  // The place of an event in the order. The key of a cancelled event stays in the queue; it is stale because its
  // generation is no longer that of its record.
  struct Key {
    std::int64_t at;
    std::uint32_t record;
    std::uint32_t generation;
  };
  struct DueKey {
    std::uint32_t record;
    std::uint32_t generation;
  };
  // The event itself. When the event is taken out, the generation grows, and another event may use the record.
  struct Record {
    Event event;  // free: argument is the next free record
    std::uint32_t generation;
  };
  static constexpr int kDigitBits = 6;
  static constexpr int kDigits = 1 << kDigitBits;
  static constexpr int kLevels = 11;               // 66 bits hold every time
  static constexpr std::uint32_t kNearMax = 128;   // with this many keys, near_ gives keys to the wheel ...
  static constexpr std::uint32_t kNearKept = 32;   // ... and keeps about this many
  static constexpr std::uint32_t kNearFront = 16;  // room left before the first key
  static constexpr std::uint32_t kSortedMax = 64;  // slots of up to this many keys are sorted, not spread
  static constexpr std::uint32_t kBlockKeys = 15;
  static constexpr std::uint32_t kBlocksInChunk = 32;
  static constexpr std::uint32_t kNone = 0xffffffff;
  struct Block {
    Key keys[kBlockKeys];
    std::uint32_t count;
    std::uint32_t next;
  };
  struct Slot {
    std::uint32_t head;
    std::uint32_t tail;
    std::uint32_t count;
  };
  // Slots are read only where their bit is set, so a new queue does not clear them.
  struct Level {
    std::array<Slot, kDigits> slots;
  };

  bool IsStale(std::uint32_t record, std::uint32_t generation) const {
    return records_[record].generation != generation;
  }
  template <typename Visit>
  void ForEachKey(Visit visit) const;
  Event Take(std::uint32_t record);
  void PushDue(const DueKey& key);
  void PushNear(const Key& key);
  void GrowNear();
  void SpillNear();
  void PushWheel(const Key& key);
  bool OpenNextSlot(std::int64_t limit);
  const Block& block(std::uint32_t index) const { return chunks_[index / kBlocksInChunk][index % kBlocksInChunk]; }
  Block& block(std::uint32_t index) { return chunks_[index / kBlocksInChunk][index % kBlocksInChunk]; }
  std::uint32_t NewBlock();
  void DropStaleKeys();

  std::int64_t now_ = 0;
  std::size_t pending_ = 0;
  std::size_t stale_ = 0;  // keys of cancelled events that are still in the queue

  std::vector<Record> records_;
  std::uint32_t free_record_ = kNone;

  // due_ is a ring whose size is a power of two. It holds the keys of events that were scheduled for now().
  std::unique_ptr<DueKey[]> due_;
  std::uint32_t due_mask_ = 0;
  std::uint32_t due_head_ = 0;
  std::uint32_t due_tail_ = 0;

  // near_ is sorted. It holds every key that is earlier than near_limit_; the wheel holds the others.
  std::unique_ptr<Key[]> near_;
  std::uint32_t near_head_ = 0;
  std::uint32_t near_tail_ = 0;
  std::uint32_t near_capacity_ = 0;
  std::int64_t near_limit_;

  // The wheel: a radix heap by time. No key in it is earlier than origin_.
  std::int64_t origin_ = 0;
  std::uint32_t level_bits_ = 0;
  std::array<std::uint64_t, kLevels> slot_bits_ = {};
  std::unique_ptr<Level[]> levels_;  // made when first needed
  std::vector<std::unique_ptr<Block[]>> chunks_;
  std::uint32_t free_block_ = kNone;
};

}  // namespace pinhole::sim
