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

// The most traffic that was sent in any second, that is, in any 64 consecutive ticks of 1/64 s on the run's clock.
class PeakMeter {
 public:
  static constexpr int kTicksPerSecond = 64;
  static constexpr net::Duration kTick{1'000'000'000 / kTicksPerSecond};

  // Time must not run backwards.
  void Add(net::Instant now, std::uint32_t bytes);
  // The largest number of packets and the largest number of bytes in any second. The two may come from different
  // seconds.
  Traffic peak() const { return peak_; }

 private:
  std::array<Traffic, kTicksPerSecond> ticks_ = {};
  std::int64_t tick_ = 0;
  Traffic window_;
  Traffic peak_;
};

// The traffic that one interface or one node has sent to links and received from them, by class.
struct TrafficCounters {
  TrafficByClass sent;
  TrafficByClass received;
};
Traffic Sum(const TrafficByClass& by_class);

}  // namespace pinhole::sim
