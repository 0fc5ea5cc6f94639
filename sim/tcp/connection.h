#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <variant>

#include "net/bytes.h"
#include "net/host.h"
#include "net/time.h"
#include "sim/packet/rule.h"
#include "sim/packet/tcp_header.h"
#include "sim/tcp/congestion.h"
#include "sim/tcp/connection_options.h"
#include "sim/tcp/pending_set.h"
#include "sim/tcp/receive_buffer.h"
#include "sim/tcp/rto.h"
#include "sim/tcp/send_buffer.h"

namespace pinhole::sim {

// The states of RFC 9293 §3.3.2. A TcpConnection is never in LISTEN: a listener makes a connection of each SYN
// (no_connection.h).
enum class TcpState : std::uint8_t {
  kClosed,
  kListen,
  kSynSent,
  kSynReceived,
  kEstablished,
  kFinWait1,
  kFinWait2,
  kCloseWait,
  kClosing,
  kLastAck,
  kTimeWait,
};
// The name of the state in RFC 9293 §3.3.2, such as "SYN-SENT".
const char* ToString(TcpState state);

// The reason why a connection is CLOSED.
enum class TcpEnd : std::uint8_t {
  kNone,               // the connection is not CLOSED, or was never opened
  kFinished,           // both sides finished; TIME-WAIT, if it was ours, is over
  kClosedBeforeOpen,   // by us in SYN-SENT; nothing was sent (RFC 9293 §3.10.4)
  kAborted,            // by us
  kDataLost,           // by us: Close() was called, and unread data was there or came later (RFC 9293 §3.6.1)
  kRefused,            // a RST answered our SYN, or came before the handshake of an active open was over
  kReset,              // a RST came
  kBackToListen,       // a passive open that saw a RST or another SYN before it was established
  kTimedOut,           // R2 retransmissions (RFC 9293 §3.8.3)
  kUserTimeout,        // RFC 9293 §3.10.8
  kKeepaliveTimedOut,  // no answer to any probe
  kFinWait2TimedOut,   // Close() was called and the peer never finished
  kIcmpError,          // icmp_error() says which
};
// Stable lower-case name, such as "timed_out".
const char* ToString(TcpEnd end);

// The result of a user call of RFC 9293 §3.10.1-§3.10.5.
enum class TcpCall : std::uint8_t {
  kOk,
  kDoesNotExist,           // "connection does not exist"
  kAlreadyExists,          // "connection already exists"
  kClosing,                // "connection closing"
  kInsufficientResources,  // "insufficient resources": nothing fits now
};

// One connection, the TCB of RFC 9293, as a value: it knows no addresses, packets, hosts or clock. It has the whole
// state machine of RFC 9293 §3.10; RFC 6298 (timer), 5681 and 6582 (congestion), RFC 7323 §2 (window scale), 2018
// (blocks sent; those received are not needed by NewReno), 5961 (challenge ACKs). Urgent data, ECN and timestamps are
// not modelled.
//
//     TcpConnection tcp(options);
//     tcp.OpenActive(now, isn.Next(now, local, remote));
//     while (auto output = tcp.PollOutput()) ...      // after each input, until it gives nullopt
//     ... sleep until tcp.NextTimer(), then tcp.OnTimer(now); or a segment comes: tcp.OnSegment(now, header, payload)
//
// Segments are made when they are polled, so several inputs at one instant get one ACK. Views in outputs live until the
// next input. `now` never goes back.
// INVARIANT: NextTimer() is net::kNever once CLOSED. Only the two buffers are allocated, once each.
class TcpConnection {
 public:
  // A segment to send: `header`, then the bytes of `first`, then those of `second`. The data is in two pieces because
  // the ring of the send buffer may wrap within it.
  struct SendSegment {
    TcpHeader header;
    net::ByteView first;
    net::ByteView second;
    std::uint64_t stream_offset = 0;  // offset of the first byte in the stream of written bytes
    bool retransmission = false;      // of data, SYN or FIN; whole or in part
    std::size_t payload_bytes() const { return first.size() + second.size(); }
  };
  struct Connected {};     // ESTABLISHED, or a state behind it, was reached
  struct Readable {};      // bytes have arrived for Read()
  struct Writable {};      // there is room again, after a Write() that took less than it was given
  struct PeerFinished {};  // the peer's FIN has arrived: no data comes after the bytes that Read() gives now
  struct Finished {};      // our FIN, and so everything that was written, was acknowledged
  struct Ended {           // the connection is CLOSED; given once, as the last output
    TcpEnd end;
  };
  using Output = std::variant<SendSegment, Connected, Readable, Writable, PeerFinished, Finished, Ended>;

