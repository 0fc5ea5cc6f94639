#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "net/packet_class.h"
#include "net/time.h"

namespace pinhole::sim {

struct Traffic {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;  // of IP packets on the wire, headers included

  Traffic& operator+=(const Traffic& other) {
    packets += other.packets;
    bytes += other.bytes;
    return *this;
  }
  friend bool operator==(const Traffic&, const Traffic&) = default;
};
using TrafficByClass = std::array<Traffic, net::kPacketClassCount>;

// The most that was sent in any second: in any window of 64 ticks of 1/64 s on the run's clock.
class PeakMeter {
 public:
  static constexpr int kTicksPerSecond = 64;
  static constexpr net::Duration kTick{1'000'000'000 / kTicksPerSecond};

  // Time must not run backwards.
  void Add(net::Instant now, std::uint32_t bytes);
  // Most packets, and most bytes, of a window; maybe of different windows.
  Traffic peak() const { return peak_; }

 private:
  std::array<Traffic, kTicksPerSecond> ticks_ = {};
  std::int64_t tick_ = 0;
  Traffic window_;
  Traffic peak_;
};

// What one interface, or one node, has put on links and taken from them, by class.
struct TrafficCounters {
  TrafficByClass sent;
  TrafficByClass received;
};
Traffic Sum(const TrafficByClass& by_class);

}  // namespace pinhole::sim
