#include "sim/nat/tcp_tracker.h"

#include <algorithm>

#include "net/contract.h"

namespace pinhole::sim {
namespace {

// The type of an entry of kNext: the next state, or kInvalid or kIgnored.
using State = TcpTrackerState;
constexpr auto kInvalid = static_cast<State>(0xff);
constexpr auto kIgnored = static_cast<State>(0xfe);  // the segment passes, and the state stays

constexpr State NO = State::kNone, SS = State::kSynSent, SR = State::kSynReceived, ES = State::kEstablished,
                FW = State::kFinWait, CW = State::kCloseWait, LA = State::kLastAck, TW = State::kTimeWait,
                CL = State::kClose, S2 = State::kSynSent2, IV = kInvalid, IG = kIgnored;

// Linux's state table, with Linux's abbreviations: the next state by direction (Way), kind of segment (Kind) and
// present state.
constexpr State kNext[2][5][10] = {
    // Way::kOriginal: segments of the side that sent first.
    // clang-format off
    //  NO  SS  SR  ES  FW  CW  LA  TW  CL  S2
    {{SS, SS, IG, IG, IG, IG, IG, SS, SS, S2},    // SYN
     {IV, IV, SR, IV, IV, IV, IV, IV, IV, SR},    // SYN,ACK
     {IV, IV, FW, FW, LA, LA, LA, TW, CL, IV},    // FIN,ACK
     {ES, IV, ES, ES, CW, CW, TW, TW, CL, IV},    // ACK
     {IV, CL, CL, CL, CL, CL, CL, CL, CL, CL}},   // RST
    // Way::kReply: segments of the other side. The rows are SYN, SYN,ACK, FIN,ACK, ACK and RST again.
    {{IV, S2, IV, IV, IV, IV, IV, SS, IV, S2},
     {IV, SR, IG, IG, IG, IG, IG, IG, IG, SR},
     {IV, IV, FW, FW, LA, LA, LA, TW, CL, IV},
     {IV, IG, SR, ES, CW, CW, TW, TW, CL, IG},
     {IV, CL, CL, CL, CL, CL, CL, CL, CL, CL}},
    // clang-format on
};
static_assert(NO == State{});

// An acknowledgment may always lag this many bytes behind the data of the other side, even if the window is smaller.
constexpr std::uint32_t kAckWindowMin = 66000;
constexpr std::uint8_t kScaleMax = 14;  // RFC 7323 §2.3

TcpTracker::Judgement Refuse(Rule rule, std::int64_t number, std::int64_t limit) {
  return {.action = TcpTracker::Action::kRefuse, .rule = rule, .number = number, .limit = limit};
}
TcpTracker::Judgement RefuseFlags(const TcpHeader& segment, TcpTrackerState state) {
  return Refuse(Rule::kTcpState, segment.flags, static_cast<int>(state));
}

std::uint32_t EndOf(const TcpHeader& segment, std::uint32_t payload_bytes) {
  return segment.sequence + TcpSegmentLength(segment, payload_bytes);
}

}  // namespace

TcpTracker::Kind TcpTracker::KindOf(const TcpHeader& segment) {
  switch (segment.flags & (kTcpSyn | kTcpFin | kTcpRst | kTcpAck)) {
    case kTcpSyn:
      return Kind::kSyn;
    case kTcpSyn | kTcpAck:
      return Kind::kSynAck;
    case kTcpFin | kTcpAck:
      return Kind::kFin;
    case kTcpAck:
      return Kind::kAck;
    case kTcpRst:
    case kTcpRst | kTcpAck:
      return Kind::kRst;
    default:
      return Kind::kNone;  // flags that no TCP sends
  }
}

bool TcpTracker::InEstablishedPhase() const { return state_ == ES || state_ == FW || state_ == CW; }

bool TcpTracker::Closing() const {
  return state_ == FW || state_ == CW || state_ == LA || state_ == TW || state_ == CL;
}

std::uint32_t TcpTracker::NextExpected(Way way) const {
  const Side& side = sides_[Index(way)];
  return side.has_ack ? side.ack_max : sides_[Index(Other(way))].end;
}

TcpTracker::Judgement TcpTracker::Start(const TcpTracking& tracking, const TcpHeader& segment,
                                        std::uint32_t payload_bytes) {
  *this = TcpTracker();
  NoteNumbers(Way::kOriginal, segment, payload_bytes);
  if (tracking.depth == TcpDepth::kAddresses) {
    state_ = SS;
    return {};
  }
  const Kind kind = KindOf(segment);
  if (kind == Kind::kSyn) {
    NoteSyn(tracking, Way::kOriginal, segment, EndOf(segment, payload_bytes));
    state_ = SS;
  } else if (kind == Kind::kAck && tracking.loose) {
    Side& sender = sides_[Index(Way::kOriginal)];
    sender.window_max = std::max<std::uint32_t>(segment.window, 1);
    sender.window_end = sender.end + sender.window_max;
    for (Side& side : sides_) side.liberal = side.offers_sack = true;
    state_ = ES;
    latest_.window = segment.window;
  } else if (kind == Kind::kNone) {
    return RefuseFlags(segment, state_);
  } else {
    return {.action = Action::kRefuse, .rule = Rule::kTcpNoConnection};
  }
  latest_.kind = kind;
  return {};
}

TcpTracker::Judgement TcpTracker::OnSegment(const TcpTracking& tracking, Way way, const TcpHeader& segment,
                                            std::uint32_t payload_bytes) {
  if (tracking.depth != TcpDepth::kAddresses) return JudgeFlags(tracking, way, segment, payload_bytes);
  NoteNumbers(way, segment, payload_bytes);
  if (way == Way::kReply) {
    state_ = ES;
    replied_ = true;
  }
  return {};
}

TcpTracker::Judgement TcpTracker::JudgeFlags(const TcpTracking& tracking, Way way, const TcpHeader& segment,
                                             std::uint32_t payload_bytes) {
  const Kind kind = KindOf(segment);
  if (kind == Kind::kNone) return RefuseFlags(segment, state_);
  const bool like_linux = tracking.depth >= TcpDepth::kLinux;
  bool skips_window = false;
  State next = kNext[Index(way)][static_cast<int>(kind)][static_cast<int>(state_)];

  if (crossed_ && !like_linux) {
    const bool own = segment.sequence + 1 == sides_[Index(way)].syn_end;
    const bool again = own && ((kind == Kind::kSyn && state_ == SR) || (kind == Kind::kSynAck && state_ == ES));
    // RFC 5382 §4.2 REQ-2: SYNs that crossed and their SYN,ACKs may be sent again, because the answers may have got
    // lost.
    if (next == kInvalid && again) return {.action = Action::kPassUncounted};
    // RFC 5382 §5: ACKs in both directions mark the beginning of the established phase, and a SYN,ACK is one.
    if (state_ == SR && kind == Kind::kSynAck && !sides_[Index(way)].has_syn_ack) next = ES;
  }
  // RFC 7857 §2, figure 1: closing needs the FINs of both sides. Linux's table takes a FIN that is sent again for the
  // FIN of the other side.
  if (next == LA && state_ != LA && !like_linux && sides_[Index(way)].closed_first) next = state_;
  if (next == kInvalid) return RefuseFlags(segment, state_);
  if (next == kIgnored) return Ignore(tracking, way, segment, payload_bytes);
  if (next == SS && state_ != SS) {
    // RFC 9293 §3.6.1 lets a SYN reopen a connection from TIME-WAIT. Linux does so only if the connection was closed in
    // order or this side has reset it. Otherwise the SYN passes without a change of the state, and its receiver
    // decides.
    const bool ours = latest_.kind == Kind::kRst && latest_.way == way;
    if (!like_linux || sides_[0].closed_first || sides_[1].closed_first || ours) return {.action = Action::kReopen};
    return Ignore(tracking, way, segment, payload_bytes);
  }
  if (next == S2 && way == Way::kReply) {
    if (!tracking.simultaneous_open) {
      return Refuse(Rule::kSimultaneousOpen, segment.flags, static_cast<int>(state_));
    }
    crossed_ = true;
  }
  // After SYNs that crossed, the ACK of either side ends the handshake.
  if (next == SR && way == Way::kReply && kind == Kind::kAck && crossed_) next = ES;
  if (next == TW && state_ == LA && kind == Kind::kAck && latest_.kind == Kind::kSyn && latest_.way != way &&
      latest_.may_be_challenged) {
    latest_.may_be_challenged = false;
    return {.action = Action::kPassUncounted};
  }
  const bool answers_syn = kind == Kind::kSynAck && (state_ == SS || state_ == S2 || next == ES);
  if (answers_syn && tracking.depth >= TcpDepth::kSynAckNumber) {
    const Side& answered = sides_[Index(Other(way))];
    if (segment.acknowledgment != answered.syn_end) {
      return Refuse(Rule::kTcpSynAckNumber, segment.acknowledgment, answered.syn_end);
    }
  }
  if (kind == Kind::kRst && like_linux) {
    const Judgement judgement = JudgeReset(way, segment, skips_window, next);
    if (judgement.action == Action::kRefuse) return judgement;
  }
  if (tracking.depth >= TcpDepth::kWindow && !skips_window) {
    const Judgement judgement = JudgeWindow(tracking, way, segment, payload_bytes);
    if (judgement.action == Action::kRefuse) return judgement;
  } else {
    NoteNumbers(way, segment, payload_bytes);
    if (kind == Kind::kSyn) NoteSyn(tracking, way, segment, EndOf(segment, payload_bytes));
  }
  return Count(tracking, way, kind, next);
}

// Judges a segment whose meaning only its receiver knows. The segment passes, so that its receiver can answer it, and
// is remembered, so that the tracker understands the answer.
TcpTracker::Judgement TcpTracker::Ignore(const TcpTracking& tracking, Way way, const TcpHeader& segment,
                                         std::uint32_t payload_bytes) {
  const Kind kind = KindOf(segment);
  if (way == Way::kReply) replied_ = true;
  if (tracking.depth < TcpDepth::kWindow) return {.action = Action::kPassUncounted};
  if (kind == Kind::kSynAck && latest_.kind == Kind::kSyn && latest_.way != way &&
      segment.acknowledgment == latest_.end) {
    // The SYN,ACK answers a SYN that Ignore() let pass without a change of the state. So the two ends have a new
    // connection, and the tracker begins again with it.
    Side& opener = sides_[Index(latest_.way)];
    opener = Side();
    opener.end = opener.window_end = opener.syn_end = latest_.end;
    opener.window_max = std::max<std::uint32_t>(latest_.window, 1);
    opener.has_syn = true;
    opener.offers_scale = latest_.scale != TcpHeader::kNoWindowScale;
    opener.scale = opener.offers_scale ? latest_.scale : 0;
    opener.offers_sack = latest_.offers_sack;
    sides_[Index(way)] = Side();
    latest_.may_be_challenged = false;
    crossed_ = false;
    const State before = state_;
    state_ = SS;
    const Judgement judgement = JudgeWindow(tracking, way, segment, payload_bytes);
    if (judgement.action == Action::kRefuse) {
      state_ = before;
      return judgement;
    }
    return Count(tracking, way, kind, SR);
  }
  latest_.kind = kind;
  latest_.way = way;
  latest_.sequence = segment.sequence;
  latest_.end = EndOf(segment, payload_bytes);
  latest_.window = segment.window;
  if (kind == Kind::kSyn && way == Way::kOriginal) {
    const bool scales = tracking.depth >= TcpDepth::kLinux && segment.window_scale != TcpHeader::kNoWindowScale;
    latest_.scale = scales ? std::min(segment.window_scale, kScaleMax) : TcpHeader::kNoWindowScale;
    latest_.offers_sack = segment.sack_permitted;
    latest_.may_be_challenged = state_ == LA;
  }
  return {.action = Action::kPassUncounted};
}

// Applies RFC 5961 §3.2 from the middle of the path: only a RST with exactly the next expected number resets for
// certain.
TcpTracker::Judgement TcpTracker::JudgeReset(Way way, const TcpHeader& segment, bool& skips_window,
                                             TcpTrackerState& next) const {
  if (Closing()) {
    skips_window = true;
    return {};
  }
  const Side& receiver = sides_[Index(Other(way))];
  const std::uint32_t sequence = segment.sequence;
  if (receiver.has_ack && latest_.kind != Kind::kSyn) {
    // Whether the connection is established, by the condition of Linux's nf_conntrack_tcp_established().
    const bool established = state_ == ES && assured_;
    if (sequence == 0 && !established) return {};
    if (SeqBefore(sequence, receiver.ack_max)) return Refuse(Rule::kTcpResetNumber, sequence, receiver.ack_max);
    const bool follows = latest_.kind == Kind::kAck && latest_.way == way && sequence == latest_.end;
    if (!established || sequence == receiver.ack_max || follows) return {};
    next = state_;  // the state stays, because the receiver may challenge the RST
  }
  // The RST answers a SYN or ACK that Ignore() let pass without a change of the state.
  const bool answers_ignored = (replied_ && latest_.kind == Kind::kSyn) || (!assured_ && latest_.kind == Kind::kAck);
  if (answers_ignored && segment.acknowledgment == latest_.end) skips_window = true;
  return {};
}

TcpTracker::Judgement TcpTracker::JudgeWindow(const TcpTracking& tracking, Way way, const TcpHeader& segment,
                                              std::uint32_t payload_bytes) {
  Side& sender = sides_[Index(way)];
  Side& receiver = sides_[Index(Other(way))];
  const bool syn = segment.Has(kTcpSyn);
  const bool rst = segment.Has(kTcpRst);
  std::uint32_t sequence = segment.sequence;
  std::uint32_t end = EndOf(segment, payload_bytes);
  std::uint32_t ack = segment.acknowledgment;
  std::uint32_t sack = ack;  // the highest number acknowledged in any way
  if (receiver.offers_sack && tracking.depth >= TcpDepth::kLinux) {
    for (std::size_t i = 0; i < segment.sack_count; ++i) {
      if (SeqBefore(sack, segment.sack[i].right)) sack = segment.sack[i].right;
    }
  }

  // RFC 7857 §2.2. A host without the connection, or a NAT in front of it, sends a RST with sequence number 0
  // (RFC 9293 §3.10.7.1). The number 0 says nothing about the numbers that the sender of the RST will use, so the RST
  // sets no bounds for them.
  const bool of_unknown = rst && sender.window_max == 0;

  const bool repeats_opening = (state_ == SS && way == Way::kOriginal) || (state_ == SR && way == Way::kReply);
  if (syn && sender.window_max == 0) {
    NoteSyn(tracking, way, segment, end);
    if (!segment.Has(kTcpAck)) return {};  // the SYN crosses that of the other side
  } else if (sender.window_max == 0 && !rst) {
    // The first segment that the tracker sees of the sender is from the middle of the connection.
    sender.end = end;
    sender.window_max = std::max<std::uint32_t>(std::uint32_t{segment.window} << sender.scale, 1);
    sender.window_end = end + sender.window_max;
    if (receiver.window_max == 0) {
      receiver.end = receiver.window_end = sack;
    } else if (sack == receiver.end + 1) {
      ++receiver.end;  // answers a keepalive
    }
  } else if (syn && repeats_opening) {
    if (SeqBefore(sender.end, end)) NoteSyn(tracking, way, segment, end);
    sender.syn_end = segment.sequence + 1;
  }
  if (!segment.Has(kTcpAck) || (rst && ack == 0)) ack = sack = receiver.end;
  if (rst && sequence == 0 && state_ == SS) sequence = end = sender.end;

  const std::uint32_t lowest = sender.end - receiver.window_max;
  const std::uint32_t ack_lowest = receiver.end - std::max(kAckWindowMin, sender.window_max);
  Judgement judgement;
  if (!of_unknown && SeqBefore(sender.window_end, sequence)) {
    judgement = Refuse(Rule::kTcpSequenceTooHigh, sequence, sender.window_end);
  } else if (!of_unknown && receiver.window_max != 0 && SeqBefore(end, lowest)) {
    judgement = Refuse(Rule::kTcpSequenceTooLow, end, lowest);
  } else if (SeqBefore(receiver.end, sack)) {
    judgement = Refuse(Rule::kTcpAckTooHigh, sack, receiver.end);
  } else if (SeqBefore(sack, ack_lowest)) {
    judgement = Refuse(Rule::kTcpAckTooLow, sack, ack_lowest);
  }
  if (judgement.action == Action::kRefuse) {
    const bool liberal = sender.liberal || (tracking.liberal && tracking.depth >= TcpDepth::kLinux);
    return liberal ? Judgement() : judgement;
  }
  if (of_unknown) return {};

  const std::uint32_t window = syn ? segment.window : std::uint32_t{segment.window} << sender.scale;
  sender.window_max = std::max(sender.window_max, window + (sack - ack));
  if (SeqBefore(sender.end, end)) {
    sender.end = end;
    sender.unacknowledged = true;
  }
  if (segment.Has(kTcpAck) && (!sender.has_ack || SeqBefore(sender.ack_max, ack))) {
    sender.ack_max = ack;
    sender.has_ack = true;
  }
  if (receiver.window_max != 0 && SeqBefore(sender.window_end, end)) receiver.window_max += end - sender.window_end;
  if (SeqAtOrBefore(receiver.window_end, sack + window)) {
    receiver.window_end = sack + window + (window == 0 ? 1 : 0);
  }
  if (ack == receiver.end) receiver.unacknowledged = false;

  if (KindOf(segment) == Kind::kAck) {
    const bool same = latest_.way == way && latest_.sequence == sequence && latest_.acknowledgment == ack &&
                      latest_.end == end && latest_.window == segment.window;
    if (!same) {
      retransmissions_ = 0;
    } else if (retransmissions_ < 255) {
      ++retransmissions_;
    }
    latest_.sequence = sequence;
    latest_.acknowledgment = ack;
    latest_.end = end;
    latest_.window = segment.window;
  }
  return {};
}

void TcpTracker::NoteNumbers(Way way, const TcpHeader& segment, std::uint32_t payload_bytes) {
  Side& sender = sides_[Index(way)];
  const std::uint32_t end = EndOf(segment, payload_bytes);
  const bool first = sender.end == 0 || segment.Has(kTcpSyn);
  if (first || SeqBefore(sender.end, end)) sender.end = end;
  if (segment.Has(kTcpAck) && (!sender.has_ack || SeqBefore(sender.ack_max, segment.acknowledgment))) {
    sender.ack_max = segment.acknowledgment;
    sender.has_ack = true;
  }
}

void TcpTracker::NoteSyn(const TcpTracking& tracking, Way way, const TcpHeader& segment, std::uint32_t end) {
  Side& sender = sides_[Index(way)];
  Side& receiver = sides_[Index(Other(way))];
  sender.end = sender.window_end = end;
  sender.syn_end = segment.sequence + 1;
  sender.window_max = std::max<std::uint32_t>(segment.window, 1);
  sender.has_syn = true;
  const bool reads_options = tracking.depth >= TcpDepth::kLinux;
  sender.offers_sack = reads_options && segment.sack_permitted;
  sender.offers_scale = reads_options && segment.window_scale != TcpHeader::kNoWindowScale;
  sender.scale = sender.offers_scale ? std::min(segment.window_scale, kScaleMax) : 0;
  // RFC 7323 §1.3: both sides scale, or neither does.
  if (receiver.has_syn && !(sender.offers_scale && receiver.offers_scale)) sender.scale = receiver.scale = 0;
}

TcpTracker::Judgement TcpTracker::Count(const TcpTracking& tracking, Way way, Kind kind, TcpTrackerState next) {
  const bool had_reply = replied_;
  const State before = state_;
  if (way == Way::kReply) replied_ = true;
  latest_.kind = kind;
  latest_.way = way;
  reset_seen_ = false;
  if (kind == Kind::kRst) {
    const bool resets = next == CL;
    switch (tracking.on_reset) {
      case TcpOnReset::kClose:
        if (resets && !had_reply) return {.action = Action::kPassAndForget};
        reset_seen_ = true;
        break;
      case TcpOnReset::kForget:
        if (resets) return {.action = Action::kPassAndForget};
        break;
      case TcpOnReset::kTransitory:
        reset_seen_ = true;
        return {};
      case TcpOnReset::kIgnore:
        return {};
    }
  }
  state_ = next;
  if (kind == Kind::kSynAck) sides_[Index(way)].has_syn_ack = true;
  if (next == FW && before != FW) sides_[Index(way)].closed_first = true;
  if (had_reply && (before == SR || before == ES) && next == ES) assured_ = true;
  return {};
}

net::Duration TcpTracker::Life(const TcpTracking& tracking) const {
  const TcpTimeouts& timeouts = tracking.timeouts;
  const auto of_state = [&] {
    switch (state_) {
      case State::kNone:
      case State::kSynSent:
      case State::kSynSent2:
        return timeouts.syn_sent;
      case State::kSynReceived:
        return timeouts.syn_received;
      case State::kEstablished:
        return timeouts.established;
      case State::kFinWait:
        return timeouts.fin_wait;
      case State::kCloseWait:
        return timeouts.close_wait;
      case State::kLastAck:
        return timeouts.last_ack;
      case State::kTimeWait:
        return timeouts.time_wait;
      case State::kClose:
        return timeouts.close;
    }
    net::CannotHappen();
  };
  if (reset_seen_) return timeouts.close;
  net::Duration life = of_state();
  if (tracking.depth < TcpDepth::kLinux) return life;
  if (timeouts.retransmitted && (retransmissions_ >= tracking.retransmissions_max || latest_.window == 0)) {
    life = std::min(life, *timeouts.retransmitted);
  }
  if (timeouts.unacknowledged) {
    const bool unacknowledged = sides_[0].unacknowledged || sides_[1].unacknowledged;
    const bool one_sided = state_ == ES && !replied_;
    if (unacknowledged || one_sided) life = std::min(life, *timeouts.unacknowledged);
  }
  return life;
}

const char* ToString(TcpTrackerState state) {
  switch (state) {
    case State::kNone:
      return "NONE";
    case State::kSynSent:
      return "SYN_SENT";
    case State::kSynReceived:
      return "SYN_RECV";
    case State::kEstablished:
      return "ESTABLISHED";
    case State::kFinWait:
      return "FIN_WAIT";
    case State::kCloseWait:
      return "CLOSE_WAIT";
    case State::kLastAck:
      return "LAST_ACK";
    case State::kTimeWait:
      return "TIME_WAIT";
    case State::kClose:
      return "CLOSE";
    case State::kSynSent2:
      return "SYN_SENT2";
  }
  net::CannotHappen();
}

}  // namespace pinhole::sim
