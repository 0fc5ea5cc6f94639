#pragma once

#include <cstdint>

namespace pinhole::sim {

// Slow start, congestion avoidance, fast retransmit and fast recovery of RFC 5681 with RFC 6582's NewReno. All sizes
// are in bytes. The class says how much may be in flight, and when the first unacknowledged segment is sent again. It
// sends nothing itself.
class NewReno {
 public:
  static constexpr int kDuplicateAcks = 3;  // RFC 5681 §3.2
  static constexpr std::uint32_t kWindowMax = 1u << 30;

  // Called when the handshake is over. `iss`: our initial sequence number. `initial_segments`: initial_window_segments
  // of TcpConnectionOptions. If `syn_lost`, the window begins with one segment.
  void Start(std::uint32_t smss, std::uint32_t iss, int initial_segments, bool syn_lost);
  // Called when the path MTU becomes smaller. The window shrinks with the segment size (RFC 5681 §3.1).
  void SetSmss(std::uint32_t smss);

  struct OnAck {
    bool retransmit_head = false;  // a partial acknowledgment: another segment was lost
    bool restart_timer = true;     // RFC 6582 §3.2 step 3: of the partial ACKs, only the first restarts it
  };
  // An ACK has arrived that acknowledges `bytes` more, up to `acknowledgment`. `flight` bytes are still in flight.
  OnAck OnNewAck(std::uint32_t acknowledgment, std::uint32_t bytes, std::uint32_t flight);
  // A duplicate ACK by the definition of RFC 5681 §2. `snd_nxt`: the first number never sent. `may_send_new`: whether
  // limited transmit may send; with SACK, the ACK must report new blocks for this (RFC 3042 §2). True: fast retransmit
  // begins, and the first segment is to be sent again.
  bool OnDuplicateAck(std::uint32_t snd_una, std::uint32_t snd_nxt, bool may_send_new);
  // The retransmission timer has expired. `again`: not for the first time for this segment.
  void OnTimeout(std::uint32_t flight, std::uint32_t snd_nxt, bool again);
  // Called when nothing was sent for longer than a retransmission timeout (RFC 5681 §4.1).
  void OnIdle();

  // The bytes that may be in flight: cwnd, and the segments that limited transmit adds for the first two duplicate
  // ACKs.
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
  std::uint32_t acked_ = 0;    // bytes acknowledged in congestion avoidance since cwnd grew
  std::uint32_t recover_ = 0;  // RFC 6582: the highest number sent when recovery began
  std::uint32_t limited_ = 0;
  int duplicates_ = 0;
  bool in_recovery_ = false;
  bool had_partial_ = false;
};

}  // namespace pinhole::sim
