// RFC 9293 §3.10.8 timeouts by state, and what §3.7 to §3.9 say about sending, windows, keep-alives and ICMP.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/tcp_bench.h"

namespace pinhole::sim {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using Kind = net::IcmpError::Kind;

std::vector<net::Duration> Times(const TcpBench& bench, net::Instant since) {
  std::vector<net::Duration> times;
  for (const TcpBench::Sent& sent : bench.sent) times.push_back(sent.at - since);
  return times;
}

// --- Retransmission timeout ---

TEST(Rfc9293, Section3_10_8_RetransmissionTimeoutInSynSentSendsTheSynAgain) {
  TcpBench bench;
  bench.In(TcpState::kSynSent);
  bench.RunFor(999ms);
  EXPECT_THAT(bench.TakeSent(), IsEmpty());
  bench.RunFor(1ms);
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=1000><CTL=SYN>"));
}

TEST(Rfc9293, Section3_10_8_RetransmissionTimeoutInSynReceivedSendsTheSynAckAgain) {
  for (const bool passive : {false, true}) {
    SCOPED_TRACE(passive ? "passive" : "active");
    TcpBench bench;
    passive ? bench.InPassive() : bench.In(TcpState::kSynReceived);
    bench.RunFor(1s);
    EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=1000><ACK=5001><CTL=SYN,ACK>"));
  }
}

TEST(Rfc9293, Section3_10_8_RetransmissionTimeoutSendsTheFirstSegmentAgain) {
  for (const TcpState state : {TcpState::kEstablished, TcpState::kCloseWait}) {
    SCOPED_TRACE(ToString(state));
    TcpBench bench;
    bench.In(state);
    bench.Write(2000);
    bench.TakeSent();
    bench.RunFor(1s);
    ASSERT_EQ(bench.sent.size(), 1u);
    EXPECT_EQ(bench.sent[0].header.sequence, 1001u);
    EXPECT_EQ(bench.sent[0].payload_bytes, 1000u);
    EXPECT_TRUE(bench.sent[0].retransmission);
  }
}

TEST(Rfc9293, Section3_10_8_RetransmissionTimeoutSendsTheFinAgain) {
  for (const TcpState state : {TcpState::kFinWait1, TcpState::kClosing, TcpState::kLastAck}) {
    SCOPED_TRACE(ToString(state));
    TcpBench bench;
    bench.In(state);
    bench.RunFor(1s);
    EXPECT_THAT(bench.TakeSent(), ElementsAre(absl::StrCat("<SEQ=1001><ACK=", bench.tcp.rcv_nxt(), "><CTL=FIN,ACK>")));
  }
}

TEST(Rfc9293, Section3_10_8_NothingInFlightMeansNoTimer) {
  for (const TcpState state : {TcpState::kEstablished, TcpState::kFinWait2, TcpState::kCloseWait}) {
    SCOPED_TRACE(ToString(state));
    TcpBench bench;
    bench.In(state);
    EXPECT_EQ(bench.tcp.NextTimer(), net::kNever);
  }
}

// --- User timeout ---

TEST(Rfc9293, Section3_10_8_UserTimeoutClosesInAnyState) {
  for (const TcpState state :
       {TcpState::kSynSent, TcpState::kSynReceived, TcpState::kFinWait1, TcpState::kClosing, TcpState::kLastAck}) {
    SCOPED_TRACE(ToString(state));
    TcpConnectionOptions options = TcpBench::Plain();
    options.user_timeout = 10s;
    TcpBench bench(options);
    bench.In(state);
    bench.RunFor(9999ms);
    EXPECT_EQ(bench.tcp.state(), state);
    bench.RunFor(1ms);
    EXPECT_THAT(bench.TakeEvents(), ElementsAre("ended: user_timeout"));
    EXPECT_EQ(bench.tcp.NextTimer(), net::kNever);
  }
}

TEST(Rfc9293, Section3_10_8_UserTimeoutRunsOnlyWhileSomethingWaits) {
  TcpConnectionOptions options = TcpBench::Plain();
  options.user_timeout = 10s;
  TcpBench bench(options);
  bench.In(TcpState::kEstablished);
  bench.RunFor(60s);
  bench.Write(10);
  bench.RunFor(9s);
  bench.ReceiveAck(1006);  // progress
  bench.RunFor(9999ms);
  EXPECT_EQ(bench.tcp.state(), TcpState::kEstablished);
  bench.RunFor(1ms);
  EXPECT_EQ(bench.tcp.end(), TcpEnd::kUserTimeout);
}

TEST(Rfc9293, Section3_10_8_UserTimeoutClosesOverDataThatIsNotAcknowledged) {
  for (const TcpState state : {TcpState::kEstablished, TcpState::kCloseWait}) {
    SCOPED_TRACE(ToString(state));
    TcpConnectionOptions options = TcpBench::Plain();
    options.user_timeout = 10s;
    TcpBench bench(options);
    bench.In(state);
    bench.RunFor(60s);
    bench.Write(10);
    bench.RunFor(9999ms);
    EXPECT_EQ(bench.tcp.state(), state);
    bench.RunFor(1ms);
    EXPECT_THAT(bench.TakeEvents(), ElementsAre("ended: user_timeout"));
    EXPECT_EQ(bench.tcp.NextTimer(), net::kNever);
  }
}

// In these states no data of this side waits for an acknowledgment. TIME-WAIT has its own timeout.
TEST(Rfc9293, Section3_10_8_UserTimeoutDoesNotRunInFinWait2AndTimeWait) {
  for (const TcpState state : {TcpState::kFinWait2, TcpState::kTimeWait}) {
    SCOPED_TRACE(ToString(state));
    TcpConnectionOptions options = TcpBench::Plain();
    options.user_timeout = 10s;
    TcpBench bench(options);
    bench.In(state);
    bench.RunFor(59s);
    EXPECT_EQ(bench.tcp.state(), state);
  }
}

// --- FIN-WAIT-2 after CLOSE ---

// A timeout that is not in the RFC: after CLOSE nobody reads the data that the peer might still send.
TEST(Rfc9293, Section3_10_4_AfterCloseFinWait2Ends) {
  TcpBench bench;
  bench.In(TcpState::kEstablished);
  bench.Close();
  bench.RunFor(500ms);
  bench.ReceiveAck(1002);
  ASSERT_EQ(bench.tcp.state(), TcpState::kFinWait2);
  bench.TakeSent();
  bench.TakeEvents();
  bench.RunFor(60s - 1ns);
  EXPECT_EQ(bench.tcp.state(), TcpState::kFinWait2);
  bench.RunFor(1ns);
  EXPECT_THAT(bench.TakeEvents(), ElementsAre("ended: fin_wait_2_timed_out"));
  EXPECT_THAT(bench.TakeSent(), IsEmpty());
  EXPECT_EQ(bench.tcp.NextTimer(), net::kNever);
}

TEST(Rfc9293, Section3_10_4_CloseInFinWait2StartsItsEnd) {
  TcpBench bench;
  bench.In(TcpState::kFinWait2);
  bench.RunFor(1h);  // half-closed, as long as the peer likes
  EXPECT_EQ(bench.Close(), TcpCall::kOk);
  bench.RunFor(60s - 1ns);
  EXPECT_EQ(bench.tcp.state(), TcpState::kFinWait2);
  bench.RunFor(1ns);
  EXPECT_EQ(bench.tcp.end(), TcpEnd::kFinWait2TimedOut);
}

TEST(Rfc9293, Section3_10_4_AFinAfterCloseIsInTimeForTimeWait) {
  TcpBench bench;
  bench.In(TcpState::kFinWait2);
  bench.Close();
  bench.RunFor(59s);
  bench.Receive({.sequence = 5001, .acknowledgment = 1002, .flags = kTcpFin | kTcpAck});
  EXPECT_EQ(bench.tcp.state(), TcpState::kTimeWait);
  bench.RunFor(60s);
  EXPECT_EQ(bench.tcp.end(), TcpEnd::kFinished);
}

TEST(Rfc9293, Section3_10_4_FinWait2NeverEndsWhereTheHostSaysSo) {
  TcpConnectionOptions options = TcpBench::Plain();
  options.fin_wait_2_timeout = {};
  for (const bool closed_before : {false, true}) {
    SCOPED_TRACE(closed_before);
    TcpBench bench(options);
    bench.In(closed_before ? TcpState::kEstablished : TcpState::kFinWait2);
    bench.Close();
    if (closed_before) bench.ReceiveAck(1002);
    EXPECT_EQ(bench.tcp.state(), TcpState::kFinWait2);
    EXPECT_EQ(bench.tcp.NextTimer(), net::kNever);
  }
}

// --- TIME-WAIT timeout ---

TEST(Rfc9293, Section3_10_8_TimeWaitTimeoutClosesAfter2Msl) {
  TcpConnectionOptions options = TcpBench::Plain();
  options.time_wait = 240s;
  TcpBench bench(options);
  bench.In(TcpState::kTimeWait);
  bench.RunFor(240s - 1ns);
  EXPECT_EQ(bench.tcp.state(), TcpState::kTimeWait);
  bench.RunFor(1ns);
  EXPECT_THAT(bench.TakeEvents(), ElementsAre("ended: finished"));
}

// --- RFC 9293 §3.8.3 R2 ---

// MUST-23: at least three minutes.
TEST(Rfc9293, Section3_8_3_SynIsRetransmittedForThreeMinutes) {
  TcpBench bench;
  bench.In(TcpState::kSynSent);
  bench.RunFor(1h);
  EXPECT_THAT(Times(bench, net::Instant{}), ElementsAre(1s, 3s, 7s, 15s, 31s, 63s, 123s));
  EXPECT_THAT(bench.TakeEvents(), ElementsAre("ended: timed_out"));
}

TEST(Rfc9293, Section3_8_3_R2ClosesWithTheNumberThatWasSet) {
  TcpConnectionOptions options = TcpBench::Plain();
  options.data_retransmissions_max = 3;
  TcpBench bench(options);
  bench.In(TcpState::kEstablished);
  bench.Write(10);
  bench.sent.clear();
  bench.RunFor(14999ms);
  EXPECT_THAT(Times(bench, net::Instant{}), ElementsAre(1s, 3s, 7s));
  EXPECT_EQ(bench.tcp.state(), TcpState::kEstablished);
  bench.RunFor(1ms);
  EXPECT_EQ(bench.tcp.end(), TcpEnd::kTimedOut);
}

TEST(Rfc9293, Section3_8_3_R2CountsAgainForTheNextSegment) {
  TcpConnectionOptions options = TcpBench::Plain();
  options.data_retransmissions_max = 3;
  options.nagle = false;
  TcpBench bench(options);
  bench.In(TcpState::kEstablished);
  bench.Write(10);
  bench.Write(10);
  bench.RunFor(7s);
  bench.ReceiveAck(1011);
  bench.RunFor(10s);
  EXPECT_EQ(bench.tcp.state(), TcpState::kEstablished);
}

// --- RFC 9293 §3.8.6.1 zero-window probes ---

TEST(Rfc9293, Section3_8_6_1_AClosedWindowIsProbedWithOneOctet) {
  TcpBench bench;
  bench.In(TcpState::kEstablished);
  bench.ReceiveAck(1001, 0);
  bench.Write(10);
  EXPECT_THAT(bench.TakeSent(), IsEmpty());
  bench.RunFor(1s);
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=1001><ACK=5001><LEN=1><CTL=ACK>"));
}

// SHLD-29, SHLD-30, MUST-37.
TEST(Rfc9293, Section3_8_6_1_ProbesBackOffAndGoOnAsLongAsTheyAreAnswered) {
  TcpConnectionOptions options = TcpBench::Plain();
  options.data_retransmissions_max = 3;
  TcpBench bench(options);
  bench.In(TcpState::kEstablished);
  bench.ReceiveAck(1001, 0);
  bench.Write(10);
  std::vector<net::Duration> times;
  while (bench.now < net::Instant(400s)) {
    bench.RunFor(bench.tcp.NextTimer() - bench.now);
    times.push_back(bench.now.time_since_epoch());
    bench.ReceiveAck(1001, 0);
  }
  EXPECT_THAT(times, ElementsAre(1s, 3s, 7s, 15s, 31s, 63s, 123s, 183s, 243s, 303s, 363s, 423s));
  EXPECT_EQ(bench.tcp.state(), TcpState::kEstablished);
}

TEST(Rfc9293, Section3_8_6_1_UnansweredProbesEndTheConnection) {
  TcpConnectionOptions options = TcpBench::Plain();
  options.data_retransmissions_max = 3;
  TcpBench bench(options);
  bench.In(TcpState::kEstablished);
  bench.ReceiveAck(1001, 0);
  bench.Write(10);
  bench.RunFor(1h);
  EXPECT_EQ(bench.tcp.end(), TcpEnd::kTimedOut);
}

TEST(Rfc9293, Section3_8_6_1_AnOpenedWindowIsUsedAtOnce) {
  TcpBench bench;
  bench.In(TcpState::kEstablished);
  bench.ReceiveAck(1001, 0);
  bench.Write(10);
  bench.RunFor(20s);
  bench.TakeSent();
  bench.ReceiveAck(1001, 5000);  // the probe was not taken
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=1001><ACK=5001><LEN=10><CTL=PSH,ACK>"));
  EXPECT_EQ(bench.tcp.rto().rto(), 1s);  // what was backed off from were probes
}

TEST(Rfc9293, Section3_8_6_1_AProbeThatIsTakenIsNotSentAgain) {
  TcpBench bench;
  bench.In(TcpState::kEstablished);
  bench.ReceiveAck(1001, 0);
  bench.Write(10);
  bench.RunFor(1s);
  bench.TakeSent();
  bench.ReceiveAck(1002, 5000);
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=1002><ACK=5001><LEN=9><CTL=PSH,ACK>"));
}

TEST(Rfc9293, Section3_8_6_1_AFinWaitsForTheWindowAndIsProbedFor) {
  TcpBench bench;
  bench.In(TcpState::kEstablished);
  bench.ReceiveAck(1001, 0);
  bench.FinishWriting();
  EXPECT_THAT(bench.TakeSent(), IsEmpty());
  bench.RunFor(1s);
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=1001><ACK=5001><CTL=FIN,ACK>"));
}

// MUST-34, SHLD-15: "the sender SHOULD NOT send new data".
TEST(Rfc9293, Section3_8_6_AShrunkenWindowStopsNewData) {
  TcpBench bench;
  bench.In(TcpState::kEstablished);
  bench.Write(3000);
  bench.TakeSent();
  bench.ReceiveAck(2001, 500);
  bench.Write(3000);
  EXPECT_THAT(bench.TakeSent(), IsEmpty());
  bench.ReceiveAck(4001, 500);
  bench.RunFor(200ms);
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=4001><ACK=5001><LEN=500><CTL=ACK>"));
}

// --- RFC 9293 §3.7.4, §3.8.6.2: small segments ---

TEST(Rfc9293, Section3_7_4_NagleHoldsSmallSegmentsWhileDataIsInFlight) {
  TcpBench bench;
  bench.In(TcpState::kEstablished);
  bench.Write(10);
  bench.Write(20);
  bench.Write(30);
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=1001><ACK=5001><LEN=10><CTL=PSH,ACK>"));
  bench.ReceiveAck(1011);
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=1011><ACK=5001><LEN=50><CTL=PSH,ACK>"));
}

TEST(Rfc9293, Section3_7_4_NagleLetsFullSegmentsGo) {
  TcpBench bench;
  bench.In(TcpState::kEstablished);
  bench.Write(10);
  bench.Write(1005);
  EXPECT_THAT(bench.TakeSent(),
              ElementsAre("<SEQ=1001><ACK=5001><LEN=10><CTL=PSH,ACK>", "<SEQ=1011><ACK=5001><LEN=1000><CTL=ACK>"));
}

// MUST-17.
TEST(Rfc9293, Section3_7_4_NagleCanBeSwitchedOff) {
  TcpConnectionOptions options = TcpBench::Plain();
  options.nagle = false;
  TcpBench bench(options);
  bench.In(TcpState::kEstablished);
  bench.Write(10);
  bench.Write(20);
  EXPECT_EQ(bench.TakeSent().size(), 2u);
}

// MUST-38, and the override of (4).
TEST(Rfc9293, Section3_8_6_2_1_TheSenderDoesNotFillATinyWindow) {
  TcpBench bench;
  bench.In(TcpState::kEstablished);
  bench.ReceiveAck(1001, 100);
  bench.Write(5000);
  EXPECT_THAT(bench.TakeSent(), IsEmpty());
  bench.RunFor(200ms);
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=1001><ACK=5001><LEN=100><CTL=ACK>"));
}

// MUST-39: the window grows by min(RCV.BUFF / 2, Eff.snd.MSS) or not at all.
TEST(Rfc9293, Section3_8_6_2_2_TheReceiverDoesNotOfferCrumbs) {
  TcpConnectionOptions options = TcpBench::Plain();
  options.receive_buffer_bytes = 3000;
  TcpBench bench(options);
  bench.In(TcpState::kEstablished);
  bench.ReceiveData(5001, 1000);
  bench.ReceiveData(6001, 1000);
  bench.ReceiveData(7001, 1000);
  EXPECT_EQ(bench.sent.back().header.window, 0);
  bench.TakeSent();
  bench.Read(999);
  EXPECT_THAT(bench.TakeSent(), IsEmpty());
  bench.Read(1);
  ASSERT_EQ(bench.sent.size(), 1u);
  EXPECT_EQ(bench.sent[0].header.window, 1000);
}

// --- RFC 9293 §3.8.6.3 delayed acknowledgments ---

TEST(Rfc9293, Section3_8_6_3_AnAckWaitsForASecondSegmentOrTheDelay) {
  TcpConnectionOptions options = TcpBench::Plain();
  options.delayed_ack = 40ms;
  TcpBench bench(options);
  bench.In(TcpState::kEstablished);
  bench.ReceiveData(5001, 100);
  bench.RunFor(39ms);
  EXPECT_THAT(bench.TakeSent(), IsEmpty());
  bench.RunFor(1ms);
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=1001><ACK=5101><CTL=ACK>"));
  bench.ReceiveData(5101, 100);
  bench.ReceiveData(5201, 100);
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=1001><ACK=5301><CTL=ACK>"));
  EXPECT_EQ(bench.tcp.NextTimer(), net::kNever);
}

TEST(Rfc9293, Section3_8_6_3_ADelayedAckRidesOnData) {
  TcpConnectionOptions options = TcpBench::Plain();
  options.delayed_ack = 40ms;
  TcpBench bench(options);
  bench.In(TcpState::kEstablished);
  bench.ReceiveData(5001, 100);
  bench.Write(10);
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=1001><ACK=5101><LEN=10><CTL=PSH,ACK>"));
  bench.ReceiveAck(1011);
  bench.RunFor(1s);
  EXPECT_THAT(bench.TakeSent(), IsEmpty());
}

// MUST-58, MUST-59.
TEST(Rfc9293, Section3_10_7_4_SegmentsProcessedTogetherGetOneAck) {
  TcpBench bench;
  bench.In(TcpState::kEstablished);
  const std::vector<std::uint8_t> payload(100);
  for (std::uint32_t i = 0; i < 5; ++i) {
    bench.tcp.OnSegment(bench.now, {.sequence = 5001 + 100 * i, .acknowledgment = 1001, .flags = kTcpAck}, payload);
  }
  bench.Drain();
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=1001><ACK=5501><CTL=ACK>"));
}

// --- RFC 9293 §3.8.4 keep-alives ---

TcpConnectionOptions WithKeepalive() {
  TcpConnectionOptions options = TcpBench::Plain();
  options.keepalive_time = 100s;
  options.keepalive_interval = 10s;
  options.keepalive_probes = 3;
  return options;
}

// MUST-25.
TEST(Rfc9293, Section3_8_4_KeepAlivesAreOffByDefault) {
  TcpBench bench;
  bench.In(TcpState::kEstablished);
  EXPECT_EQ(bench.tcp.NextTimer(), net::kNever);
}

TEST(Rfc9293, Section3_8_4_AProbeFollowsSilenceAndHasNoData) {
  TcpBench bench(WithKeepalive());
  bench.In(TcpState::kEstablished);
  bench.RunFor(50s);
  bench.ReceiveData(5001, 10);  // MUST-26: "no data or acknowledgment packets have been received"
  bench.TakeSent();
  bench.RunFor(99999ms);
  EXPECT_THAT(bench.TakeSent(), IsEmpty());
  bench.RunFor(1ms);
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=1000><ACK=5011><CTL=ACK>"));
}

// MUST-29.
TEST(Rfc9293, Section3_8_4_OneUnansweredProbeIsNotDeath) {
  TcpBench bench(WithKeepalive());
  bench.In(TcpState::kEstablished);
  bench.RunFor(125s);
  EXPECT_EQ(bench.TakeSent().size(), 3u);
  bench.ReceiveAck(1001);
  bench.RunFor(129s);
  EXPECT_EQ(bench.tcp.state(), TcpState::kEstablished);
  bench.RunFor(1s);
  EXPECT_EQ(bench.tcp.end(), TcpEnd::kKeepaliveTimedOut);
}

TEST(Rfc9293, Section3_8_4_NoProbeWhileDataIsOutstanding) {
  TcpBench bench(WithKeepalive());
  bench.In(TcpState::kEstablished);
  bench.Write(10);
  bench.TakeSent();
  bench.RunFor(150s);
  for (const TcpBench::Sent& sent : bench.sent) EXPECT_EQ(sent.header.sequence, 1001u);
}

TEST(Rfc9293, Section3_8_4_AProbeIsAnswered) {
  TcpBench bench;
  bench.In(TcpState::kEstablished);
  bench.Receive({.sequence = 5000, .acknowledgment = 1001});
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=1001><ACK=5001><CTL=ACK>"));
}

// --- RFC 9293 §3.9.2.2 ICMP ---

// All states of a connection that is being opened; its own SYN has number 1000.
constexpr std::pair<const char*, void (*)(TcpBench&)> kConnecting[] = {
    {"SYN-SENT", [](TcpBench& bench) { bench.In(TcpState::kSynSent); }},
    {"SYN-RECEIVED, active", [](TcpBench& bench) { bench.In(TcpState::kSynReceived); }},
    {"SYN-RECEIVED, passive", [](TcpBench& bench) { bench.InPassive(); }},
};

// MUST-56.
TEST(Rfc9293, Section3_9_2_2_SoftErrorsDoNotAbort) {
  for (const TcpState state : {TcpState::kSynSent, TcpState::kSynReceived, TcpState::kEstablished}) {
    for (const Kind kind : {Kind::kNetUnreachable, Kind::kHostUnreachable, Kind::kTtlExceeded, Kind::kOther}) {
      SCOPED_TRACE(testing::Message() << ToString(state) << " " << net::ToString(kind));
      TcpBench bench;
      bench.In(state);
      bench.Write(10);
      bench.Icmp(kind, bench.tcp.snd_una());
      EXPECT_EQ(bench.tcp.state(), state);
      EXPECT_EQ(bench.tcp.icmp_error(), kind);  // SHLD-25
    }
  }
}

TEST(Rfc9293, Section3_9_2_2_SoftErrorsAbortAConnectWhereTheHostSaysSo) {
  TcpConnectionOptions options = TcpBench::Plain();
  options.soft_errors_abort_connect = true;
  for (const auto& [name, connecting] : kConnecting) {
    SCOPED_TRACE(name);
    TcpBench bench(options);
    connecting(bench);
    bench.Icmp(Kind::kHostUnreachable, 1000);
    EXPECT_THAT(bench.TakeEvents(), ElementsAre("ended: icmp_error"));
    EXPECT_THAT(bench.TakeSent(), IsEmpty());
  }
  TcpBench open(options);
  open.In(TcpState::kEstablished);
  open.Write(10);
  open.Icmp(Kind::kHostUnreachable, 1001);
  EXPECT_EQ(open.tcp.state(), TcpState::kEstablished);
}

// SHLD-26.
TEST(Rfc9293, Section3_9_2_2_HardErrorsAbortAConnect) {
  for (const auto& [name, connecting] : kConnecting) {
    for (const Kind kind : {Kind::kPortUnreachable, Kind::kProtocolUnreachable, Kind::kAdminProhibited}) {
      SCOPED_TRACE(testing::Message() << name << " " << net::ToString(kind));
      TcpBench bench;
      connecting(bench);
      bench.Icmp(kind, 1000);
      EXPECT_THAT(bench.TakeEvents(), ElementsAre("ended: icmp_error"));
      EXPECT_EQ(bench.tcp.icmp_error(), kind);
      EXPECT_THAT(bench.TakeSent(), IsEmpty());
    }
  }
}

TEST(Rfc9293, Section3_9_2_2_HardErrorsAbortAnOpenConnectionWhereTheHostSaysSo) {
  for (const bool abort : {false, true}) {
    SCOPED_TRACE(abort);
    TcpConnectionOptions options = TcpBench::Plain();
    options.hard_errors_abort_established = abort;
    TcpBench bench(options);
    bench.In(TcpState::kEstablished);
    bench.Write(10);
    bench.Icmp(Kind::kPortUnreachable, 1001);
    EXPECT_EQ(bench.tcp.state(), abort ? TcpState::kClosed : TcpState::kEstablished);
  }
}

TEST(Rfc9293, Section3_9_2_2_AnErrorAboutWhatIsNotInFlightIsIgnored) {
  for (const std::uint32_t quoted : {999u, 1001u}) {
    SCOPED_TRACE(quoted);
    TcpBench bench;
    bench.In(TcpState::kSynSent);
    bench.Icmp(Kind::kPortUnreachable, quoted);
    EXPECT_EQ(bench.tcp.state(), TcpState::kSynSent);
    EXPECT_FALSE(bench.tcp.icmp_error());
  }
}

TEST(Rfc9293, Section3_7_2_ASmallerPathMtuSendsSmallerSegmentsAgain) {
  TcpBench bench;
  bench.In(TcpState::kEstablished);
  bench.Write(1000);
  bench.TakeSent();
  bench.tcp.OnPathMss(bench.now, 600, 1001);
  bench.Drain();
  EXPECT_THAT(bench.TakeSent(),
              ElementsAre("<SEQ=1001><ACK=5001><LEN=600><CTL=ACK>", "<SEQ=1601><ACK=5001><LEN=400><CTL=PSH,ACK>"));
}

}  // namespace
}  // namespace pinhole::sim
