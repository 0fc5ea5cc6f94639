#pragma once

#include <algorithm>
#include <optional>

#include "net/time.h"
#include "sim/tcp/connection_options.h"

namespace pinhole::sim {

// The retransmission timeout of RFC 6298 §2 and §5.5-§5.7, in integer nanoseconds.
class RtoEstimator {
 public:
  static constexpr net::Duration kGranularity = std::chrono::milliseconds(1);  // G of RFC 6298 §2
  static constexpr net::Duration kAfterLostSyn = std::chrono::seconds(3);      // (5.7)

  explicit RtoEstimator(const TcpConnectionOptions& options)
      : initial_(options.rto_initial),
        min_(options.rto_min),
        max_(options.rto_max),
        computed_(options.rto_initial),
        rto_(options.rto_initial) {}

  // Takes the round-trip time of a segment that was sent only once (Karn's algorithm, RFC 6298 §3), and computes the
  // timeout by RFC 6298 (2.2) and (2.3). The timeout is then no longer backed off.
  void OnSample(net::Duration r) {
    if (!srtt_) {
      srtt_ = r;
      rttvar_ = r / 2;
    } else {
      const net::Duration error = *srtt_ > r ? *srtt_ - r : r - *srtt_;
      rttvar_ += (error - rttvar_) / 4;
      *srtt_ += (r - *srtt_) / 8;
    }
    computed_ = std::clamp(*srtt_ + std::max(kGranularity, 4 * rttvar_), min_, std::max(min_, max_));
    rto_ = computed_;
  }
  // RFC 6298 (5.5): doubles the timeout, up to the maximum.
  void BackOff() { rto_ = std::min(2 * rto_, std::max(rto_, max_)); }
  // RFC 6298 (5.7): the handshake is over, and its SYN was sent more than once.
  void OnHandshakeAfterTimeout() { rto_ = computed_ = std::max(initial_, kAfterLostSyn); }
  // A closed window has opened. The timeout was backed off for window probes, not for losses, so the backing off ends.
  void EndBackOff() { rto_ = computed_; }

  net::Duration rto() const { return rto_; }
  std::optional<net::Duration> srtt() const { return srtt_; }
  net::Duration rttvar() const { return rttvar_; }

 private:
  net::Duration initial_;
  net::Duration min_;
  net::Duration max_;
  net::Duration computed_;  // the timeout before backing off
  net::Duration rto_;
  std::optional<net::Duration> srtt_;
  net::Duration rttvar_{};
};

}  // namespace pinhole::sim
