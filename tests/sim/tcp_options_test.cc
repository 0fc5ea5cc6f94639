// Options of the SYN and of ACKs: window scale (RFC 7323 §2), SACK (RFC 2018).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/tcp_bench.h"
#include "tests/sim/tcp_pipe.h"

namespace pinhole::sim {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

TcpConnectionOptions Scaled(std::uint8_t shift) {
  TcpConnectionOptions options = TcpBench::Plain();
  options.window_scale = shift;
  options.receive_buffer_bytes = 1 << 20;
  return options;
}

TcpHeader SynAck(std::uint8_t scale) {
  return {.sequence = 5000, .acknowledgment = 1001, .window = 1000, .flags = kTcpSyn | kTcpAck, .window_scale = scale};
}

TEST(Rfc7323, Section2_2_ScalingNeedsBothSyns) {
  TcpBench offered(Scaled(5));
  offered.tcp.OpenActive(offered.now, 1000);
  offered.Drain();
  EXPECT_EQ(offered.sent[0].header.window_scale, 5);
  offered.ReceiveHeader(SynAck(TcpHeader::kNoWindowScale), 0);
  EXPECT_EQ(offered.tcp.snd_wind_shift(), 0);
  EXPECT_EQ(offered.tcp.rcv_wind_shift(), 0);

  TcpBench agreed(Scaled(5));
  agreed.In(TcpState::kSynSent);
  agreed.ReceiveHeader(SynAck(3), 0);
  EXPECT_EQ(agreed.tcp.snd_wind_shift(), 3);
  EXPECT_EQ(agreed.tcp.rcv_wind_shift(), 5);
}

TEST(Rfc7323, Section2_2_ASynAckOffersOnlyWhatTheSynDid) {
  for (const std::uint8_t offered : {std::uint8_t{2}, TcpHeader::kNoWindowScale}) {
    TcpBench bench(Scaled(5));
    bench.tcp.OpenPassive(bench.now, 1000, {.sequence = 5000, .flags = kTcpSyn, .window_scale = offered});
    bench.Drain();
    EXPECT_EQ(bench.sent[0].header.window_scale, offered == TcpHeader::kNoWindowScale ? TcpHeader::kNoWindowScale : 5);
  }
}

TEST(Rfc7323, Section2_2_TheWindowOfASynIsNotScaled) {
  TcpBench bench(Scaled(5));
  bench.tcp.OpenActive(bench.now, 1000);
  bench.Drain();
  EXPECT_EQ(bench.sent[0].header.window, 65535);
  bench.ReceiveHeader(SynAck(3), 0);
  EXPECT_EQ(bench.tcp.snd_wnd(), 1000u);
  bench.ReceiveAck(1001, 1000);
  EXPECT_EQ(bench.tcp.snd_wnd(), 8000u);
}

TEST(Rfc7323, Section2_2_TheWindowOfACrossedSynAckIsNotScaled) {
  TcpBench bench(Scaled(5));
  bench.tcp.OpenActive(bench.now, 1000);
  bench.Drain();
  bench.ReceiveHeader({.sequence = 5000, .window = 1000, .flags = kTcpSyn, .window_scale = 3}, 0);
  EXPECT_EQ(bench.tcp.snd_wnd(), 1000u);
  bench.ReceiveHeader(SynAck(3), 0);
  ASSERT_EQ(bench.tcp.state(), TcpState::kEstablished);
  EXPECT_EQ(bench.tcp.snd_wnd(), 1000u);
  bench.ReceiveAck(1001, 1000);
  EXPECT_EQ(bench.tcp.snd_wnd(), 8000u);
}

TEST(Rfc7323, Section2_3_OutgoingWindowsAreShifted) {
  TcpBench bench(Scaled(5));
  bench.In(TcpState::kSynSent);
  bench.ReceiveHeader(SynAck(3), 0);
  EXPECT_EQ(bench.sent.back().header.window, (1 << 20) >> 5);
  EXPECT_EQ(bench.tcp.rcv_wnd(), 1u << 20);
}

TEST(Rfc7323, Section2_3_AShiftAbove14CountsAs14) {
  TcpBench bench(Scaled(5));
  bench.In(TcpState::kSynSent);
  bench.ReceiveHeader(SynAck(15), 0);
  EXPECT_EQ(bench.tcp.snd_wind_shift(), 14);
}

TEST(Rfc7323, Section2_4_WhatWasOfferedOnceIsTaken) {
  // The window field loses low bits, so a later ACK may offer less; the first offer holds.
  TcpConnectionOptions options = Scaled(10);
  options.receive_buffer_bytes = 128 << 10;
  TcpBench bench(options);
  bench.In(TcpState::kSynSent);
  bench.ReceiveHeader(SynAck(0), 0);
  const std::uint32_t edge = bench.tcp.rcv_nxt() + bench.tcp.rcv_wnd();
  bench.ReceiveData(5001, 10);
  EXPECT_EQ(bench.tcp.rcv_nxt() + bench.tcp.rcv_wnd(), edge);
  EXPECT_EQ(bench.ReceiveData(edge - 10, 10), Rule::kNone);
}

// --- RFC 2018 ---

TcpConnectionOptions WithSack() {
  TcpConnectionOptions options = TcpBench::Plain();
  options.sack_permitted = true;
  return options;
}

TcpBench OpenWithSack(bool peer_permits) {
  TcpBench bench(WithSack());
  bench.In(TcpState::kSynSent);
  bench.ReceiveHeader({.sequence = 5000,
                       .acknowledgment = 1001,
                       .window = 65535,
                       .mss_bytes = 1000,
                       .flags = kTcpSyn | kTcpAck,
                       .sack_permitted = peer_permits},
                      0);
  bench.sent.clear();
  return bench;
}

std::vector<SackBlock> Blocks(const TcpHeader& header) {
  return {header.sack.begin(), header.sack.begin() + header.sack_count};
}

TEST(Rfc2018, Section2_BlocksOnlyIfThePeerPermits) {
  for (const bool permits : {false, true}) {
    TcpBench bench = OpenWithSack(permits);
    bench.ReceiveData(5101, 100);
    EXPECT_EQ(bench.sent.back().header.sack_count, permits ? 1 : 0);
  }
}

TEST(Rfc2018, Section2_ASynAckPermitsOnlyWhatTheSynDid) {
  for (const bool permits : {false, true}) {
    TcpBench bench(WithSack());
    bench.tcp.OpenPassive(bench.now, 1000, {.sequence = 5000, .flags = kTcpSyn, .sack_permitted = permits});
    bench.Drain();
    EXPECT_EQ(bench.sent[0].header.sack_permitted, permits);
  }
}

// RFC 2018 §7's example: segments of 500 bytes from 5000, here from 5001, of which the 1st, 3rd, 5th and 7th are lost.
TEST(Rfc2018, Section4_TheLatestBlockIsTheFirst) {
  TcpBench bench = OpenWithSack(true);
  bench.ReceiveData(5501, 500);
  EXPECT_THAT(Blocks(bench.sent.back().header), ElementsAre(SackBlock{5501, 6001}));
  bench.ReceiveData(6501, 500);
  EXPECT_THAT(Blocks(bench.sent.back().header), ElementsAre(SackBlock{6501, 7001}, SackBlock{5501, 6001}));
  bench.ReceiveData(7501, 500);
  EXPECT_THAT(Blocks(bench.sent.back().header),
              ElementsAre(SackBlock{7501, 8001}, SackBlock{6501, 7001}, SackBlock{5501, 6001}));
  bench.ReceiveData(6001, 500);  // joins the first two
  EXPECT_THAT(Blocks(bench.sent.back().header), ElementsAre(SackBlock{5501, 7001}, SackBlock{7501, 8001}));
  bench.ReceiveData(5001, 500);
  EXPECT_EQ(bench.sent.back().header.acknowledgment, 7001u);
  EXPECT_THAT(Blocks(bench.sent.back().header), ElementsAre(SackBlock{7501, 8001}));
}

TEST(Rfc2018, Section3_BlocksTakeTheirRoomFromTheData) {
  TcpBench bench = OpenWithSack(true);
  for (std::uint32_t i = 0; i < 6; ++i) bench.ReceiveData(5101 + 200 * i, 100);
  EXPECT_EQ(bench.sent.back().header.sack_count, 4);
  bench.sent.clear();
  bench.Write(1000);
  ASSERT_EQ(bench.sent.size(), 1u);
  EXPECT_EQ(bench.sent[0].payload_bytes, 1000u - 36);
  EXPECT_LE(TcpHeaderBytes(bench.sent[0].header), 60u);
}

// RFC 5681 §3.2 step 1.
TEST(Rfc2018, Section5_WithSackADuplicateWithoutNewsSendsNoNewData) {
  TcpBench bench = OpenWithSack(true);
  bench.Write(20000);
  bench.sent.clear();
  bench.ReceiveAck(1001);
  EXPECT_TRUE(bench.sent.empty());
  bench.Receive({.sequence = 5001, .acknowledgment = 1001, .sack = {{2001, 3001}}});
  EXPECT_EQ(bench.sent.size(), 1u);
}

TEST(TcpOptions, WindowsBeyond64KilobytesFillALongPath) {
  TcpConnectionOptions options;
  options.receive_buffer_bytes = options.send_buffer_bytes = 1 << 20;
  TcpPipe pipe(options, options, {.delay = 50ms}, 1);
  pipe.sides[0].to_send = 4 << 20;
  pipe.Connect();
  EXPECT_TRUE(pipe.Run());
  EXPECT_EQ(pipe.sides[1].read, std::uint64_t{4} << 20);
  // Slow start doubles every 100 ms from 14600 bytes: 7 round trips reach a megabyte, 4 more carry the rest. Without
  // scaling 64 KB per round trip would take 6.4 s.
  EXPECT_LT(*pipe.sides[0].ended_at, net::Instant(2s));  // side 1 finished first, and waits
}

}  // namespace
}  // namespace pinhole::sim
