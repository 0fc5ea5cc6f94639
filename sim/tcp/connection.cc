#include "sim/tcp/connection.h"

#include <algorithm>
#include <utility>

#include "net/contract.h"

namespace pinhole::sim {

const char* ToString(TcpState state) {
  switch (state) {
    case TcpState::kClosed:
      return "CLOSED";
    case TcpState::kListen:
      return "LISTEN";
    case TcpState::kSynSent:
      return "SYN-SENT";
    case TcpState::kSynReceived:
      return "SYN-RECEIVED";
    case TcpState::kEstablished:
      return "ESTABLISHED";
    case TcpState::kFinWait1:
      return "FIN-WAIT-1";
    case TcpState::kFinWait2:
      return "FIN-WAIT-2";
    case TcpState::kCloseWait:
      return "CLOSE-WAIT";
    case TcpState::kClosing:
      return "CLOSING";
    case TcpState::kLastAck:
      return "LAST-ACK";
    case TcpState::kTimeWait:
      return "TIME-WAIT";
  }
  net::CannotHappen();
}

const char* ToString(TcpEnd end) {
  switch (end) {
    case TcpEnd::kNone:
      return "none";
    case TcpEnd::kFinished:
      return "finished";
    case TcpEnd::kClosedBeforeOpen:
      return "closed_before_open";
    case TcpEnd::kAborted:
      return "aborted";
    case TcpEnd::kDataLost:
      return "data_lost";
    case TcpEnd::kRefused:
      return "refused";
    case TcpEnd::kReset:
      return "reset";
    case TcpEnd::kBackToListen:
      return "back_to_listen";
    case TcpEnd::kTimedOut:
      return "timed_out";
    case TcpEnd::kUserTimeout:
      return "user_timeout";
    case TcpEnd::kKeepaliveTimedOut:
      return "keepalive_timed_out";
    case TcpEnd::kFinWait2TimedOut:
      return "fin_wait_2_timed_out";
    case TcpEnd::kIcmpError:
      return "icmp_error";
  }
  net::CannotHappen();
}

TcpConnection::TcpConnection(const TcpConnectionOptions& options)
    : options_(options), send_(options.send_buffer_bytes), receive_(options.receive_buffer_bytes), rto_(options) {}

TcpCall TcpConnection::OpenActive(net::Instant now, std::uint32_t iss) {
  if (opened_) return TcpCall::kAlreadyExists;
  now_ = now;
  opened_ = true;
  state_ = TcpState::kSynSent;
  iss_ = snd_una_ = iss;
  snd_nxt_ = snd_max_ = iss + 1;
  due_.Add(DueSegment::kSyn);
  RestartUserTimeout();
  return TcpCall::kOk;
}

TcpCall TcpConnection::OpenPassive(net::Instant now, std::uint32_t iss, const TcpHeader& syn) {
  if (opened_) return TcpCall::kAlreadyExists;
  now_ = now;
  opened_ = true;
  passive_ = true;
  state_ = TcpState::kSynReceived;
  iss_ = snd_una_ = iss;
  snd_nxt_ = snd_max_ = iss + 1;
  TakeSynOptions(syn);
  snd_wnd_ = max_snd_wnd_ = syn.window;
  snd_wl1_ = syn.sequence;
  snd_wl2_ = iss;
  due_.Add(DueSegment::kSyn);
  RestartUserTimeout();
  return TcpCall::kOk;
}

TcpConnection::Taken TcpConnection::Write(net::Instant now, net::ByteView bytes) {
  now_ = now;
  if (state_ == TcpState::kClosed) return {.status = TcpCall::kDoesNotExist};
  if (fin_wanted_ || state_ == TcpState::kTimeWait) return {.status = TcpCall::kClosing};
  const bool was_idle = snd_una_ == snd_max_ && send_.size() == 0;
  const std::uint32_t taken = send_.Append(bytes);
  if (taken < bytes.size()) write_fell_short_ = true;
  if (was_idle && taken > 0) RestartUserTimeout();
  return {.status = taken == 0 && !bytes.empty() ? TcpCall::kInsufficientResources : TcpCall::kOk, .bytes = taken};
}

TcpConnection::Taken TcpConnection::Read(net::Instant now, std::span<std::uint8_t> buffer) {
  now_ = now;
  if (reading_closed_) return {.status = TcpCall::kClosing};
  const std::uint32_t given = receive_.Read(buffer);
  if (given == 0) {
    if (state_ == TcpState::kClosed) return {.status = TcpCall::kDoesNotExist};
    const bool nothing_left = peer_fin_ && receive_.readable_bytes() == 0;
    return {.status = nothing_left ? TcpCall::kClosing : TcpCall::kOk};
  }
  // RFC 9293 §3.8.6.2.2: offers the peer a larger window as soon as there is enough room.
  const bool receiving =
      state_ == TcpState::kEstablished || state_ == TcpState::kFinWait1 || state_ == TcpState::kFinWait2;
  if (receiving && WindowToOffer() != rcv_wnd()) due_.Add(DueSegment::kAck);
  return {.status = TcpCall::kOk, .bytes = given};
}

TcpCall TcpConnection::FinishWriting(net::Instant now) {
  if (state_ == TcpState::kClosed) return TcpCall::kDoesNotExist;
  if (fin_wanted_) return TcpCall::kClosing;
  return Finish(now);
}

TcpCall TcpConnection::Close(net::Instant now) {
  now_ = now;
  if (state_ == TcpState::kClosed) return TcpCall::kDoesNotExist;
  if (reading_closed_) return TcpCall::kClosing;
  reading_closed_ = true;
  const bool unread = receive_.readable_bytes() > 0;
  receive_.Release();
  switch (state_) {
    case TcpState::kEstablished:
    case TcpState::kFinWait1:
    case TcpState::kFinWait2:
    case TcpState::kCloseWait:
    case TcpState::kClosing:
    case TcpState::kLastAck:
      if (unread) {
        AbortWithReset(TcpEnd::kDataLost);
        return TcpCall::kOk;
      }
      break;
    default:  // in TIME-WAIT the peer has closed already, so a RST would tell it nothing
      break;
  }
  if (state_ == TcpState::kFinWait2 && options_.fin_wait_2_timeout.count() > 0) {
    wait_over_at_ = now + options_.fin_wait_2_timeout;
  }
  return fin_wanted_ ? TcpCall::kOk : Finish(now);
}

// CLOSE (RFC 9293 §3.10.4). REQUIRES: the connection is open, and Finish() was not called before.
TcpCall TcpConnection::Finish(net::Instant now) {
  PINHOLE_REQUIRES(state_ != TcpState::kClosed && !fin_wanted_);
  now_ = now;
  if (state_ == TcpState::kSynSent) {
    End(TcpEnd::kClosedBeforeOpen);
    return TcpCall::kOk;
  }
  fin_wanted_ = true;
  if (state_ == TcpState::kEstablished || (state_ == TcpState::kSynReceived && send_.size() == 0)) {
    state_ = TcpState::kFinWait1;
  }
  if (FlightSize() == 0 && send_.size() == 0) RestartUserTimeout();
  return TcpCall::kOk;
}

TcpCall TcpConnection::Abort(net::Instant now) {
  now_ = now;
  switch (state_) {
    case TcpState::kClosed:
    case TcpState::kListen:
      return TcpCall::kDoesNotExist;
    case TcpState::kSynReceived:
    case TcpState::kEstablished:
    case TcpState::kFinWait1:
    case TcpState::kFinWait2:
    case TcpState::kCloseWait:
      AbortWithReset(TcpEnd::kAborted);
      return TcpCall::kOk;
    case TcpState::kSynSent:
    case TcpState::kClosing:
    case TcpState::kLastAck:
    case TcpState::kTimeWait:
      End(TcpEnd::kAborted);
      return TcpCall::kOk;
  }
  net::CannotHappen();
}

void TcpConnection::AbortWithReset(TcpEnd end) {
  reset_ = TcpHeader{.sequence = snd_max_, .flags = kTcpRst};
  End(end);
}

void TcpConnection::End(TcpEnd end) {
  state_ = TcpState::kClosed;
  end_ = end;
  StopTimers();
  due_.Clear();
  send_.Release();
  if (end == TcpEnd::kFinished) {
    events_.Remove(Event::kWritable);
  } else {
    receive_.Release();
    events_.Clear();
  }
  events_.Add(Event::kEnded);
}

void TcpConnection::EnterTimeWait() {
  state_ = TcpState::kTimeWait;
  StopTimers();
  send_.Release();
  wait_over_at_ = now_ + options_.time_wait;
}

void TcpConnection::StopTimers() {
  retransmit_at_ = persist_at_ = delayed_ack_at_ = keepalive_at_ = user_timeout_at_ = wait_over_at_ = kNever;
}

std::optional<TcpConnection::Output> TcpConnection::PollOutput() {
  if (std::optional<Output> segment = NextSegment()) return segment;
  const std::optional<Event> event = events_.TakeFirst();
  if (!event) return std::nullopt;
  switch (*event) {
    case Event::kConnected:
      return Connected{};
    case Event::kReadable:
      return Readable{};
    case Event::kPeerFinished:
      return PeerFinished{};
    case Event::kWritable:
      return Writable{};
    case Event::kFinished:
      return Finished{};
    case Event::kEnded:
      return Ended{end_};
  }
  std::abort();
}

bool TcpConnection::MayBeReplacedBy(const TcpHeader& syn) const {
  return state_ == TcpState::kTimeWait && syn.Has(kTcpSyn) && (syn.flags & (kTcpAck | kTcpRst)) == 0 &&
         SeqBefore(rcv_nxt_, syn.sequence);
}

const char* TcpConnection::BrokenInvariant() const {
  if (state_ == TcpState::kClosed) return NextTimer() != kNever ? "no timer runs in CLOSED" : nullptr;
  if (SeqBefore(snd_nxt_, snd_una_) || SeqBefore(snd_max_, snd_nxt_)) {
    return "SND.UNA =< next to send =< SND.NXT (RFC 9293 §3.3.1)";
  }
  if (FlightSize() > send_.size() + 2) return "what is in flight is in the send buffer";
  if (SeqBefore(rcv_edge_, rcv_nxt_)) return "RCV.NXT =< right edge of the window";
  if (!reading_closed_ && rcv_wnd() > receive_.free_bytes()) return "the window that is offered fits the buffer";
  if (early_fin_ && SeqAtOrBefore(*early_fin_, rcv_nxt_)) return "a FIN that waits for what is before it is ahead";
  if (fin_sent_ && !fin_wanted_) return "a FIN is sent only when the user has finished";
  const bool segment_pending =
      due_.Has(DueSegment::kSyn) || due_.Has(DueSegment::kHeadAgain) || due_.Has(DueSegment::kForcedData);
  if (FlightSize() > 0 && !segment_pending && retransmit_at_ == kNever) return "what is in flight has a timer";
  if (FlightSize() == 0 && retransmit_at_ != kNever) return "nothing in flight, no retransmission timer";
  if (state_ == TcpState::kTimeWait && wait_over_at_ == kNever) return "TIME-WAIT ends";
  if (peer_fin_ == (state_ == TcpState::kEstablished || state_ == TcpState::kSynReceived ||
                    state_ == TcpState::kFinWait1 || state_ == TcpState::kFinWait2 || state_ == TcpState::kSynSent)) {
    return "the state says whether the peer has finished";
  }
  return receive_.BrokenInvariant();
}

}  // namespace pinhole::sim
