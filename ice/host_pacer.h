#pragma once

#include <chrono>

#include "net/time.h"

namespace pinhole::ice {

// The agents of one machine together start no more than one transaction each 5 ms (RFC 8445 §14.2). They
// share one of these, which outlives them; each also paces by its own Ta.
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
