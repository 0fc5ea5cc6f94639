// RFC 6544: ICE over TCP, by section. The agent's peer is the test.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ice/priority.h"
#include "ice/tcp_connections.h"
#include "ice/tcp_targets.h"
#include "tests/ice/lone_agent.h"
#include "tests/ice/test_network.h"

namespace pinhole::ice {
namespace {

using namespace std::chrono_literals;
using net::PacketClass;
using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

AgentOptions TcpOnly(Role role = Role::kControlling) {
  AgentOptions options;
  options.role = role;
  options.udp_candidates = false;
  options.tcp.active = true;
  options.tcp.passive = true;
  options.tcp.simultaneous_open = true;
  return options;
}

AgentOptions With(Transport transport, Role role = Role::kControlling) {
  AgentOptions options = TcpOnly(role);
  options.tcp.active = transport == Transport::kTcpActive;
  options.tcp.passive = transport == Transport::kTcpPassive;
  options.tcp.simultaneous_open = transport == Transport::kTcpSimultaneousOpen;
  return options;
}

Candidate Tcp(Transport transport, const std::string& address, const std::string& foundation = "1") {
  Candidate candidate = LoneAgent::Host(address, foundation);
  candidate.transport = transport;
  candidate.priority = CandidatePriority(CandidateType::kHost,
                                         TcpLocalPreference(CandidateType::kHost, transport, 0, 0, 1), 1, transport);
  return candidate;
}
Candidate Passive(const std::string& address, const std::string& foundation = "1") {
  return Tcp(Transport::kTcpPassive, address, foundation);
}

std::vector<Candidate> Of(const LoneAgent& lone, Transport transport, CandidateType type) {
  std::vector<Candidate> found;
  for (const Candidate& candidate : lone.agent().LocalDescription().candidates) {
    if (candidate.transport == transport && candidate.type == type) found.push_back(candidate);
  }
  return found;
}

// An agent with an active candidate, its connection to the peer's passive one open and its check sent.
struct ActiveAgent {
  explicit ActiveAgent(AgentOptions options = With(Transport::kTcpActive)) : lone(options) {
    lone.SetRemote({Passive("192.0.2.9:9000")});
    connection = lone.opened().at(0).tag;
  }
  void Connect() {
    lone.Connected(connection, Addr("192.0.2.1:40000"));
    check = lone.TakeFrames().at(0);
  }
  // Nominated.
  void Conclude() {
    Connect();
    lone.AnswerOver(check, Addr("192.0.2.1:40000"));
    lone.RunFor(100ms);
    lone.AnswerOver(lone.TakeFrames().at(0), Addr("192.0.2.1:40000"));
  }
  PairView pair() const { return lone.agent().CheckListSnapshot().at(0); }

