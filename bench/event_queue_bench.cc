// The event queue in the hold model: take the earliest event and schedule another, so that the number of pending events
// stays the same. 30 % of new events are due at once, 50 % in 5 to 80 ms, and 20 % are timers of 1 to 30 s. Half of the
// timers are cancelled and replaced by a later event.
//
// The comparison is a std::priority_queue of 32-byte values with a sequence number. It marks cancelled ids in a byte
// map and skips them on pop. Both sides run the same operations with the same numbers and alternate in slices, so that
// a busy machine slows both. Only the ratio is a claim: must be <= 1.3 at 10 and 1k pending, <= 0.6 at 1M.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <queue>
#include <vector>

#include "bench/stopwatch.h"
#include "net/random.h"
#include "sim/event_queue.h"

namespace pinhole::sim {
namespace {

// One operation. Operations are drawn beforehand, because drawing random numbers shall not be measured.
struct Step {
  std::int64_t delay = 0;
  bool is_timer = false;
  bool cancels = false;
};

constexpr std::size_t kSteps = 1 << 16;

std::vector<Step> DrawSteps() {
  net::SeededRandom random(1, "event_queue_bench");
  std::vector<Step> steps(kSteps);
  for (Step& step : steps) {
    const std::uint64_t kind = random.Below(100);
    if (kind < 30) {
      step.delay = 0;
    } else if (kind < 80) {
      step.delay = 5'000'000 + static_cast<std::int64_t>(random.Below(75'000'000));
    } else {
      step.delay = 1'000'000'000 + static_cast<std::int64_t>(random.Below(29'000'000'000));
      step.is_timer = true;
      step.cancels = random.Below(2) == 0;
    }
  }
  return steps;
}

// Runs the hold model on one queue. `Queue` has Schedule(at) -> id, Cancel(id) and Pop() -> time.
template <typename Queue>
class Hold {
 public:
  Hold(const std::vector<Step>& steps, std::size_t pending) : steps_(steps) {
    for (std::size_t i = 0; i < pending; ++i) {
      Step step = steps_[next_++ % kSteps];
      // The first events are spread over time; otherwise many of them would be due at 0.
      queue_.Schedule(step.delay + 1 + static_cast<std::int64_t>(i % 80'000'000));
    }
  }

  void Run(int count) {
    for (int i = 0; i < count; ++i) {
      const std::int64_t now = queue_.Pop();
      const Step& step = steps_[next_++ % kSteps];
      const auto id = queue_.Schedule(now + step.delay);
      if (step.is_timer) {
        if (step.cancels) {
          // Cancels an earlier timer, and sets another one so that the number of pending events stays the same.
          if (queue_.Cancel(timers_[oldest_ % kTimers])) queue_.Schedule(now + step.delay / 2);
        }
        timers_[oldest_++ % kTimers] = id;
      }
    }
  }

 private:
  static constexpr std::size_t kTimers = 4;
  const std::vector<Step>& steps_;
  Queue queue_;
  std::size_t next_ = 0;
  std::uint64_t timers_[kTimers] = {};
  std::size_t oldest_ = 0;
};

class Ours {
 public:
  std::uint64_t Schedule(std::int64_t at) {
    const EventId id = queue_.Schedule(net::Instant(net::Duration(at)), {1, EventKind::kArrival, 2});
    return static_cast<std::uint64_t>(id);
  }
  bool Cancel(std::uint64_t id) { return queue_.Cancel(EventId{id}); }
  std::int64_t Pop() {
    Event event;
    queue_.Pop(net::Instant::max(), event);
    benchmark::DoNotOptimize(event);
    return queue_.now().time_since_epoch().count();
  }

 private:
  EventQueue queue_;
};

class Rival {
 public:
  std::uint64_t Schedule(std::int64_t at) {
    const std::uint64_t id = state_.size();
    state_.push_back(kPending);
    heap_.push({at, id, 1, 0, 2});
    return id;
  }
  bool Cancel(std::uint64_t id) {
    if (id >= state_.size() || state_[id] != kPending) return false;
    state_[id] = kOver;
    return true;
  }
  std::int64_t Pop() {
    while (true) {
      const Value value = heap_.top();
      heap_.pop();
      if (state_[value.id] != kPending) continue;
      state_[value.id] = kOver;
      benchmark::DoNotOptimize(value.argument);
      return value.at;
    }
  }

 private:
  struct Value {
    std::int64_t at;
    std::uint64_t id;  // also the order scheduled
    std::uint32_t node;
    std::uint32_t kind;
    std::uint64_t argument;
    bool operator<(const Value& other) const { return at != other.at ? at > other.at : id > other.id; }
  };
  static_assert(sizeof(Value) == 32);
  enum State : std::uint8_t { kPending, kOver };
  std::priority_queue<Value> heap_;
  std::vector<State> state_;
};

void BM_EventQueueHold(benchmark::State& state) {
  const std::vector<Step> steps = DrawSteps();
  const std::size_t pending = static_cast<std::size_t>(state.range(0));
  Hold<Ours> ours(steps, pending);
  Hold<Rival> rival(steps, pending);
  constexpr int kSlice = 20'000;
  // Warms up: each queue has replaced its contents twice and is in its steady state.
  ours.Run(static_cast<int>(2 * pending + kSlice));
  rival.Run(static_cast<int>(2 * pending + kSlice));
  bench::Stopwatch ours_time;
  bench::Stopwatch rival_time;
  std::int64_t events = 0;
  for (auto _ : state) {
    ours_time.Time([&] { ours.Run(kSlice); });
    rival_time.Time([&] { rival.Run(kSlice); });
    events += kSlice;
  }
  const double count = static_cast<double>(events);
  state.counters["event_ns"] = static_cast<double>(ours_time.total_ns()) / count;
  state.counters["priority_queue_ns"] = static_cast<double>(rival_time.total_ns()) / count;
  state.counters["over_priority_queue"] = ours_time / rival_time;
}
BENCHMARK(BM_EventQueueHold)->Arg(10)->Arg(1000)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace pinhole::sim
