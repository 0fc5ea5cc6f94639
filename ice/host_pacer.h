#pragma once

#include <chrono>

#include "net/time.h"

namespace pinhole::ice {

// Paces the agents of one machine: together they start at most one transaction each 5 ms (RFC 8445 §14.2). The agents
// share one HostPacer, which must outlive them. Each agent also paces itself by its own Ta.
class HostPacer {
 public:
  static constexpr net::Duration kFloor = std::chrono::milliseconds(5);

  // True: a transaction may start at `now`, and the next one kFloor later. False: not before next().
  bool TryTake(net::Instant now) {
    if (now < next_) return false;
    next_ = now + kFloor;
    return true;
  }
  net::Instant next() const { return next_; }

 private:
  net::Instant next_ = net::Instant::min();
};

}  // namespace pinhole::ice
