// Sessions of two agents on a small network: which of them connect, by which pairs, and when.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ice/rto.h"
#include "tests/ice/test_network.h"

namespace pinhole::ice {
namespace {

using namespace std::chrono_literals;
using net::PacketClass;

AgentOptions Controlling() { return {}; }
AgentOptions Controlled() {
  AgentOptions options;
  options.role = Role::kControlled;
  return options;
}

// Checks that both agents have a nominated pair, and that each sends to the address at which the other is seen.
void ExpectAgreement(TestNetwork& net, int a, int b) {
  const std::optional<PairView> pa = net.agent(a).SelectedPair(0, 1);
  const std::optional<PairView> pb = net.agent(b).SelectedPair(0, 1);
  ASSERT_TRUE(pa.has_value()) << "a failed: "
                              << (net.agent(a).failure() ? ToString(net.agent(a).failure()->reason) : "running");
  ASSERT_TRUE(pb.has_value()) << "b failed: "
                              << (net.agent(b).failure() ? ToString(net.agent(b).failure()->reason) : "running");
  EXPECT_EQ(pa->remote.address, pb->mapped->address);
  EXPECT_EQ(pb->remote.address, pa->mapped->address);
  EXPECT_NE(net.agent(a).role(), net.agent(b).role());
}

TEST(Session, TwoHostsOnOneLanTakeTheHostPairAtOnce) {
  TestNetwork net;
  const int a = net.Add("alice", Controlling(), {Local("192.0.2.1")});
  const int b = net.Add("bob", Controlled(), {Local("192.0.2.2")});
  net.set_delay(1ms);
  net.Introduce(a, b);
  net.Start(a);
  net.Start(b);
  net.RunUntilConcluded(a, b, At(60s));
  ExpectAgreement(net, a, b);
  EXPECT_EQ(net.agent(a).SelectedPair(0, 1)->mapped->type, CandidateType::kHost);
  EXPECT_LT(*net.agent(a).times().connected, At(200ms));
}

TEST(Session, DataFlowsBothWaysOnTheSelectedPair) {
  TestNetwork net;
  const int a = net.Add("alice", Controlling(), {Local("192.0.2.1")});
  const int b = net.Add("bob", Controlled(), {Local("192.0.2.2")});
  net.Introduce(a, b);
  net.Start(a);
  net.Start(b);
  net.RunUntilConcluded(a, b, At(60s));
  const std::vector<std::uint8_t> hello = {200, 1, 2, 3};
  EXPECT_TRUE(net.agent(a).SendData(net.now(), 0, 1, hello));
  net.Drain(a);
  EXPECT_TRUE(net.agent(b).SendData(net.now(), 0, 1, hello));
  net.Drain(b);
  net.RunUntil(net.now() + 1s);
  EXPECT_THAT(net[a].data, testing::ElementsAre(hello));
  EXPECT_THAT(net[b].data, testing::ElementsAre(hello));
}

AgentOptions WithServer(AgentOptions options, const SocketAddress& server, bool turn) {
  if (turn) {
    options.turn_servers.push_back({server, "user", "secret"});
  } else {
    options.stun_servers.push_back(server);
  }
  return options;
}

TEST(Session, TwoHomesBehindConesConnectByReflexiveCandidates) {
  TestNetwork net;
  const SocketAddress server = Addr("198.51.100.1:3478");
  net.AddServer(server);
  const int a = net.Add("alice", WithServer(Controlling(), server, false), {Local("192.168.1.2")});
  const int b = net.Add("bob", WithServer(Controlled(), server, false), {Local("192.168.1.3")});
  net[a].nat = TestNat(Addr("203.0.113.1:20000"));
  net[b].nat = TestNat(Addr("203.0.113.2:30000"));
  net[b].nat->filtering = TestNat::Dependence::kAddressAndPortDependent;
  net.Introduce(a, b);
  net.Start(a);
  net.Start(b);
  net.RunUntilConcluded(a, b, At(60s));
  ExpectAgreement(net, a, b);
  EXPECT_EQ(net.agent(a).SelectedPair(0, 1)->mapped->type, CandidateType::kServerReflexive);
  EXPECT_EQ(net.agent(b).SelectedPair(0, 1)->mapped->type, CandidateType::kServerReflexive);
}

TEST(Session, SymmetricAgainstFullConeConnectsByAPeerReflexiveCandidate) {
  TestNetwork net;
  const SocketAddress server = Addr("198.51.100.1:3478");
  net.AddServer(server);
  const int a = net.Add("alice", WithServer(Controlling(), server, false), {Local("192.168.1.2")});
  const int b = net.Add("bob", WithServer(Controlled(), server, false), {Local("192.168.1.3")});
  net.AddSymmetricNat(a, Addr("203.0.113.1:20000"));
  net[b].nat = TestNat(Addr("203.0.113.2:30000"));
  net.Introduce(a, b);
  net.Start(a);
  net.Start(b);
  net.RunUntilConcluded(a, b, At(60s));
  ExpectAgreement(net, a, b);
  EXPECT_EQ(net.agent(a).SelectedPair(0, 1)->mapped->type, CandidateType::kPeerReflexive);
  EXPECT_EQ(net.agent(b).SelectedPair(0, 1)->remote.type, CandidateType::kPeerReflexive);
}

TEST(Session, SymmetricOnBothSidesTakesOneRelayHop) {
  TestNetwork net;
  const SocketAddress server = Addr("198.51.100.1:3478");
  net.AddServer(server);
  const int a = net.Add("alice", WithServer(Controlling(), server, true), {Local("192.168.1.2")});
  const int b = net.Add("bob", WithServer(Controlled(), server, true), {Local("192.168.1.3")});
  net.AddSymmetricNat(a, Addr("203.0.113.1:20000"));
  net.AddSymmetricNat(b, Addr("203.0.113.2:30000"));
  net.Introduce(a, b);
  net.Start(a);
  net.Start(b);
  net.RunUntilConcluded(a, b, At(60s));
  ExpectAgreement(net, a, b);
  const PairView pair = *net.agent(a).SelectedPair(0, 1);
  EXPECT_EQ((pair.mapped->type == CandidateType::kRelayed) + (pair.remote.type == CandidateType::kRelayed), 1);
  const std::vector<std::uint8_t> hello = {200, 1, 2, 3};
  EXPECT_TRUE(net.agent(a).SendData(net.now(), 0, 1, hello));
  net.Drain(a);
  EXPECT_TRUE(net.agent(b).SendData(net.now(), 0, 1, hello));
  net.Drain(b);
  net.RunUntil(net.now() + 1s);
  EXPECT_THAT(net[a].data, testing::ElementsAre(hello));
  EXPECT_THAT(net[b].data, testing::ElementsAre(hello));
}

// RFC 8445 §12.1: once a relayed pair is selected, a channel carries its data (RFC 8656 §12.4).
TEST(Session, DataThroughARelayGoesAsChannelData) {
  TestNetwork net;
  const SocketAddress server = Addr("198.51.100.1:3478");
  net.AddServer(server);
  AgentOptions relay_only = WithServer(Controlling(), server, true);
  relay_only.host_candidates = relay_only.server_reflexive_candidates = false;
  const int a = net.Add("alice", relay_only, {Local("192.0.2.1")});
  const int b = net.Add("bob", Controlled(), {Local("192.0.2.2")});
  net.Introduce(a, b);
  net.Start(a);
  net.Start(b);
  net.RunUntilConcluded(a, b, At(60s));
  ExpectAgreement(net, a, b);
  net.RunUntil(net.now() + 1s);
  const std::vector<std::uint8_t> hello = {200, 1, 2, 3};
  EXPECT_TRUE(net.agent(a).SendData(net.now(), 0, 1, hello));
  net.Drain(a);
  net.RunUntil(net.now() + 1s);
  const std::vector<WirePacket> data = net.Sent(a, PacketClass::kData);
  ASSERT_EQ(data.size(), 1u);
  EXPECT_EQ(data[0].to, server);
  EXPECT_EQ(data[0].bytes.size(), 4 + hello.size());
  EXPECT_EQ(data[0].bytes[0] & 0xC0, 0x40);
  EXPECT_THAT(net[b].data, testing::ElementsAre(hello));
}

TEST(Session, AllocationsThatServeNoSelectedPairAreGivenBackThreeSecondsAfterConcluding) {
  TestNetwork net;
  const SocketAddress server = Addr("198.51.100.1:3478");
  net.AddServer(server);
  const int a = net.Add("alice", WithServer(Controlling(), server, true), {Local("192.0.2.1")});
  const int b = net.Add("bob", WithServer(Controlled(), server, true), {Local("192.0.2.2")});
  net.Introduce(a, b);
  net.Start(a);
  net.Start(b);
  net.RunUntilConcluded(a, b, At(60s));
  ExpectAgreement(net, a, b);
  EXPECT_EQ(net.allocations(), 2u);
  net.RunUntil(*net.agent(a).times().connected + 2900ms);
  EXPECT_EQ(net.allocations(), 2u);
  net.RunUntil(*net.agent(a).times().connected + 5s);
  EXPECT_EQ(net.allocations(), 0u);
}

TEST(Session, AFailedSessionGivesItsAllocationsBack) {
  TestNetwork net;
  const SocketAddress server = Addr("198.51.100.1:3478");
  net.AddServer(server);
  const int a = net.Add("alice", WithServer(Controlling(), server, true), {Local("192.0.2.1")});
  net.Start(a);
  net.RunUntil(At(130s));
  ASSERT_TRUE(net.agent(a).failure().has_value());
  EXPECT_EQ(net.allocations(), 0u);
  EXPECT_EQ(net.agent(a).NextTimer(), net::kNever);
}

TEST(Session, ACandidateNamesTheServerThatGaveItAndThePeerIsNotTold) {
  TestNetwork net;
  const SocketAddress server = Addr("198.51.100.1:3478");
  net.AddServer(server);
  const int a = net.Add("alice", WithServer(Controlling(), server, true), {Local("192.168.1.2")});
  const int b = net.Add("bob", Controlled(), {Local("192.0.2.2")});
  net[a].nat = TestNat(Addr("203.0.113.1:20000"));
  net.Introduce(a, b);
  net.Start(a);
  net.Start(b);
  net.RunUntilConcluded(a, b, At(60s));
  for (const Candidate& candidate : net.agent(a).LocalCandidates()) {
    const bool given = candidate.type == CandidateType::kServerReflexive || candidate.type == CandidateType::kRelayed;
    EXPECT_EQ(candidate.server, given ? server : SocketAddress()) << ToString(candidate);
  }
  EXPECT_EQ(net.agent(a).LocalCandidates().size(), 3u);
  for (const Candidate& told : net.agent(b).RemoteCandidates()) EXPECT_EQ(told.server, SocketAddress());
}

TEST(Session, SymmetricOnBothSidesWithoutRelayFailsWithAReason) {
  TestNetwork net;
  const SocketAddress server = Addr("198.51.100.1:3478");
  net.AddServer(server);
  const int a = net.Add("alice", WithServer(Controlling(), server, false), {Local("192.168.1.2")});
  const int b = net.Add("bob", WithServer(Controlled(), server, false), {Local("192.168.1.3")});
  net.AddSymmetricNat(a, Addr("203.0.113.1:20000"));
  net.AddSymmetricNat(b, Addr("203.0.113.2:30000"));
  net.Introduce(a, b);
  net.Start(a);
  net.Start(b);
  net.RunUntilConcluded(a, b, At(600s));
  for (int side : {a, b}) {
    ASSERT_TRUE(net.agent(side).failure().has_value());
    EXPECT_EQ(net.agent(side).failure()->phase, Phase::kChecking);
    EXPECT_EQ(net.agent(side).failure()->reason, FailureReason::kAllPairsFailed);
    for (const PairView& pair : net.agent(side).CheckListSnapshot()) EXPECT_EQ(pair.end, PairEnd::kTimeout);
    EXPECT_EQ(net.agent(side).NextTimer(), net::kNever);
  }
}

}  // namespace
}  // namespace pinhole::ice
