// RFC 9293 §3.10.7.4: segments that arrive in SYN-RECEIVED and the states behind it, by the RFC's checks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/tcp_bench.h"

namespace pinhole::sim {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

// The states in which data of the peer may arrive.
constexpr TcpState kReceiving[] = {TcpState::kEstablished, TcpState::kFinWait1, TcpState::kFinWait2};
constexpr TcpState kSynchronized[] = {TcpState::kEstablished, TcpState::kFinWait1, TcpState::kFinWait2,
                                      TcpState::kCloseWait,   TcpState::kClosing,  TcpState::kLastAck,
                                      TcpState::kTimeWait};
constexpr TcpState kSynReceivedOrLater[] = {TcpState::kSynReceived, TcpState::kEstablished, TcpState::kFinWait1,
                                            TcpState::kFinWait2,    TcpState::kCloseWait,   TcpState::kClosing,
                                            TcpState::kLastAck,     TcpState::kTimeWait};

std::string AckNow(const TcpBench& bench) {
  return absl::StrCat("<SEQ=", bench.tcp.snd_nxt(), "><ACK=", bench.tcp.rcv_nxt(), "><CTL=ACK>");
}

// --- First: the sequence number, table 6 ---

struct Row {
  const char* what;
  std::uint32_t sequence;  // RCV.NXT is 5001
  std::size_t bytes;
  bool acceptable;
};

void CheckRows(std::uint16_t buffer, const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    TcpConnectionOptions options = TcpBench::Plain();
    options.receive_buffer_bytes = 1000;
    TcpBench bench(options);
    bench.In(TcpState::kEstablished);
    if (buffer == 0) {  // fill the window; RCV.NXT is 6001
      bench.ReceiveData(5001, 1000);
      bench.TakeSent();
      ASSERT_EQ(bench.tcp.rcv_wnd(), 0u);
    }
    const Rule rule = bench.Receive({.sequence = row.sequence, .acknowledgment = 1001, .payload_bytes = row.bytes});
    EXPECT_EQ(rule, row.acceptable ? Rule::kNone : Rule::kTcpOutOfWindow);
    if (!row.acceptable) {
      EXPECT_THAT(bench.TakeSent(), ElementsAre(AckNow(bench)));
      EXPECT_EQ(bench.verdict.state.number, row.sequence);
    }
  }
}

TEST(Rfc9293, Section3_10_7_4_Table6OpenWindow) {
  CheckRows(1000, {{"empty, before", 5000, 0, false},
                   {"empty, at RCV.NXT", 5001, 0, true},
                   {"empty, last of the window", 6000, 0, true},
                   {"empty, at the right edge (appendix A.2)", 6001, 0, true},
                   {"empty, behind the right edge", 6002, 0, false},
                   {"data, all old", 4901, 100, false},
                   {"data, last octet new", 4902, 100, true},
                   {"data, at RCV.NXT", 5001, 100, true},
                   {"data, first octet is the window's last", 6000, 100, true},
                   {"data, behind the window", 6001, 100, false}});
}

TEST(Rfc9293, Section3_10_7_4_Table6ClosedWindow) {
  CheckRows(0, {{"empty, at RCV.NXT", 6001, 0, true},
                {"empty, before", 6000, 0, false},
                {"empty, behind", 6002, 0, false},
                {"data, at RCV.NXT", 6001, 1, false},
                {"data, old", 5901, 100, false}});
}

TEST(Rfc9293, Section3_10_7_4_UnacceptableSegmentNamesTheBoundItMissed) {
  TcpBench bench;
  bench.In(TcpState::kEstablished);
  bench.ReceiveData(4000, 10);
  EXPECT_EQ(bench.verdict.state.limit, 5001);
  bench.ReceiveData(5001 + 70000, 10);
  EXPECT_EQ(bench.verdict.state.limit, 5001 + 65535);
}

TEST(Rfc9293, Section3_10_7_4_UnacceptableSegmentInEveryStateIsAnsweredWithAck) {
  for (const TcpState state : kSynReceivedOrLater) {
    SCOPED_TRACE(ToString(state));
    TcpBench bench;
    bench.In(state);
    EXPECT_EQ(bench.ReceiveData(4000, 10), Rule::kTcpOutOfWindow);
    EXPECT_THAT(bench.TakeSent(), ElementsAre(AckNow(bench)));
    EXPECT_EQ(bench.tcp.state(), state);
  }
}

