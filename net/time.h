#pragma once

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

}  // namespace pinhole::net