  LoneAgent lone;
  ConnectionTag connection{};
  SentFrame check;
};

// --- 3: overview

TEST(Rfc6544, Section3_EverythingOverAConnectionIsFramedByRfc4571) {
  ActiveAgent agent;
  agent.lone.Connected(agent.connection);
  const std::vector<std::uint8_t>& written = agent.lone.written(agent.connection);
  ASSERT_GT(written.size(), 2u);
  EXPECT_EQ(std::size_t{written[0]} * 256 + written[1], written.size() - 2);
  const auto message = stun::MessageView::Parse(net::ByteView(written).subspan(2));
  ASSERT_TRUE(message.has_value());
  EXPECT_EQ(message->message_class(), stun::MessageClass::kRequest);
}

// --- 4.1, 5.1: gathering

TEST(Rfc6544, Section4_1_AnAgentMayBeConfiguredToObtainTcpCandidatesOrNot) {
  const LoneAgent without;
  for (const Candidate& candidate : without.agent().LocalCandidates()) {
    EXPECT_EQ(candidate.transport, Transport::kUdp);
  }
  EXPECT_THAT(LoneAgent(TcpOnly()).agent().LocalCandidates(), SizeIs(3));
}

TEST(Rfc6544, Section5_1_PassiveAndSimultaneousOpenCandidatesOfEachAddressAndComponentHaveDifferentPorts) {
  AgentOptions options = TcpOnly();
  options.components = {2};
  const LoneAgent lone(options, {"192.0.2.1", "192.0.2.2"});
  std::set<net::SocketAddress> addresses;
  for (Transport transport : {Transport::kTcpPassive, Transport::kTcpSimultaneousOpen}) {
    const std::vector<Candidate> candidates = Of(lone, transport, CandidateType::kHost);
    EXPECT_THAT(candidates, SizeIs(4));
    for (const Candidate& candidate : candidates) addresses.insert(candidate.address);
  }
  EXPECT_THAT(addresses, SizeIs(8));
}

TEST(Rfc6544, Section4_1_AnActiveCandidateIsAPlaceholderThatTakesNoPort) {
  const LoneAgent lone(With(Transport::kTcpActive));
  EXPECT_THAT(lone.opened(), IsEmpty());
  EXPECT_THAT(Of(lone, Transport::kTcpActive, CandidateType::kHost), SizeIs(1));
}

AgentOptions WithTcpServer(Transport transport) {
  AgentOptions options = With(transport);
  options.tcp.stun_servers = {Addr("198.51.100.1:3478")};
  return options;
}

std::vector<std::uint8_t> MappedAnswer(net::ByteView request, const net::SocketAddress& mapped) {
  std::array<std::uint8_t, stun::kMessageBytesMax> buffer;
  stun::MessageBuilder message(buffer, stun::MessageClass::kSuccess, stun::Method::kBinding,
                               stun::MessageView::Parse(request).value().transaction_id());
  const net::ByteView bytes = message.Add(stun::XorMappedAddress{mapped}).Finish().value();
  return {bytes.begin(), bytes.end()};
}

TEST(Rfc6544, Section5_2_AServerReflexiveCandidateIsAskedForFromThePortOfThePassiveOrSimultaneousOpenOne) {
  for (Transport transport : {Transport::kTcpPassive, Transport::kTcpSimultaneousOpen}) {
    SCOPED_TRACE(ToString(transport));
    LoneAgent lone(WithTcpServer(transport));
    ASSERT_THAT(lone.opened(), SizeIs(1));
    const Opened server = lone.opened()[0];
    const Candidate host = Of(lone, transport, CandidateType::kHost).at(0);
    EXPECT_EQ(server.local, host.address);
    EXPECT_EQ(server.remote, Addr("198.51.100.1:3478"));
    lone.Connected(server.tag);
    // To a server STUN goes as it is (RFC 8489 §6.2.2), in no frame.
    const std::vector<std::uint8_t> request = lone.written(server.tag);
    ASSERT_TRUE(stun::MessageView::Parse(request).has_value());
    lone.ReceiveStream(server.tag, MappedAnswer(request, Addr("203.0.113.1:6000")));
    EXPECT_EQ(lone.Count<GatheringDone>(), 1);
    const std::vector<Candidate> reflexive = Of(lone, transport, CandidateType::kServerReflexive);
    ASSERT_THAT(reflexive, SizeIs(1));
    EXPECT_EQ(reflexive[0].address, Addr("203.0.113.1:6000"));
    EXPECT_EQ(reflexive[0].related, host.address);
  }
}

TEST(Rfc6544, Section4_1_ConnectionsToServersStayOpenUntilIceHasConcludedAndAreClosedThen) {
  LoneAgent lone(WithTcpServer(Transport::kTcpPassive));
  const ConnectionTag server = lone.opened()[0].tag;
  lone.Connected(server);
  lone.ReceiveStream(server, MappedAnswer(lone.written(server), Addr("203.0.113.1:6000")));
  lone.SetRemote({Tcp(Transport::kTcpActive, "192.0.2.9:9")});
  const ConnectionTag peer = lone.Accept(SocketTag(0), Addr("192.0.2.9:40000")).value();
  lone.ReceiveCheckOver(peer);
  lone.RunFor(100ms);
  for (int i = 0; i < 2; ++i) {
    for (const SentFrame& frame : lone.TakeFrames()) {
      if (frame.packet_class == PacketClass::kCheck) lone.AnswerOver(frame, Addr("203.0.113.1:6000"));
    }
    if (i == 0) {
      EXPECT_FALSE(lone.IsClosed(server));
    }
    lone.RunFor(100ms);
  }
  EXPECT_EQ(lone.Count<ice::Connected>(), 1);
  lone.RunFor(5s);
  EXPECT_TRUE(lone.IsClosed(server));
  EXPECT_FALSE(lone.IsClosed(peer));
}

TEST(Rfc6544, Section4_1_ConnectionsForTransactionsAreOpenedInTheirSlots) {
  AgentOptions options = WithTcpServer(Transport::kTcpPassive);
  options.tcp.stun_servers.push_back(Addr("198.51.100.2:3478"));
  options.tcp.stun_servers.push_back(Addr("198.51.100.3:3478"));
  LoneAgent lone(options);
  lone.RunFor(1s);
  ASSERT_THAT(lone.opened(), SizeIs(3));
  for (std::size_t i = 1; i < 3; ++i) EXPECT_EQ(lone.opened()[i].at - lone.opened()[i - 1].at, 50ms);
}

// --- 4.2: priorities

TEST(Rfc6544, Section4_2_LocalPreferenceIsDirectionTimes8192PlusOther) {
  using T = CandidateType;
  const auto preference = [](T type, Transport transport) { return TcpLocalPreference(type, transport, 0, 0, 1); };
  for (T type : {T::kHost, T::kRelayed}) {
    EXPECT_EQ(preference(type, Transport::kTcpActive), 6u * 8192 + 8191);
    EXPECT_EQ(preference(type, Transport::kTcpPassive), 4u * 8192 + 8191);
    EXPECT_EQ(preference(type, Transport::kTcpSimultaneousOpen), 2u * 8192 + 8191);
  }
  EXPECT_EQ(preference(T::kServerReflexive, Transport::kTcpSimultaneousOpen), 6u * 8192 + 8191);
  EXPECT_EQ(preference(T::kServerReflexive, Transport::kTcpActive), 4u * 8192 + 8191);
  EXPECT_EQ(preference(T::kServerReflexive, Transport::kTcpPassive), 2u * 8192 + 8191);
}

TEST(Rfc6544, Section4_2_OtherPreferencesAreUniqueAndFrom0To8191) {
  std::set<std::uint32_t> seen;
  for (int rank = 0; rank < 20; ++rank) {
    for (int server = 0; server < 3; ++server) {
      const std::uint32_t preference = TcpLocalPreference(CandidateType::kHost, Transport::kTcpActive, rank, server, 3);
      EXPECT_EQ(preference >> 13, 6u);
      seen.insert(preference);
    }
  }
  EXPECT_THAT(seen, SizeIs(60));
}

// What is recommended for media that UDP suits: the transport before the type, relays last.
TEST(Rfc6544, Section4_2_AnyDirectUdpCandidateIsPreferredToAnyDirectTcpOneAndRelayedOnesComeLast) {
  const std::vector<CandidateType> direct = {CandidateType::kHost, CandidateType::kPeerReflexive,
                                             CandidateType::kServerReflexive};
  for (CandidateType udp : direct) {
    for (CandidateType tcp : direct) {
      for (Transport transport : {Transport::kTcpActive, Transport::kTcpPassive, Transport::kTcpSimultaneousOpen}) {
        EXPECT_GT(CandidatePriority(udp, 0, 256), CandidatePriority(tcp, 65535, 1, transport));
        EXPECT_GT(CandidatePriority(tcp, 0, 256, transport), CandidatePriority(CandidateType::kRelayed, 65535, 1));
      }
    }
  }
}

// --- 4.5: encoding

TEST(Rfc6544, Section4_5_CandidatesAreEncodedWithTransportTcpAndTheirTypeAndActiveOnesWithPort9) {
  const LoneAgent lone(TcpOnly());
  std::vector<std::string> lines;
  for (const Candidate& candidate : lone.agent().LocalDescription().candidates) lines.push_back(ToString(candidate));
  // (90 << 24) + ((direction << 13) + 8191 << 8) + 255
  EXPECT_THAT(lines, ElementsAre("candidate:1 1 TCP 1524629503 192.0.2.1 9 typ host tcptype active",
                                 "candidate:2 1 TCP 1520435199 192.0.2.1 50001 typ host tcptype passive",
                                 "candidate:3 1 TCP 1516240895 192.0.2.1 50002 typ host tcptype so"));
}

// Lines of appendix C.
TEST(Rfc6544, SectionC_TheExamplesAreReadAndWrittenBack) {
  for (const char* line :
       {"candidate:1 1 TCP 2128609279 192.0.2.1 9 typ host tcptype active",
        "candidate:2 1 TCP 2124414975 192.0.2.1 8998 typ host tcptype passive",
        "candidate:3 1 TCP 2120220671 192.0.2.1 8999 typ host tcptype so",
        "candidate:4 1 TCP 1688207359 192.0.2.3 9 typ srflx raddr 192.0.2.1 rport 9 tcptype active",
        "candidate:6 1 TCP 1692401663 192.0.2.3 45687 typ srflx raddr 192.0.2.1 rport 8999 tcptype so"}) {
    const std::optional<Candidate> candidate = ParseCandidate(line, 0);
    ASSERT_TRUE(candidate.has_value()) << line;
    EXPECT_EQ(ToString(*candidate), line);
  }
}

// --- 6.2: pairs

TEST(Rfc6544, Section6_2_ActivePairsWithPassiveAndSimultaneousOpenWithItsLikeAndPassiveOnesAreNotChecked) {
  LoneAgent lone(TcpOnly());
  lone.SetRemote({Tcp(Transport::kTcpActive, "192.0.2.9:9", "1"), Tcp(Transport::kTcpPassive, "192.0.2.9:9001", "2"),
                  Tcp(Transport::kTcpSimultaneousOpen, "192.0.2.9:9002", "3"), LoneAgent::Host("192.0.2.9:9003", "4")});
  std::vector<std::string> pairs;
  for (const PairView& pair : lone.agent().CheckListSnapshot()) {
    pairs.push_back(std::string(ToString(pair.local.transport)) + " " + pair.remote.address.ToString());
  }
  EXPECT_THAT(pairs, ElementsAre("active 192.0.2.9:9001", "so 192.0.2.9:9002"));
}

TEST(Rfc6544, Section6_2_TwoPassiveSidesHaveNoPairs) {
  LoneAgent lone(With(Transport::kTcpPassive));
  lone.SetRemote({Passive("192.0.2.9:9000")});
  lone.RunUntil(At(39500ms));
  ASSERT_TRUE(lone.agent().failure().has_value());
  EXPECT_EQ(lone.agent().failure()->reason, FailureReason::kNoPairs);
}

TEST(Rfc6544, Section6_2_TheRulesOfUdpForFamiliesHoldForTcp) {
  LoneAgent lone(With(Transport::kTcpActive));
  lone.SetRemote({Passive("[2001:db8::9]:9000")});
  EXPECT_THAT(lone.agent().CheckListSnapshot(), IsEmpty());
}

// A pair that TCP adds never costs a relayed UDP pair its place.
TEST(Rfc6544, Section6_2_BeyondThePairLimitTcpPairsGoFirst) {
  AgentOptions options = TcpOnly();
  options.udp_candidates = true;
  options.pair_limit = 3;
  LoneAgent lone(options);
  Candidate relayed = LoneAgent::Host("203.0.113.9:9000", "9");
  relayed.type = CandidateType::kRelayed;
  relayed.priority = 16777215;
  Candidate second = relayed;
  second.address = Addr("203.0.113.9:9001");
  lone.SetRemote({Passive("192.0.2.9:9000"), Passive("192.0.2.9:9001"),
                  Tcp(Transport::kTcpSimultaneousOpen, "192.0.2.9:9002"), LoneAgent::Host("192.0.2.9:9003", "4"),
                  relayed, second});
  std::vector<std::string> remotes;
  for (const PairView& pair : lone.agent().CheckListSnapshot()) remotes.push_back(pair.remote.address.ToString());
  EXPECT_THAT(remotes, ElementsAre("192.0.2.9:9003", "203.0.113.9:9000", "203.0.113.9:9001"));
}

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
  EXPECT_EQ(lone.opened()[1].at - lone.opened()[0].at, 50ms);  // Paced like every check (§4.1).
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

// Not the RFC's default; a policy of ours for NATs that answer an early SYN with a RST.
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

// --- 12 and beyond: what a hostile list of candidates may make us do

TEST(Rfc6544, Section12_NoConnectionIsMadeToLoopbackUnspecifiedMulticastOrOwnAddresses) {
  LoneAgent lone(With(Transport::kTcpActive), {"192.0.2.1", "10.0.0.1"});
  lone.SetRemote({Passive("127.0.0.1:22", "1"), Passive("127.8.8.8:22", "2"), Passive("0.0.0.0:22", "3"),
                  Passive("224.0.0.1:22", "4"), Passive("192.0.2.1:22", "5"), Passive("10.0.0.1:22", "6")});
  lone.RunFor(10s);
  EXPECT_THAT(lone.opened(), IsEmpty());
  EXPECT_EQ(lone.agent().counters().targets_refused, 4);  // Those that are no candidates at all are not counted.
}

TEST(Rfc6544, Section12_AtMostEightPrivateAddressesAreConnectedToInASession) {
  LoneAgent lone(With(Transport::kTcpActive));
  std::vector<Candidate> hostile;
  for (int i = 1; i <= 50; ++i) hostile.push_back(Passive("192.168.0." + std::to_string(i) + ":22", std::to_string(i)));
  for (int i = 1; i <= 3; ++i) hostile.push_back(Passive("198.51.100." + std::to_string(i) + ":22", "p"));
  hostile.push_back(Passive("192.168.0.1:80", "q"));  // One of the eight, on another port.
  lone.SetRemote(hostile);
  lone.RunFor(30s);
  std::set<net::IpAddress> private_addresses;
  for (const Opened& opened : lone.opened()) {
    if (opened.remote.address().IsPrivate()) private_addresses.insert(opened.remote.address());
  }
  EXPECT_THAT(private_addresses, SizeIs(8));
  EXPECT_EQ(lone.agent().counters().targets_refused, 42);
}

TEST(Rfc6544, Section12_TheLimitIsAnOptionAndHoldsForLateCandidates) {
  AgentOptions options = With(Transport::kTcpActive);
  options.tcp.private_address_limit = 1;
  LoneAgent lone(options);
  Description remote = LoneAgent::Remote({Passive("192.168.0.1:22")});
  remote.complete = false;
  lone.SetRemote(remote);
  lone.agent().AddRemoteCandidate(lone.now(), Passive("192.168.0.2:22", "2"));
  lone.Drain();
  lone.RunFor(1s);
  EXPECT_THAT(lone.opened(), SizeIs(1));
  EXPECT_EQ(lone.agent().counters().targets_refused, 1);
}

TEST(Rfc6544, Section12_EveryKindOfAddressThatIsNotPublicCounts) {
  TcpTargets targets(2, false);
  const auto allow = [&](const char* text) { return targets.Allow(net::IpAddress::Parse(text).value()); };
  EXPECT_TRUE(allow("169.254.1.1"));
  EXPECT_TRUE(allow("100.64.0.1"));
  for (const char* refused : {"10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.2", "169.254.1.2", "fd00::1",
                              "fe80::1", "::1", "::", "::ffff:192.168.0.1", "ff02::1"}) {
    EXPECT_FALSE(allow(refused)) << refused;
  }
  EXPECT_TRUE(allow("192.0.2.1"));
  EXPECT_TRUE(allow("2001:db8::1"));
  EXPECT_TRUE(allow("100.64.0.1"));
}

TEST(Rfc6544, Section12_StrangersConnectionsAreBoundedAndDoNotCostThePeerItsOwn) {
  LoneAgent lone(With(Transport::kTcpPassive));
  lone.SetRemote({Tcp(Transport::kTcpActive, "192.0.2.9:9")});
  const ConnectionTag peer = lone.Accept(SocketTag(0), Addr("192.0.2.9:40000")).value();
  lone.ReceiveCheckOver(peer);
  for (int i = 0; i < 1000; ++i) {
    lone.Accept(SocketTag(0), Addr("203.0.113.66:" + std::to_string(10000 + i)));
  }
  EXPECT_THAT(lone.closed_connections(), SizeIs(1000 - TcpConnections::kStrangersMax));
  EXPECT_FALSE(lone.IsClosed(peer));
}

TEST(Rfc6544, Section12_AStrangerCannotMakeUsHoldMoreThanACheckTakes) {
  LoneAgent lone(With(Transport::kTcpPassive));
  const ConnectionTag stranger = lone.Accept(SocketTag(0), Addr("203.0.113.66:6666")).value();
  std::vector<std::uint8_t> long_frame(4000, 0);
  long_frame[0] = 0xFF;
  lone.ReceiveStream(stranger, long_frame);
  EXPECT_TRUE(lone.IsClosed(stranger));
}

// --- a head start of UDP, a policy of ours

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
