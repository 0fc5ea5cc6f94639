#pragma once

#include <array>
#include <cstdint>

#include "net/time.h"
#include "sim/nat/tcp_behavior.h"
#include "sim/packet/rule.h"
#include "sim/packet/tcp_header.h"

namespace pinhole::sim {

// The states that nf_conntrack gives a connection. They are not the states of its endpoints (RFC 9293 §3.3.2), because
// segments that have passed the box may still get lost.
enum class TcpTrackerState : std::uint8_t {
  kNone,
  kSynSent,      // a SYN of the side that sent first
  kSynReceived,  // and a SYN,ACK
  kEstablished,  // and an ACK
  kFinWait,      // a FIN
  kCloseWait,    // and its ACK
  kLastAck,      // a second FIN
  kTimeWait,     // and its ACK
  kClose,        // a RST
  kSynSent2,     // the SYNs of both sides crossed
};
// The name that conntrack prints for the state, such as "SYN_SENT2".
const char* ToString(TcpTrackerState state);

// One connection as a middlebox follows it that sees both directions. The tracker decides whether a segment may pass,
// and how long the connection is remembered.
//
//     original  SYN            ACK            FIN         ACK
//     ------> SYN_SENT -> SYN_RECV -> ESTABLISHED -> FIN_WAIT -> CLOSE_WAIT -> LAST_ACK -> TIME_WAIT
//     reply        |  SYN,ACK  ^                                       FIN          ACK
//                SYN `-> SYN_SENT2 (SYN,ACK)                 RST from anywhere -> CLOSE
//
// Two hosts whose SYNs cross send SYN,ACKs that cross too, and then nothing until there is data (RFC 9293 §3.5, figure
// 7). Below TcpDepth::kLinux the second SYN,ACK establishes the connection (RFC 5382 §5). Linux's table waits in
// SYN_RECV for an ACK.
//
// A value: no clock, no addresses. TcpTracking::depth says how much of a segment is examined. All sequence and
// acknowledgment numbers are those of the sender of a segment; the caller undoes the shifts of a box that rewrites
// ISNs.
class TcpTracker {
 public:
  // The direction of a segment: from the side that sent the first segment, or to that side.
  enum class Way : std::uint8_t { kOriginal, kReply };

  enum class Action : std::uint8_t {
    kPass,           // the segment passes, and the timer starts again with Life()
    kPassUncounted,  // the segment passes; only its receiver can tell whether it is valid, so no timer starts
    kPassAndForget,  // the segment passes, and the session is over
    kReopen,         // this connection is over; the segment opens a new one between the same endpoints
    kRefuse,         // invalid, by `rule`
  };
  struct Judgement {
    Action action = Action::kPass;
    Rule rule = Rule::kNone;
    std::int64_t number = 0;  // see DropState
    std::int64_t limit = 0;
  };

  // Begins the connection with its first segment, whose direction is by definition Way::kOriginal. Returns kPass or
  // kRefuse.
  Judgement Start(const TcpTracking& tracking, const TcpHeader& segment, std::uint32_t payload_bytes);
  // Judges any later segment.
  Judgement OnSegment(const TcpTracking& tracking, Way way, const TcpHeader& segment, std::uint32_t payload_bytes);

  TcpTrackerState state() const { return state_; }
  // How long the session lives after the last segment for which the action was kPass.
  net::Duration Life(const TcpTracking& tracking) const;
  // Whether segments have passed in both directions.
  bool replied() const { return replied_; }
  // Whether data may still flow in at least one direction (RFC 5382 §5).
  bool InEstablishedPhase() const;
  // NextSent(): the sequence number after the last one that the sender of `way` has used. NextExpected(): the number
  // that this sender expects next from the other side.
  std::uint32_t NextSent(Way way) const { return sides_[Index(way)].end; }
  std::uint32_t NextExpected(Way way) const;

 private:
  // The numbers and options that one side has sent, which bound the segments of both sides.
  struct Side {
    std::uint32_t end = 0;         // the number after the last one that this side has sent
    std::uint32_t window_end = 0;  // the end of the numbers that this side may send
    std::uint32_t window_max = 0;  // the widest window that this side has offered; 0: nothing sent yet
    std::uint32_t ack_max = 0;     // the highest acknowledgment that this side has sent, if has_ack
    std::uint32_t syn_end = 0;     // ISN + 1, if has_syn
    std::uint8_t scale = 0;
    bool has_syn = false;
    bool has_syn_ack = false;  // this side has sent a SYN,ACK that counted
    bool has_ack = false;
    bool offers_scale = false;
    bool offers_sack = false;
    bool liberal = false;         // the connection was picked up, so this side's window scale is not known
    bool unacknowledged = false;  // the other side has not acknowledged all data of this side
    bool closed_first = false;    // the FIN of this side was the first
  };
  // The fields of the latest segment that are needed to judge its answer.
  enum class Kind : std::uint8_t { kSyn, kSynAck, kFin, kAck, kRst, kNone };
  struct Latest {
    Kind kind = Kind::kNone;
    Way way = Way::kOriginal;
    std::uint32_t sequence = 0, acknowledgment = 0, end = 0;
    std::uint16_t window = 1;
    std::uint8_t scale = TcpHeader::kNoWindowScale;
    bool offers_sack = false;
    bool may_be_challenged = false;  // a SYN passed in LAST_ACK, so the next ACK does not answer the FIN
  };

  static std::size_t Index(Way way) { return static_cast<std::size_t>(way); }
  static Way Other(Way way) { return way == Way::kOriginal ? Way::kReply : Way::kOriginal; }
  static Kind KindOf(const TcpHeader& segment);

  Judgement JudgeFlags(const TcpTracking& tracking, Way way, const TcpHeader& segment, std::uint32_t payload_bytes);
  Judgement Ignore(const TcpTracking& tracking, Way way, const TcpHeader& segment, std::uint32_t payload_bytes);
  Judgement JudgeReset(Way way, const TcpHeader& segment, bool& skips_window, TcpTrackerState& next) const;
  Judgement JudgeWindow(const TcpTracking& tracking, Way way, const TcpHeader& segment, std::uint32_t payload_bytes);
  // Notes the numbers of a segment at depths without windows, so that a RST can be made for either side.
  void NoteNumbers(Way way, const TcpHeader& segment, std::uint32_t payload_bytes);
  void NoteSyn(const TcpTracking& tracking, Way way, const TcpHeader& segment, std::uint32_t end);
  Judgement Count(const TcpTracking& tracking, Way way, Kind kind, TcpTrackerState next);
  bool Closing() const;

  std::array<Side, 2> sides_;
  Latest latest_;
  TcpTrackerState state_ = TcpTrackerState::kNone;
  std::uint8_t retransmissions_ = 0;
  bool replied_ = false;
  bool assured_ = false;     // the ACK of the handshake, or an answer to a picked-up connection, has been seen
  bool crossed_ = false;     // the SYNs of the two sides have crossed
  bool reset_seen_ = false;  // the latest segment that counted was a RST
};

}  // namespace pinhole::sim