TEST(Rfc9293, Section3_10_7_4_AClosedWindowStillTakesValidAcks) {
  TcpConnectionOptions options = TcpBench::Plain();
  options.receive_buffer_bytes = 1000;
  TcpBench bench(options);
  bench.In(TcpState::kEstablished);
  bench.Write(10);
  bench.ReceiveData(5001, 1000);
  EXPECT_EQ(bench.Receive({.sequence = 6001, .acknowledgment = 1011, .payload_bytes = 1}), Rule::kTcpOutOfWindow);
  EXPECT_EQ(bench.tcp.snd_una(), 1011u);
}

TEST(Rfc9293, Section3_10_7_4_OnlyTheNewPartOfAStraddlingSegmentIsTaken) {
  TcpBench bench;
  bench.In(TcpState::kEstablished);
  bench.ReceiveData(5001, 10);
  bench.ReceiveData(5006, 10);
  EXPECT_EQ(bench.tcp.rcv_nxt(), 5016u);
  EXPECT_EQ(bench.Read(99).bytes, 15u);
  for (std::size_t i = 0; i < 15; ++i) EXPECT_EQ(bench.read[i], static_cast<std::uint8_t>(5001 + i));
}

// SHLD-31.
TEST(Rfc9293, Section3_10_7_4_SegmentsBehindAGapAreHeld) {
  TcpBench bench;
  bench.In(TcpState::kEstablished);
  EXPECT_EQ(bench.ReceiveData(5011, 10), Rule::kNone);
  EXPECT_EQ(bench.Read(99).bytes, 0u);
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=1001><ACK=5001><CTL=ACK>"));
  bench.ReceiveData(5001, 10);
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=1001><ACK=5021><CTL=ACK>"));
  EXPECT_EQ(bench.Read(99).bytes, 20u);
}

TEST(Rfc9293, Section3_10_7_4_ASynAgainInSynReceivedGetsTheSynAckAgain) {
  for (const bool passive : {false, true}) {
    SCOPED_TRACE(passive ? "passive" : "active");
    TcpBench bench;
    passive ? bench.InPassive() : bench.In(TcpState::kSynReceived);
    EXPECT_EQ(bench.Receive({.sequence = 5000, .flags = kTcpSyn}), Rule::kTcpOutOfWindow);
    EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=1000><ACK=5001><CTL=SYN,ACK>"));
  }
}

// --- Second: RST, with RFC 5961 §3 ---

TEST(Rfc9293, Section3_10_7_4_RstOutsideTheWindowIsDroppedSilently) {
  for (const TcpState state : kSynReceivedOrLater) {
    SCOPED_TRACE(ToString(state));
    TcpBench bench;
    bench.In(state);
    for (const std::uint32_t sequence : {bench.tcp.rcv_nxt() - 1, bench.tcp.rcv_nxt() + bench.tcp.rcv_wnd()}) {
      SCOPED_TRACE(sequence);
      EXPECT_EQ(bench.Receive({.sequence = sequence, .flags = kTcpRst}), Rule::kTcpOutOfWindow);
    }
    EXPECT_THAT(bench.TakeSent(), IsEmpty());
    EXPECT_EQ(bench.tcp.state(), state);
  }
}

TEST(Rfc9293, Section3_10_7_4_RstInTheWindowButNotAtRcvNxtIsChallenged) {
  for (const TcpState state : kSynReceivedOrLater) {
    SCOPED_TRACE(ToString(state));
    TcpBench bench;
    bench.In(state);
    EXPECT_EQ(bench.Receive({.sequence = bench.tcp.rcv_nxt() + 1, .flags = kTcpRst}), Rule::kTcpChallenged);
    EXPECT_EQ(bench.verdict.state.limit, bench.tcp.rcv_nxt());
    EXPECT_THAT(bench.TakeSent(), ElementsAre(AckNow(bench)));
    EXPECT_EQ(bench.tcp.state(), state);
  }
}

