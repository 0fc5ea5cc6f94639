#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace pinhole::net {

// The clock of every engine and of the simulator. It has no now(): time is always an argument, supplied by the owner of
// the engine. So an engine cannot know whether time is virtual or real.
struct Clock {
  using rep = std::int64_t;
  using period = std::nano;
  using duration = std::chrono::duration<rep, period>;
  using time_point = std::chrono::time_point<Clock>;
  static constexpr bool is_steady = true;
};

// A span of time in integer nanoseconds. Literals: `using namespace std::chrono_literals; 500ms`.
using Duration = Clock::duration;

// A point in time, in integer nanoseconds since the start of the run (simulator) or since the boot of the machine
// (POSIX). Only differences between instants of one clock have a meaning.
using Instant = Clock::time_point;

// "Never": later than every other instant. Timers, deadlines and alarms have this value if none is set, in every
// NextTimer() and in Host::WakeAt(). The time of a past event that may not have happened is a std::optional<Instant>
// instead.
inline constexpr Instant kNever = Instant::max();

// Finds the earliest of several instants, such as the timers of an object's parts.
class Earliest {
 public:
  void Add(Instant at) { at_ = std::min(at_, at); }
  // kNever if no instant was added.
  Instant at() const { return at_; }

 private:
  Instant at_ = kNever;
};

}  // namespace pinhole::net