  // The fate of a segment that arrived. If `rule` is not kNone, the connection used nothing of the segment, except the
  // acknowledgment of a segment that arrived at a closed window. An answer, if there is one, is polled as usual.
  struct Verdict {
    Rule rule = Rule::kNone;
    DropState state;
    bool accepted() const { return rule == Rule::kNone; }
  };

  explicit TcpConnection(const TcpConnectionOptions& options);

  // --- User calls (RFC 9293 §3.10.1-§3.10.6) ---

  // Sends a SYN with the sequence number `iss`. kAlreadyExists: the connection was opened before.
  TcpCall OpenActive(net::Instant now, std::uint32_t iss);
  // Opens the connection of a listener that has received `syn` (TcpListen() said `open`), and answers with SYN,ACK.
  // Data on the SYN is ignored, so the peer sends it again. kAlreadyExists: the connection was opened before.
  TcpCall OpenPassive(net::Instant now, std::uint32_t iss, const TcpHeader& syn);

  struct Taken {
    TcpCall status = TcpCall::kOk;
    std::size_t bytes = 0;
  };
  // Takes as many leading bytes as fit; kInsufficientResources: none fits. Bytes that are written before the handshake
  // is over are sent after it.
  Taken Write(net::Instant now, net::ByteView bytes);
  // Gives up to buffer.size() bytes that arrived in sequence. 0 bytes: kOk if more may arrive, kClosing if not.
  Taken Read(net::Instant now, std::span<std::uint8_t> buffer);

  // CLOSE (RFC 9293 §3.10.4): a FIN is sent after all written bytes. The bytes that the peer sends can still be read
  // (half-close, RFC 9293 §3.6.1).
  TcpCall FinishWriting(net::Instant now);
  // CLOSE, after which Read() gives nothing more. If unread bytes are there, or more bytes arrive, the connection is
  // reset (RFC 9293 §3.6.1, SHLD-3).
  TcpCall Close(net::Instant now);
  // ABORT (RFC 9293 §3.10.5): the connection is CLOSED at once. A RST is sent in the states in which the RFC asks for
  // one.
  TcpCall Abort(net::Instant now);
  // STATUS (RFC 9293 §3.10.6).
  TcpState state() const { return state_; }

  // --- The network and the clock ---

  // SEGMENT ARRIVES (RFC 9293 §3.10.7.3-4). `payload` is read during the call. A CLOSED connection ignores every
  // segment (kTcpNotExpected); the owner answers by no_connection.h.
  Verdict OnSegment(net::Instant now, const TcpHeader& segment, net::ByteView payload);
  // An ICMP error has arrived (RFC 9293 §3.9.2.2). It quotes a segment of this side, with the sequence number
  // `quoted_sequence`. An error about a number that is not in flight is taken for a forgery and ignored
  // (RFC 5927 §4.1). Not for kPacketTooBig: see OnPathMss().
  void OnIcmpError(net::Instant now, net::IcmpError::Kind kind, std::uint32_t quoted_sequence);
  // The path takes no segments with more than `mss_bytes` of data and options. The data in flight is sent again in
  // segments of that size. `quoted_sequence`: the sequence number of the segment that was too large.
  void OnPathMss(net::Instant now, std::uint16_t mss_bytes, std::uint32_t quoted_sequence);
  // Handles all timers that have expired. Early and repeated calls are harmless.
  void OnTimer(net::Instant now);
  net::Instant NextTimer() const;
  std::optional<Output> PollOutput();

  // --- Views ---

  TcpEnd end() const { return end_; }
  // The latest ICMP error that was not ignored; nullopt: there was none.
  std::optional<net::IcmpError::Kind> icmp_error() const { return icmp_error_; }
  // In TIME-WAIT: whether this SYN may begin a new connection between the same two endpoints (RFC 9293 §3.6.1, MAY-2).
  // The owner then gives up this connection, and opens a new one passively with an ISS beyond snd_nxt().
  bool MayBeReplacedBy(const TcpHeader& syn) const;

