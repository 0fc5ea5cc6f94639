#include "sim/event_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "net/random.h"

namespace pinhole::sim {
namespace {

using namespace std::chrono_literals;
using net::Duration;
using net::Instant;

Event Numbered(std::uint32_t number) { return {0, EventKind::kArrival, number}; }

std::vector<std::uint32_t> PopAll(EventQueue& queue) {
  std::vector<std::uint32_t> order;
  while (const std::optional<Event> event = queue.Pop()) order.push_back(event->argument);
  return order;
}

TEST(EventQueue, EarliestComesFirst) {
  EventQueue queue;
  queue.Schedule(Instant(30ms), Numbered(3));
  queue.Schedule(Instant(10ms), Numbered(1));
  queue.Schedule(Instant(20s), Numbered(4));
  queue.Schedule(Instant(20ms), Numbered(2));
  EXPECT_EQ(PopAll(queue), (std::vector<std::uint32_t>{1, 2, 3, 4}));
  EXPECT_EQ(queue.now(), Instant(20s));
}

// Events at the same instant come in the order in which they were scheduled, whether the instant was far off, near or
// the current one then.
TEST(EventQueue, SameInstantKeepsTheOrderScheduled) {
  EventQueue queue;
  for (std::uint32_t i = 0; i < 1000; ++i) queue.Schedule(Instant(10s), Numbered(i));
  queue.Schedule(Instant(10s - 1ns), Numbered(5000));
  ASSERT_EQ(queue.Pop()->argument, 5000u);
  for (std::uint32_t i = 1000; i < 1010; ++i) queue.Schedule(Instant(10s), Numbered(i));
  ASSERT_EQ(queue.Pop()->argument, 0u);
  for (std::uint32_t i = 1010; i < 1020; ++i) queue.Schedule(queue.now(), Numbered(i));
  for (std::uint32_t i = 1; i < 1020; ++i) ASSERT_EQ(queue.Pop()->argument, i);
  EXPECT_FALSE(queue.Pop());
}

TEST(EventQueue, CancelIsExact) {
  EventQueue queue;
  const EventId near = queue.Schedule(Instant(1ms), Numbered(1));
  const EventId due = queue.Schedule(Instant(0ms), Numbered(2));
  const EventId kept = queue.Schedule(Instant(1ms), Numbered(3));
  EXPECT_EQ(queue.pending(), 3u);
  EXPECT_TRUE(queue.Cancel(near));
  EXPECT_TRUE(queue.Cancel(due));
  EXPECT_FALSE(queue.Cancel(near));
  EXPECT_FALSE(queue.Cancel(EventId::kNone));
  EXPECT_EQ(queue.pending(), 1u);
  EXPECT_EQ(PopAll(queue), std::vector<std::uint32_t>{3});
  EXPECT_FALSE(queue.Cancel(kept));  // it has run
}

TEST(EventQueue, IdsAreNeverReused) {
  EventQueue queue;
  std::set<EventId> ids;
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    const EventId id = queue.Schedule(queue.now() + (i % 3) * 1ms, Numbered(i));
    ASSERT_TRUE(ids.insert(id).second);
    if (i % 2 == 0) {
      queue.Cancel(id);
    } else {
      queue.Pop();
    }
  }
}

TEST(EventQueue, PopWithLimitLeavesLaterEventsAndTime) {
  EventQueue queue;
  queue.Schedule(Instant(10ms), Numbered(1));
  queue.Schedule(Instant(20ms), Numbered(2));
  EXPECT_FALSE(queue.Pop(Instant(10ms - 1ns)));
  EXPECT_EQ(queue.now(), Instant(0ms));
  EXPECT_EQ(queue.Pop(Instant(10ms))->argument, 1u);
  EXPECT_FALSE(queue.Pop(Instant(15ms)));
  EXPECT_EQ(queue.now(), Instant(10ms));
  queue.AdvanceTo(Instant(15ms));
  queue.Schedule(Instant(15ms), Numbered(3));
  EXPECT_EQ(PopAll(queue), (std::vector<std::uint32_t>{3, 2}));
}

TEST(EventQueue, TheLastInstantOfAllCanBeScheduled) {
  EventQueue queue;
  for (std::uint32_t i = 0; i < 200; ++i) queue.Schedule(Instant::max(), Numbered(i));
  queue.Schedule(Instant(1ns), Numbered(1000));
  EXPECT_EQ(queue.Pop()->argument, 1000u);
  EXPECT_EQ(PopAll(queue).size(), 200u);
}

// An alarm that is set again with every packet, always far off, must not fill the memory with cancelled events.
TEST(EventQueue, CancelledEventsDoNotPileUp) {
  EventQueue queue;
  EventId alarm = queue.Schedule(Instant(30s), Numbered(0));
  for (int i = 0; i < 1'000'000; ++i) {
    queue.Cancel(alarm);
    alarm = queue.Schedule(Instant(30s + i * 1us), Numbered(0));
  }
  EXPECT_LE(queue.keys_held(), 10'000u);
  EXPECT_EQ(PopAll(queue).size(), 1u);
}

TEST(EventQueue, CancelledEventsOfThisInstantDoNotPileUp) {
  EventQueue queue;
  for (int i = 0; i < 100'000; ++i) queue.Cancel(queue.Schedule(queue.now(), Numbered(0)));
  EXPECT_LE(queue.keys_held(), 10'000u);
  for (std::uint32_t i = 0; i < 3; ++i) queue.Schedule(queue.now(), Numbered(i));
  EXPECT_EQ(PopAll(queue), (std::vector<std::uint32_t>{0, 1, 2}));
  EXPECT_EQ(queue.keys_held(), 0u);
}

// A Pop() that ends at its limit may have looked further ahead than the time of the event that is scheduled next.
TEST(EventQueue, ManyEventsMayComeBeforeWhatAnEndedPopHasSeen) {
  EventQueue queue;
  constexpr std::uint32_t kSoon = 64, kMany = 1000;
  for (std::uint32_t i = 0; i < kSoon; ++i) queue.Schedule(Instant(1ns * (i + 1)), Numbered(i));
  // Far off, and so many that they do not all lie sorted.
  for (std::uint32_t i = 0; i < kMany; ++i) queue.Schedule(Instant(100s + i * 1ms), Numbered(3 * kMany + i));
  for (std::uint32_t i = 0; i < kSoon; ++i) ASSERT_EQ(queue.Pop()->argument, i);
  ASSERT_FALSE(queue.Pop(Instant(100s - 1ns)));
  std::vector<std::uint32_t> expected;
  for (std::uint32_t i = 0; i < kMany; ++i) {
    queue.Schedule(Instant(1s + i * 1ms), Numbered(kMany + i));
    expected.push_back(kMany + i);
  }
  for (std::uint32_t i = 0; i < kMany; ++i) expected.push_back(3 * kMany + i);
  EXPECT_EQ(PopAll(queue), expected);
}

// A second implementation: a plain list that is searched for its earliest and oldest entry.
class NaiveQueue {
 public:
  std::uint64_t Schedule(std::int64_t at, std::uint32_t number) {
    entries_.push_back({at, next_, number});
    return next_++;
  }
  bool Cancel(std::uint64_t id) {
    return std::erase_if(entries_, [&](const Entry& entry) { return entry.id == id; }) != 0;
  }
  std::optional<std::pair<std::int64_t, std::uint32_t>> Pop(std::int64_t limit) {
    const auto first = std::min_element(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
      return std::pair(a.at, a.id) < std::pair(b.at, b.id);
    });
    if (first == entries_.end() || first->at > limit) return std::nullopt;
    const std::pair<std::int64_t, std::uint32_t> result = {first->at, first->number};
    entries_.erase(first);
    return result;
  }
  std::size_t pending() const { return entries_.size(); }

 private:
  struct Entry {
    std::int64_t at;
    std::uint64_t id;
    std::uint32_t number;
  };
  std::vector<Entry> entries_;
  std::uint64_t next_ = 0;
};

// Does random operations on both queues: delays from zero to minutes, bursts at one instant, cancels of live and dead
// ids, pops with and without a limit. About `level` events are pending.
void Compare(std::uint64_t seed, std::size_t level, int operations) {
  SCOPED_TRACE(testing::Message() << "seed " << seed << ", about " << level << " pending");
  net::SeededRandom random(seed, "event_queue_test");
  EventQueue queue;
  NaiveQueue naive;
  std::vector<std::pair<EventId, std::uint64_t>> ids;
  std::uint32_t number = 0;
  std::int64_t now = 0;
  for (int i = 0; i < operations; ++i) {
    const std::uint64_t choice = random.Below(100);
    const bool growing = queue.pending() < level;
    if (choice < (growing ? 70u : 35u)) {
      static constexpr std::int64_t kSpans[] = {1, 50, 5'000, 1'000'000, 80'000'000, 30'000'000'000, 4'000'000'000'000};
      const std::int64_t span = kSpans[random.Below(7)];
      std::int64_t at = now + static_cast<std::int64_t>(random.Below(static_cast<std::uint64_t>(span)));
      if (random.Below(4) == 0) at = now;
      if (random.Below(4) == 0) at -= at % 1000 <= at - now ? at % 1000 : 0;  // round times: many are equal
      const std::uint64_t copies = random.Below(20) == 0 ? 40 : 1;
      for (std::uint64_t copy = 0; copy < copies; ++copy) {
        const EventId id = queue.Schedule(Instant(Duration(at)), Numbered(number));
        ids.emplace_back(id, naive.Schedule(at, number));
        ++number;
      }
    } else if (choice < 80 || ids.empty()) {
      std::int64_t limit = Instant::max().time_since_epoch().count();
      if (random.Below(3) == 0) limit = now + static_cast<std::int64_t>(random.Below(100'000'000));
      const std::optional<Event> event = queue.Pop(Instant(Duration(limit)));
      const auto expected = naive.Pop(limit);
      ASSERT_EQ(event.has_value(), expected.has_value());
      if (event) {
        ASSERT_EQ(event->argument, expected->second);
        ASSERT_EQ(queue.now().time_since_epoch().count(), expected->first);
        now = expected->first;
      } else if (limit < 1'000'000'000'000'000 && random.Below(2) == 0) {
        queue.AdvanceTo(Instant(Duration(limit)));
        now = limit;
      }
    } else {
      const std::size_t pick = random.Below(ids.size());
      ASSERT_EQ(queue.Cancel(ids[pick].first), naive.Cancel(ids[pick].second));
      ids[pick] = ids.back();
      ids.pop_back();
    }
    ASSERT_EQ(queue.pending(), naive.pending());
    if (number % 64 == 0) {
      ASSERT_STREQ(queue.BrokenInvariant(), nullptr);
    }
  }
}

TEST(EventQueue, AgreesWithASortedListOnRandomOperations) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    Compare(seed, 10, 2000);
    Compare(seed, 300, 3000);
  }
  for (std::uint64_t seed = 1; seed <= 2; ++seed) Compare(seed, 2000, 6'000);
}

}  // namespace
}  // namespace pinhole::sim
