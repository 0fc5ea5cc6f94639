// Makes the next segment to send, when it is polled. RFC 9293 §3.7.4, §3.8.6.
#include <algorithm>

#include "sim/tcp/connection.h"

namespace pinhole::sim {
namespace {

constexpr std::uint32_t kWindowFieldMax = 65535;
// The override timeout of RFC 9293 §3.8.6.2.1, which must be between 0.1 and 1 s.
constexpr net::Duration kSillyWindowOverride = std::chrono::milliseconds(200);

}  // namespace

std::optional<TcpConnection::Output> TcpConnection::NextSegment() {
  std::optional<Output> segment;
  if (reset_) {
    segment = SendSegment{.header = *reset_};
    reset_.reset();
  } else if (state_ == TcpState::kClosed) {
    return segment;
  } else if (due_.Take(DueSegment::kSyn)) {
    segment = SynSegment();
  } else if (due_.Take(DueSegment::kHeadAgain)) {
    if (const std::optional<SendSegment> again = HeadAgain()) segment = *again;
  }
  if (!segment) {
    if (const std::optional<SendSegment> data = DataSegment()) segment = *data;
  }
  if (!segment && (due_.Has(DueSegment::kAck) || due_.Has(DueSegment::kKeepalive))) segment = AckSegment();
  if (segment) ++counters_.segments_sent;
  return segment;
}

TcpConnection::SendSegment TcpConnection::SynSegment() {
  const bool with_ack = state_ != TcpState::kSynSent;
  TcpHeader header{.sequence = iss_,
                   .window = static_cast<std::uint16_t>(std::min(kWindowFieldMax, receive_.capacity())),
                   .mss_bytes = options_.mss_bytes,
                   .flags = kTcpSyn};
  if (with_ack) {
    header.flags |= kTcpAck;
    header.acknowledgment = rcv_nxt_;
    due_.Remove(DueSegment::kAck);
  }
  if (with_ack ? scale_ok_ : options_.window_scale.has_value()) header.window_scale = OurWindowScale();
  header.sack_permitted = with_ack ? sack_ok_ : options_.sack_permitted;

  const bool again = ++syns_sent_ > 1;
  if (again) {
    ++counters_.retransmissions;
  } else {
    timed_sequence_ = iss_;
    timed_at_ = now_;
  }
  timing_ = !again;
  ArmRetransmission();
  return {.header = header, .retransmission = again};
}

// The window shift that the SYN offers, if window scaling is offered.
std::uint8_t TcpConnection::OurWindowScale() const {
  constexpr std::uint32_t kUnitsMin = 64;
  std::uint8_t shift = std::min<std::uint8_t>(options_.window_scale.value_or(0), 14);
  while (shift > 0 && receive_.capacity() >> shift < kUnitsMin) --shift;
  return shift;
}

// The RCV.WND to offer now. The right edge stays where it is until it can move far enough (RFC 9293 §3.8.6.2.2).
std::uint32_t TcpConnection::WindowToOffer() const {
  const std::uint32_t now_offered = rcv_wnd();
  if (reading_closed_) return now_offered;
  const std::uint32_t room = std::min(receive_.free_bytes(), kWindowFieldMax << rcv_wind_shift_);
  const std::uint32_t possible = room >> rcv_wind_shift_ << rcv_wind_shift_;
  const std::uint32_t enough = std::min(std::max(1u, receive_.capacity() / 2), snd_mss_);
  return possible > now_offered && room - now_offered >= enough ? possible : now_offered;
}

TcpHeader TcpConnection::AckHeader(std::uint32_t sequence) const {
  TcpHeader header{.sequence = sequence, .acknowledgment = rcv_nxt_, .flags = kTcpAck};
  header.window = static_cast<std::uint16_t>(std::min(WindowToOffer() >> rcv_wind_shift_, kWindowFieldMax));
  if (sack_ok_ && receive_.islands() > 0) {
    header.sack_count = static_cast<std::uint8_t>(receive_.SackBlocks(rcv_nxt_, header.sack));
  }
  return header;
}

// Called when `header`, which AckHeader() made, is sent.
void TcpConnection::OnAckSent(TcpHeader& header) {
  const std::uint32_t edge = rcv_nxt_ + (std::uint32_t{header.window} << rcv_wind_shift_);
  if (SeqBefore(rcv_edge_, edge)) rcv_edge_ = edge;
  due_.Remove(DueSegment::kAck);
  delayed_ack_at_ = kNever;
  unacked_segments_ = 0;
}

TcpConnection::SendSegment TcpConnection::AckSegment() {
  // <SEQ=SND.NXT>, unless this number is so far beyond the peer's window that the peer would not accept it. This
  // happens after a window probe, or when the peer has shrunk its window.
  const std::uint32_t window_end = snd_una_ + snd_wnd_;
  const bool beyond = SeqBefore(window_end, snd_max_) && (probing_ || snd_max_ - window_end >= 1u << snd_wind_shift_);
  TcpHeader header = AckHeader(beyond ? window_end : snd_max_);
  if (due_.Take(DueSegment::kKeepalive)) header.sequence = snd_max_ - 1;  // RFC 9293 §3.8.4
  OnAckSent(header);
  return {.header = header};
}

// The sequence number behind the last byte that was written.
std::uint32_t TcpConnection::DataEnd() const { return snd_una_ + (SynUnacknowledged() ? 1 : 0) + send_.size(); }

// A segment with `header`, which AckHeader() made, and `bytes` bytes of data from its sequence number on.
TcpConnection::SendSegment TcpConnection::MakeData(TcpHeader header, std::uint32_t bytes, bool fin) {
  const std::uint32_t offset = header.sequence - (DataEnd() - send_.size());
  const SendBuffer::Run run = send_.View(bytes == 0 ? 0 : offset, bytes);
  if (bytes > 0 && header.sequence + bytes == DataEnd()) header.flags |= kTcpPsh;
  if (fin) header.flags |= kTcpFin;
  SendSegment segment{
      .header = header, .first = run.first, .second = run.second, .stream_offset = send_.stream_begin() + offset};
  OnAckSent(segment.header);
  OnSent(segment, bytes + (fin ? 1 : 0));
  if (fin) {
    fin_sent_ = true;
    if (state_ == TcpState::kCloseWait) state_ = TcpState::kLastAck;
  }
  return segment;
}

void TcpConnection::OnSent(SendSegment& segment, std::uint32_t length) {
  const std::uint32_t sequence = segment.header.sequence;
  segment.retransmission = SeqBefore(sequence, snd_max_);
  if (segment.retransmission) {
    timing_ = false;  // Karn
    ++counters_.retransmissions;
  } else if (!timing_) {
    timing_ = true;
    timed_sequence_ = sequence;
    timed_at_ = now_;
  }
  if (SeqBefore(snd_max_, sequence + length)) snd_max_ = sequence + length;
  last_data_sent_ = now_;
  persist_at_ = kNever;
  if (retransmit_at_ == kNever) ArmRetransmission();  // RFC 6298 (5.1)
}

// Sends the first unacknowledged segment again, even if the windows forbid it (RFC 5681 §3.2 step 3).
std::optional<TcpConnection::SendSegment> TcpConnection::HeadAgain() {
  if (FlightSize() == 0 || SynUnacknowledged()) return std::nullopt;
  const TcpHeader header = AckHeader(snd_una_);
  const std::uint32_t in_flight = FlightSize() - (fin_sent_ ? 1 : 0);
  const std::uint32_t bytes = std::min(in_flight, snd_mss_ - (TcpHeaderBytes(header) - 20));
  return MakeData(header, bytes, fin_sent_ && bytes == in_flight);
}

bool TcpConnection::SynchronizedAndOpen() const {
  switch (state_) {
    case TcpState::kEstablished:
    case TcpState::kFinWait1:
    case TcpState::kCloseWait:
    case TcpState::kClosing:
    case TcpState::kLastAck:
      return true;
    default:
      return false;
  }
}

// The next segment from snd_nxt_ on: new data, or after a timeout data that is sent again. Applies the sender's side of
// silly window avoidance (RFC 9293 §3.8.6.2.1) and the Nagle algorithm.
std::optional<TcpConnection::SendSegment> TcpConnection::DataSegment() {
  if (!SynchronizedAndOpen()) return std::nullopt;
  if (SynUnacknowledged()) {  // the user finished in SYN-RECEIVED and has written nothing
    if (!fin_wanted_ || fin_sent_ || send_.size() > 0) return std::nullopt;
    SendSegment segment = MakeData(AckHeader(snd_nxt_), 0, true);
    snd_nxt_ = snd_max_;
    return segment;
  }
  const std::uint32_t data_end = DataEnd();
  const bool fin_due = fin_wanted_ && SeqAtOrBefore(snd_nxt_, data_end);
  const std::uint32_t unsent = SeqBefore(snd_nxt_, data_end) ? data_end - snd_nxt_ : 0;
  const bool forced = due_.Take(DueSegment::kForcedData);
  if (unsent == 0 && !fin_due) {
    persist_at_ = kNever;
    return std::nullopt;
  }
  const bool idle = FlightSize() == 0;
  if (idle && now_ - last_data_sent_ > rto_.rto()) congestion_.OnIdle();

  const TcpHeader header = AckHeader(snd_nxt_);
  const std::uint32_t mss = snd_mss_ - (TcpHeaderBytes(header) - 20);
  const std::uint32_t window_end = snd_una_ + std::min(snd_wnd_, congestion_.window());
  const std::uint32_t usable = SeqBefore(snd_nxt_, window_end) ? window_end - snd_nxt_ : 0;
  const std::uint32_t bytes = std::min({unsent, mss, forced ? std::max(usable, 1u) : usable});
  const bool all = bytes == unsent;
  const bool fin = fin_due && all && (usable > bytes || (forced && bytes == 0));
  const bool again = SeqBefore(snd_nxt_, snd_max_);
  const bool nagle_allows = !options_.nagle || idle;
  const bool worth_it =
      bytes == mss || again || (all && (fin_wanted_ || nagle_allows)) || (nagle_allows && bytes >= max_snd_wnd_ / 2);
  if ((bytes == 0 && !fin) || (!worth_it && !forced)) {
    if (idle && persist_at_ == kNever) ArmPersist();
    return std::nullopt;
  }
  if (forced && snd_wnd_ == 0) probing_ = true;
  SendSegment segment = MakeData(header, bytes, fin);
  snd_nxt_ += bytes + (fin ? 1 : 0);
  return segment;
}

// Starts the persist timer when nothing is in flight and the window is too small. A closed window is probed,
// RFC 9293 §3.8.6.1. A small window is used after the override timeout of RFC 9293 §3.8.6.2.1.
void TcpConnection::ArmPersist() { persist_at_ = now_ + (snd_wnd_ == 0 ? rto_.rto() : kSillyWindowOverride); }

}  // namespace pinhole::sim
