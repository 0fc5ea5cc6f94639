// The repair of losses: RFC 6298 (timer), RFC 5681 and RFC 6582 (congestion control), within a connection and alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/tcp/congestion.h"
#include "tests/sim/tcp_bench.h"
#include "tests/sim/tcp_pipe.h"

namespace pinhole::sim {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

// --- RFC 6298 §2 ---

TcpConnectionOptions FineTimer() {
  TcpConnectionOptions options;
  options.rto_min = 1ms;
  return options;
}

TEST(Rfc6298, Section2_1_InitiallyOneSecond) { EXPECT_EQ(RtoEstimator(FineTimer()).rto(), 1s); }

TEST(Rfc6298, Section2_2_FirstSample) {
  RtoEstimator rto(FineTimer());
  rto.OnSample(100ms);
  EXPECT_EQ(rto.srtt(), 100ms);
  EXPECT_EQ(rto.rttvar(), 50ms);
  EXPECT_EQ(rto.rto(), 300ms);  // SRTT + 4 * RTTVAR
}

TEST(Rfc6298, Section2_3_LaterSamples) {
  RtoEstimator rto(FineTimer());
  rto.OnSample(100ms);
  rto.OnSample(180ms);
  EXPECT_EQ(rto.rttvar(), 57500us);  // 3/4 * 50 + 1/4 * |100 - 180|
  EXPECT_EQ(rto.srtt(), 110ms);      // 7/8 * 100 + 1/8 * 180
  EXPECT_EQ(rto.rto(), 340ms);
  rto.OnSample(30ms);
  EXPECT_EQ(rto.rttvar(), 63125us);  // 3/4 * 57.5 + 1/4 * |110 - 30|
  EXPECT_EQ(rto.srtt(), 100ms);
}

TEST(Rfc6298, Section2_4_AtLeastOneSecond) {
  RtoEstimator rto({});
  rto.OnSample(10ms);
  EXPECT_EQ(rto.rto(), 1s);
}

TEST(Rfc6298, Section2_5_AtMostTheMaximum) {
  RtoEstimator rto({});
  for (int i = 0; i < 10; ++i) rto.BackOff();
  EXPECT_EQ(rto.rto(), 60s);
  rto.OnSample(100s);
  EXPECT_EQ(rto.rto(), 60s);
}

TEST(Rfc6298, Section4_TheGranularityIsTheLeastVariance) {
  RtoEstimator rto(FineTimer());
  for (int i = 0; i < 200; ++i) rto.OnSample(100ms);
  EXPECT_EQ(rto.rto(), 101ms);
}

TEST(Rfc6298, Section5_5_BacksOffUntilASampleComes) {
  RtoEstimator rto(FineTimer());
  rto.OnSample(100ms);
  rto.BackOff();
  rto.BackOff();
  EXPECT_EQ(rto.rto(), 1200ms);
  rto.OnSample(100ms);
  EXPECT_LT(rto.rto(), 300ms);
}

// --- RFC 6298 §3, §5 in a connection ---

TEST(Rfc6298, Section3_TheHandshakeIsASample) {
  TcpConnectionOptions options = TcpBench::Plain();
  options.rto_min = 1ms;
  TcpBench bench(options);
  bench.In(TcpState::kSynSent);
  bench.RunFor(100ms);
  bench.Receive({.sequence = 5000, .acknowledgment = 1001, .flags = kTcpSyn | kTcpAck});
  EXPECT_EQ(bench.tcp.rto().srtt(), 100ms);
}

// Karn's algorithm.
TEST(Rfc6298, Section3_NoSampleOfASegmentThatWasSentTwice) {
  TcpBench bench;
  bench.In(TcpState::kEstablished);
  const std::optional<net::Duration> before = bench.tcp.rto().srtt();
  bench.Write(10);
  bench.RunFor(1500ms);
  bench.ReceiveAck(1011);
  EXPECT_EQ(bench.tcp.rto().srtt(), before);
  EXPECT_EQ(bench.tcp.rto().rto(), 2s);  // stays backed off
  bench.Write(10);
  bench.RunFor(100ms);
  bench.ReceiveAck(1021);
  EXPECT_EQ(bench.tcp.rto().rto(), 1s);
}

TEST(Rfc6298, Section3_NoSampleOfASegmentThatWasFastRetransmitted) {
  TcpBench bench;
  bench.In(TcpState::kEstablished);
  bench.Write(5000);
  const std::optional<net::Duration> before = bench.tcp.rto().srtt();
  bench.RunFor(300ms);
  for (int i = 0; i < 3; ++i) bench.ReceiveAck(1001);
  ASSERT_EQ(bench.tcp.counters().fast_retransmits, 1u);
  bench.RunFor(100ms);
  bench.ReceiveAck(6001);
  EXPECT_EQ(bench.tcp.rto().srtt(), before);
}

TEST(Rfc6298, Section5_3_AnAckOfNewDataRestartsTheTimer) {
  TcpBench bench;
  bench.In(TcpState::kEstablished);
  bench.Write(2000);
  bench.RunFor(400ms);
  bench.ReceiveAck(2001);  // a sample of 400 ms: the RTO stays at its least, 1 s
  bench.TakeSent();
  bench.RunFor(999ms);
  EXPECT_THAT(bench.TakeSent(), IsEmpty());
  bench.RunFor(1ms);
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=2001><ACK=5001><LEN=1000><CTL=PSH,ACK>"));
}

TEST(Rfc6298, Section5_2_AllAcknowledgedStopsTheTimer) {
  TcpBench bench;
  bench.In(TcpState::kEstablished);
  bench.Write(2000);
  bench.ReceiveAck(3001);
  EXPECT_EQ(bench.tcp.NextTimer(), net::kNever);
}

TEST(Rfc6298, Section5_7_ThreeSecondsAfterALostSyn) {
  TcpBench bench;
  bench.In(TcpState::kSynSent);
  bench.RunFor(1500ms);
  bench.Receive({.sequence = 5000, .acknowledgment = 1001, .flags = kTcpSyn | kTcpAck, .mss_bytes = 1000});
  EXPECT_EQ(bench.tcp.rto().rto(), 3s);
  bench.Write(10);
  bench.TakeSent();
  bench.RunFor(2999ms);
  EXPECT_THAT(bench.TakeSent(), IsEmpty());
  bench.RunFor(1ms);
  EXPECT_EQ(bench.TakeSent().size(), 1u);
}

TEST(Rfc6298, Section5_7_ThreeSecondsAfterALostSynAck) {
  TcpBench bench;
  bench.InPassive();
  bench.RunFor(1s);
  bench.ReceiveAck(1001);
  EXPECT_EQ(bench.tcp.rto().rto(), 3s);
}

TEST(Rfc6298, Section2_1_AnInitialRtoOfThreeSecondsIsAParameter) {
  TcpConnectionOptions options = TcpBench::Plain();
  options.rto_initial = 3s;
  TcpBench bench(options);
  bench.In(TcpState::kSynSent);
  bench.RunFor(2999ms);
  EXPECT_THAT(bench.TakeSent(), IsEmpty());
  bench.RunFor(1ms);
  EXPECT_EQ(bench.TakeSent().size(), 1u);
}

// --- RFC 5681 §3.1 ---

NewReno Started(std::uint32_t smss, int segments, bool syn_lost = false) {
  NewReno reno;
  reno.Start(smss, 0, segments, syn_lost);
  return reno;
}

TEST(Rfc5681, Section3_1_InitialWindow) {
  EXPECT_EQ(Started(2191, 0).cwnd(), 2u * 2191);
  EXPECT_EQ(Started(2190, 0).cwnd(), 3u * 2190);
  EXPECT_EQ(Started(1096, 0).cwnd(), 3u * 1096);
  EXPECT_EQ(Started(1095, 0).cwnd(), 4u * 1095);
}

TEST(Rfc6928, Section2_InitialWindowOfTenSegments) {
  EXPECT_EQ(Started(1460, 10).cwnd(), 14600u);
  EXPECT_EQ(Started(536, 10).cwnd(), 5360u);
  EXPECT_EQ(Started(9000, 10).cwnd(), 18000u);
}

TEST(Rfc5681, Section3_1_OneSegmentAfterALostSyn) { EXPECT_EQ(Started(1000, 10, true).cwnd(), 1000u); }

TEST(Rfc5681, Section3_1_SlowStartGrowsByWhatIsAcknowledgedUpToASegment) {
  NewReno reno = Started(1000, 2);
  reno.OnNewAck(301, 300, 0);
  EXPECT_EQ(reno.cwnd(), 2300u);
  reno.OnNewAck(2301, 2000, 0);
  EXPECT_EQ(reno.cwnd(), 3300u);
}

TEST(Rfc5681, Section3_1_ATimeoutHalvesTheFlightAndStartsWithOneSegment) {
  NewReno reno = Started(1000, 10);
  reno.OnTimeout(8000, 8001, false);
  EXPECT_EQ(reno.ssthresh(), 4000u);
  EXPECT_EQ(reno.cwnd(), 1000u);
  reno.OnTimeout(8000, 8001, true);  // of the same segment
  EXPECT_EQ(reno.ssthresh(), 4000u);
  NewReno little = Started(1000, 10);
  little.OnTimeout(1000, 1001, false);
  EXPECT_EQ(little.ssthresh(), 2000u);  // at least two segments
}

TEST(Rfc5681, Section3_1_CongestionAvoidanceGrowsByASegmentPerWindow) {
  NewReno reno = Started(1000, 10);
  reno.OnTimeout(8000, 8001, false);
  std::uint32_t acknowledged = 1;
  for (int i = 0; i < 3; ++i) reno.OnNewAck(acknowledged += 1000, 1000, 4000);
  ASSERT_EQ(reno.cwnd(), reno.ssthresh());
  for (int i = 0; i < 3; ++i) reno.OnNewAck(acknowledged += 1000, 1000, 4000);
  EXPECT_EQ(reno.cwnd(), 4000u);
  reno.OnNewAck(acknowledged += 1000, 1000, 4000);
  EXPECT_EQ(reno.cwnd(), 5000u);
}

TEST(Rfc5681, Section4_1_AfterIdlenessNoMoreThanTheInitialWindow) {
  TcpConnectionOptions options = TcpBench::Plain();
  options.initial_window_segments = 2;
  TcpBench bench(options);
  bench.In(TcpState::kEstablished);
  for (std::uint32_t i = 0; i < 8; ++i) {
    bench.Write(1000);
    bench.ReceiveAck(2001 + 1000 * i);
  }
  EXPECT_EQ(bench.tcp.congestion().cwnd(), 10000u);
  bench.RunFor(1001ms);
  bench.TakeSent();
  bench.Write(9000);
  EXPECT_EQ(bench.TakeSent().size(), 2u);
}

// --- RFC 5681 §3.2, RFC 6582 ---

// A connection with ten segments of 1000 bytes in flight, from the number 1001.
TcpBench TenInFlight() {
  TcpBench bench;
  bench.In(TcpState::kEstablished);
  bench.Write(20000);
  EXPECT_EQ(bench.TakeSent().size(), 10u);
  return bench;
}

TEST(Rfc5681, Section3_2_TheThirdDuplicateSendsTheFirstSegmentAgain) {
  TcpBench bench = TenInFlight();
  bench.ReceiveAck(1001);
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=11001><ACK=5001><LEN=1000><CTL=ACK>"));  // limited transmit
  bench.ReceiveAck(1001);
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=12001><ACK=5001><LEN=1000><CTL=ACK>"));
  EXPECT_EQ(bench.tcp.congestion().cwnd(), 10000u);
  bench.ReceiveAck(1001);
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=1001><ACK=5001><LEN=1000><CTL=ACK>"));
  EXPECT_EQ(bench.tcp.congestion().ssthresh(), 5000u);  // of ten: limited transmit does not count
  EXPECT_EQ(bench.tcp.congestion().cwnd(), 8000u);      // ssthresh + 3
  bench.ReceiveAck(1001);
  EXPECT_EQ(bench.tcp.congestion().cwnd(), 9000u);
}

TEST(Rfc5681, Section2_WithDataOrAnotherWindowItIsNoDuplicate) {
  TcpBench bench = TenInFlight();
  for (int i = 0; i < 3; ++i) bench.ReceiveData(bench.tcp.rcv_nxt(), 1);
  bench.TakeSent();
  for (std::uint16_t i = 0; i < 3; ++i) bench.ReceiveAck(1001, static_cast<std::uint16_t>(60000 - i));
  EXPECT_THAT(bench.TakeSent(), IsEmpty());
  EXPECT_FALSE(bench.tcp.congestion().in_recovery());
}

TEST(Rfc6582, Section3_2_APartialAckSendsTheNextHole) {
  TcpBench bench = TenInFlight();
  for (int i = 0; i < 3; ++i) bench.ReceiveAck(1001);
  bench.TakeSent();  // 12 segments up to 13001; ssthresh 5000, cwnd 8000
  bench.ReceiveAck(4001);
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=4001><ACK=5001><LEN=1000><CTL=ACK>"));
  EXPECT_TRUE(bench.tcp.congestion().in_recovery());
  EXPECT_EQ(bench.tcp.congestion().cwnd(), 6000u);  // 8000 - 3000 + 1000
}

TEST(Rfc6582, Section3_2_AFullAckEndsRecovery) {
  TcpBench bench = TenInFlight();
  for (int i = 0; i < 3; ++i) bench.ReceiveAck(1001);
  bench.TakeSent();
  bench.ReceiveAck(13001);
  EXPECT_FALSE(bench.tcp.congestion().in_recovery());
  EXPECT_EQ(bench.tcp.congestion().cwnd(), 2000u);  // min(ssthresh, max(FlightSize, SMSS) + SMSS), nothing in flight
}

TEST(Rfc6582, Section3_2_OnlyTheFirstPartialAckRestartsTheTimer) {
  TcpBench bench = TenInFlight();
  for (int i = 0; i < 3; ++i) bench.ReceiveAck(1001);
  bench.RunFor(500ms);
  bench.ReceiveAck(2001);
  EXPECT_EQ(bench.tcp.NextTimer(), bench.now + 1s);
  bench.RunFor(500ms);
  bench.ReceiveAck(3001);
  EXPECT_EQ(bench.tcp.NextTimer(), bench.now + 500ms);
}

// Sequence numbers wrap, so an old value of "recover" must not come to lie ahead of new numbers.
TEST(Rfc6582, Section3_2_FastRetransmitWorksAfterAnyNumberOfBytesWithoutLoss) {
  NewReno congestion;
  congestion.Start(1000, 0, 10, false);
  std::uint32_t acknowledged = 1;
  for (int megabytes = 0; megabytes < 2 * 2048 + 16; ++megabytes) {
    acknowledged += 1 << 20;
    congestion.OnNewAck(acknowledged, 1 << 20, 10'000);
    NewReno now = congestion;
    bool retransmits = false;
    for (int i = 0; i < 3; ++i) retransmits = now.OnDuplicateAck(acknowledged, acknowledged + 10'000, true);
    ASSERT_TRUE(retransmits) << "after " << megabytes << " MiB";
  }
}

TEST(Rfc6582, Section3_2_DuplicatesOfARepairedWindowStartNothing) {
  TcpBench bench = TenInFlight();
  bench.RunFor(1s);  // a timeout; recover is what was sent so far
  bench.TakeSent();
  for (int i = 0; i < 5; ++i) bench.ReceiveAck(1001);
  EXPECT_FALSE(bench.tcp.congestion().in_recovery());
}

// One segment of many is lost: fast retransmit repairs it within about a round trip, no timer.
TEST(TcpRecovery, ASingleLossCostsNoTimeout) {
  TcpPipe pipe({}, {}, {.delay = 20ms}, 1);
  pipe.lose = [](const TcpPipe::Sent& sent) {
    return sent.from == 0 && !sent.retransmission && sent.payload_bytes > 0 && sent.header.sequence == 100 + 1 + 14600;
  };
  pipe.sides[0].to_send = 200'000;
  pipe.Connect(100, 300);
  EXPECT_TRUE(pipe.Run());
  EXPECT_EQ(pipe.sides[1].read, 200'000u);
  EXPECT_EQ(pipe.sides[0].tcp.counters().timeouts, 0u);
  EXPECT_EQ(pipe.sides[0].tcp.counters().fast_retransmits, 1u);
  EXPECT_EQ(pipe.sides[0].tcp.counters().retransmissions, 1u);
}

TEST(TcpRecovery, AfterATimeoutTheWindowIsSentAgainFromItsBeginning) {
  TcpBench bench = TenInFlight();
  bench.RunFor(1s);
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=1001><ACK=5001><LEN=1000><CTL=ACK>"));
  bench.ReceiveAck(2001);
  EXPECT_THAT(bench.TakeSent(),
              ElementsAre("<SEQ=2001><ACK=5001><LEN=1000><CTL=ACK>", "<SEQ=3001><ACK=5001><LEN=1000><CTL=ACK>"));
  bench.ReceiveAck(11001);  // it had the rest
  EXPECT_EQ(bench.TakeSent().front(), "<SEQ=11001><ACK=5001><LEN=1000><CTL=ACK>");
}

}  // namespace
}  // namespace pinhole::sim
