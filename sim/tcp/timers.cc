// The timers of RFC 9293 §3.8.1, §3.8.3, §3.8.4, §3.8.6.1 and §3.10.8, and the ICMP errors, which like a timeout report
// a loss.
#include <algorithm>
#include <array>

#include "net/contract.h"
#include "sim/tcp/connection.h"

namespace pinhole::sim {
namespace {

bool IsHard(net::IcmpError::Kind kind) {
  switch (kind) {
    case net::IcmpError::Kind::kProtocolUnreachable:
    case net::IcmpError::Kind::kPortUnreachable:
    case net::IcmpError::Kind::kAdminProhibited:
      return true;
    case net::IcmpError::Kind::kNetUnreachable:
    case net::IcmpError::Kind::kHostUnreachable:
    case net::IcmpError::Kind::kTtlExceeded:
    case net::IcmpError::Kind::kPacketTooBig:
    case net::IcmpError::Kind::kOther:
      return false;
  }
  net::CannotHappen();
}

}  // namespace

net::Instant TcpConnection::NextTimer() const {
  const net::Instant at =
      std::min({retransmit_at_, persist_at_, delayed_ack_at_, keepalive_at_, user_timeout_at_, wait_over_at_});
  PINHOLE_INVARIANT(state_ != TcpState::kClosed || at == kNever);
  return at;
}

void TcpConnection::OnTimer(net::Instant now) {
  now_ = now;
  struct Deadline {
    net::Instant TcpConnection::*at;
    void (TcpConnection::*handle)();
  };
  static constexpr std::array<Deadline, 6> kDeadlines = {{
      {&TcpConnection::user_timeout_at_, &TcpConnection::OnUserTimeout},
      {&TcpConnection::retransmit_at_, &TcpConnection::OnRetransmissionTimeout},
      {&TcpConnection::persist_at_, &TcpConnection::OnPersistTimeout},
      {&TcpConnection::delayed_ack_at_, &TcpConnection::OnDelayedAckTimeout},
      {&TcpConnection::keepalive_at_, &TcpConnection::OnKeepaliveTimeout},
      {&TcpConnection::wait_over_at_, &TcpConnection::OnWaitOver},
  }};
  while (true) {
    const auto earliest =
        std::min_element(kDeadlines.begin(), kDeadlines.end(),
                         [this](const Deadline& a, const Deadline& b) { return this->*a.at < this->*b.at; });
    if (this->*earliest->at > now) return;
    this->*earliest->at = kNever;
    (this->*earliest->handle)();
  }
}

void TcpConnection::OnUserTimeout() { End(TcpEnd::kUserTimeout); }

void TcpConnection::OnRetransmissionTimeout() {
  const bool syn = SynUnacknowledged();
  if (retransmissions_ >= (syn ? options_.syn_retransmissions_max : options_.data_retransmissions_max)) {
    End(TcpEnd::kTimedOut);  // R2
    return;
  }
  ++retransmissions_;
  ++counters_.timeouts;
  timing_ = false;
  if (syn) {
    syn_timed_out_ = true;
    due_.Add(DueSegment::kSyn);
  } else {
    // A closed window is no sign of congestion.
    if (snd_wnd_ > 0) congestion_.OnTimeout(FlightSize(), snd_max_, retransmissions_ > 1);
    snd_nxt_ = snd_una_;
    due_.Remove(DueSegment::kHeadAgain);
    due_.Add(DueSegment::kForcedData);
  }
  rto_.BackOff();       // RFC 6298 (5.5)
  ArmRetransmission();  // (5.6)
}

void TcpConnection::OnPersistTimeout() {
  due_.Add(DueSegment::kForcedData);
  if (snd_wnd_ == 0) rto_.BackOff();  // SHLD-30
}

void TcpConnection::OnDelayedAckTimeout() { due_.Add(DueSegment::kAck); }

void TcpConnection::OnKeepaliveTimeout() {
  if (FlightSize() > 0 || send_.size() > 0) {  // MUST-26; the retransmission timer detects a dead peer
    RestartKeepalive();
    return;
  }
  if (unanswered_keepalives_ >= options_.keepalive_probes) {
    End(TcpEnd::kKeepaliveTimedOut);
    return;
  }
  ++unanswered_keepalives_;
  due_.Add(DueSegment::kKeepalive);
  keepalive_at_ = now_ + options_.keepalive_interval;
}

void TcpConnection::OnWaitOver() { End(state_ == TcpState::kTimeWait ? TcpEnd::kFinished : TcpEnd::kFinWait2TimedOut); }

void TcpConnection::RestartKeepalive() {
  unanswered_keepalives_ = 0;
  const bool open = state_ == TcpState::kEstablished || state_ == TcpState::kCloseWait || state_ == TcpState::kFinWait2;
  keepalive_at_ = open && options_.keepalive_time.count() > 0 ? now_ + options_.keepalive_time : kNever;
}

void TcpConnection::RestartUserTimeout() {
  const bool waiting = FlightSize() > 0 || send_.size() > 0 || (fin_wanted_ && !fin_sent_);
  user_timeout_at_ = waiting && options_.user_timeout.count() > 0 ? now_ + options_.user_timeout : kNever;
}

void TcpConnection::OnIcmpError(net::Instant now, net::IcmpError::Kind kind, std::uint32_t quoted_sequence) {
  now_ = now;
  if (!IsInFlight(quoted_sequence)) return;
  icmp_error_ = kind;
  const bool connecting = state_ == TcpState::kSynSent || state_ == TcpState::kSynReceived;
  const bool aborts = connecting ? IsHard(kind) || options_.soft_errors_abort_connect
                                 : IsHard(kind) && options_.hard_errors_abort_established;
  if (aborts) End(TcpEnd::kIcmpError);
}

void TcpConnection::OnPathMss(net::Instant now, std::uint16_t mss_bytes, std::uint32_t quoted_sequence) {
  now_ = now;
  if (!IsInFlight(quoted_sequence) || SynUnacknowledged() || mss_bytes >= snd_mss_) return;
  constexpr std::uint32_t kMssMin = 64;
  snd_mss_ = std::max<std::uint32_t>(mss_bytes, kMssMin);
  congestion_.SetSmss(snd_mss_);
  snd_nxt_ = snd_una_;
}

bool TcpConnection::IsInFlight(std::uint32_t sequence) const {
  return state_ != TcpState::kClosed && SeqAtOrBefore(snd_una_, sequence) && SeqBefore(sequence, snd_max_);
}

}  // namespace pinhole::sim
