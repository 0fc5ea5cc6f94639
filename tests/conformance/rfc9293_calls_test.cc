// RFC 9293 §3.10.1 to §3.10.6: the effect of each user call in each state except LISTEN. LISTEN is the state of a
// listener: rfc9293_listen_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/tcp_bench.h"

namespace pinhole::sim {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr TcpState kOpenStates[] = {TcpState::kSynSent,  TcpState::kSynReceived, TcpState::kEstablished,
                                    TcpState::kFinWait1, TcpState::kFinWait2,    TcpState::kCloseWait,
                                    TcpState::kClosing,  TcpState::kLastAck,     TcpState::kTimeWait};

// --- OPEN ---

TEST(Rfc9293, Section3_10_1_ActiveOpenInClosedSendsSynAndEntersSynSent) {
  TcpBench bench;
  EXPECT_EQ(bench.tcp.OpenActive(bench.now, 1000), TcpCall::kOk);
  bench.Drain();
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=1000><CTL=SYN>"));
  EXPECT_EQ(bench.tcp.state(), TcpState::kSynSent);
  EXPECT_EQ(bench.tcp.snd_una(), 1000u);
  EXPECT_EQ(bench.tcp.snd_nxt(), 1001u);
}

TEST(Rfc9293, Section3_10_1_OpenOfAnOpenConnectionIsRefused) {
  for (const TcpState state : kOpenStates) {
    SCOPED_TRACE(ToString(state));
    TcpBench bench;
    bench.In(state);
    EXPECT_EQ(bench.tcp.OpenActive(bench.now, 7), TcpCall::kAlreadyExists);
    EXPECT_EQ(bench.tcp.OpenPassive(bench.now, 7, {.sequence = 9, .flags = kTcpSyn}), TcpCall::kAlreadyExists);
    bench.Drain();
    EXPECT_EQ(bench.tcp.state(), state);
    EXPECT_THAT(bench.TakeSent(), IsEmpty());
  }
}

// --- SEND ---

TEST(Rfc9293, Section3_10_2_SendInClosedDoesNotExist) {
  TcpBench bench;
  EXPECT_EQ(bench.Write(5).status, TcpCall::kDoesNotExist);
}

TEST(Rfc9293, Section3_10_2_SendInSynSentIsQueuedUntilEstablished) {
  TcpBench bench;
  bench.In(TcpState::kSynSent);
  EXPECT_EQ(bench.Write(5).bytes, 5u);
  EXPECT_THAT(bench.TakeSent(), IsEmpty());
  bench.Receive({.sequence = 5000, .acknowledgment = 1001, .flags = kTcpSyn | kTcpAck});
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=1001><ACK=5001><LEN=5><CTL=PSH,ACK>"));
}

TEST(Rfc9293, Section3_10_2_SendInSynReceivedIsQueuedUntilEstablished) {
  TcpBench bench;
  bench.In(TcpState::kSynReceived);
  EXPECT_EQ(bench.Write(5).bytes, 5u);
  EXPECT_THAT(bench.TakeSent(), IsEmpty());
  bench.ReceiveAck(1001);
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=1001><ACK=5001><LEN=5><CTL=PSH,ACK>"));
}

TEST(Rfc9293, Section3_10_2_SendInEstablishedGoesOutWithAnAcknowledgment) {
  TcpBench bench;
  bench.In(TcpState::kEstablished);
  EXPECT_EQ(bench.Write(5).bytes, 5u);
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=1001><ACK=5001><LEN=5><CTL=PSH,ACK>"));
  EXPECT_EQ(bench.tcp.snd_nxt(), 1006u);
}

TEST(Rfc9293, Section3_10_2_SendInCloseWaitGoesOut) {
  TcpBench bench;
  bench.In(TcpState::kCloseWait);
  EXPECT_EQ(bench.Write(5).bytes, 5u);
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=1001><ACK=5002><LEN=5><CTL=PSH,ACK>"));
}

TEST(Rfc9293, Section3_10_2_SendWithoutRoomHasInsufficientResources) {
  TcpConnectionOptions options = TcpBench::Plain();
  options.send_buffer_bytes = 100;
  TcpBench bench(options);
  bench.In(TcpState::kEstablished);
  EXPECT_EQ(bench.Write(150).bytes, 100u);
  EXPECT_EQ(bench.Write(1).status, TcpCall::kInsufficientResources);
  bench.ReceiveAck(1101);
  EXPECT_THAT(bench.TakeEvents(), ElementsAre("writable"));
  EXPECT_EQ(bench.Write(1).bytes, 1u);
}

TEST(Rfc9293, Section3_10_2_SendAfterCloseIsRefused) {
  for (const TcpState state :
       {TcpState::kFinWait1, TcpState::kFinWait2, TcpState::kClosing, TcpState::kLastAck, TcpState::kTimeWait}) {
    SCOPED_TRACE(ToString(state));
    TcpBench bench;
    bench.In(state);
    EXPECT_EQ(bench.Write(5).status, TcpCall::kClosing);
    EXPECT_THAT(bench.TakeSent(), IsEmpty());
  }
}

// --- RECEIVE ---

TEST(Rfc9293, Section3_10_3_ReceiveInClosedDoesNotExist) {
  TcpBench bench;
  EXPECT_EQ(bench.Read(5).status, TcpCall::kDoesNotExist);
}

TEST(Rfc9293, Section3_10_3_ReceiveBeforeEstablishedWaits) {
  for (const TcpState state : {TcpState::kSynSent, TcpState::kSynReceived}) {
    SCOPED_TRACE(ToString(state));
    TcpBench bench;
    bench.In(state);
    const TcpConnection::Taken taken = bench.Read(5);
    EXPECT_EQ(taken.status, TcpCall::kOk);
    EXPECT_EQ(taken.bytes, 0u);
  }
}

TEST(Rfc9293, Section3_10_3_ReceiveGivesWhatCameInSequence) {
  for (const TcpState state : {TcpState::kEstablished, TcpState::kFinWait1, TcpState::kFinWait2}) {
    SCOPED_TRACE(ToString(state));
    TcpBench bench;
    bench.In(state);
    EXPECT_EQ(bench.ReceiveData(5001, 5), Rule::kNone);
    EXPECT_EQ(bench.Read(3).bytes, 3u);
    EXPECT_EQ(bench.Read(5).bytes, 2u);
    EXPECT_EQ(bench.Read(5).status, TcpCall::kOk);
  }
}

TEST(Rfc9293, Section3_10_3_ReceiveInCloseWaitGivesWhatIsThereThenCloses) {
  TcpBench bench;
  bench.In(TcpState::kEstablished);
  bench.Receive({.sequence = 5001, .acknowledgment = 1001, .flags = kTcpAck | kTcpFin, .payload_bytes = 5});
  EXPECT_EQ(bench.tcp.state(), TcpState::kCloseWait);
  EXPECT_EQ(bench.Read(9).bytes, 5u);
  EXPECT_EQ(bench.Read(9).status, TcpCall::kClosing);
}

TEST(Rfc9293, Section3_10_3_ReceiveBehindThePeersFinIsClosing) {
  for (const TcpState state : {TcpState::kCloseWait, TcpState::kClosing, TcpState::kLastAck, TcpState::kTimeWait}) {
    SCOPED_TRACE(ToString(state));
    TcpBench bench;
    bench.In(state);
    EXPECT_EQ(bench.Read(5).status, TcpCall::kClosing);
  }
}

// --- CLOSE ---

TEST(Rfc9293, Section3_10_4_CloseInClosedDoesNotExist) {
  TcpBench bench;
  EXPECT_EQ(bench.FinishWriting(), TcpCall::kDoesNotExist);
  EXPECT_EQ(bench.Close(), TcpCall::kDoesNotExist);
}

TEST(Rfc9293, Section3_10_4_CloseInSynSentSendsNothingAndDeletesTheTcb) {
  TcpBench bench;
  bench.In(TcpState::kSynSent);
  EXPECT_EQ(bench.Close(), TcpCall::kOk);
  EXPECT_EQ(bench.tcp.state(), TcpState::kClosed);
  EXPECT_THAT(bench.TakeSent(), IsEmpty());
  EXPECT_THAT(bench.TakeEvents(), ElementsAre("ended: closed_before_open"));
  EXPECT_EQ(bench.tcp.NextTimer(), net::kNever);
}

TEST(Rfc9293, Section3_10_4_CloseInSynReceivedWithNothingToSendSendsFin) {
  TcpBench bench;
  bench.InPassive();
  EXPECT_EQ(bench.FinishWriting(), TcpCall::kOk);
  EXPECT_EQ(bench.tcp.state(), TcpState::kFinWait1);
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=1001><ACK=5001><CTL=FIN,ACK>"));
  bench.ReceiveAck(1001);
  EXPECT_EQ(bench.tcp.state(), TcpState::kFinWait1);
  bench.ReceiveAck(1002);
  EXPECT_EQ(bench.tcp.state(), TcpState::kFinWait2);
}

// The peer's FIN comes before the acknowledgment of this side's SYN, so the connection cannot return to FIN-WAIT-1.
TEST(Rfc9293, Section3_10_4_CloseInSynReceivedThenThePeersFinIsClosing) {
  TcpBench bench;
  bench.InPassive();
  bench.FinishWriting();
  bench.Receive({.sequence = 5001, .acknowledgment = 1000, .flags = kTcpFin | kTcpAck});
  EXPECT_EQ(bench.tcp.state(), TcpState::kClosing);
  bench.Receive({.sequence = 5002, .acknowledgment = 1001});
  EXPECT_EQ(bench.tcp.state(), TcpState::kClosing);
  bench.Receive({.sequence = 5002, .acknowledgment = 1002});
  EXPECT_EQ(bench.tcp.state(), TcpState::kTimeWait);
}

TEST(Rfc9293, Section3_10_4_CloseInSynReceivedWithDataWaitsForEstablished) {
  TcpBench bench;
  bench.In(TcpState::kSynReceived);
  bench.Write(5);
  bench.FinishWriting();
  EXPECT_EQ(bench.tcp.state(), TcpState::kSynReceived);
  EXPECT_THAT(bench.TakeSent(), IsEmpty());
  bench.ReceiveAck(1001);
  EXPECT_EQ(bench.tcp.state(), TcpState::kFinWait1);
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=1001><ACK=5001><LEN=5><CTL=FIN,PSH,ACK>"));
}

TEST(Rfc9293, Section3_10_4_CloseInEstablishedSendsFinBehindAllData) {
  TcpBench bench;
  bench.In(TcpState::kEstablished);
  bench.ReceiveAck(1001, 1000);  // a window for the first segment only
  bench.Write(1500);
  bench.FinishWriting();
  EXPECT_EQ(bench.tcp.state(), TcpState::kFinWait1);
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=1001><ACK=5001><LEN=1000><CTL=ACK>"));
  bench.ReceiveAck(2001, 1000);
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=2001><ACK=5001><LEN=500><CTL=FIN,PSH,ACK>"));
  EXPECT_EQ(bench.tcp.state(), TcpState::kFinWait1);
}

TEST(Rfc9293, Section3_10_4_CloseInFinWaitSendsNoSecondFin) {
  for (const TcpState state : {TcpState::kFinWait1, TcpState::kFinWait2}) {
    SCOPED_TRACE(ToString(state));
    TcpBench bench;
    bench.In(state);
    EXPECT_EQ(bench.FinishWriting(), TcpCall::kClosing);
    EXPECT_THAT(bench.TakeSent(), IsEmpty());
    EXPECT_EQ(bench.tcp.state(), state);
  }
}

TEST(Rfc9293, Section3_10_4_CloseInCloseWaitSendsFinAndEntersLastAck) {
  TcpBench bench;
  bench.In(TcpState::kCloseWait);
  EXPECT_EQ(bench.FinishWriting(), TcpCall::kOk);
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=1001><ACK=5002><CTL=FIN,ACK>"));
  EXPECT_EQ(bench.tcp.state(), TcpState::kLastAck);
}

TEST(Rfc9293, Section3_10_4_CloseInCloseWaitWaitsUntilAllDataIsSegmentized) {
  TcpBench bench;
  bench.In(TcpState::kCloseWait);
  bench.Receive({.sequence = 5002, .acknowledgment = 1001, .window = 5});
  bench.Write(10);
  bench.FinishWriting();
  EXPECT_EQ(bench.tcp.state(), TcpState::kCloseWait);
  bench.Receive({.sequence = 5002, .acknowledgment = 1001, .window = 65535});
  EXPECT_EQ(bench.tcp.state(), TcpState::kLastAck);
}

TEST(Rfc9293, Section3_10_4_CloseWhileClosingIsRefused) {
  for (const TcpState state : {TcpState::kClosing, TcpState::kLastAck, TcpState::kTimeWait}) {
    SCOPED_TRACE(ToString(state));
    TcpBench bench;
    bench.In(state);
    EXPECT_EQ(bench.FinishWriting(), TcpCall::kClosing);
    EXPECT_EQ(bench.tcp.state(), state);
    EXPECT_THAT(bench.TakeSent(), IsEmpty());
  }
}

// Brings a new connection into `state`, with five bytes of the peer that nobody has read.
void InWithUnreadData(TcpBench& bench, TcpState state) {
  bench.In(TcpState::kEstablished);
  bench.ReceiveData(5001, 5);
  const bool finished_first = state == TcpState::kFinWait1 || state == TcpState::kFinWait2 ||
                              state == TcpState::kClosing || state == TcpState::kTimeWait;
  if (finished_first) bench.FinishWriting();
  if (state == TcpState::kFinWait2 || state == TcpState::kTimeWait) bench.ReceiveAck(1002);
  const bool peer_finished = state == TcpState::kCloseWait || state == TcpState::kLastAck ||
                             state == TcpState::kClosing || state == TcpState::kTimeWait;
  if (peer_finished) {
    const std::uint32_t acknowledgment = state == TcpState::kTimeWait ? 1002 : 1001;
    bench.Receive({.sequence = 5006, .acknowledgment = acknowledgment, .flags = kTcpFin | kTcpAck});
  }
  if (state == TcpState::kLastAck) bench.FinishWriting();
  ASSERT_EQ(bench.tcp.state(), state);
  bench.TakeSent();
  bench.TakeEvents();
}

// SHLD-3: "SHOULD send a RST to show that data was lost".
TEST(Rfc9293, Section3_6_1_CloseOverUnreadDataResets) {
  const std::pair<TcpState, const char*> rows[] = {
      {TcpState::kEstablished, "<SEQ=1001><CTL=RST>"}, {TcpState::kFinWait1, "<SEQ=1002><CTL=RST>"},
      {TcpState::kFinWait2, "<SEQ=1002><CTL=RST>"},    {TcpState::kCloseWait, "<SEQ=1001><CTL=RST>"},
      {TcpState::kClosing, "<SEQ=1002><CTL=RST>"},     {TcpState::kLastAck, "<SEQ=1002><CTL=RST>"}};
  for (const auto& [state, reset] : rows) {
    SCOPED_TRACE(ToString(state));
    TcpBench bench;
    InWithUnreadData(bench, state);
    EXPECT_EQ(bench.Close(), TcpCall::kOk);
    EXPECT_THAT(bench.TakeSent(), ElementsAre(reset));
    EXPECT_THAT(bench.TakeEvents(), ElementsAre("ended: data_lost"));
  }
}

// The peer has closed and knows all that it will know.
TEST(Rfc9293, Section3_6_1_CloseOverUnreadDataInTimeWaitSendsNothing) {
  TcpBench bench;
  InWithUnreadData(bench, TcpState::kTimeWait);
  EXPECT_EQ(bench.Close(), TcpCall::kOk);
  EXPECT_THAT(bench.TakeSent(), IsEmpty());
  EXPECT_EQ(bench.tcp.state(), TcpState::kTimeWait);
}

TEST(Rfc9293, Section3_6_1_DataAfterCloseResets) {
  TcpBench bench;
  bench.In(TcpState::kEstablished);
  bench.Close();
  bench.ReceiveAck(1002);
  EXPECT_EQ(bench.tcp.state(), TcpState::kFinWait2);
  bench.TakeSent();
  bench.ReceiveData(5001, 5);
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=1002><CTL=RST>"));
  EXPECT_EQ(bench.tcp.end(), TcpEnd::kDataLost);
}

TEST(Rfc9293, Section3_6_1_AHalfClosedConnectionStillReceives) {
  TcpBench bench;
  bench.In(TcpState::kFinWait2);
  bench.RunFor(std::chrono::hours(10));  // as long as the peer likes
  EXPECT_EQ(bench.ReceiveData(5001, 5), Rule::kNone);
  EXPECT_EQ(bench.Read(9).bytes, 5u);
  EXPECT_EQ(bench.tcp.state(), TcpState::kFinWait2);
}

// --- ABORT ---

TEST(Rfc9293, Section3_10_5_AbortInClosedDoesNotExist) {
  TcpBench bench;
  EXPECT_EQ(bench.Abort(), TcpCall::kDoesNotExist);
}

TEST(Rfc9293, Section3_10_5_AbortInSynSentSendsNothing) {
  TcpBench bench;
  bench.In(TcpState::kSynSent);
  EXPECT_EQ(bench.Abort(), TcpCall::kOk);
  EXPECT_THAT(bench.TakeSent(), IsEmpty());
  EXPECT_THAT(bench.TakeEvents(), ElementsAre("ended: aborted"));
}

TEST(Rfc9293, Section3_10_5_AbortOfAnOpenConnectionSendsRst) {
  const std::pair<TcpState, const char*> rows[] = {{TcpState::kSynReceived, "<SEQ=1001><CTL=RST>"},
                                                   {TcpState::kEstablished, "<SEQ=1001><CTL=RST>"},
                                                   {TcpState::kFinWait1, "<SEQ=1002><CTL=RST>"},
                                                   {TcpState::kFinWait2, "<SEQ=1002><CTL=RST>"},
                                                   {TcpState::kCloseWait, "<SEQ=1001><CTL=RST>"}};
  for (const auto& [state, reset] : rows) {
    SCOPED_TRACE(ToString(state));
    TcpBench bench;
    bench.In(state);
    bench.Abort();
    EXPECT_THAT(bench.TakeSent(), ElementsAre(reset));
    EXPECT_EQ(bench.tcp.state(), TcpState::kClosed);
    EXPECT_EQ(bench.tcp.NextTimer(), net::kNever);
  }
}

TEST(Rfc9293, Section3_10_5_AbortFlushesWhatIsQueued) {
  TcpBench bench;
  bench.In(TcpState::kEstablished);
  bench.tcp.Write(bench.now, std::vector<std::uint8_t>(5000));
  bench.Abort();
  EXPECT_THAT(bench.TakeSent(), ElementsAre("<SEQ=1001><CTL=RST>"));
}

TEST(Rfc9293, Section3_10_5_AbortWhileClosingSendsNothing) {
  for (const TcpState state : {TcpState::kClosing, TcpState::kLastAck, TcpState::kTimeWait}) {
    SCOPED_TRACE(ToString(state));
    TcpBench bench;
    bench.In(state);
    EXPECT_EQ(bench.Abort(), TcpCall::kOk);
    EXPECT_THAT(bench.TakeSent(), IsEmpty());
    EXPECT_EQ(bench.tcp.state(), TcpState::kClosed);
  }
}

// --- STATUS ---

TEST(Rfc9293, Section3_10_6_StatusNamesTheState) {
  const std::pair<TcpState, const char*> rows[] = {{TcpState::kClosed, "CLOSED"},
                                                   {TcpState::kSynSent, "SYN-SENT"},
                                                   {TcpState::kSynReceived, "SYN-RECEIVED"},
                                                   {TcpState::kEstablished, "ESTABLISHED"},
                                                   {TcpState::kFinWait1, "FIN-WAIT-1"},
                                                   {TcpState::kFinWait2, "FIN-WAIT-2"},
                                                   {TcpState::kCloseWait, "CLOSE-WAIT"},
                                                   {TcpState::kClosing, "CLOSING"},
                                                   {TcpState::kLastAck, "LAST-ACK"},
                                                   {TcpState::kTimeWait, "TIME-WAIT"}};
  for (const auto& [state, name] : rows) {
    SCOPED_TRACE(name);
    TcpBench bench;
    bench.In(state);
    EXPECT_STREQ(ToString(bench.tcp.state()), name);
  }
}

}  // namespace
}  // namespace pinhole::sim
