// RFC 9293 §3.10.7.1 to §3.10.7.3: segments that arrive in CLOSED, LISTEN and SYN-SENT, and the handshakes of §3.5.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/tcp/no_connection.h"
#include "tests/sim/tcp_bench.h"
#include "tests/sim/tcp_pipe.h"

namespace pinhole::sim {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

std::string ResetText(const TcpHeader& segment, std::uint32_t payload_bytes) {
  const std::optional<TcpHeader> reset = TcpResetFor(segment, payload_bytes);
  return reset ? SegmentText(*reset, 0) : "";
}

// --- CLOSED ---

TEST(Rfc9293, Section3_10_7_1_RstInClosedIsDiscarded) {
  EXPECT_EQ(ResetText({.sequence = 7, .flags = kTcpRst}, 0), "");
  EXPECT_EQ(ResetText({.sequence = 7, .acknowledgment = 9, .flags = kTcpRst | kTcpAck}, 0), "");
}

TEST(Rfc9293, Section3_10_7_1_SegmentWithoutAckInClosedIsResetWithAcknowledgmentOfAllOfIt) {
  EXPECT_EQ(ResetText({.sequence = 100, .flags = kTcpSyn}, 0), "<SEQ=0><ACK=101><CTL=RST,ACK>");
  EXPECT_EQ(ResetText({.sequence = 100, .flags = kTcpSyn | kTcpFin}, 5), "<SEQ=0><ACK=107><CTL=RST,ACK>");
}

TEST(Rfc9293, Section3_10_7_1_SegmentWithAckInClosedIsResetAtItsAcknowledgment) {
  EXPECT_EQ(ResetText({.sequence = 100, .acknowledgment = 77, .flags = kTcpAck}, 5), "<SEQ=77><CTL=RST>");
  EXPECT_EQ(ResetText({.sequence = 100, .acknowledgment = 77, .flags = kTcpSyn | kTcpAck}, 0), "<SEQ=77><CTL=RST>");
}

TEST(Rfc9293, Section3_10_7_1_AConnectionThatIsOverTakesNothing) {
  TcpBench bench;
  bench.In(TcpState::kEstablished);
  bench.Abort();
  bench.TakeSent();
  EXPECT_EQ(bench.ReceiveData(5001, 5), Rule::kTcpNotExpected);
  EXPECT_THAT(bench.TakeSent(), IsEmpty());
}

// --- LISTEN ---

TEST(Rfc9293, Section3_10_7_2_RstInListenIsIgnored) {
  const TcpListenVerdict verdict = TcpListen({.sequence = 7, .flags = kTcpRst | kTcpAck});
  EXPECT_FALSE(verdict.open);
  EXPECT_FALSE(verdict.reset.has_value());
}

TEST(Rfc9293, Section3_10_7_2_AnyAckInListenIsReset) {
  for (const std::uint8_t flags : {kTcpAck, static_cast<std::uint8_t>(kTcpSyn | kTcpAck)}) {
    const TcpListenVerdict verdict = TcpListen({.sequence = 7, .acknowledgment = 99, .flags = flags});
    EXPECT_FALSE(verdict.open);
    ASSERT_TRUE(verdict.reset.has_value());
    EXPECT_EQ(SegmentText(*verdict.reset, 0), "<SEQ=99><CTL=RST>");
  }
}

TEST(Rfc9293, Section3_10_7_2_SynInListenIsAnsweredWithSynAck) {
  const TcpHeader syn{.sequence = 5000, .window = 4000, .flags = kTcpSyn};
  ASSERT_TRUE(TcpListen(syn).open);
  TcpBench bench;
  EXPECT_EQ(bench.tcp.OpenPassive(bench.now, 1000, syn), TcpCall::kOk);
  bench.Drain();
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=1000><ACK=5001><CTL=SYN,ACK>"));
  EXPECT_EQ(bench.tcp.state(), TcpState::kSynReceived);
  EXPECT_EQ(bench.tcp.snd_una(), 1000u);
  EXPECT_EQ(bench.tcp.snd_nxt(), 1001u);
  EXPECT_EQ(bench.tcp.irs(), 5000u);
  EXPECT_EQ(bench.tcp.rcv_nxt(), 5001u);
}

TEST(Rfc9293, Section3_10_7_2_OtherSegmentsInListenAreDropped) {
  const TcpListenVerdict verdict = TcpListen({.sequence = 7, .flags = kTcpFin});
  EXPECT_FALSE(verdict.open);
  EXPECT_FALSE(verdict.reset.has_value());
  EXPECT_EQ(verdict.rule, Rule::kTcpNotExpected);
}

// --- SYN-SENT ---

TEST(Rfc9293, Section3_10_7_3_AnAckThatAcknowledgesNoSynOfOursIsReset) {
  for (const std::uint32_t acknowledgment : {999u, 1000u, 1002u}) {
    SCOPED_TRACE(acknowledgment);
    TcpBench bench;
    bench.In(TcpState::kSynSent);
    EXPECT_EQ(bench.Receive({.sequence = 5000, .acknowledgment = acknowledgment, .flags = kTcpSyn | kTcpAck}),
              Rule::kTcpBadAck);
    EXPECT_EQ(bench.verdict.state.number, acknowledgment);
    EXPECT_EQ(bench.verdict.state.limit, 1001);
    EXPECT_THAT(bench.TakeSent(), ElementsAre(absl::StrCat("<SEQ=", acknowledgment, "><CTL=RST>")));
    EXPECT_EQ(bench.tcp.state(), TcpState::kSynSent);
  }
}

TEST(Rfc9293, Section3_10_7_3_ARstWithABadAckIsDropped) {
  TcpBench bench;
  bench.In(TcpState::kSynSent);
  EXPECT_EQ(bench.Receive({.sequence = 0, .acknowledgment = 1002, .flags = kTcpRst | kTcpAck}), Rule::kTcpBadAck);
  EXPECT_THAT(bench.TakeSent(), IsEmpty());
  EXPECT_EQ(bench.tcp.state(), TcpState::kSynSent);
}

TEST(Rfc9293, Section3_10_7_3_ARstThatAcknowledgesOurSynRefusesTheConnection) {
  TcpBench bench;
  bench.In(TcpState::kSynSent);
  EXPECT_EQ(bench.Receive({.sequence = 0, .acknowledgment = 1001, .flags = kTcpRst | kTcpAck}), Rule::kNone);
  EXPECT_THAT(bench.TakeSent(), IsEmpty());
  EXPECT_THAT(bench.TakeEvents(), ElementsAre("ended: refused"));
}

TEST(Rfc9293, Section3_10_7_3_ARstWithoutAckIsDropped) {
  TcpBench bench;
  bench.In(TcpState::kSynSent);
  EXPECT_EQ(bench.Receive({.sequence = 5000, .flags = kTcpRst}), Rule::kTcpNotExpected);
  EXPECT_EQ(bench.tcp.state(), TcpState::kSynSent);
}

TEST(Rfc9293, Section3_10_7_3_ASynAckEstablishesAndIsAcknowledged) {
  TcpBench bench;
  bench.In(TcpState::kSynSent);
  EXPECT_EQ(bench.Receive({.sequence = 5000, .acknowledgment = 1001, .flags = kTcpSyn | kTcpAck}), Rule::kNone);
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=1001><ACK=5001><CTL=ACK>"));
  EXPECT_EQ(bench.tcp.state(), TcpState::kEstablished);
  EXPECT_THAT(bench.TakeEvents(), ElementsAre("connected"));
  EXPECT_EQ(bench.tcp.NextTimer(), net::kNever);
}

TEST(Rfc9293, Section3_10_7_3_TextAndFinOnTheSynAckAreProcessed) {
  TcpBench bench;
  bench.In(TcpState::kSynSent);
  bench.Receive({.sequence = 5000, .acknowledgment = 1001, .flags = kTcpSyn | kTcpAck | kTcpFin, .payload_bytes = 5});
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=1001><ACK=5007><CTL=ACK>"));
  EXPECT_EQ(bench.tcp.state(), TcpState::kCloseWait);
  EXPECT_EQ(bench.Read(9).bytes, 5u);
}

// A crossed SYN is answered with SYN,ACK, not with ACK.
TEST(Rfc9293, Section3_10_7_3_ACrossedSynIsAnsweredWithSynAck) {
  TcpBench bench;
  bench.In(TcpState::kSynSent);
  EXPECT_EQ(bench.Receive({.sequence = 5000, .flags = kTcpSyn}), Rule::kNone);
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=1000><ACK=5001><CTL=SYN,ACK>"));
  EXPECT_EQ(bench.tcp.state(), TcpState::kSynReceived);
  EXPECT_THAT(bench.TakeEvents(), IsEmpty());
}

TEST(Rfc9293, Section3_10_7_3_WithoutSynOrRstIsDropped) {
  TcpBench bench;
  bench.In(TcpState::kSynSent);
  EXPECT_EQ(bench.Receive({.sequence = 5000, .acknowledgment = 1001, .flags = kTcpAck}), Rule::kTcpNotExpected);
  EXPECT_EQ(bench.Receive({.sequence = 5000, .flags = kTcpFin}), Rule::kTcpNotExpected);
  EXPECT_THAT(bench.TakeSent(), IsEmpty());
  EXPECT_EQ(bench.tcp.state(), TcpState::kSynSent);
}

// --- RFC 9293 §3.5 ---

std::vector<std::string> Log(const TcpPipe& pipe) {
  std::vector<std::string> lines;
  for (const TcpPipe::Sent& sent : pipe.log) {
    lines.push_back(absl::StrCat(sent.from == 0 ? "A " : "B ", SegmentText(sent.header, sent.payload_bytes)));
  }
  return lines;
}

TcpPipe::Path Delay(net::Duration delay) { return {.delay = delay}; }

// Figure 6.
TEST(Rfc9293, Section3_5_ThreeWayHandshake) {
  TcpPipe pipe({}, {}, Delay(20ms), 1);
  pipe.keep_log = true;
  for (TcpPipe::Side& side : pipe.sides) side.finishes = false;
  pipe.Connect(100, 300);
  EXPECT_TRUE(pipe.Run());
  EXPECT_THAT(Log(pipe), ElementsAre("A <SEQ=100><CTL=SYN>", "B <SEQ=300><ACK=101><CTL=SYN,ACK>",
                                     "A <SEQ=101><ACK=301><CTL=ACK>"));
  EXPECT_EQ(pipe.sides[0].connected_at, net::Instant(40ms));
  EXPECT_EQ(pipe.sides[1].connected_at, net::Instant(60ms));
}

// Figure 7: each side sends a SYN and a SYN,ACK and nothing else; open one round trip after the later start.
TEST(Rfc9293, Section3_5_SimultaneousOpen) {
  TcpPipe pipe({}, {}, Delay(20ms), 1);
  pipe.keep_log = true;
  for (TcpPipe::Side& side : pipe.sides) side.finishes = false;
  pipe.sides[1].tcp.OpenActive(pipe.now, 300);
  pipe.sides[0].tcp.OpenActive(pipe.now, 100);
  pipe.Pump(0);
  pipe.Pump(1);
  EXPECT_TRUE(pipe.Run());
  EXPECT_THAT(Log(pipe), ElementsAre("A <SEQ=100><CTL=SYN>", "B <SEQ=300><CTL=SYN>",
                                     "B <SEQ=300><ACK=101><CTL=SYN,ACK>", "A <SEQ=100><ACK=301><CTL=SYN,ACK>"));
  for (const TcpPipe::Side& side : pipe.sides) {
    EXPECT_EQ(side.tcp.state(), TcpState::kEstablished);
    EXPECT_EQ(side.connected_at, net::Instant(40ms));
    EXPECT_EQ(side.drops[static_cast<std::size_t>(Rule::kTcpOutOfWindow)], 0);
  }
}

TEST(Rfc9293, Section3_5_SimultaneousOpenSurvivesALostSynAck) {
  TcpPipe pipe({}, {}, Delay(20ms), 1);
  pipe.lose = [](const TcpPipe::Sent& sent) {
    return sent.from == 0 && sent.header.Has(kTcpSyn | kTcpAck) && sent.at < net::Instant(500ms);
  };
  for (TcpPipe::Side& side : pipe.sides) side.finishes = false;
  pipe.sides[1].tcp.OpenActive(pipe.now, 300);
  pipe.sides[0].tcp.OpenActive(pipe.now, 100);
  pipe.Pump(0);
  pipe.Pump(1);
  EXPECT_TRUE(pipe.Run());
  EXPECT_EQ(pipe.sides[0].connected_at, net::Instant(40ms));
  // B sends its SYN,ACK again 1 s after the first, at 20 ms, and A, long open, acknowledges it.
  EXPECT_EQ(pipe.sides[1].connected_at, net::Instant(1060ms));
}

// Figure 8.
TEST(Rfc9293, Section3_5_OldDuplicateSynIsRecoveredFrom) {
  // B answers an old SYN; A does not know the acknowledgment and resets it; B goes back to LISTEN.
  TcpBench a;
  a.In(TcpState::kSynSent);
  a.Receive({.sequence = 300, .acknowledgment = 91, .flags = kTcpSyn | kTcpAck});
  EXPECT_THAT(a.TakeSent(), ElementsAre("<SEQ=91><CTL=RST>"));
  TcpBench b;
  b.tcp.OpenPassive(b.now, 300, {.sequence = 90, .window = 65535, .flags = kTcpSyn});
  b.Drain();
  b.Receive({.sequence = 91, .flags = kTcpRst});
  EXPECT_THAT(b.TakeEvents(), ElementsAre("ended: back_to_listen"));
}

// Figure 10: a crashed host's segment to a peer that does not know the connection any more.
TEST(Rfc9293, Section3_5_1_HalfOpenConnectionIsDiscoveredByAnAck) {
  TcpBench a;
  a.In(TcpState::kSynSent);
  EXPECT_EQ(a.Receive({.sequence = 5000, .acknowledgment = 400, .flags = kTcpAck}), Rule::kTcpBadAck);
  EXPECT_THAT(a.TakeSent(), ElementsAre("<SEQ=400><CTL=RST>"));
  TcpBench b;
  b.In(TcpState::kEstablished);
  b.Receive({.sequence = 5001, .flags = kTcpRst});
  EXPECT_THAT(b.TakeEvents(), ElementsAre("ended: reset"));
}

// --- Options of the SYN ---

TEST(Rfc9293, Section3_7_1_WithoutMssOptionTheDefaultIsAssumed) {
  TcpBench bench;
  bench.In(TcpState::kSynSent);
  bench.Receive({.sequence = 5000, .acknowledgment = 1001, .flags = kTcpSyn | kTcpAck});
  EXPECT_EQ(bench.tcp.snd_mss(), 536u);
  bench.Write(1000);
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=1001><ACK=5001><CTL=ACK>", "<SEQ=1001><ACK=5001><LEN=536><CTL=ACK>"));
}

TEST(Rfc9293, Section3_7_1_TheSmallerMssCounts) {
  for (const std::uint16_t peers : {std::uint16_t{700}, std::uint16_t{1400}}) {
    TcpBench bench;
    bench.In(TcpState::kSynSent);
    bench.Receive({.sequence = 5000, .acknowledgment = 1001, .flags = kTcpSyn | kTcpAck, .mss_bytes = peers});
    EXPECT_EQ(bench.tcp.snd_mss(), std::min<std::uint32_t>(peers, 1000));
  }
}

}  // namespace
}  // namespace pinhole::sim