TEST(Rfc9293, Section3_10_7_4_RstInSynReceivedRefusesAnActiveOpen) {
  TcpBench bench;
  bench.In(TcpState::kSynReceived);
  bench.Receive({.sequence = 5001, .flags = kTcpRst});
  EXPECT_THAT(bench.TakeEvents(), ElementsAre("ended: refused"));
}

TEST(Rfc9293, Section3_10_7_4_RstInSynReceivedReturnsAPassiveOpenToListen) {
  TcpBench bench;
  bench.InPassive();
  bench.Receive({.sequence = 5001, .flags = kTcpRst});
  EXPECT_THAT(bench.TakeEvents(), ElementsAre("ended: back_to_listen"));
  EXPECT_EQ(bench.tcp.NextTimer(), net::kNever);
}

TEST(Rfc9293, Section3_10_7_4_RstAtRcvNxtResets) {
  for (const TcpState state : kSynchronized) {
    SCOPED_TRACE(ToString(state));
    TcpBench bench;
    bench.In(state);
    EXPECT_EQ(bench.Receive({.sequence = bench.tcp.rcv_nxt(), .flags = kTcpRst}), Rule::kNone);
    EXPECT_THAT(bench.TakeSent(), IsEmpty());
    EXPECT_THAT(bench.TakeEvents(), ElementsAre(state == TcpState::kTimeWait ? "ended: finished" : "ended: reset"));
    EXPECT_EQ(bench.tcp.NextTimer(), net::kNever);
  }
}

TEST(Rfc9293, Section3_10_7_4_RstAtRcvNxtResetsThroughAClosedWindow) {
  TcpConnectionOptions options = TcpBench::Plain();
  options.receive_buffer_bytes = 1000;
  TcpBench bench(options);
  bench.In(TcpState::kEstablished);
  bench.ReceiveData(5001, 1000);
  EXPECT_EQ(bench.Receive({.sequence = 6002, .flags = kTcpRst}), Rule::kTcpOutOfWindow);
  bench.Receive({.sequence = 6001, .flags = kTcpRst});
  EXPECT_EQ(bench.tcp.end(), TcpEnd::kReset);
}

// --- Fourth: SYN, with RFC 5961 §4 ---

TEST(Rfc9293, Section3_10_7_4_SynInSynReceivedReturnsAPassiveOpenToListen) {
  TcpBench bench;
  bench.InPassive();
  bench.Receive({.sequence = 5007, .flags = kTcpSyn});
  EXPECT_THAT(bench.TakeSent(), IsEmpty());
  EXPECT_THAT(bench.TakeEvents(), ElementsAre("ended: back_to_listen"));
}

TEST(Rfc9293, Section3_10_7_4_SynInSynReceivedOfAnActiveOpenIsChallenged) {
  TcpBench bench;
  bench.In(TcpState::kSynReceived);
  EXPECT_EQ(bench.Receive({.sequence = 5007, .flags = kTcpSyn}), Rule::kTcpChallenged);
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=1001><ACK=5001><CTL=ACK>"));
}

TEST(Rfc9293, Section3_10_7_4_SynIsChallengedWhateverItsNumber) {
  for (const TcpState state : kSynchronized) {
    for (const std::uint32_t sequence : {4000u, 5000u, 5002u, 5100u, 900000u}) {
      SCOPED_TRACE(testing::Message() << ToString(state) << " " << sequence);
      TcpBench bench;
      bench.In(state);
      EXPECT_EQ(bench.Receive({.sequence = sequence, .acknowledgment = 1001, .flags = kTcpSyn}), Rule::kTcpChallenged);
      EXPECT_THAT(bench.TakeSent(), ElementsAre(AckNow(bench)));
      EXPECT_EQ(bench.tcp.state(), state);
    }
  }
}

TEST(Rfc9293, Section3_10_7_4_ASynAckAgainIsAcknowledgedAgain) {
  TcpBench bench;
  bench.In(TcpState::kEstablished);
  bench.Receive({.sequence = 5000, .acknowledgment = 1001, .flags = kTcpSyn | kTcpAck});
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=1001><ACK=5001><CTL=ACK>"));
}

