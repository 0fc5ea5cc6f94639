#pragma once

#include <array>
#include <cstdint>

#include "net/time.h"
#include "sim/nat/tcp_behavior.h"
#include "sim/packet/rule.h"
#include "sim/packet/tcp_header.h"

namespace pinhole::sim {

// The states that nf_conntrack gives a connection, which are not its endpoints' (RFC 9293 §3.3.2): both may be
// anywhere, and segments that have passed may get lost.
enum class TcpTrackerState : std::uint8_t {
  kNone,
  kSynSent,      // a SYN went from the side that sent first
  kSynReceived,  // and a SYN,ACK
  kEstablished,  // and an ACK
  kFinWait,      // a FIN
  kCloseWait,    // and its ACK
  kLastAck,      // a second FIN
  kTimeWait,     // and its ACK
  kClose,        // a RST
  kSynSent2,     // the SYNs of both sides crossed
};
// As conntrack prints it: "SYN_SENT2".
const char* ToString(TcpTrackerState state);

// One connection, as a middlebox that sees both directions of it follows it: may this segment pass, and how long
// is the connection to be remembered?
//
//     original  SYN            ACK            FIN         ACK
//     ------> SYN_SENT -> SYN_RECV -> ESTABLISHED -> FIN_WAIT -> CLOSE_WAIT -> LAST_ACK -> TIME_WAIT
//     reply        |  SYN,ACK  ^                                       FIN          ACK
//                SYN `-> SYN_SENT2 (SYN,ACK)                 RST from anywhere -> CLOSE
//
// Two hosts whose SYNs cross send SYN,ACKs that cross too, and then nothing until there is data (RFC 9293 §3.5,
// figure 7). Below TcpDepth::kLinux the second SYN,ACK establishes the connection, as RFC 5382 §5 has it; Linux's
// table waits for an ACK in SYN_RECV.
//
// A value: no clock, no addresses. How much of a segment is looked at is TcpTracking::depth. Numbers are those that
// their senders use; what an ISN-rewriting box does to them is done outside.
class TcpTracker {
 public:
  // From the side that sent the first segment, or to it.
  enum class Way : std::uint8_t { kOriginal, kReply };

  enum class Action : std::uint8_t {
    kPass,           // and the timer starts again with Life()
    kPassUncounted,  // it may be valid or not: its receiver knows. No timer starts
    kPassAndForget,  // and the session is over
    kReopen,         // the segment opens a new connection of the same endpoints, and this one is over
    kRefuse,         // invalid, by `rule`
  };
  struct Judgement {
    Action action = Action::kPass;
    Rule rule = Rule::kNone;
    std::int64_t number = 0;  // see DropState
    std::int64_t limit = 0;
  };

  // The first segment, which is the original way's. kPass or kRefuse.
  Judgement Start(const TcpTracking& tracking, const TcpHeader& segment, std::uint32_t payload_bytes);
  // Any later one.
  Judgement OnSegment(const TcpTracking& tracking, Way way, const TcpHeader& segment, std::uint32_t payload_bytes);

  TcpTrackerState state() const { return state_; }
  // How long the session lives after the last segment that counted.
  net::Duration Life(const TcpTracking& tracking) const;
  // Segments have passed both ways.
  bool replied() const { return replied_; }
  // RFC 5382 §5: data may still flow, at least one way.
  bool InEstablishedPhase() const;
  // The number that follows the last one that this side has sent, and the one that it expects from the other.
  std::uint32_t NextSent(Way way) const { return sides_[Index(way)].end; }
  std::uint32_t NextExpected(Way way) const;

 private:
  // What one side has sent, and so what the other may.
  struct Side {
    std::uint32_t end = 0;         // the number after its last one
    std::uint32_t window_end = 0;  // the highest that it may send: what the other side acknowledged + its window
    std::uint32_t window_max = 0;  // the widest window that it has offered; 0: it has not sent
    std::uint32_t ack_max = 0;     // the highest acknowledgment in its segments, if has_ack
    std::uint32_t syn_end = 0;     // ISN + 1, if has_syn
    std::uint8_t scale = 0;
    bool has_syn = false;
    bool has_syn_ack = false;  // it has sent one that counted
    bool has_ack = false;
    bool offers_scale = false;
    bool offers_sack = false;
    bool liberal = false;         // picked up: its scale is not known
    bool unacknowledged = false;  // it has sent what the other side has not acknowledged
    bool closed_first = false;    // its FIN was the first
  };
  // The latest segment, or a part of it: what rules about answers to it ask.
  enum class Kind : std::uint8_t { kSyn, kSynAck, kFin, kAck, kRst, kNone };
  struct Latest {
    Kind kind = Kind::kNone;
    Way way = Way::kOriginal;
    std::uint32_t sequence = 0, acknowledgment = 0, end = 0;
    std::uint16_t window = 1;
    std::uint8_t scale = TcpHeader::kNoWindowScale;
    bool offers_sack = false;
    bool may_be_challenged = false;  // a SYN passed in LAST_ACK: the next ACK does not answer the FIN
  };

  static std::size_t Index(Way way) { return static_cast<std::size_t>(way); }
  static Way Other(Way way) { return way == Way::kOriginal ? Way::kReply : Way::kOriginal; }
  static Kind KindOf(const TcpHeader& segment);

  Judgement JudgeFlags(const TcpTracking& tracking, Way way, const TcpHeader& segment, std::uint32_t payload_bytes);
  Judgement Ignore(const TcpTracking& tracking, Way way, const TcpHeader& segment, std::uint32_t payload_bytes);
  Judgement JudgeReset(Way way, const TcpHeader& segment, bool& skips_window, TcpTrackerState& next) const;
  Judgement JudgeWindow(const TcpTracking& tracking, Way way, const TcpHeader& segment, std::uint32_t payload_bytes);
  // What a NAT that keeps no windows remembers: enough to answer for either side.
  void NoteNumbers(Way way, const TcpHeader& segment, std::uint32_t payload_bytes);
  void NoteSyn(const TcpTracking& tracking, Way way, const TcpHeader& segment, std::uint32_t end);
  Judgement Count(const TcpTracking& tracking, Way way, Kind kind, TcpTrackerState next);
  bool Closing() const;

  std::array<Side, 2> sides_;
  Latest latest_;
  TcpTrackerState state_ = TcpTrackerState::kNone;
  std::uint8_t retransmissions_ = 0;
  bool replied_ = false;
  bool assured_ = false;     // an ACK of the handshake, or of what was picked up, has been seen
  bool crossed_ = false;     // the SYNs did
  bool reset_seen_ = false;  // the latest segment that counted was a RST
};

}  // namespace pinhole::sim
