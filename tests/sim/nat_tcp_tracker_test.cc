#include <gtest/gtest.h>

#include <string>

#include "sim/nat/tcp_tracker.h"
#include "tests/sim/nat_tcp_bench.h"

// The state machine of the tracker alone: nf_conntrack's table, with one test for each kind of segment.
namespace pinhole::sim {
namespace {

using State = TcpTrackerState;
using Way = TcpTracker::Way;
using Action = TcpTracker::Action;
using namespace std::chrono_literals;

constexpr State kStates[] = {State::kSynSent,  State::kSynReceived, State::kEstablished,
                             State::kFinWait,  State::kCloseWait,   State::kLastAck,
                             State::kTimeWait, State::kClose,       State::kSynSent2};
constexpr std::uint8_t kSynAck = kTcpSyn | kTcpAck, kFinAck = kTcpFin | kTcpAck;

// Flags only, so that numbers do not matter; RST closes as in Linux.
constexpr TcpTracking kByFlags{.depth = TcpDepth::kFlags, .on_reset = TcpOnReset::kClose};

// A tracker whose connection is in this state.
TcpTracker In(State state) {
  struct Step {
    State reached;
    Way way;
    std::uint8_t flags;
  };
  const Step closing[] = {{State::kSynReceived, Way::kReply, kSynAck}, {State::kEstablished, Way::kOriginal, kTcpAck},
                          {State::kFinWait, Way::kOriginal, kFinAck},  {State::kCloseWait, Way::kReply, kTcpAck},
                          {State::kLastAck, Way::kReply, kFinAck},     {State::kTimeWait, Way::kOriginal, kTcpAck}};
  TcpTracker tracker;
  tracker.Start(kByFlags, Header({.flags = kTcpSyn, .sequence = kAliceIsn}), 0);
  if (state == State::kSynSent2) {
    tracker.OnSegment(kByFlags, Way::kReply, Header({.flags = kTcpSyn}), 0);
  } else if (state == State::kClose) {
    tracker.OnSegment(kByFlags, Way::kReply, Header({.flags = kSynAck}), 0);
    tracker.OnSegment(kByFlags, Way::kReply, Header({.flags = kTcpRst}), 0);
  } else {
    for (const Step& step : closing) {
      if (tracker.state() == state) break;
      tracker.OnSegment(kByFlags, step.way, Header({.flags = step.flags}), 0);
    }
  }
  EXPECT_EQ(tracker.state(), state);
  return tracker;
}

// The effect of a segment in a state: the name of the next state, or "invalid", "ignored" or "reopens".
std::string Effect(State state, Way way, std::uint8_t flags) {
  TcpTracker tracker = In(state);
  switch (tracker.OnSegment(kByFlags, way, Header({.flags = flags}), 0).action) {
    case Action::kPass:
      return ToString(tracker.state());
    case Action::kPassUncounted:
      EXPECT_EQ(tracker.state(), state);
      return "ignored";
    case Action::kPassAndForget:
      return "forgotten";
    case Action::kReopen:
      return "reopens";
    case Action::kRefuse:
      EXPECT_EQ(tracker.state(), state);
      return "invalid";
  }
  return "";
}
void ExpectRow(Way way, std::uint8_t flags, const char* const (&row)[9]) {
  for (int i = 0; i < 9; ++i) EXPECT_EQ(Effect(kStates[i], way, flags), row[i]) << "in " << ToString(kStates[i]);
}

//                                SYN_SENT  SYN_RECV  ESTABLISHED  FIN_WAIT  CLOSE_WAIT  LAST_ACK  TIME_WAIT  CLOSE
//                                SYN_SENT2
TEST(TcpTrackerTable, OriginalSynIsIgnoredFromSynRecvToLastAckAndReopensAfter) {
  ExpectRow(Way::kOriginal, kTcpSyn,
            {"SYN_SENT", "ignored", "ignored", "ignored", "ignored", "ignored", "reopens", "reopens", "SYN_SENT2"});
}
TEST(TcpTrackerTable, OriginalSynAckIsForCrossingSynsOnly) {
  ExpectRow(Way::kOriginal, kSynAck,
            {"invalid", "SYN_RECV", "invalid", "invalid", "invalid", "invalid", "invalid", "invalid", "SYN_RECV"});
}
// In these states the original side has sent the first FIN, so this FIN is the same one again.
TEST(TcpTrackerTable, OriginalFinWaitsForAnAnswerToTheSyn) {
  ExpectRow(Way::kOriginal, kFinAck,
            {"invalid", "FIN_WAIT", "FIN_WAIT", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE", "invalid"});
}
TEST(TcpTrackerTable, OriginalAckIsInvalidBeforeAnAnswer) {
  ExpectRow(Way::kOriginal, kTcpAck,
            {"invalid", "ESTABLISHED", "ESTABLISHED", "CLOSE_WAIT", "CLOSE_WAIT", "TIME_WAIT", "TIME_WAIT", "CLOSE",
             "invalid"});
}
TEST(TcpTrackerTable, ReplySynCrossesAndLaterIsInvalid) {
  ExpectRow(Way::kReply, kTcpSyn,
            {"SYN_SENT2", "invalid", "invalid", "invalid", "invalid", "invalid", "reopens", "invalid", "SYN_SENT2"});
}
TEST(TcpTrackerTable, ReplySynAckAnswersAndLaterIsIgnored) {
  ExpectRow(Way::kReply, kSynAck,
            {"SYN_RECV", "ignored", "ignored", "ignored", "ignored", "ignored", "ignored", "ignored", "SYN_RECV"});
}
TEST(TcpTrackerTable, ReplyFinWaitsForAnAnswerToTheSyn) {
  ExpectRow(Way::kReply, kFinAck,
            {"invalid", "FIN_WAIT", "FIN_WAIT", "LAST_ACK", "LAST_ACK", "LAST_ACK", "TIME_WAIT", "CLOSE", "invalid"});
}
TEST(TcpTrackerTable, ReplyAckBeforeTheHandshakeMayBeOfAHalfOpenConnection) {
  ExpectRow(
      Way::kReply, kTcpAck,
      {"ignored", "SYN_RECV", "ESTABLISHED", "CLOSE_WAIT", "CLOSE_WAIT", "TIME_WAIT", "TIME_WAIT", "CLOSE", "ignored"});
}
TEST(TcpTrackerTable, ResetCloses) {
  for (const Way way : {Way::kOriginal, Way::kReply}) {
    for (const State state : kStates) {
      // A RST as the first and only answer ends the entry at once.
      EXPECT_EQ(Effect(state, way, kTcpRst), state == State::kSynSent ? "forgotten" : "CLOSE") << ToString(state);
    }
  }
}
TEST(TcpTrackerTable, WhatNoTcpSendsIsInvalidInEveryState) {
  for (const State state : kStates) {
    for (const std::uint8_t flags : {0, kTcpFin + 0, kTcpSyn | kTcpFin, kTcpSyn | kTcpRst, kTcpFin | kTcpRst}) {
      EXPECT_EQ(Effect(state, Way::kOriginal, flags), "invalid") << ToString(state) << " " << int{flags};
    }
  }
}

TEST(TcpTracker, NamesAreConntracks) {
  EXPECT_STREQ(ToString(State::kNone), "NONE");
  EXPECT_STREQ(ToString(State::kSynSent2), "SYN_SENT2");
}

TEST(TcpTracker, OnlyASynOrALooseAckBegins) {
  TcpTracking strict{.depth = TcpDepth::kLinux};
  TcpTracking loose = strict;
  loose.loose = true;
  for (const std::uint8_t flags : {kSynAck, kFinAck, kTcpAck, kTcpRst}) {
    TcpTracker tracker;
    const auto judgement = tracker.Start(strict, Header({.flags = flags}), 0);
    EXPECT_EQ(judgement.rule, Rule::kTcpNoConnection) << int{flags};
    EXPECT_EQ(tracker.Start(loose, Header({.flags = flags}), 0).action,
              flags == kTcpAck ? Action::kPass : Action::kRefuse)
        << int{flags};
  }
  TcpTracker tracker;
  tracker.Start(loose, Header({.flags = kTcpAck}), 0);
  EXPECT_EQ(tracker.state(), State::kEstablished);
}

// The four bounds of the window test. Alice has sent octets up to kAliceIsn + 101. Her peer has acknowledged all of
// them and offered a window of 1000.
class TcpBounds : public testing::Test {
 protected:
  TcpBounds() {
    tracker_.Start(kTracking, Header({.flags = kTcpSyn, .sequence = kAliceIsn}), 0);
    Pass(Way::kReply, {kSynAck, kPeerIsn, kAliceIsn + 1});
    Pass(Way::kOriginal, {kTcpAck, kAliceIsn + 1, kPeerIsn + 1, 100});
    Pass(Way::kReply, {kTcpAck, kPeerIsn + 1, kAliceIsn + 101});
  }
  void Pass(Way way, const Seg& seg) {
    EXPECT_EQ(tracker_.OnSegment(kTracking, way, Header(seg), seg.bytes).action, Action::kPass);
  }
  void Refused(const Seg& seg, Rule rule, std::uint32_t number, std::uint32_t limit) {
    TcpTracker copy = tracker_;
    const auto judgement = copy.OnSegment(kTracking, Way::kOriginal, Header(seg), seg.bytes);
    EXPECT_EQ(judgement.action, Action::kRefuse);
    EXPECT_EQ(judgement.rule, rule) << ToString(judgement.rule);
    EXPECT_EQ(judgement.number, number);
    EXPECT_EQ(judgement.limit, limit);
    TcpTracking liberal = kTracking;
    liberal.liberal = true;
    EXPECT_EQ(tracker_.OnSegment(liberal, Way::kOriginal, Header(seg), seg.bytes).action, Action::kPass);
  }
  static constexpr TcpTracking kTracking{.depth = TcpDepth::kLinux};
  TcpTracker tracker_;
};

TEST_F(TcpBounds, IDataMayBeginAtTheWindowsEndAndNotAfter) {
  Pass(Way::kOriginal, {kTcpAck, kAliceIsn + 1101, kPeerIsn + 1});
  Refused({kTcpAck, kAliceIsn + 1102, kPeerIsn + 1, 1}, Rule::kTcpSequenceTooHigh, kAliceIsn + 1102, kAliceIsn + 1101);
}
TEST_F(TcpBounds, IIDataMayEndAWindowBeforeTheLastAndNotEarlier) {
  Pass(Way::kOriginal, {kTcpAck, kAliceIsn + 101 - 1000 - 1, kPeerIsn + 1, 1});
  Refused({kTcpAck, kAliceIsn + 101 - 1000 - 2, kPeerIsn + 1, 1}, Rule::kTcpSequenceTooLow, kAliceIsn + 101 - 1001,
          kAliceIsn + 101 - 1000);
}
TEST_F(TcpBounds, IIIWhatWasNotSentCannotBeAcknowledged) {
  Pass(Way::kOriginal, {kTcpAck, kAliceIsn + 101, kPeerIsn + 1});
  Refused({kTcpAck, kAliceIsn + 101, kPeerIsn + 2}, Rule::kTcpAckTooHigh, kPeerIsn + 2, kPeerIsn + 1);
}
TEST_F(TcpBounds, IVAnAcknowledgmentMayLag66000) {
  Pass(Way::kOriginal, {kTcpAck, kAliceIsn + 101, kPeerIsn + 1 - 66000});
  Refused({kTcpAck, kAliceIsn + 101, kPeerIsn - 66000}, Rule::kTcpAckTooLow, kPeerIsn - 66000, kPeerIsn + 1 - 66000);
}

// RFC 5961 §3.2: a RST needs exactly the next number, or the number after the data that its sender has sent.
TEST_F(TcpBounds, AResetOfAnEstablishedConnectionNeedsTheExactNumber) {
  Pass(Way::kOriginal, {kTcpAck, kAliceIsn + 101, kPeerIsn + 1});
  TcpTracker inexact = tracker_;
  EXPECT_EQ(inexact.OnSegment(kTracking, Way::kReply, Header({kTcpRst, kPeerIsn + 10}), 0).action, Action::kPass);
  EXPECT_EQ(inexact.state(), State::kEstablished);
  TcpTracker low = tracker_;
  const auto judgement = low.OnSegment(kTracking, Way::kReply, Header({kTcpRst, kPeerIsn}), 0);
  EXPECT_EQ(judgement.rule, Rule::kTcpResetNumber);
  EXPECT_EQ(judgement.number, kPeerIsn);
  EXPECT_EQ(judgement.limit, kPeerIsn + 1);
  TcpTracking closes = kTracking;
  closes.on_reset = TcpOnReset::kClose;
  EXPECT_EQ(tracker_.OnSegment(closes, Way::kReply, Header({kTcpRst, kPeerIsn + 1}), 0).action, Action::kPass);
  EXPECT_EQ(tracker_.state(), State::kClose);
}

// A SYN,ACK's window is not scaled (RFC 7323 §2.2), though later ones are.
TEST(TcpTrackerScale, WhatASynAckOffersIsNotScaled) {
  constexpr TcpTracking kTracking{.depth = TcpDepth::kLinux};
  TcpTracker tracker;
  tracker.Start(kTracking, Header({.flags = kTcpSyn, .sequence = kAliceIsn, .window_scale = 7}), 0);
  const Seg syn_ack{kSynAck, kPeerIsn, kAliceIsn + 1, 0, 1000, 7};
  ASSERT_EQ(tracker.OnSegment(kTracking, Way::kReply, Header(syn_ack), 0).action, Action::kPass);
  TcpTracker beyond = tracker;
  const Seg too_far{kTcpAck, kAliceIsn + 1002, kPeerIsn + 1, 1};
  EXPECT_EQ(beyond.OnSegment(kTracking, Way::kOriginal, Header(too_far), 1).rule, Rule::kTcpSequenceTooHigh);
  const Seg ack{kTcpAck, kAliceIsn + 1, kPeerIsn + 1};
  ASSERT_EQ(tracker.OnSegment(kTracking, Way::kOriginal, Header(ack), 0).action, Action::kPass);
  const Seg scaled{kTcpAck, kPeerIsn + 1, kAliceIsn + 1};  // 1000 << 7
  ASSERT_EQ(tracker.OnSegment(kTracking, Way::kReply, Header(scaled), 0).action, Action::kPass);
  EXPECT_EQ(tracker.OnSegment(kTracking, Way::kOriginal, Header(too_far), 1).action, Action::kPass);
}

// Bound III holds for SACK blocks as for the acknowledgment (nf_conntrack's tcp_sack()).
TEST(TcpTrackerSack, ABlockBeyondWhatWasSentIsRefused) {
  TcpNatBench nat(TcpProfile({.depth = TcpDepth::kLinux}));
  const auto with_sack = [&](const net::SocketAddress& from, const net::SocketAddress& to, const Seg& seg) {
    Packet packet = Tcp(from, to, seg);
    packet.tcp.sack_permitted = true;
    return packet;
  };
  Packet syn = with_sack(kAlice, kPeer, nat.AliceSyn());
  ASSERT_EQ(nat.bench.Out(syn).action, Verdict::Action::kOutside);
  Packet syn_ack = with_sack(kPeer, kAlicePublic, nat.PeerSynAck());
  ASSERT_EQ(nat.bench.nat.FromOutside(nat.bench.now, syn_ack).action, Verdict::Action::kInside);
  ASSERT_TRUE(nat.GoesOut(nat.AliceAck(0, 0, 100)));
  for (const std::uint32_t right : {kAliceIsn + 101, kAliceIsn + 102}) {
    Packet ack = Tcp(kPeer, kAlicePublic, nat.PeerAck());
    ack.tcp.sack_count = 1;
    ack.tcp.sack[0] = {kAliceIsn + 51, right};
    const Rule rule = nat.bench.nat.FromOutside(nat.bench.now, ack).rule;
    EXPECT_EQ(rule, right == kAliceIsn + 101 ? Rule::kNone : Rule::kTcpAckTooHigh);
  }
}

// A host has rebooted. Its SYN passes without a change of state, and the RST that answers it must be let in.
TEST(TcpTrackerReset, TheOneThatAnswersASynOfAnEstablishedConnectionCloses) {
  TcpNatBench nat(LinuxTcp());
  ASSERT_TRUE(nat.Connect());
  ASSERT_TRUE(nat.GetsIn(nat.PeerAck()));
  ASSERT_TRUE(nat.GoesOut({.flags = kTcpSyn, .sequence = 3'000'000'000u}));
  EXPECT_TRUE(nat.GetsIn({kTcpRst | kTcpAck, 0, 3'000'000'001u}));
  EXPECT_EQ(nat.State(), State::kClose);
}

// In CLOSE, a SYN of the side that sent the RST opens the entry anew. A SYN of the other side only passes, and its
// SYN,ACK opens the entry.
TEST(TcpTrackerReopen, InCloseASynOfTheSideThatWasResetWaitsForItsSynAck) {
  TcpNatBench nat(LinuxTcp());
  ASSERT_TRUE(nat.Connect());
  ASSERT_TRUE(nat.GetsIn(nat.PeerAck()));
  ASSERT_TRUE(nat.GetsIn({.flags = kTcpRst, .sequence = kPeerIsn + 1}));
  ASSERT_EQ(nat.State(), State::kClose);
  EXPECT_TRUE(nat.GoesOut({.flags = kTcpSyn, .sequence = 77}));
  EXPECT_EQ(nat.State(), State::kClose);
  EXPECT_TRUE(nat.GetsIn({kSynAck, 99, 78}));
  EXPECT_EQ(nat.State(), State::kSynReceived);
}

}  // namespace
}  // namespace pinhole::sim