// RFC 5961 §7: ten in five seconds.
TEST(Rfc9293, Section3_10_7_4_ChallengeAcksAreLimited) {
  TcpBench bench;
  bench.In(TcpState::kEstablished);
  for (int i = 0; i < 30; ++i) bench.Receive({.sequence = 5002, .flags = kTcpRst});
  EXPECT_EQ(bench.TakeSent().size(), 10u);
  bench.RunFor(4999ms);
  bench.Receive({.sequence = 5002, .flags = kTcpSyn});
  EXPECT_THAT(bench.TakeSent(), IsEmpty());
  bench.RunFor(1ms);
  bench.Receive({.sequence = 5002, .flags = kTcpSyn});
  EXPECT_EQ(bench.TakeSent().size(), 1u);
}

// --- Fifth: ACK ---

// In SYN-RECEIVED too: its acknowledgment field would be the right one.
TEST(Rfc9293, Section3_10_7_4_WithoutAckIsDropped) {
  for (const TcpState state : kSynReceivedOrLater) {
    SCOPED_TRACE(ToString(state));
    TcpBench bench;
    bench.In(state);
    EXPECT_EQ(
        bench.Receive(
            {.sequence = bench.tcp.rcv_nxt(), .acknowledgment = bench.tcp.snd_nxt(), .flags = 0, .payload_bytes = 5}),
        Rule::kTcpNotExpected);
    EXPECT_THAT(bench.TakeSent(), IsEmpty());
    EXPECT_THAT(bench.TakeEvents(), IsEmpty());
    EXPECT_EQ(bench.tcp.state(), state);
  }
}

TEST(Rfc9293, Section3_10_7_4_WithoutAckIsDroppedInSynReceivedOfAPassiveOpen) {
  TcpBench bench;
  bench.InPassive();
  EXPECT_EQ(bench.Receive({.sequence = 5001, .acknowledgment = 1001, .flags = 0, .payload_bytes = 5}),
            Rule::kTcpNotExpected);
  EXPECT_EQ(bench.Receive({.sequence = 5001, .flags = kTcpFin}), Rule::kTcpNotExpected);
  EXPECT_THAT(bench.TakeSent(), IsEmpty());
  EXPECT_EQ(bench.tcp.state(), TcpState::kSynReceived);
}

TEST(Rfc9293, Section3_10_7_4_AckOfOurSynInSynReceivedEstablishes) {
  for (const bool passive : {false, true}) {
    SCOPED_TRACE(passive ? "passive" : "active");
    TcpBench bench;
    passive ? bench.InPassive() : bench.In(TcpState::kSynReceived);
    EXPECT_EQ(bench.Receive({.sequence = 5001, .acknowledgment = 1001, .window = 777}), Rule::kNone);
    EXPECT_EQ(bench.tcp.state(), TcpState::kEstablished);
    EXPECT_EQ(bench.tcp.snd_wnd(), 777u);
    EXPECT_THAT(bench.TakeEvents(), ElementsAre("connected"));
    EXPECT_EQ(bench.tcp.NextTimer(), net::kNever);
  }
}

TEST(Rfc9293, Section3_10_7_4_DataOnTheAckThatEstablishesIsTaken) {
  TcpBench bench;
  bench.InPassive();
  bench.Receive({.sequence = 5001, .acknowledgment = 1001, .flags = kTcpAck | kTcpFin, .payload_bytes = 5});
  EXPECT_EQ(bench.tcp.state(), TcpState::kCloseWait);
  EXPECT_EQ(bench.Read(9).bytes, 5u);
}

TEST(Rfc9293, Section3_10_7_4_UnacceptableAckInSynReceivedIsReset) {
  for (const bool passive : {false, true}) {
    for (const std::uint32_t acknowledgment : {1000u, 1002u}) {
      SCOPED_TRACE(testing::Message() << (passive ? "passive " : "active ") << acknowledgment);
      TcpBench bench;
      passive ? bench.InPassive() : bench.In(TcpState::kSynReceived);
      EXPECT_EQ(bench.Receive({.sequence = 5001, .acknowledgment = acknowledgment}), Rule::kTcpBadAck);
      EXPECT_THAT(bench.TakeSent(), ElementsAre(absl::StrCat("<SEQ=", acknowledgment, "><CTL=RST>")));
      EXPECT_EQ(bench.tcp.state(), TcpState::kSynReceived);
      bench.ReceiveAck(1001);
      EXPECT_EQ(bench.tcp.state(), TcpState::kEstablished);
    }
  }
}