  std::uint32_t iss() const { return iss_; }
  std::uint32_t irs() const { return irs_; }
  std::uint32_t snd_una() const { return snd_una_; }
  std::uint32_t snd_nxt() const { return snd_max_; }  // the first number never sent
  std::uint32_t snd_wnd() const { return snd_wnd_; }  // bytes
  std::uint32_t rcv_nxt() const { return rcv_nxt_; }
  std::uint32_t rcv_wnd() const { return rcv_edge_ - rcv_nxt_; }  // bytes that were offered
  std::uint32_t snd_mss() const { return snd_mss_; }  // Eff.snd.MSS of RFC 9293 §3.7.1, options not yet subtracted
  // The window shifts in use, after both SYNs; 0: no scaling.
  std::uint8_t snd_wind_shift() const { return snd_wind_shift_; }
  std::uint8_t rcv_wind_shift() const { return rcv_wind_shift_; }
  bool sack_in_use() const { return sack_ok_; }
  const RtoEstimator& rto() const { return rto_; }
  const NewReno& congestion() const { return congestion_; }

  std::size_t readable_bytes() const { return receive_.readable_bytes(); }
  std::size_t writable_bytes() const { return send_.free_bytes(); }
  // The bytes that were written and are not acknowledged yet.
  std::size_t unacknowledged_bytes() const { return send_.size(); }
  std::uint64_t bytes_written() const { return send_.stream_begin() + send_.size(); }
  std::uint64_t bytes_acknowledged() const { return send_.stream_begin(); }
  std::uint64_t bytes_read() const { return receive_.stream_read(); }

  struct Counters {
    std::uint64_t segments_sent = 0;
    std::uint64_t segments_received = 0;
    std::uint64_t retransmissions = 0;   // segments
    std::uint64_t timeouts = 0;          // of the retransmission timer
    std::uint64_t fast_retransmits = 0;  // times fast recovery was entered
    std::uint64_t challenge_acks = 0;    // sent
  };
  const Counters& counters() const { return counters_; }

  // The name of an invariant that does not hold, or nullptr. For tests and fuzzers.
  const char* BrokenInvariant() const;

 private:
  // These functions handle arriving segments. They are defined in segment_arrives.cc.
  Verdict OnSegmentSynSent(const TcpHeader& segment, net::ByteView payload);
  Verdict OnSegmentSynchronized(const TcpHeader& segment, net::ByteView payload);
  std::optional<Verdict> CheckSequence(const TcpHeader& segment, std::uint32_t segment_length);
  std::optional<Verdict> CheckReset(const TcpHeader& segment);
  std::optional<Verdict> CheckSyn(const TcpHeader& segment);
  std::optional<Verdict> CheckAck(const TcpHeader& segment, std::uint32_t payload_bytes, std::uint8_t window_shift);
  Verdict TakeText(const TcpHeader& segment, net::ByteView payload);
  void TakeFin();
  void TakeSynOptions(const TcpHeader& syn);
  void EnterEstablished();
  void UpdateSendWindow(const TcpHeader& segment, std::uint8_t window_shift);
  void OnNewlyAcknowledged(std::uint32_t acknowledgment);
  bool MayChallenge();
  void ChallengeAck();
  Verdict OutOfWindow(const TcpHeader& segment) const;

  // These functions change the state of the connection. They are defined in connection.cc.
  TcpCall Finish(net::Instant now);
  void End(TcpEnd end);
  void AbortWithReset(TcpEnd end);
  void EnterTimeWait();
  void StopTimers();

  // These functions make the segments to send. Those without a body here are defined in sender.cc.
  std::optional<Output> NextSegment();
  SendSegment SynSegment();
  SendSegment AckSegment();
  std::optional<SendSegment> HeadAgain();
  std::optional<SendSegment> DataSegment();
  SendSegment MakeData(TcpHeader header, std::uint32_t bytes, bool fin);
  TcpHeader AckHeader(std::uint32_t sequence) const;
  void OnAckSent(TcpHeader& header);
  std::uint32_t WindowToOffer() const;
  std::uint8_t OurWindowScale() const;
  bool SynUnacknowledged() const { return snd_una_ == iss_; }
  std::uint32_t DataEnd() const;
  std::uint32_t FlightSize() const { return snd_max_ - snd_una_; }
  bool SynchronizedAndOpen() const;
  void ArmRetransmission() { retransmit_at_ = now_ + rto_.rto(); }
  void ArmPersist();
  void OnSent(SendSegment& segment, std::uint32_t length);

