// RFC 6544 §3 to §6: candidates and pairs. The agent's peer is the test.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "tests/conformance/rfc6544_agents.h"

namespace pinhole::ice {
namespace {

using net::PacketClass;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<Candidate> Of(const LoneAgent& lone, Transport transport, CandidateType type) {
  std::vector<Candidate> found;
  for (const Candidate& candidate : lone.agent().LocalDescription().candidates) {
    if (candidate.transport == transport && candidate.type == type) found.push_back(candidate);
  }
  return found;
}

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
    // STUN messages to a server have no frames (RFC 8489 §6.2.2).
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

// The RFC leaves the time open. A lost SYN is sent again after 1 s, and after 2 s more (RFC 6298 §2.1, §5.5).
TEST(Rfc6544, Section5_2_AServerMayAnswerAfterTwoLostSyns) {
  LoneAgent lone(WithTcpServer(Transport::kTcpPassive));
  const ConnectionTag server = lone.opened().at(0).tag;
  lone.RunFor(3s + 100ms);
  lone.Connected(server);
  lone.RunFor(100ms);
  lone.ReceiveStream(server, MappedAnswer(lone.written(server), Addr("203.0.113.1:6000")));
  EXPECT_EQ(lone.Count<GatheringDone>(), 1);
  EXPECT_THAT(Of(lone, Transport::kTcpPassive, CandidateType::kServerReflexive), SizeIs(1));
}

TEST(Rfc6544, Section5_2_AServerThatHasNotAnsweredAtTheDeadlineYieldsNothing) {
  AgentOptions options = WithTcpServer(Transport::kTcpPassive);
  options.tcp.gathering_deadline = 6s;
  LoneAgent lone(options);
  lone.RunUntil(At(5999ms));
  EXPECT_EQ(lone.Count<GatheringDone>(), 0);
  lone.RunUntil(At(6s));
  EXPECT_EQ(lone.Count<GatheringDone>(), 1);
  EXPECT_THAT(lone.agent().UnansweredRequests(), SizeIs(1));
}

TEST(Rfc6544, Section5_2_WaitingForAServerOverTcpIsNoReasonToWaitLongerForOneOverUdp) {
  AgentOptions options = WithTcpServer(Transport::kTcpPassive);
  options.udp_candidates = true;
  options.stun_servers = {Addr("198.51.100.1:3478")};
  LoneAgent lone(options);
  lone.RunUntil(At(1s + 49ms));
  const std::vector<Sent> requests = lone.TakeSent(PacketClass::kDiscovery);
  ASSERT_THAT(requests, SizeIs(2));  // RTO 500 ms
  lone.RunUntil(At(3s));
  EXPECT_THAT(lone.TakeSent(), IsEmpty());
  lone.Receive(requests[0].to, MappedAnswer(requests[0].bytes, Addr("203.0.113.1:5000")));
  EXPECT_THAT(Of(lone, Transport::kUdp, CandidateType::kServerReflexive), IsEmpty());
  EXPECT_EQ(lone.Count<GatheringDone>(), 0);
  const ConnectionTag server = lone.opened().at(0).tag;
  lone.Connected(server);
  lone.ReceiveStream(server, MappedAnswer(lone.written(server), Addr("203.0.113.1:6000")));
  EXPECT_EQ(lone.Count<GatheringDone>(), 1);
  ASSERT_THAT(lone.agent().UnansweredRequests(), SizeIs(1));
  EXPECT_EQ(lone.agent().UnansweredRequests()[0].base, lone.address(SocketTag(0)));
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

// The RFC recommends this for media that suit UDP: the transport counts before the type, and relayed candidates come
// last.
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

// An additional TCP pair never takes the place of a relayed UDP pair.
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

// An agent at a pair limit of two, which a UDP pair and a TCP pair have reached. The TCP pair waits for the end of
// UDP's head start.
struct FullList {
  FullList() : lone(Options()) {
    Description remote = LoneAgent::Remote({LoneAgent::Host("192.0.2.9:9003", "4"), Passive("192.0.2.9:9000")});
    remote.complete = false;
    lone.SetRemote(remote);
  }
  static AgentOptions Options() {
    AgentOptions options = With(Transport::kTcpActive);
    options.udp_candidates = true;
    options.pair_limit = 2;
    options.tcp.head_start = 10s;
    return options;
  }

  LoneAgent lone;
};

TEST(Rfc6544, Section6_2_AtThePairLimitATcpPairGivesWayToALateRelayedUdpCandidate) {
  FullList full;
  Candidate relayed = LoneAgent::Host("203.0.113.9:9000", "9");
  relayed.type = CandidateType::kRelayed;
  relayed.priority = 16777215;
  full.lone.agent().AddRemoteCandidate(full.lone.now(), relayed);
  full.lone.Drain();
  EXPECT_EQ(full.lone.PairTo(Addr("203.0.113.9:9000")).state, PairState::kWaiting);
  EXPECT_EQ(full.lone.PairTo(Addr("192.0.2.9:9000")).end, PairEnd::kDiscarded);
  // Another finds no TCP pair any more.
  relayed.address = Addr("203.0.113.9:9001");
  full.lone.agent().AddRemoteCandidate(full.lone.now(), relayed);
  EXPECT_EQ(full.lone.agent().counters().pairs_discarded, 2);
  EXPECT_THAT(full.lone.agent().CheckListSnapshot(), SizeIs(3));
}

TEST(Rfc6544, Section6_2_AtThePairLimitATcpPairGivesWayToAPeerReflexiveUdpCandidate) {
  FullList full;
  full.lone.ReceiveCheck(Addr("203.0.113.9:7000"));
  EXPECT_EQ(full.lone.PairTo(Addr("203.0.113.9:7000")).remote.type, CandidateType::kPeerReflexive);
  EXPECT_EQ(full.lone.PairTo(Addr("192.0.2.9:9000")).end, PairEnd::kDiscarded);
  EXPECT_EQ(full.lone.agent().counters().prflx_remote_refused, 0);
}

}  // namespace
}  // namespace pinhole::ice