// On the SYN,ACK of a simultaneous open, whose SYN is cut off.
TEST(Rfc9293, Section3_10_7_4_UnacceptableAckOfACrossedSynAckIsReset) {
  for (const std::uint32_t acknowledgment : {1000u, 1002u}) {
    SCOPED_TRACE(acknowledgment);
    TcpBench bench;
    bench.In(TcpState::kSynReceived);
    EXPECT_EQ(bench.Receive({.sequence = 5000, .acknowledgment = acknowledgment, .flags = kTcpSyn | kTcpAck}),
              Rule::kTcpBadAck);
    EXPECT_THAT(bench.TakeSent(), ElementsAre(absl::StrCat("<SEQ=", acknowledgment, "><CTL=RST>")));
    EXPECT_EQ(bench.tcp.state(), TcpState::kSynReceived);
  }
}

TEST(Rfc9293, Section3_10_7_4_AckOfWhatWasNeverSentIsAnsweredWithAck) {
  for (const TcpState state : kSynchronized) {
    SCOPED_TRACE(ToString(state));
    TcpBench bench;
    bench.In(state);
    EXPECT_EQ(bench.ReceiveAck(bench.tcp.snd_nxt() + 1), Rule::kTcpBadAck);
    EXPECT_EQ(bench.verdict.state.limit, bench.tcp.snd_nxt());
    EXPECT_THAT(bench.TakeSent(), ElementsAre(AckNow(bench)));
  }
}

// RFC 5961 §5.2.
TEST(Rfc9293, Section3_10_7_4_AckOlderThanTheLargestWindowIsAnsweredWithAck) {
  TcpBench bench;
  bench.In(TcpState::kEstablished);  // SND.UNA 1001, MAX.SND.WND 65535
  EXPECT_EQ(bench.Receive({.sequence = 5001, .acknowledgment = 1001u - 65535, .payload_bytes = 5}), Rule::kNone);
  bench.TakeSent();
  EXPECT_EQ(bench.Receive({.sequence = 5006, .acknowledgment = 1000u - 65535, .payload_bytes = 5}), Rule::kTcpBadAck);
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=1001><ACK=5006><CTL=ACK>"));
}

TEST(Rfc9293, Section3_10_7_4_ANewAckAdvancesSndUna) {
  for (const TcpState state : {TcpState::kEstablished, TcpState::kCloseWait}) {
    SCOPED_TRACE(ToString(state));
    TcpBench bench;
    bench.In(state);
    bench.Write(10);
    bench.ReceiveAck(1006);
    EXPECT_EQ(bench.tcp.snd_una(), 1006u);
    EXPECT_EQ(bench.tcp.unacknowledged_bytes(), 5u);
    bench.ReceiveAck(1003);  // a duplicate is ignored
    EXPECT_EQ(bench.tcp.snd_una(), 1006u);
    bench.ReceiveAck(1011);
    EXPECT_EQ(bench.tcp.unacknowledged_bytes(), 0u);
    EXPECT_EQ(bench.tcp.state(), state);
    EXPECT_EQ(bench.tcp.NextTimer(), net::kNever);
  }
}

// The ACK covers data that was sent before this side's FIN, which has number 1011.
TEST(Rfc9293, Section3_10_7_4_ANewAckOfDataButNotOfOurFinChangesNoState) {
  const std::pair<TcpState, TcpState> rows[] = {{TcpState::kFinWait1, TcpState::kFinWait2},
                                                {TcpState::kClosing, TcpState::kTimeWait},
                                                {TcpState::kLastAck, TcpState::kClosed}};
  for (const auto& [state, next] : rows) {
    SCOPED_TRACE(ToString(state));
    TcpBench bench;
    bench.In(state == TcpState::kLastAck ? TcpState::kCloseWait : TcpState::kEstablished);
    bench.Write(10);
    bench.FinishWriting();
    if (state == TcpState::kClosing) {
      bench.Receive({.sequence = 5001, .acknowledgment = 1001, .flags = kTcpFin | kTcpAck});
    }
    bench.ReceiveAck(1011);
    EXPECT_EQ(bench.tcp.state(), state);
    EXPECT_EQ(bench.tcp.snd_una(), 1011u);
    EXPECT_EQ(bench.tcp.unacknowledged_bytes(), 0u);
    bench.ReceiveAck(1012);
    EXPECT_EQ(bench.tcp.state(), next);
  }
}

