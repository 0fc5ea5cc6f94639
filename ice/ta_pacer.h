#pragma once

#include <algorithm>

#include "ice/host_pacer.h"
#include "net/time.h"

namespace pinhole::ice {

// Paces the transactions of one agent. A new STUN or TURN transaction may start Ta after the last one, if the
// HostPacer, which all agents of the machine share, allows it too (RFC 8445 §14.2). Retransmissions are not paced.
class TaPacer {
 public:
  TaPacer(net::Duration ta, HostPacer* host) : ta_(ta), host_(host) {}

  // Applies from the next transaction on.
  void set_ta(net::Duration ta) { ta_ = ta; }
  net::Duration ta() const { return ta_; }

  // True: a transaction may start now, and the next one Ta later.
  bool TryTake(net::Instant now) {
    if (now < next_ || (host_ != nullptr && !host_->TryTake(now))) return false;
    next_ = now + ta_;
    return true;
  }
  // For transactions that only the HostPacer paces, not Ta: consent checks and releases of allocations.
  bool TryTakeFloor(net::Instant now) { return host_ == nullptr || host_->TryTake(now); }
  net::Instant next() const { return host_ == nullptr ? next_ : std::max(next_, host_->next()); }
  net::Instant next_floor() const { return host_ == nullptr ? net::Instant::min() : host_->next(); }

 private:
  net::Duration ta_;
  HostPacer* host_;
  net::Instant next_ = net::Instant::min();
};

}  // namespace pinhole::ice
