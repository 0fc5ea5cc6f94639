#include "sim/tcp/congestion.h"

#include <algorithm>

#include "sim/packet/tcp_header.h"

namespace pinhole::sim {

void NewReno::Start(std::uint32_t smss, std::uint32_t iss, int initial_segments, bool syn_lost) {
  smss_ = smss;
  if (initial_segments > 0) {
    const std::uint32_t segments = static_cast<std::uint32_t>(initial_segments);
    initial_window_ = std::min(segments * smss, std::max(2 * smss, segments * 1460));
  } else {
    initial_window_ = smss > 2190 ? 2 * smss : smss > 1095 ? 3 * smss : 4 * smss;
  }
  cwnd_ = syn_lost ? smss : initial_window_;
  // RFC 6582 §3.2 step 1 sets `recover` to the ISS. This would forbid fast retransmit until something is acknowledged,
  // because an earlier window might still be repaired. There is no earlier window yet, so `recover` begins one lower.
  recover_ = iss - 1;
}

void NewReno::SetSmss(std::uint32_t smss) {
  if (smss >= smss_) return;
  const std::uint64_t shrunk = std::uint64_t{cwnd_} * smss / smss_;
  cwnd_ = std::max(static_cast<std::uint32_t>(shrunk), smss);
  smss_ = smss;
}

NewReno::OnAck NewReno::OnNewAck(std::uint32_t acknowledgment, std::uint32_t bytes, std::uint32_t flight) {
  duplicates_ = 0;
  limited_ = 0;
  if (in_recovery_) {
    if (!SeqBefore(acknowledgment - 1, recover_)) {  // a full acknowledgment: recovery is over
      in_recovery_ = false;
      cwnd_ = std::min(ssthresh_, std::max(flight, smss_) + smss_);
      acked_ = 0;
      return {};
    }
    cwnd_ -= std::min(cwnd_, bytes);
    if (bytes >= smss_) cwnd_ += smss_;
    cwnd_ = std::max(cwnd_, smss_);
    const bool first = !had_partial_;
    had_partial_ = true;
    return {.retransmit_head = true, .restart_timer = first};
  }
  // `recover_` follows the acknowledgments. Otherwise it would seem to be ahead after 2 GiB without a loss, because
  // sequence numbers wrap.
  if (SeqBefore(recover_, acknowledgment - 2)) recover_ = acknowledgment - 2;
  if (cwnd_ < ssthresh_) {
    cwnd_ += std::min(bytes, smss_);
  } else {
    acked_ += bytes;
    if (acked_ >= cwnd_) {
      acked_ -= cwnd_;
      cwnd_ += smss_;
    }
  }
  cwnd_ = std::min(cwnd_, kWindowMax);
  return {};
}

bool NewReno::OnDuplicateAck(std::uint32_t snd_una, std::uint32_t snd_nxt, bool may_send_new) {
  if (in_recovery_) {
    cwnd_ = std::min(cwnd_ + smss_, kWindowMax);
    return false;
  }
  ++duplicates_;
  if (duplicates_ < kDuplicateAcks) {
    if (may_send_new) limited_ += smss_;
    return false;
  }
  if (duplicates_ > kDuplicateAcks) return false;
  const std::uint32_t limited = limited_;
  limited_ = 0;
  if (!SeqBefore(recover_, snd_una - 1)) return false;  // duplicate ACKs of segments that were sent twice
  const std::uint32_t flight = snd_nxt - snd_una;
  SetSsthresh(flight - std::min(flight, limited));
  recover_ = snd_nxt - 1;
  cwnd_ = ssthresh_ + kDuplicateAcks * smss_;
  in_recovery_ = true;
  had_partial_ = false;
  return true;
}

void NewReno::OnTimeout(std::uint32_t flight, std::uint32_t snd_nxt, bool again) {
  if (!again) SetSsthresh(flight);
  cwnd_ = smss_;
  acked_ = 0;
  recover_ = snd_nxt - 1;
  in_recovery_ = false;
  duplicates_ = 0;
  limited_ = 0;
}

void NewReno::OnIdle() { cwnd_ = std::min(cwnd_, initial_window_); }

void NewReno::SetSsthresh(std::uint32_t flight) { ssthresh_ = std::max(flight / 2, 2 * smss_); }

}  // namespace pinhole::sim