TEST(Rfc9293, Section3_10_7_4_OldSegmentsDoNotUpdateTheWindow) {
  TcpBench bench;
  bench.In(TcpState::kEstablished);
  bench.Receive({.sequence = 5001, .acknowledgment = 1001, .window = 3000, .payload_bytes = 10});
  EXPECT_EQ(bench.tcp.snd_wnd(), 3000u);
  bench.Receive({.sequence = 5011, .acknowledgment = 1001, .window = 2000});
  EXPECT_EQ(bench.tcp.snd_wnd(), 2000u);
  bench.Receive({.sequence = 5006, .acknowledgment = 1001, .window = 9000, .payload_bytes = 6});  // WL1 is 5011
  EXPECT_EQ(bench.tcp.snd_wnd(), 2000u);
}

TEST(Rfc9293, Section3_10_7_4_AckOfOurFinInFinWait1EntersFinWait2) {
  TcpBench bench;
  bench.In(TcpState::kFinWait1);
  bench.ReceiveAck(1001);
  EXPECT_EQ(bench.tcp.state(), TcpState::kFinWait1);
  bench.ReceiveAck(1002);
  EXPECT_EQ(bench.tcp.state(), TcpState::kFinWait2);
  EXPECT_THAT(bench.TakeEvents(), ElementsAre("finished"));
}

TEST(Rfc9293, Section3_10_7_4_AckOfOurFinInClosingEntersTimeWait) {
  TcpBench bench;
  bench.In(TcpState::kClosing);
  bench.ReceiveAck(1001);
  EXPECT_EQ(bench.tcp.state(), TcpState::kClosing);
  bench.ReceiveAck(1002);
  EXPECT_EQ(bench.tcp.state(), TcpState::kTimeWait);
}

TEST(Rfc9293, Section3_10_7_4_AckOfOurFinInLastAckCloses) {
  TcpBench bench;
  bench.In(TcpState::kLastAck);
  bench.ReceiveAck(1001);
  EXPECT_EQ(bench.tcp.state(), TcpState::kLastAck);
  bench.ReceiveAck(1002);
  EXPECT_THAT(bench.TakeEvents(), ElementsAre("finished", "ended: finished"));
  EXPECT_EQ(bench.tcp.NextTimer(), net::kNever);
}

TEST(Rfc9293, Section3_10_7_4_AFinAgainInTimeWaitIsAcknowledgedAndRestartsTheWait) {
  TcpBench bench;
  bench.In(TcpState::kTimeWait);
  bench.RunFor(59s);
  bench.Receive({.sequence = 5001, .acknowledgment = 1002, .flags = kTcpFin | kTcpAck});
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=1002><ACK=5002><CTL=ACK>"));
  bench.RunFor(59999ms);
  EXPECT_EQ(bench.tcp.state(), TcpState::kTimeWait);
  bench.RunFor(1ms);
  EXPECT_EQ(bench.tcp.state(), TcpState::kClosed);
}

TEST(Rfc9293, Section3_10_7_4_AFinOfAnotherNumberInTimeWaitDoesNotRestartTheWait) {
  TcpBench bench;
  bench.In(TcpState::kTimeWait);
  bench.RunFor(59s);
  bench.Receive({.sequence = 5000, .acknowledgment = 1002, .flags = kTcpFin | kTcpAck});
  bench.RunFor(1s);
  EXPECT_EQ(bench.tcp.state(), TcpState::kClosed);
}

// --- Seventh: text ---

