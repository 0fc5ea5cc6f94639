// RFC 6544 §7, §8: connectivity checks. The agent's peer is the test.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/conformance/rfc6544_agents.h"

namespace pinhole::ice {
namespace {

using net::PacketClass;
using testing::IsEmpty;
using testing::SizeIs;

// --- 7.1: client

TEST(Rfc6544, Section7_1_TheConnectionIsOpenedByTheCheckFromTheInterfaceOfTheCandidateAndAnUnallocatedPort) {
  LoneAgent lone(With(Transport::kTcpActive), {"192.0.2.1", "192.0.2.2"});
  EXPECT_THAT(lone.opened(), IsEmpty());
  lone.SetRemote({Passive("192.0.2.9:9000")});
  lone.RunFor(100ms);
  ASSERT_THAT(lone.opened(), SizeIs(2));
  EXPECT_EQ(lone.opened()[0].local, Addr("192.0.2.1:0"));
  EXPECT_EQ(lone.opened()[0].remote, Addr("192.0.2.9:9000"));
  EXPECT_EQ(lone.opened()[1].local, Addr("192.0.2.2:0"));
  EXPECT_EQ(lone.opened()[1].at - lone.opened()[0].at, 50ms);  // Paced like every check (RFC 6544 §4.1).
}

TEST(Rfc6544, Section7_1_ASimultaneousOpenCandidateConnectsFromItsOwnPort) {
  LoneAgent lone(With(Transport::kTcpSimultaneousOpen));
  lone.SetRemote({Tcp(Transport::kTcpSimultaneousOpen, "192.0.2.9:9000")});
  ASSERT_THAT(lone.opened(), SizeIs(1));
  EXPECT_EQ(lone.opened()[0].local, lone.address(SocketTag(0)));
}

TEST(Rfc6544, Section7_1_TheCheckGoesOutWhenTheConnectionIsEstablishedAndIsNotRetransmitted) {
  ActiveAgent agent;
  agent.lone.RunFor(1s);
  EXPECT_THAT(agent.lone.TakeFrames(), IsEmpty());
  agent.lone.Connected(agent.connection);
  EXPECT_THAT(agent.lone.TakeFrames(), SizeIs(1));
  agent.lone.RunUntil(At(39s));
  EXPECT_THAT(agent.lone.TakeFrames(), IsEmpty());
  EXPECT_EQ(agent.pair().sends, 1);
}

TEST(Rfc6544, Section7_1_APairWithoutAnAnswerFailsTiAfterItsSyn) {
  for (bool connected : {false, true}) {
    ActiveAgent agent;
    agent.lone.RunFor(1s);
    if (connected) agent.lone.Connected(agent.connection);
    agent.lone.RunUntil(At(39499ms));
    EXPECT_EQ(agent.pair().state, PairState::kInProgress);
    agent.lone.RunUntil(At(39500ms));
    EXPECT_EQ(agent.pair().state, PairState::kFailed);
    EXPECT_EQ(agent.pair().end, PairEnd::kTimeout);
    EXPECT_TRUE(agent.lone.IsClosed(agent.connection));
  }
}

TEST(Rfc6544, Section7_1_APairWhoseConnectionCannotBeEstablishedFails) {
  for (ConnectionEnd why : {ConnectionEnd::kRefused, ConnectionEnd::kUnreachable, ConnectionEnd::kNotPermitted,
                            ConnectionEnd::kTimedOut, ConnectionEnd::kOther}) {
    SCOPED_TRACE(ToString(why));
    ActiveAgent agent;
    agent.lone.Ended(agent.connection, why);
    EXPECT_EQ(agent.pair().state, PairState::kFailed);
    EXPECT_EQ(agent.pair().end, PairEnd::kConnectionFailed);
    EXPECT_EQ(agent.pair().connection_end, why);
    EXPECT_THAT(agent.lone.opened(), SizeIs(1));
  }
}

// This policy is not the RFC's default. It is for NATs that answer an early SYN with a RST.
TEST(Rfc6544, Section7_1_WithThePolicyRetryARefusedConnectionIsTriedAgainFromTheSamePortUntilTi) {
  AgentOptions options = With(Transport::kTcpActive);
  options.tcp.on_connect_failure = ConnectFailurePolicy::kRetry;
  ActiveAgent agent(options);
  agent.lone.agent().OnConnecting(agent.lone.now(), agent.connection, Addr("192.0.2.1:40000"));
  agent.lone.Ended(agent.connection, ConnectionEnd::kRefused);
  EXPECT_EQ(agent.pair().state, PairState::kInProgress);
  agent.lone.RunFor(199ms);
  EXPECT_THAT(agent.lone.opened(), SizeIs(1));
  agent.lone.RunFor(1ms);
  ASSERT_THAT(agent.lone.opened(), SizeIs(2));
  EXPECT_EQ(agent.lone.opened()[1].local, Addr("192.0.2.1:40000"));
  EXPECT_NE(agent.lone.opened()[1].tag, agent.connection);
  for (std::size_t n = 2; agent.lone.now() < At(39400ms); ++n) {
    ASSERT_THAT(agent.lone.opened(), SizeIs(n));
    agent.lone.Ended(agent.lone.opened().back().tag, ConnectionEnd::kUnreachable);
    agent.lone.RunFor(200ms);
  }
  agent.lone.Ended(agent.lone.opened().back().tag, ConnectionEnd::kRefused);
  agent.lone.RunUntil(At(39500ms));
  EXPECT_EQ(agent.pair().end, PairEnd::kTimeout);
  const std::size_t tried = agent.lone.opened().size();
  agent.lone.RunFor(5s);
  EXPECT_THAT(agent.lone.opened(), SizeIs(tried));
}

TEST(Rfc6544, Section7_1_AConnectionThatBreaksBeforeTheAnswerFailsThePair) {
  ActiveAgent agent;
  agent.Connect();
  agent.lone.Ended(agent.connection, ConnectionEnd::kReset);
  EXPECT_EQ(agent.pair().state, PairState::kFailed);
  EXPECT_EQ(agent.pair().end, PairEnd::kConnectionLost);
}

TEST(Rfc6544, Section7_1_TheAnswerOnAnActiveCandidateMakesAPeerReflexiveOne) {
  ActiveAgent agent;
  agent.Connect();
  agent.lone.AnswerOver(agent.check, Addr("203.0.113.1:6000"));
  ASSERT_TRUE(agent.pair().valid);
  EXPECT_EQ(agent.pair().mapped->type, CandidateType::kPeerReflexive);
  EXPECT_EQ(agent.pair().mapped->transport, Transport::kTcpActive);
  EXPECT_EQ(agent.pair().mapped->address, Addr("203.0.113.1:6000"));
  const std::uint32_t direction_active = 6;
  EXPECT_EQ(agent.pair().mapped->priority, (80u << 24) + (((direction_active << 13) + 8191) << 8) + 255);
}

TEST(Rfc6544, Section7_1_IfWhatAnswersFirstIsNotStunTheConnectionIsClosedAndAllPairsWithTheCandidateFail) {
  LoneAgent lone(With(Transport::kTcpActive), {"192.0.2.1", "192.0.2.2"});
  lone.SetRemote({Passive("192.0.2.9:9000"), Passive("192.0.2.9:9001", "2")});
  const ConnectionTag connection = lone.opened()[0].tag;
  lone.Connected(connection);
  lone.ReceiveFrame(connection, std::vector<std::uint8_t>{'S', 'S', 'H', '-', '2'});
  EXPECT_TRUE(lone.IsClosed(connection));
  int not_stun = 0;
  for (const PairView& pair : lone.agent().CheckListSnapshot()) {
    EXPECT_EQ(pair.end == PairEnd::kNotStun, pair.remote.address == Addr("192.0.2.9:9000"));
    not_stun += pair.end == PairEnd::kNotStun;
  }
  EXPECT_EQ(not_stun, 2);
}

// --- 7.2: server

TEST(Rfc6544, Section7_2_ConnectionsToPassiveAndSimultaneousOpenCandidatesAreAcceptedBeforeTheDescriptionIsThere) {
  for (Transport transport : {Transport::kTcpPassive, Transport::kTcpSimultaneousOpen}) {
    LoneAgent lone(With(transport));
    const std::optional<ConnectionTag> connection = lone.Accept(SocketTag(0), Addr("192.0.2.9:40000"));
    ASSERT_TRUE(connection.has_value());
    lone.ReceiveCheckOver(*connection);
    const std::vector<SentFrame> frames = lone.TakeFrames();
    ASSERT_THAT(frames, SizeIs(1));
    EXPECT_EQ(frames[0].message().message_class(), stun::MessageClass::kSuccess);
    EXPECT_EQ(frames[0].message().Get<stun::XorMappedAddress>()->address, Addr("192.0.2.9:40000"));
  }
}

TEST(Rfc6544, Section7_2_ARequestOnAPassiveCandidateMakesAPeerReflexiveOneAndATriggeredCheckOnItsConnection) {
  LoneAgent lone(With(Transport::kTcpPassive));
  lone.SetRemote({Tcp(Transport::kTcpActive, "192.0.2.9:9")});
  const ConnectionTag connection = lone.Accept(SocketTag(0), Addr("192.0.2.9:40000")).value();
  lone.ReceiveCheckOver(connection);
  const std::vector<SentFrame> frames = lone.TakeFrames();
  ASSERT_THAT(frames, SizeIs(2));
  EXPECT_EQ(frames[1].packet_class, PacketClass::kCheck);
  EXPECT_EQ(frames[1].connection, connection);
  EXPECT_THAT(lone.opened(), IsEmpty());  // A passive candidate opens nothing.
  const PairView pair = lone.PairTo(Addr("192.0.2.9:40000"));
  EXPECT_EQ(pair.remote.type, CandidateType::kPeerReflexive);
  EXPECT_EQ(pair.remote.transport, Transport::kTcpActive);
  lone.AnswerOver(frames[1], lone.address(SocketTag(0)));
  EXPECT_TRUE(lone.PairTo(Addr("192.0.2.9:40000")).valid);
}

TEST(Rfc6544, Section7_2_FramesAreReadHoweverTheyAreCut) {
  LoneAgent lone(With(Transport::kTcpPassive));
  const ConnectionTag connection = lone.Accept(SocketTag(0), Addr("192.0.2.9:40000")).value();
  const std::vector<std::uint8_t> frame = {0, 1, 200};
  for (std::uint8_t byte : frame) lone.ReceiveStream(connection, net::ByteView(&byte, 1));
  EXPECT_EQ(lone.agent().counters().datagrams_ignored, 1);
}

TEST(Rfc6544, Section7_2_AnAcceptedConnectionTakesThePlaceOfTheOneThatCouldNotBeOpenedBecauseOfIt) {
  LoneAgent lone(With(Transport::kTcpSimultaneousOpen));
  lone.SetRemote({Tcp(Transport::kTcpSimultaneousOpen, "192.0.2.9:9000")});
  lone.Ended(lone.opened().at(0).tag, ConnectionEnd::kInUse);
  EXPECT_EQ(lone.PairTo(Addr("192.0.2.9:9000")).state, PairState::kInProgress);
  const ConnectionTag connection = lone.Accept(SocketTag(0), Addr("192.0.2.9:9000")).value();
  const std::vector<SentFrame> frames = lone.TakeFrames();
  ASSERT_THAT(frames, SizeIs(1));
  EXPECT_EQ(frames[0].connection, connection);
  lone.AnswerOver(frames[0], lone.address(SocketTag(0)));
  EXPECT_TRUE(lone.PairTo(Addr("192.0.2.9:9000")).valid);
}

// --- 8: concluding

TEST(Rfc6544, Section8_NominationIsRegular) {
  ActiveAgent agent;
  agent.Connect();
  EXPECT_FALSE(agent.check.message().Has(stun::AttributeType::kUseCandidate));
  agent.lone.AnswerOver(agent.check, Addr("192.0.2.1:40000"));
  agent.lone.RunFor(100ms);
  const std::vector<SentFrame> frames = agent.lone.TakeFrames();
  ASSERT_THAT(frames, SizeIs(1));
  EXPECT_TRUE(frames[0].message().Has(stun::AttributeType::kUseCandidate));
}

TEST(Rfc6544, Section8_OnConclusionAllConnectionsButTheSelectedOneAreClosed) {
  AgentOptions options = With(Transport::kTcpActive);
  options.nomination = NominationPolicy::kFirstValid;
  LoneAgent lone(options);
  lone.SetRemote({Passive("192.0.2.9:9000"), Passive("192.0.2.9:9001", "2"), Passive("192.0.2.9:9002", "3")});
  lone.RunFor(100ms);
  ASSERT_THAT(lone.opened(), SizeIs(3));
  const ConnectionTag chosen = lone.opened()[0].tag, open = lone.opened()[1].tag, connecting = lone.opened()[2].tag;
  lone.Connected(chosen);
  lone.Connected(open);
  lone.AnswerOver(lone.TakeFrames().at(0), Addr("192.0.2.1:40000"));
  lone.RunFor(50ms);
  lone.AnswerOver(lone.TakeFrames().at(0), Addr("192.0.2.1:40000"));
  ASSERT_EQ(lone.Count<ice::Connected>(), 1);
  EXPECT_TRUE(lone.IsClosed(connecting));  // No SYN more for what is not wanted.
  lone.RunFor(5s);
  EXPECT_TRUE(lone.IsClosed(open));
  EXPECT_FALSE(lone.IsClosed(chosen));
}

// --- a head start of UDP, a policy that is not in the RFC

TEST(Rfc6544, UdpHasAHeadStartButAPeersCheckIsAnsweredInKind) {
  AgentOptions options = TcpOnly();
  options.udp_candidates = true;
  options.tcp.head_start = 300ms;
  LoneAgent lone(options);
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9003", "4"), Passive("192.0.2.9:9000"),
                  Tcp(Transport::kTcpSimultaneousOpen, "192.0.2.9:9001", "2")});
  lone.RunFor(200ms);
  EXPECT_THAT(lone.opened(), IsEmpty());
  const SocketTag passive = SocketTag(2);
  const ConnectionTag connection = lone.Accept(passive, Addr("192.0.2.9:40000")).value();
  lone.ReceiveCheckOver(connection);
  lone.RunFor(50ms);
  EXPECT_THAT(lone.TakeFrames(), SizeIs(2));  // Answer and triggered check.
  lone.RunUntil(At(299ms));
  EXPECT_THAT(lone.opened(), IsEmpty());
  lone.RunUntil(At(400ms));
  EXPECT_THAT(lone.opened(), SizeIs(2));
  EXPECT_EQ(lone.opened()[0].at, At(300ms));
}

}  // namespace
}  // namespace pinhole::ice
