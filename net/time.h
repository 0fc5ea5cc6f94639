#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace pinhole::net {

// The clock that every engine and the simulator live by. It has no now(): time is always an argument,
// handed in by whoever owns the engine, so that virtual and real time cannot be told apart.
struct Clock {
  using rep = std::int64_t;
  using period = std::nano;
  using duration = std::chrono::duration<rep, period>;
  using time_point = std::chrono::time_point<Clock>;
  static constexpr bool is_steady = true;
};

// A span of time in integer nanoseconds. Literals: `using namespace std::chrono_literals; 500ms`.
using Duration = Clock::duration;

// A point in time in integer nanoseconds since the run began (simulator) or since the machine booted
// (POSIX). Only differences between instants of one clock mean anything.
using Instant = Clock::time_point;

// Later than all others: at no time. It is how timers, deadlines and alarms say "none": every NextTimer(), and
// Host::WakeAt(). When something happened, if it did, is a std::optional<Instant>.
inline constexpr Instant kNever = Instant::max();

// The earliest of some instants, such as the timers of parts.
class Earliest {
 public:
  void Add(Instant at) { at_ = std::min(at_, at); }
  // kNever: none was added.
  Instant at() const { return at_; }

 private:
  Instant at_ = kNever;
};

}  // namespace pinhole::net