TEST(Rfc9293, Section3_10_7_4_AFinBelowTextThatHasComeStopsNothing) {
  TcpBench bench;
  bench.In(TcpState::kEstablished);
  bench.ReceiveData(5101, 100);
  bench.Receive({.sequence = 5151, .acknowledgment = 1001, .flags = kTcpFin | kTcpAck});
  bench.ReceiveData(5001, 100);
  bench.ReceiveData(5201, 100);
  EXPECT_EQ(bench.tcp.rcv_nxt(), 5301u);
  EXPECT_EQ(bench.tcp.state(), TcpState::kEstablished);
}

// SHLD-31 is a SHOULD: each island has its place, and there are so many places.
TEST(Rfc9293, Section3_10_7_4_OneIslandTooManyIsDroppedAndTheGapAskedFor) {
  TcpBench bench;
  bench.In(TcpState::kEstablished);
  constexpr std::uint32_t kIslands = ReceiveBuffer::kIslandsMax;
  for (std::uint32_t i = 1; i <= kIslands; ++i) EXPECT_EQ(bench.ReceiveData(5001 + 20 * i, 10), Rule::kNone);
  bench.TakeSent();
  EXPECT_EQ(bench.ReceiveData(5001 + 20 * (kIslands + 1), 10), Rule::kTcpReassemblyFull);
  EXPECT_EQ(bench.verdict.state.number, 5001 + 20 * (kIslands + 1));
  EXPECT_EQ(bench.verdict.state.limit, 5001);
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=1001><ACK=5001><CTL=ACK>"));
  // A segment that enlarges an island or fills the gap needs no additional place.
  EXPECT_EQ(bench.ReceiveData(5001 + 20 * kIslands + 10, 5), Rule::kNone);
  EXPECT_EQ(bench.ReceiveData(5001, 20), Rule::kNone);
  EXPECT_EQ(bench.tcp.rcv_nxt(), 5031u);
  EXPECT_EQ(bench.ReceiveData(5001 + 20 * (kIslands + 1), 10), Rule::kNone);
}

TEST(Rfc9293, Section3_10_7_4_TextIsAcknowledged) {
  for (const TcpState state : kReceiving) {
    SCOPED_TRACE(ToString(state));
    TcpBench bench;
    bench.In(state);
    EXPECT_EQ(bench.ReceiveData(5001, 10), Rule::kNone);
    EXPECT_EQ(bench.tcp.rcv_nxt(), 5011u);
    EXPECT_THAT(bench.TakeSent(), ElementsAre(AckNow(bench)));
    EXPECT_THAT(bench.TakeEvents(), Contains("readable"));
  }
}

TEST(Rfc9293, Section3_10_7_4_TheRightEdgeOfTheWindowIsNotDrawnBack) {
  TcpConnectionOptions options = TcpBench::Plain();
  options.receive_buffer_bytes = 4000;
  TcpBench bench(options);
  bench.In(TcpState::kEstablished);
  bench.ReceiveData(5001, 1000);
  EXPECT_EQ(bench.sent.back().header.window, 3000);
  bench.ReceiveData(6001, 700);
  EXPECT_EQ(bench.sent.back().header.window, 2300);
  EXPECT_EQ(bench.tcp.rcv_nxt() + bench.tcp.rcv_wnd(), 9001u);
}

TEST(Rfc9293, Section3_10_7_4_TextBehindThePeersFinIsIgnored) {
  for (const TcpState state : {TcpState::kCloseWait, TcpState::kClosing, TcpState::kLastAck, TcpState::kTimeWait}) {
    SCOPED_TRACE(ToString(state));
    TcpBench bench;
    bench.In(state);
    EXPECT_EQ(bench.Receive({.sequence = 5002, .acknowledgment = 1001, .payload_bytes = 10}), Rule::kTcpNotExpected);
    EXPECT_EQ(bench.tcp.rcv_nxt(), 5002u);
    EXPECT_EQ(bench.Read(9).bytes, 0u);
  }
}

// --- Eighth: FIN ---

