#pragma once

#include <cstdint>
#include <ctime>

namespace pinhole::bench {

inline std::int64_t ReadClock(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// Adds up the CPU time of this thread for one side of a comparison. The two sides run alternately, so a slow machine,
// or another process on it, slows both.
class Stopwatch {
 public:
  template <typename Work>
  void Time(Work&& work) {
    const std::int64_t start = ReadClock(CLOCK_THREAD_CPUTIME_ID);
    work();
    total_ns_ += ReadClock(CLOCK_THREAD_CPUTIME_ID) - start;
  }
  std::int64_t total_ns() const { return total_ns_; }

  friend double operator/(const Stopwatch& a, const Stopwatch& b) {
    return static_cast<double>(a.total_ns_) / static_cast<double>(b.total_ns_);
  }

 private:
  std::int64_t total_ns_ = 0;
};

}  // namespace pinhole::bench
