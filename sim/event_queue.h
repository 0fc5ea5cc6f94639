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
  kArrival,    // argument: packet; it comes off the link it is on
  kLoopback,   // node, argument: packet; to the node itself
  kNodeTimer,  // node
  kNodeEvent,  // node, argument: the node's own (Node::OnEvent)
};

// What happens: to whom, what, which. Plain data, no closure.
struct Event {
  std::uint32_t node = 0;
  EventKind kind = EventKind::kArrival;
  std::uint32_t argument = 0;
};
static_assert(std::is_trivially_copyable_v<Event> && sizeof(Event) == 12);

// Names one scheduled event; never given twice in a run.
enum class EventId : std::uint64_t { kNone = 0 };

// What is still to happen in one world: earliest first, and at the same instant in the order scheduled.
// Digests rest on the second half.
//
//     Schedule --at now()-----------> due_    (a plain queue)
//        |`-----before near_limit_--> near_   (a few, sorted)
//        `------later---------------> wheel   (by the highest six-bit digit that differs from origin_)
//
// The wheel is a radix heap: the next slot is found by two bit scans, and is sorted into near_ if it holds
// only a few keys, else spread over the levels below. While only a few events are pending, near_ is all there
// is. Everything moves in the order it was appended, so equal times need no tie-breaker. What an event costs
// grows with the levels it falls through, not with the number pending; slots are chains of blocks of 16-byte
// keys, so that memory is touched in runs.
class EventQueue {
 public:
  EventQueue();
  EventQueue(const EventQueue&) = delete;
  EventQueue& operator=(const EventQueue&) = delete;

  // REQUIRES: at >= now().
  EventId Schedule(net::Instant at, const Event& event);
  // True if it was still to come and now is not.
  bool Cancel(EventId id);
  // Moves now() to the earliest event not later than `limit` and takes it out; false, and nothing changed, when there
  // is none.
  bool Pop(net::Instant limit, Event& event);
  // The same where its cost does not matter.
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
  // Whether an event is to come at `at` or before, and how many of a kind are to come at all. Both look at every key:
  // for contracts and tests.
  bool HasEventUntil(net::Instant at) const;
  std::size_t CountPending(EventKind kind) const;
  // Events still to come.
  std::size_t pending() const { return pending_; }
  // Keys that lie in it, those of cancelled events included: what its memory is taken by.
  std::size_t keys_held() const { return pending_ + stale_; }
  // The name of an invariant that does not hold, or nullptr. For tests and fuzzers.
  const char* BrokenInvariant() const;

 private:
  // Where an event waits. A cancelled event leaves its key behind, with a generation that is over.
  struct Key {
    std::int64_t at;
    std::uint32_t record;
    std::uint32_t generation;
  };
  struct DueKey {
    std::uint32_t record;
    std::uint32_t generation;
  };
  // The event itself. Taking it out ends the generation; then another event may have the record.
  struct Record {
    Event event;  // free: argument is the next free record
    std::uint32_t generation;
  };
  static constexpr int kDigitBits = 6;
  static constexpr int kDigits = 1 << kDigitBits;
  static constexpr int kLevels = 11;               // 66 bits hold every time
  static constexpr std::uint32_t kNearMax = 128;   // more keys than this in near_ go back to the wheel ...
  static constexpr std::uint32_t kNearKept = 32;   // ... but for about these
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
  std::size_t stale_ = 0;  // keys of cancelled events that still lie somewhere

  std::vector<Record> records_;
  std::uint32_t free_record_ = kNone;

  // due_: a ring; its size is a power of two.
  std::unique_ptr<DueKey[]> due_;
  std::uint32_t due_mask_ = 0;
  std::uint32_t due_head_ = 0;
  std::uint32_t due_tail_ = 0;

  // near_: sorted, every key earlier than near_limit_; the wheel has none of those.
  std::unique_ptr<Key[]> near_;
  std::uint32_t near_head_ = 0;
  std::uint32_t near_tail_ = 0;
  std::uint32_t near_capacity_ = 0;
  std::int64_t near_limit_;

  // The wheel. No key in it is earlier than origin_.
  std::int64_t origin_ = 0;
  std::uint32_t level_bits_ = 0;
  std::array<std::uint64_t, kLevels> slot_bits_ = {};
  std::unique_ptr<Level[]> levels_;  // made when first needed
  std::vector<std::unique_ptr<Block[]>> chunks_;
  std::uint32_t free_block_ = kNone;
};

}  // namespace pinhole::sim
