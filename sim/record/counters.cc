#include "sim/record/counters.h"

#include <algorithm>

namespace pinhole::sim {

void PeakMeter::Add(net::Instant now, std::uint32_t bytes) {
  const std::int64_t tick = now.time_since_epoch() / kTick;
  if (tick - tick_ >= kTicksPerSecond) {
    ticks_ = {};
    window_ = {};
    tick_ = tick;
  }
  while (tick_ < tick) {
    ++tick_;
    Traffic& oldest = ticks_[static_cast<std::size_t>(tick_ % kTicksPerSecond)];
    window_.packets -= oldest.packets;
    window_.bytes -= oldest.bytes;
    oldest = {};
  }
  const Traffic added = {1, bytes};
  ticks_[static_cast<std::size_t>(tick % kTicksPerSecond)] += added;
  window_ += added;
  peak_.packets = std::max(peak_.packets, window_.packets);
  peak_.bytes = std::max(peak_.bytes, window_.bytes);
}

Traffic Sum(const TrafficByClass& by_class) {
  Traffic sum;
  for (const Traffic& traffic : by_class) sum += traffic;
  return sum;
}

}  // namespace pinhole::sim
