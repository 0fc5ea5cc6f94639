// SEGMENT ARRIVES (RFC 9293 §3.10.7.3 and §3.10.7.4), with the checks in the order of the RFC.
#include <algorithm>

#include "sim/tcp/connection.h"

namespace pinhole::sim {
namespace {

constexpr std::uint32_t kMssMin = 64;  // leaves room for data beside three SACK blocks, even if the peer announces less

TcpConnection::Verdict Drop(Rule rule, std::uint32_t number, std::uint32_t limit) {
  return {.rule = rule, .state = {.number = number, .limit = limit}};
}

}  // namespace

TcpConnection::Verdict TcpConnection::OnSegment(net::Instant now, const TcpHeader& segment, net::ByteView payload) {
  now_ = now;
  ++counters_.segments_received;
  switch (state_) {
    case TcpState::kClosed:
    case TcpState::kListen:
      return Drop(Rule::kTcpNotExpected, segment.sequence, 0);
    case TcpState::kSynSent:
      return OnSegmentSynSent(segment, payload);
    default:
      return OnSegmentSynchronized(segment, payload);
  }
}

// A segment in SYN-SENT (RFC 9293 §3.10.7.3).
TcpConnection::Verdict TcpConnection::OnSegmentSynSent(const TcpHeader& segment, net::ByteView payload) {
  const bool has_ack = segment.Has(kTcpAck);
  if (has_ack && (SeqAtOrBefore(segment.acknowledgment, iss_) || SeqBefore(snd_max_, segment.acknowledgment))) {
    if (!segment.Has(kTcpRst)) reset_ = TcpHeader{.sequence = segment.acknowledgment, .flags = kTcpRst};
    return Drop(Rule::kTcpBadAck, segment.acknowledgment, snd_max_);
  }
  if (segment.Has(kTcpRst)) {
    if (!has_ack) return Drop(Rule::kTcpNotExpected, segment.sequence, 0);
    End(TcpEnd::kRefused);
    return {};
  }
  if (!segment.Has(kTcpSyn)) return Drop(Rule::kTcpNotExpected, segment.sequence, 0);

  TakeSynOptions(segment);
  snd_wnd_ = max_snd_wnd_ = segment.window;  // never scaled in a SYN (RFC 7323 §2.2)
  snd_wl1_ = segment.sequence;
  snd_wl2_ = has_ack ? segment.acknowledgment : iss_;
  if (!has_ack) {  // simultaneous open: SYN,ACK, not ACK
    state_ = TcpState::kSynReceived;
    due_.Add(DueSegment::kSyn);
    return {};
  }
  OnNewlyAcknowledged(segment.acknowledgment);
  EnterEstablished();
  due_.Add(DueSegment::kAck);
  if (payload.empty() && !segment.Has(kTcpFin)) return {};
  TcpHeader rest = segment;
  rest.sequence += 1;
  rest.flags &= static_cast<std::uint8_t>(~kTcpSyn);
  return TakeText(rest, payload);
}

// A segment in any state from SYN-RECEIVED on (RFC 9293 §3.10.7.4).
TcpConnection::Verdict TcpConnection::OnSegmentSynchronized(const TcpHeader& segment, net::ByteView payload) {
  TcpHeader rest = segment;
  std::uint8_t window_shift = snd_wind_shift_;
  if (state_ == TcpState::kSynReceived && segment.Has(kTcpSyn) && !segment.Has(kTcpRst) && segment.sequence == irs_) {
    if (!segment.Has(kTcpAck)) {
      // The peer has sent its SYN again, because it has received no SYN,ACK. The SYN,ACK is repeated: the ACK alone
      // that the first check would send is of no use to the peer.
      if (MayChallenge()) due_.Add(DueSegment::kSyn);
      return OutOfWindow(segment);
    }
    if (!passive_) {
      // The peer's SYN,ACK of a simultaneous open (figure 7 of RFC 9293 §3.5). The SYN has been received before and is
      // cut off; the ACK is new. The window of a SYN,ACK is not scaled (RFC 7323 §2.2).
      window_shift = 0;
      rest.sequence += 1;
      rest.flags &= static_cast<std::uint8_t>(~kTcpSyn);
    }
  }
  const std::uint32_t bytes = static_cast<std::uint32_t>(payload.size());
  if (const auto verdict = CheckSequence(rest, TcpSegmentLength(rest, bytes))) return *verdict;
  if (const auto verdict = CheckReset(rest)) return *verdict;
  if (const auto verdict = CheckSyn(rest)) return *verdict;
  if (const auto verdict = CheckAck(rest, bytes, window_shift)) return *verdict;
  if (state_ == TcpState::kClosed) return {};
  RestartKeepalive();
  return TakeText(rest, payload);
}

TcpConnection::Verdict TcpConnection::OutOfWindow(const TcpHeader& segment) const {
  const bool old = SeqBefore(segment.sequence, rcv_nxt_);
  return Drop(Rule::kTcpOutOfWindow, segment.sequence, old ? rcv_nxt_ : rcv_edge_);
}

// First check of RFC 9293 §3.10.7.4: the acceptance test of table 6, with two exceptions. A segment without data may
// also begin at the right edge of the window. A segment with data that arrives at a closed window passes, so that its
// ACK is used; otherwise two sides that have filled each other's window would ignore each other's ACKs (appendix A.2).
std::optional<TcpConnection::Verdict> TcpConnection::CheckSequence(const TcpHeader& segment,
                                                                   std::uint32_t segment_length) {
  const std::uint32_t sequence = segment.sequence;
  const bool begins_inside = SeqAtOrBefore(rcv_nxt_, sequence) && SeqBefore(sequence, rcv_edge_);
  bool acceptable = begins_inside || sequence == rcv_nxt_;
  if (segment.Has(kTcpRst)) return acceptable ? std::nullopt : std::optional<Verdict>(OutOfWindow(segment));
  if (segment_length == 0) {
    acceptable |= sequence == rcv_edge_;
  } else if (rcv_wnd() > 0) {
    acceptable |= SeqBefore(sequence, rcv_nxt_) && SeqBefore(rcv_nxt_, sequence + segment_length);
  }
  if (acceptable) return std::nullopt;

  if (state_ == TcpState::kTimeWait && segment.Has(kTcpFin) && sequence + segment_length == rcv_nxt_) {
    wait_over_at_ = now_ + options_.time_wait;  // the peer has sent its FIN again: fifth and eighth check, TIME-WAIT
  }
  const bool syn = segment.Has(kTcpSyn);
  if (segment_length == 0 || syn) {
    ChallengeAck();
  } else {
    due_.Add(DueSegment::kAck);
  }
  Verdict verdict = OutOfWindow(segment);
  if (syn && state_ != TcpState::kSynReceived) verdict.rule = Rule::kTcpChallenged;  // RFC 5961 §4.2
  return verdict;
}

// Second check of RFC 9293 §3.10.7.4: the RST bit, with the rules of RFC 5961 §3.2.
std::optional<TcpConnection::Verdict> TcpConnection::CheckReset(const TcpHeader& segment) {
  if (!segment.Has(kTcpRst)) return std::nullopt;
  if (segment.sequence != rcv_nxt_) {
    ChallengeAck();
    return Drop(Rule::kTcpChallenged, segment.sequence, rcv_nxt_);
  }
  if (state_ == TcpState::kSynReceived) {
    End(passive_ ? TcpEnd::kBackToListen : TcpEnd::kRefused);
  } else {
    End(state_ == TcpState::kTimeWait ? TcpEnd::kFinished : TcpEnd::kReset);
  }
  return Verdict{};
}

// Fourth check of RFC 9293 §3.10.7.4: the SYN bit, with the rules of RFC 5961 §4.2.
std::optional<TcpConnection::Verdict> TcpConnection::CheckSyn(const TcpHeader& segment) {
  if (!segment.Has(kTcpSyn)) return std::nullopt;
  if (state_ == TcpState::kSynReceived && passive_) {
    End(TcpEnd::kBackToListen);
    return Drop(Rule::kTcpNotExpected, segment.sequence, rcv_nxt_);
  }
  ChallengeAck();
  return Drop(Rule::kTcpChallenged, segment.sequence, rcv_nxt_);
}

// Fifth check of RFC 9293 §3.10.7.4: the ACK field, with the rules of RFC 5961 §5.2. Ends the connection if the FIN is
// acknowledged in LAST-ACK.
std::optional<TcpConnection::Verdict> TcpConnection::CheckAck(const TcpHeader& segment, std::uint32_t payload_bytes,
                                                              std::uint8_t window_shift) {
  if (!segment.Has(kTcpAck)) return Drop(Rule::kTcpNotExpected, segment.sequence, 0);
  const std::uint32_t acknowledgment = segment.acknowledgment;
  const bool is_new = SeqBefore(snd_una_, acknowledgment);
  const bool too_high = SeqBefore(snd_max_, acknowledgment);
  if (state_ == TcpState::kSynReceived) {
    if (!is_new || too_high) {
      reset_ = TcpHeader{.sequence = acknowledgment, .flags = kTcpRst};
      return Drop(Rule::kTcpBadAck, acknowledgment, snd_max_);
    }
  } else if (too_high || SeqBefore(acknowledgment, snd_una_ - max_snd_wnd_)) {
    ChallengeAck();
    return Drop(Rule::kTcpBadAck, acknowledgment, too_high ? snd_max_ : snd_una_ - max_snd_wnd_);
  }

  const bool opens = SynUnacknowledged() && is_new;
  if (is_new) {
    OnNewlyAcknowledged(acknowledgment);
  } else if (acknowledgment == snd_una_ && FlightSize() > 0 && payload_bytes == 0 && !segment.Has(kTcpFin) &&
             snd_wnd_ > 0 && std::uint32_t{segment.window} << window_shift == snd_wnd_) {
    // A duplicate ACK (RFC 5681 §2).
    if (congestion_.OnDuplicateAck(snd_una_, snd_max_, !sack_ok_ || segment.sack_count > 0)) {
      due_.Add(DueSegment::kHeadAgain);
      ++counters_.fast_retransmits;
    }
  }
  if (opens) {
    snd_wl1_ = segment.sequence - 1;  // so that UpdateSendWindow() takes the window
    EnterEstablished();
  }
  if (!SeqBefore(acknowledgment, snd_una_)) UpdateSendWindow(segment, window_shift);

  if (fin_sent_ && snd_una_ == snd_max_) {
    if (state_ == TcpState::kFinWait1) {
      state_ = TcpState::kFinWait2;
      if (reading_closed_ && options_.fin_wait_2_timeout.count() > 0) {
        wait_over_at_ = now_ + options_.fin_wait_2_timeout;
      }
    } else if (state_ == TcpState::kClosing) {
      EnterTimeWait();
    } else if (state_ == TcpState::kLastAck) {
      End(TcpEnd::kFinished);
    }
  }
  return std::nullopt;
}

void TcpConnection::EnterEstablished() {
  congestion_.Start(snd_mss_, iss_, options_.initial_window_segments, syn_timed_out_);
  if (syn_timed_out_) rto_.OnHandshakeAfterTimeout();  // RFC 6298 (5.7)
  last_data_sent_ = now_;
  // If the user finished in SYN-RECEIVED, the state is FIN-WAIT-1 or later, and nobody waits for Connected.
  if (state_ != TcpState::kSynSent && state_ != TcpState::kSynReceived) return;
  state_ = fin_wanted_ ? TcpState::kFinWait1 : TcpState::kEstablished;
  events_.Add(Event::kConnected);
  RestartKeepalive();
}

void TcpConnection::UpdateSendWindow(const TcpHeader& segment, std::uint8_t window_shift) {
  const bool newer = SeqBefore(snd_wl1_, segment.sequence) ||
                     (snd_wl1_ == segment.sequence && SeqAtOrBefore(snd_wl2_, segment.acknowledgment));
  if (newer) {
    snd_wnd_ = std::uint32_t{segment.window} << window_shift;
    snd_wl1_ = segment.sequence;
    snd_wl2_ = segment.acknowledgment;
    max_snd_wnd_ = std::max(max_snd_wnd_, snd_wnd_);
  }
  if (snd_wnd_ == 0) {
    retransmissions_ = 0;  // the peer is alive and tells us to wait: MUST-37
  } else if (probing_) {
    probing_ = false;
    snd_nxt_ = snd_una_;  // the peer has not taken the probe
    rto_.EndBackOff();
    if (FlightSize() > 0) ArmRetransmission();
  }
}

void TcpConnection::OnNewlyAcknowledged(std::uint32_t acknowledgment) {
  const std::uint32_t syn = SynUnacknowledged() ? 1 : 0;
  const std::uint32_t fin = fin_sent_ && acknowledgment == snd_max_ ? 1 : 0;
  const std::uint32_t bytes = acknowledgment - snd_una_ - syn - fin;
  if (timing_ && SeqBefore(timed_sequence_, acknowledgment)) {
    timing_ = false;
    rto_.OnSample(now_ - timed_at_);
  }
  snd_una_ = acknowledgment;
  if (SeqBefore(snd_nxt_, snd_una_)) snd_nxt_ = snd_una_;
  send_.DropFront(bytes);
  retransmissions_ = 0;
  due_.Remove(DueSegment::kHeadAgain);
  if (syn != 0) due_.Remove(DueSegment::kSyn);

  bool restart_timer = true;
  if (bytes + fin > 0 && syn == 0) {  // RFC 5681 §3.1: the acknowledgment of the SYN does not grow cwnd
    const NewReno::OnAck then = congestion_.OnNewAck(snd_una_, bytes + fin, FlightSize());
    if (then.retransmit_head) due_.Add(DueSegment::kHeadAgain);
    restart_timer = then.restart_timer;
  }
  if (FlightSize() == 0) {
    retransmit_at_ = kNever;  // RFC 6298 (5.2)
    probing_ = false;
    due_.Remove(DueSegment::kForcedData);
  } else if (restart_timer) {
    ArmRetransmission();  // (5.3)
  }
  RestartUserTimeout();
  if (write_fell_short_ && send_.free_bytes() >= std::max(1u, send_.capacity() / 3)) {
    write_fell_short_ = false;
    events_.Add(Event::kWritable);
  }
  if (fin != 0) events_.Add(Event::kFinished);
}

// Seventh and eighth check of RFC 9293 §3.10.7.4: the data and the FIN bit of a segment.
TcpConnection::Verdict TcpConnection::TakeText(const TcpHeader& segment, net::ByteView payload) {
  const bool has_fin = segment.Has(kTcpFin);
  if (payload.empty() && !has_fin) return {};
  if (state_ != TcpState::kEstablished && state_ != TcpState::kFinWait1 && state_ != TcpState::kFinWait2) {
    return Drop(Rule::kTcpNotExpected, segment.sequence, rcv_nxt_);  // behind the peer's FIN
  }
  if (rcv_wnd() == 0) {
    due_.Add(DueSegment::kAck);
    return OutOfWindow(segment);
  }
  // Cuts the data to the part that is new and in the window.
  const std::uint32_t fin_at = segment.sequence + static_cast<std::uint32_t>(payload.size());
  std::uint32_t begin = segment.sequence;
  std::uint32_t end = fin_at;
  if (SeqBefore(begin, rcv_nxt_)) begin = SeqBefore(rcv_nxt_, end) ? rcv_nxt_ : end;
  if (SeqBefore(rcv_edge_, end)) end = rcv_edge_;
  if (early_fin_ && SeqBefore(*early_fin_, end)) end = *early_fin_;
  const std::uint32_t length = SeqBefore(begin, end) ? end - begin : 0;

  if (length > 0) {
    if (reading_closed_) {
      AbortWithReset(TcpEnd::kDataLost);
      return Drop(Rule::kTcpNotExpected, segment.sequence, rcv_nxt_);
    }
    const bool in_order = begin == rcv_nxt_ && receive_.islands() == 0;
    const std::uint64_t next = receive_.next();
    if (!receive_.Store(begin - rcv_nxt_, payload.subspan(begin - segment.sequence, length))) {
      due_.Add(DueSegment::kAck);
      return Drop(Rule::kTcpReassemblyFull, segment.sequence, rcv_nxt_);
    }
    const std::uint32_t advanced = static_cast<std::uint32_t>(receive_.next() - next);
    rcv_nxt_ += advanced;
    if (advanced > 0) events_.Add(Event::kReadable);
    ++unacked_segments_;
    // An ACK is sent for every second segment, and at once if there is a gap (RFC 9293 §3.8.6.3, RFC 5681 §4.2).
    if (!in_order || unacked_segments_ >= 2 || options_.delayed_ack.count() == 0) {
      due_.Add(DueSegment::kAck);
    } else if (delayed_ack_at_ == kNever) {
      delayed_ack_at_ = now_ + options_.delayed_ack;
    }
  } else {
    due_.Add(DueSegment::kAck);
  }
  if (has_fin && SeqBefore(fin_at, rcv_edge_) && !SeqBefore(fin_at, rcv_nxt_)) early_fin_ = fin_at;
  // A FIN whose number is below bytes that have arrived contradicts them, so it is forgotten.
  if (early_fin_ && SeqBefore(*early_fin_, rcv_nxt_)) early_fin_.reset();
  if (early_fin_ && *early_fin_ == rcv_nxt_) TakeFin();
  return {};
}

void TcpConnection::TakeFin() {
  rcv_nxt_ += 1;
  peer_fin_ = true;
  events_.Add(Event::kPeerFinished);
  early_fin_.reset();
  due_.Add(DueSegment::kAck);
  if (state_ == TcpState::kEstablished) {
    state_ = TcpState::kCloseWait;
  } else if (state_ == TcpState::kFinWait1) {
    state_ = TcpState::kClosing;
  } else {
    EnterTimeWait();
  }
}

void TcpConnection::TakeSynOptions(const TcpHeader& syn) {
  irs_ = syn.sequence;
  rcv_nxt_ = irs_ + 1;
  const std::uint16_t peer_mss = syn.mss_bytes != 0 ? syn.mss_bytes : options_.default_mss_bytes;
  snd_mss_ = std::max(kMssMin, std::uint32_t{std::min(peer_mss, options_.mss_bytes)});
  scale_ok_ = options_.window_scale && syn.window_scale != TcpHeader::kNoWindowScale;
  snd_wind_shift_ = scale_ok_ ? std::min<std::uint8_t>(syn.window_scale, 14) : 0;
  rcv_wind_shift_ = scale_ok_ ? OurWindowScale() : 0;
  sack_ok_ = options_.sack_permitted && syn.sack_permitted;
  rcv_edge_ = rcv_nxt_ + std::min(65535u, receive_.capacity());
}

// Limits the rate of challenge ACKs (RFC 5961 §7).
bool TcpConnection::MayChallenge() {
  if (challenges_ == 0 || now_ - challenge_window_began_ >= options_.challenge_ack_interval) {
    challenge_window_began_ = now_;
    challenges_ = 0;
  }
  if (challenges_ >= options_.challenge_acks_max) return false;
  ++challenges_;
  return true;
}

void TcpConnection::ChallengeAck() {
  if (!MayChallenge()) return;
  ++counters_.challenge_acks;
  due_.Add(DueSegment::kAck);
}

}  // namespace pinhole::sim
