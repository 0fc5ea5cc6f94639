// RFC 6544 §10, §11: media, and connections that end. The agent's peer is the test.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/conformance/rfc6544_agents.h"

namespace pinhole::ice {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// --- 10: media

TEST(Rfc6544, Section10_1_DataIsFramedOnTheConnectionOfTheSelectedPair) {
  ActiveAgent agent;
  agent.Conclude();
  const std::vector<std::uint8_t> data = {200, 1, 2};
  EXPECT_TRUE(agent.lone.agent().SendData(agent.lone.now(), 0, 1, data));
  agent.lone.Drain();
  const std::vector<SentFrame> frames = agent.lone.TakeFrames();
  ASSERT_THAT(frames, SizeIs(1));
  EXPECT_EQ(frames[0].connection, agent.connection);
  EXPECT_EQ(frames[0].bytes, data);
}

TEST(Rfc6544, Section10_1_DataThatLooksLikeStunIsCutDifferently) {
  ActiveAgent agent;
  agent.Conclude();
  EXPECT_TRUE(agent.lone.agent().SendData(agent.lone.now(), 0, 1, agent.check.bytes));
  agent.lone.Drain();
  const std::vector<SentFrame> frames = agent.lone.TakeFrames();
  ASSERT_THAT(frames, SizeIs(2));
  std::vector<std::uint8_t> stream;
  for (const SentFrame& frame : frames) {
    EXPECT_FALSE(frame.is_stun());
    stream.insert(stream.end(), frame.bytes.begin(), frame.bytes.end());
  }
  EXPECT_EQ(stream, agent.check.bytes);
}

TEST(Rfc6544, Section10_2_FramesAreToldApartAsStunAndData) {
  ActiveAgent agent;
  agent.Conclude();
  const std::vector<std::uint8_t> data = {200, 9};
  agent.lone.ReceiveFrame(agent.connection, data);
  agent.lone.ReceiveCheckOver(agent.connection);
  EXPECT_THAT(agent.lone.data(), ElementsAre(data));
  EXPECT_THAT(agent.lone.TakeFrames(), SizeIs(1));  // The answer.
}

// --- 11: connections

TEST(Rfc6544, Section11_1_AnActiveEndOpensALostConnectionAgainAndChecksItBeforeDataFlows) {
  ActiveAgent agent;
  agent.Conclude();
  agent.lone.Ended(agent.connection, ConnectionEnd::kReset);
  ASSERT_THAT(agent.lone.opened(), SizeIs(2));
  EXPECT_EQ(agent.lone.opened()[1].remote, Addr("192.0.2.9:9000"));
  const std::vector<std::uint8_t> data = {200, 1, 2};
  EXPECT_FALSE(agent.lone.agent().SendData(agent.lone.now(), 0, 1, data));
  agent.lone.Connected(agent.lone.opened()[1].tag, Addr("192.0.2.1:40001"));
  EXPECT_FALSE(agent.lone.agent().SendData(agent.lone.now(), 0, 1, data));
  const std::vector<SentFrame> frames = agent.lone.TakeFrames();
  ASSERT_THAT(frames, SizeIs(1));
  EXPECT_EQ(frames[0].message().message_class(), stun::MessageClass::kRequest);
  agent.lone.AnswerOver(frames[0], Addr("192.0.2.1:40001"));
  EXPECT_TRUE(agent.lone.agent().SendData(agent.lone.now(), 0, 1, data));
}

TEST(Rfc6544, Section11_1_ASimultaneousOpenEndOpensALostConnectionAgainFromItsPortAndChecksIt) {
  LoneAgent lone(With(Transport::kTcpSimultaneousOpen));
  lone.SetRemote({Tcp(Transport::kTcpSimultaneousOpen, "192.0.2.9:9000")});
  const net::SocketAddress own = lone.address(SocketTag(0));
  const ConnectionTag first = lone.opened().at(0).tag;
  lone.Connected(first, own);
  lone.AnswerOver(lone.TakeFrames().at(0), own);
  lone.RunFor(100ms);
  lone.AnswerOver(lone.TakeFrames().at(0), own);
  ASSERT_EQ(lone.Count<ice::Connected>(), 1);

  lone.Ended(first, ConnectionEnd::kFinished);
  ASSERT_THAT(lone.opened(), SizeIs(2));
  EXPECT_EQ(lone.opened()[1].local, own);
  EXPECT_EQ(lone.opened()[1].remote, Addr("192.0.2.9:9000"));
  const std::vector<std::uint8_t> data = {200, 1, 2};
  lone.Connected(lone.opened()[1].tag, own);
  EXPECT_FALSE(lone.agent().SendData(lone.now(), 0, 1, data));
  const std::vector<SentFrame> frames = lone.TakeFrames();
  ASSERT_THAT(frames, SizeIs(1));
  EXPECT_EQ(frames[0].message().message_class(), stun::MessageClass::kRequest);
  lone.AnswerOver(frames[0], own);
  EXPECT_TRUE(lone.agent().SendData(lone.now(), 0, 1, data));
}

// Both ends notice the loss and open a new connection. The end whose SYN comes later accepts the other's SYN
// (RFC 9293 §3.10.7.2).
TEST(Rfc6544, Section11_1_ASimultaneousOpenEndTakesThePeersNewConnectionInThePlaceOfItsOwnAttempt) {
  LoneAgent lone(With(Transport::kTcpSimultaneousOpen));
  lone.SetRemote({Tcp(Transport::kTcpSimultaneousOpen, "192.0.2.9:9000")});
  const net::SocketAddress own = lone.address(SocketTag(0));
  const ConnectionTag first = lone.opened().at(0).tag;
  lone.Connected(first, own);
  lone.AnswerOver(lone.TakeFrames().at(0), own);
  lone.RunFor(100ms);
  lone.AnswerOver(lone.TakeFrames().at(0), own);
  lone.Ended(first, ConnectionEnd::kReset);
  ASSERT_THAT(lone.opened(), SizeIs(2));
  const ConnectionTag second = lone.Accept(SocketTag(0), Addr("192.0.2.9:9000")).value();
  EXPECT_TRUE(lone.IsClosed(lone.opened()[1].tag));
  const std::vector<SentFrame> frames = lone.TakeFrames();
  ASSERT_THAT(frames, SizeIs(1));
  EXPECT_EQ(frames[0].connection, second);
  lone.AnswerOver(frames[0], own);
  EXPECT_TRUE(lone.agent().SendData(lone.now(), 0, 1, std::vector<std::uint8_t>{200}));
}

// The RFC leaves number and times of the attempts open. The agent tries at once, and then each second until Ti after
// the loss.
TEST(Rfc6544, Section11_1_ALostConnectionIsTriedEachSecondUntilTi) {
  AgentOptions options = With(Transport::kTcpActive);
  options.consent.enabled = false;  // Or that would be lost sooner, which ends it, too.
  options.tcp.transaction_timeout = 10s;
  ActiveAgent agent(options);
  agent.Conclude();
  const net::Instant lost = agent.lone.now();
  agent.lone.Ended(agent.connection, ConnectionEnd::kReset);
  for (std::size_t attempt = 0; attempt < 10; ++attempt) {
    ASSERT_THAT(agent.lone.opened(), SizeIs(attempt + 2));
    EXPECT_EQ(agent.lone.opened().back().at, lost + attempt * 1s);
    agent.lone.Ended(agent.lone.opened().back().tag, ConnectionEnd::kRefused);
    agent.lone.RunUntil(lost + attempt * 1s + 999ms);
    ASSERT_THAT(agent.lone.opened(), SizeIs(attempt + 2));
    agent.lone.RunUntil(lost + (attempt + 1) * 1s);
  }
  // The last began when Ti was over, and is the last.
  ASSERT_THAT(agent.lone.opened(), SizeIs(12));
  agent.lone.Ended(agent.lone.opened().back().tag, ConnectionEnd::kRefused);
  agent.lone.RunFor(60s);
  EXPECT_THAT(agent.lone.opened(), SizeIs(12));
}

TEST(Rfc6544, Section11_1_AfterConsentIsLostNoConnectionIsOpenedAgain) {
  ActiveAgent agent;
  agent.Conclude();
  agent.lone.Ended(agent.connection, ConnectionEnd::kReset);
  agent.lone.Ended(agent.lone.opened().back().tag, ConnectionEnd::kRefused);
  const net::Instant lost = agent.lone.now();
  agent.lone.RunUntil(lost + 29s);
  while (agent.lone.now() < lost + 32s) {
    agent.lone.Ended(agent.lone.opened().back().tag, ConnectionEnd::kRefused);
    agent.lone.RunFor(1s);
  }
  EXPECT_EQ(agent.lone.Count<ConsentLost>(), 1);
  const std::size_t tried = agent.lone.opened().size();
  agent.lone.RunFor(60s);
  EXPECT_THAT(agent.lone.opened(), SizeIs(tried));
}

TEST(Rfc6544, Section11_1_APassiveEndAwaitsAnotherConnectionAndChecksItInTurn) {
  LoneAgent lone(With(Transport::kTcpPassive, Role::kControlled));
  lone.SetRemote({Tcp(Transport::kTcpActive, "192.0.2.9:9")});
  const ConnectionTag first = lone.Accept(SocketTag(0), Addr("192.0.2.9:40000")).value();
  lone.ReceiveCheckOver(first, {.use_candidate = true, .role = Role::kControlling});
  lone.AnswerOver(lone.TakeFrames().at(1), lone.address(SocketTag(0)));
  ASSERT_EQ(lone.Count<ice::Connected>(), 1);
  const std::vector<std::uint8_t> data = {200, 1, 2};
  EXPECT_TRUE(lone.agent().SendData(lone.now(), 0, 1, data));
  lone.Drain();
  lone.RunFor(4s);
  lone.TakeFrames();
  lone.Ended(first, ConnectionEnd::kReset);
  EXPECT_FALSE(lone.agent().SendData(lone.now(), 0, 1, data));
  EXPECT_THAT(lone.opened(), IsEmpty());

  const ConnectionTag second = lone.Accept(SocketTag(0), Addr("192.0.2.9:40001")).value();
  EXPECT_FALSE(lone.agent().SendData(lone.now(), 0, 1, data));
  lone.ReceiveCheckOver(second, {.role = Role::kControlling});
  const std::vector<SentFrame> frames = lone.TakeFrames();
  ASSERT_THAT(frames, SizeIs(2));  // The answer, and the triggered check.
  EXPECT_EQ(frames[1].message().message_class(), stun::MessageClass::kRequest);
  lone.AnswerOver(frames[1], lone.address(SocketTag(0)));
  EXPECT_TRUE(lone.agent().SendData(lone.now(), 0, 1, data));
}

TEST(Rfc6544, Section11_1_OneThatDoesNotKnowThePasswordDoesNotTakeThePlaceOfALostConnection) {
  LoneAgent lone(With(Transport::kTcpPassive, Role::kControlled));
  lone.SetRemote({Tcp(Transport::kTcpActive, "192.0.2.9:9")});
  const ConnectionTag first = lone.Accept(SocketTag(0), Addr("192.0.2.9:40000")).value();
  lone.ReceiveCheckOver(first, {.use_candidate = true, .role = Role::kControlling});
  lone.AnswerOver(lone.TakeFrames().at(1), lone.address(SocketTag(0)));
  lone.Ended(first, ConnectionEnd::kReset);
  const ConnectionTag stranger = lone.Accept(SocketTag(0), Addr("203.0.113.66:6666")).value();
  lone.ReceiveCheckOver(stranger, {.role = Role::kControlling, .password = "wrongwrongwrongwrongwrong"});
  EXPECT_EQ(lone.agent().SelectedPair(0, 1)->remote.address, Addr("192.0.2.9:40000"));
}

}  // namespace
}  // namespace pinhole::ice