TEST(Rfc9293, Section3_10_7_4_FinInEstablishedEntersCloseWait) {
  TcpBench bench;
  bench.In(TcpState::kEstablished);
  bench.Receive({.sequence = 5001, .acknowledgment = 1001, .flags = kTcpFin | kTcpAck});
  EXPECT_EQ(bench.tcp.state(), TcpState::kCloseWait);
  EXPECT_EQ(bench.tcp.rcv_nxt(), 5002u);
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=1001><ACK=5002><CTL=ACK>"));
  EXPECT_THAT(bench.TakeEvents(), ElementsAre("peer finished"));
}

TEST(Rfc9293, Section3_10_7_4_FinInFinWait1EntersClosing) {
  TcpBench bench;
  bench.In(TcpState::kFinWait1);
  bench.Receive({.sequence = 5001, .acknowledgment = 1001, .flags = kTcpFin | kTcpAck});
  EXPECT_EQ(bench.tcp.state(), TcpState::kClosing);
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=1002><ACK=5002><CTL=ACK>"));
}

TEST(Rfc9293, Section3_10_7_4_FinThatAcknowledgesOursInFinWait1EntersTimeWait) {
  TcpBench bench;
  bench.In(TcpState::kFinWait1);
  bench.Receive({.sequence = 5001, .acknowledgment = 1002, .flags = kTcpFin | kTcpAck});
  EXPECT_EQ(bench.tcp.state(), TcpState::kTimeWait);
  EXPECT_EQ(bench.tcp.NextTimer(), bench.now + 60s);
}

TEST(Rfc9293, Section3_10_7_4_FinInFinWait2EntersTimeWait) {
  TcpBench bench;
  bench.In(TcpState::kFinWait2);
  bench.Receive({.sequence = 5001, .acknowledgment = 1002, .flags = kTcpFin | kTcpAck});
  EXPECT_EQ(bench.tcp.state(), TcpState::kTimeWait);
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=1002><ACK=5002><CTL=ACK>"));
}

TEST(Rfc9293, Section3_10_7_4_FinAgainInCloseWaitClosingAndLastAckChangesNothing) {
  for (const TcpState state : {TcpState::kCloseWait, TcpState::kClosing, TcpState::kLastAck}) {
    SCOPED_TRACE(ToString(state));
    TcpBench bench;
    bench.In(state);
    bench.Receive({.sequence = 5001, .acknowledgment = 1001, .flags = kTcpFin | kTcpAck});
    EXPECT_EQ(bench.tcp.state(), state);
    EXPECT_EQ(bench.tcp.rcv_nxt(), 5002u);
    EXPECT_THAT(bench.TakeSent(), ElementsAre(AckNow(bench)));
  }
}

TEST(Rfc9293, Section3_10_7_4_AFinBehindAGapWaitsForTheData) {
  TcpBench bench;
  bench.In(TcpState::kEstablished);
  bench.Receive({.sequence = 5011, .acknowledgment = 1001, .flags = kTcpFin | kTcpAck, .payload_bytes = 5});
  EXPECT_EQ(bench.tcp.state(), TcpState::kEstablished);
  bench.ReceiveData(5001, 10);
  EXPECT_EQ(bench.tcp.state(), TcpState::kCloseWait);
  EXPECT_EQ(bench.tcp.rcv_nxt(), 5017u);
  EXPECT_EQ(bench.Read(99).bytes, 15u);
}

// --- RFC 9293 §3.6.1, MAY-2 ---

TEST(Rfc9293, Section3_6_1_OnlyANewerSynMayReplaceTimeWait) {
  TcpBench bench;
  bench.In(TcpState::kTimeWait);  // RCV.NXT 5002
  EXPECT_TRUE(bench.tcp.MayBeReplacedBy({.sequence = 5003, .flags = kTcpSyn}));
  EXPECT_FALSE(bench.tcp.MayBeReplacedBy({.sequence = 5000, .flags = kTcpSyn}));
  EXPECT_FALSE(bench.tcp.MayBeReplacedBy({.sequence = 5003, .acknowledgment = 1, .flags = kTcpSyn | kTcpAck}));
  TcpBench open;
  open.In(TcpState::kEstablished);
  EXPECT_FALSE(open.tcp.MayBeReplacedBy({.sequence = 5003, .flags = kTcpSyn}));
}

}  // namespace
}  // namespace pinhole::sim