  // These functions handle timers and ICMP errors. They are defined in timers.cc.
  void OnUserTimeout();
  void OnRetransmissionTimeout();
  void OnPersistTimeout();
  void OnDelayedAckTimeout();
  void OnKeepaliveTimeout();
  void OnWaitOver();
  bool IsInFlight(std::uint32_t sequence) const;
  void RestartKeepalive();
  void RestartUserTimeout();

  static constexpr net::Instant kNever = net::kNever;

  // The reasons to send a segment, in the order in which PollOutput() makes the segments. Data that the windows allow
  // needs no reason: it is sent after kHeadAgain, and its segment replaces that of kAck.
  enum class DueSegment : std::uint8_t {
    kSyn,         // SYN, or SYN,ACK
    kHeadAgain,   // the first segment that is not acknowledged, once more
    kForcedData,  // data or FIN, although the window or silly window avoidance forbids it
    kAck,
    kKeepalive,  // a probe
  };
  // The outputs that are not segments, in the order in which PollOutput() gives them.
  enum class Event : std::uint8_t { kConnected, kReadable, kPeerFinished, kWritable, kFinished, kEnded };

  TcpConnectionOptions options_;
  TcpState state_ = TcpState::kClosed;
  TcpEnd end_ = TcpEnd::kNone;
  std::optional<net::IcmpError::Kind> icmp_error_;
  net::Instant now_{};  // of the latest input

  // Send sequence variables (RFC 9293 §3.3.1). snd_max_ is the RFC's SND.NXT. snd_nxt_ is the next number to send,
  // which goes back to SND.UNA when everything is sent again.
  std::uint32_t iss_ = 0;
  std::uint32_t snd_una_ = 0;
  std::uint32_t snd_nxt_ = 0;
  std::uint32_t snd_max_ = 0;
  std::uint32_t snd_wnd_ = 0;
  std::uint32_t snd_wl1_ = 0;
  std::uint32_t snd_wl2_ = 0;
  std::uint32_t max_snd_wnd_ = 0;
  std::uint32_t snd_mss_ = 0;
  std::uint8_t snd_wind_shift_ = 0;
  // Receive sequence variables (RFC 9293 §3.3.1). rcv_edge_ is RCV.NXT + RCV.WND, the right edge of the window that was
  // offered.
  std::uint8_t rcv_wind_shift_ = 0;
  std::uint32_t irs_ = 0;
  std::uint32_t rcv_nxt_ = 0;
  std::uint32_t rcv_edge_ = 0;

  bool opened_ = false;
  bool passive_ = false;
  bool scale_ok_ = false;  // both SYNs had the option
  bool sack_ok_ = false;
  bool fin_wanted_ = false;                 // the user has finished
  bool fin_sent_ = false;                   // the FIN was sent, with the number snd_max_ - 1
  bool reading_closed_ = false;             // Close()
  bool peer_fin_ = false;                   // the peer's FIN was taken: RCV.NXT is behind it
  std::optional<std::uint32_t> early_fin_;  // the number of a FIN that arrived before all data in front of it

  // The outputs of the next polls: first the RST, then the segments that are due, then the events.
  std::optional<TcpHeader> reset_;
  PendingSet<DueSegment> due_;
  PendingSet<Event> events_;
  bool write_fell_short_ = false;  // Write() took less than it was given, and Writable was not given since

  SendBuffer send_;
  ReceiveBuffer receive_;
  int unacked_segments_ = 0;  // segments with data that arrived since we sent an ACK

  RtoEstimator rto_;
  NewReno congestion_;
  int syns_sent_ = 0;
  bool syn_timed_out_ = false;
  int retransmissions_ = 0;  // of the segment at snd_una_, by timeout
  bool timing_ = false;      // the round-trip time of one segment is being measured (RFC 6298 §3)
  std::uint32_t timed_sequence_ = 0;
  net::Instant timed_at_{};
  net::Instant last_data_sent_{};
  bool probing_ = false;  // the data in flight began as a window probe
  int unanswered_keepalives_ = 0;
  net::Instant challenge_window_began_{};
  int challenges_ = 0;

  // The deadlines of the timers; kNever: the timer is not running.
  net::Instant retransmit_at_ = kNever;
  net::Instant persist_at_ = kNever;
  net::Instant delayed_ack_at_ = kNever;
  net::Instant keepalive_at_ = kNever;
  net::Instant user_timeout_at_ = kNever;
  net::Instant wait_over_at_ = kNever;  // TIME-WAIT; FIN-WAIT-2 after Close()

  Counters counters_;
};

}  // namespace pinhole::sim
