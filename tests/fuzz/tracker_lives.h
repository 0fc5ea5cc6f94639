#pragma once

#include <cstdlib>

#include "net/time.h"
#include "sim/nat/tcp_behavior.h"
#include "sim/nat/tcp_tracker.h"

namespace pinhole::sim {

// The longest time that an entry in this state may live after its last segment, by the timers of the profile.
inline net::Duration LifeOf(const TcpTimeouts& timeouts, TcpTrackerState state) {
  switch (state) {
    case TcpTrackerState::kNone:
    case TcpTrackerState::kSynSent:
    case TcpTrackerState::kSynSent2:
      return timeouts.syn_sent;
    case TcpTrackerState::kSynReceived:
      return timeouts.syn_received;
    case TcpTrackerState::kEstablished:
      return timeouts.established;
    case TcpTrackerState::kFinWait:
      return timeouts.fin_wait;
    case TcpTrackerState::kCloseWait:
      return timeouts.close_wait;
    case TcpTrackerState::kLastAck:
      return timeouts.last_ack;
    case TcpTrackerState::kTimeWait:
      return timeouts.time_wait;
    case TcpTrackerState::kClose:
      return timeouts.close;
  }
  std::abort();
}

}  // namespace pinhole::sim
