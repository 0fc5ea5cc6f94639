#pragma once

#include <cstdint>

namespace pinhole::sim {

// Slow start, congestion avoidance, fast retransmit and fast recovery of RFC 5681 with RFC 6582's NewReno. In bytes. It
// says how much may be in flight and when the first segment that is not acknowledged goes again; it sends nothing.
class NewReno {
 public:
  static constexpr int kDuplicateAcks = 3;  // RFC 5681 §3.2
  static constexpr std::uint32_t kWindowMax = 1u << 30;

  // The handshake is over. `iss`: ours. `initial_segments` as in TcpConnectionOptions; one segment if `syn_lost`.
  void Start(std::uint32_t smss, std::uint32_t iss, int initial_segments, bool syn_lost);
  // A smaller path MTU: RFC 5681 §3.1 has the window shrink with the segment.
  void SetSmss(std::uint32_t smss);

  struct OnAck {
    bool retransmit_head = false;  // a partial acknowledgment: another segment was lost
    bool restart_timer = true;     // RFC 6582 §3.2 step 3: of the partial ones, for the first only
  };
  // `acknowledgment` is new, by `bytes`; `flight` is left.
  OnAck OnNewAck(std::uint32_t acknowledgment, std::uint32_t bytes, std::uint32_t flight);
  // A duplicate as RFC 5681 §2 has it. `snd_nxt`: the first number never sent. `may_send_new`: RFC 3042's condition of
  // those who use SACK, that the ACK says something new. True: enter fast retransmit, send the first segment again.
  bool OnDuplicateAck(std::uint32_t snd_una, std::uint32_t snd_nxt, bool may_send_new);
  // `again`: the segment has been sent by this timer before.
  void OnTimeout(std::uint32_t flight, std::uint32_t snd_nxt, bool again);
  // Nothing was sent for longer than a retransmission timeout (RFC 5681 §4.1).
  void OnIdle();

  // How much may be in flight: cwnd, and what limited transmit adds for the first two duplicates.
  std::uint32_t window() const { return cwnd_ + limited_; }
  std::uint32_t cwnd() const { return cwnd_; }
  std::uint32_t ssthresh() const { return ssthresh_; }
  bool in_recovery() const { return in_recovery_; }

 private:
  void SetSsthresh(std::uint32_t flight);

  std::uint32_t smss_ = 536;
  std::uint32_t initial_window_ = 536;
  std::uint32_t cwnd_ = 536;
  std::uint32_t ssthresh_ = kWindowMax;
  std::uint32_t acked_ = 0;    // in congestion avoidance, since cwnd grew
  std::uint32_t recover_ = 0;  // RFC 6582: the highest number sent when recovery began
  std::uint32_t limited_ = 0;
  int duplicates_ = 0;
  bool in_recovery_ = false;
  bool had_partial_ = false;
};

}  // namespace pinhole::sim
