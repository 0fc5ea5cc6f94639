#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <set>

#include "tests/sim/nat_bench.h"

// The external port and address of a new mapping (RFC 4787 §4.1, §4.2), and the behavior when none is left.
namespace pinhole::sim {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::Ge;
using testing::Le;

// The external ports of `count` inside sockets of `host`, whose ports count up from `first_port`.
std::vector<int> Ports(NatBench& nat, int count, net::SocketAddress host = kAlice, int first_port = 7000) {
  std::vector<int> ports;
  for (int i = 0; i < count; ++i) {
    ports.push_back(nat.PortOf(host.WithPort(static_cast<std::uint16_t>(first_port + i)), kServer));
  }
  return ports;
}

TEST(NatPorts, SequentialStepsAroundItsRange) {
  NatBench nat({.port_allocation = PortAllocation::kSequential, .ports = PortRange{40000, 40004}});
  EXPECT_THAT(Ports(nat, 5), ElementsAre(40000, 40001, 40002, 40003, 40004));
}

TEST(NatPorts, SequentialGoesOnFromWhereItWasAfterAPortBecomesFree) {
  NatBench nat({{.port_allocation = PortAllocation::kSequential, .ports = PortRange{40000, 40004}},
                {.unreplied = 10s, .replied = 10s, .assured = 10s}});
  EXPECT_THAT(Ports(nat, 3), ElementsAre(40000, 40001, 40002));
  nat.now = At(10s);
  EXPECT_THAT(Ports(nat, 4), ElementsAre(40003, 40004, 40000, 40001));
}

TEST(NatPorts, SequentialTakesTheStepOfTheProfile) {
  NatBench two(
      {.port_allocation = PortAllocation::kSequential, .sequential_step = 2, .ports = PortRange{40000, 40004}});
  EXPECT_THAT(Ports(two, 5), ElementsAre(40000, 40002, 40004, 40001, 40003));
  NatBench down(
      {.port_allocation = PortAllocation::kSequential, .sequential_step = -1, .ports = PortRange{40000, 40004}});
  EXPECT_THAT(Ports(down, 3), ElementsAre(40000, 40004, 40003));
  // A step that divides the size still gives every port.
  NatBench half(
      {.port_allocation = PortAllocation::kSequential, .sequential_step = 2, .ports = PortRange{40000, 40003}});
  EXPECT_THAT(Ports(half, 4), ElementsAre(40000, 40002, 40001, 40003));
}

TEST(NatPorts, SequentialWithParitySkipsTheOther) {
  NatBench nat({.port_allocation = PortAllocation::kSequential,
                .ports = PortRange{40000, 40007},
                .parity = PortParity::kPreserve});
  EXPECT_EQ(nat.PortOf(kAlice.WithPort(7001), kServer), 40001);
  EXPECT_EQ(nat.PortOf(kAlice.WithPort(7003), kServer), 40003);
  EXPECT_EQ(nat.PortOf(kAlice.WithPort(7000), kServer), 40004);
}

TEST(NatPorts, RandomIsUniformOverTheRange) {
  // 4,000 draws over 4 ports: each within 5 standard deviations (27.4) of 1,000.
  std::map<int, int> seen;
  for (std::uint64_t seed = 0; seed < 4000; ++seed) {
    NatBench nat({.port_allocation = PortAllocation::kRandom, .ports = PortRange{40000, 40003}});
    nat.random = ScriptedRandom(seed);
    ++seen[nat.PortOf(kAlice, kServer)];
  }
  ASSERT_EQ(seen.size(), 4u);
  for (const auto& [port, count] : seen) EXPECT_NEAR(count, 1000, 137) << port;
}

TEST(NatPorts, RandomTakesTheNextFreeOneFromWhereItFell) {
  NatBench nat({.port_allocation = PortAllocation::kRandom, .ports = PortRange{40000, 40003}});
  nat.random.NextBelow(3, 4);
  nat.random.NextBelow(3, 4);
  nat.random.NextBelow(3, 4);
  EXPECT_THAT(Ports(nat, 3), ElementsAre(40003, 40000, 40001));
}

TEST(NatPorts, CollisionAnswers) {
  const auto second = [](PortCollision collision) {
    NatBench nat({.collision = collision});
    nat.SendOut(kAlice, kServer);
    return nat.TrySendOut(kBob, kServer);
  };
  EXPECT_EQ(second(PortCollision::kNextFree), net::SocketAddress(kExternal, 5001));
  EXPECT_EQ(second(PortCollision::kRefuse), std::nullopt);
  EXPECT_EQ(second(PortCollision::kTakeOver), net::SocketAddress(kExternal, 5000));
  const std::optional<net::SocketAddress> random = second(PortCollision::kRandom);
  ASSERT_TRUE(random);
  EXPECT_NE(random->port(), 5000);
}

TEST(NatPorts, ATakenOverMappingIsGone) {
  NatBench nat({.collision = PortCollision::kTakeOver});
  const net::SocketAddress shared = nat.SendOut(kAlice, kServer);
  EXPECT_EQ(nat.SendOut(kBob, kServer), shared);
  EXPECT_EQ(nat.SendIn(kServer, shared), kBob);
  EXPECT_EQ(nat.nat.CountMappings(nat.now), 1);
  EXPECT_EQ(nat.nat.counters().mappings_evicted, 1u);
}

TEST(NatPorts, CollisionNextFreeGoesAroundTheRange) {
  NatBench nat({.ports = PortRange{4998, 5000}, .collision = PortCollision::kNextFree});
  EXPECT_EQ(nat.PortOf(kAlice, kServer), 5000);
  EXPECT_EQ(nat.PortOf(kBob, kServer), 4998);
  EXPECT_EQ(nat.PortOf(kCarol, kServer), 4999);
}

TEST(NatPorts, AnInsidePortOutsideTheRangeIsACollision) {
  NatBench nat({.ports = PortRange{40000, 40999}});
  EXPECT_THAT(nat.PortOf(kAlice, kServer), AllOf(Ge(40000), Le(40999)));
  EXPECT_EQ(nat.PortOf(kAlice.WithPort(40500), kServer), 40500);
}

TEST(NatPorts, ContiguityPutsRtcpNextToRtp) {
  NatBench nat({.port_allocation = PortAllocation::kRandom, .parity = PortParity::kPreserve, .contiguity = true});
  for (const net::SocketAddress& host : {kAlice, kBob}) {
    const int rtp = nat.PortOf(host.WithPort(7000), kServer);
    EXPECT_EQ(nat.PortOf(host.WithPort(7001), kServer), rtp + 1);
    const int rtcp = nat.PortOf(host.WithPort(8001), kServer);  // RTCP first
    EXPECT_EQ(nat.PortOf(host.WithPort(8000), kServer), rtcp - 1);
  }
}

TEST(NatPorts, OverloadingByAddressSharesAPortUntilTwoHostsMeetOneAddress) {
  NatBench nat({.mapping = Mapping::kAddressDependent,
                .filtering = Filtering::kAddressDependent,
                .port_allocation = PortAllocation::kPreserveOverloading});
  EXPECT_EQ(nat.PortOf(kAlice, kServer), 5000);
  EXPECT_EQ(nat.PortOf(kBob, Addr("192.0.2.2:1")), 5000);
  EXPECT_NE(nat.PortOf(kBob, kServer.WithPort(1)), 5000);
  EXPECT_EQ(nat.SendIn(kServer.WithPort(77), {kExternal, 5000}), kAlice);
  EXPECT_EQ(nat.SendIn(Addr("192.0.2.2:77"), {kExternal, 5000}), kBob);
  EXPECT_EQ(nat.In(Addr("192.0.2.3:77"), {kExternal, 5000}).rule, Rule::kFilteredAddress);
}

// Exhaustion: two ports, three sockets.
constexpr PortRange kTwoPorts{40000, 40001};

TEST(NatPortExhaustion, DropsAndNamesHowManyMappingsThereAre) {
  NatBench nat({.port_allocation = PortAllocation::kRandom, .ports = kTwoPorts});
  Ports(nat, 2);
  const Verdict verdict = nat.Out(kBob, kServer);
  EXPECT_EQ(verdict.action, Verdict::Action::kDrop);
  EXPECT_EQ(verdict.rule, Rule::kPortExhausted);
  EXPECT_EQ(verdict.state.number, 2);
  EXPECT_EQ(verdict.state.limit, 2);
  EXPECT_EQ(verdict.state.endpoint, kBob);
}

TEST(NatPortExhaustion, Rfc5508Req8TellsTheSender) {
  NatBench nat(
      {.port_allocation = PortAllocation::kRandom, .ports = kTwoPorts, .exhaustion = Exhaustion::kAdminProhibited});
  Ports(nat, 2);
  const Verdict verdict = nat.Out(kBob, kServer);
  EXPECT_EQ(verdict.action, Verdict::Action::kReject);
  EXPECT_EQ(verdict.icmp_code, 13);
}

TEST(NatPortExhaustion, EvictsTheMappingMadeFirst) {
  NatBench nat(
      {.port_allocation = PortAllocation::kSequential, .ports = kTwoPorts, .exhaustion = Exhaustion::kEvictOldest});
  EXPECT_THAT(Ports(nat, 2), ElementsAre(40000, 40001));
  nat.PortOf(kAlice.WithPort(7000), kServer);  // being used again does not make it younger
  EXPECT_EQ(nat.PortOf(kBob, kServer), 40000);
  EXPECT_EQ(nat.SendIn(kServer, {kExternal, 40000}), kBob);
  EXPECT_EQ(nat.PortOf(kCarol, kServer), 40001);
}

TEST(NatPortExhaustion, AnExpiredMappingGivesItsPortBack) {
  NatBench nat({{.port_allocation = PortAllocation::kRandom, .ports = kTwoPorts},
                {.unreplied = 30s, .replied = 30s, .assured = 30s}});
  Ports(nat, 2);
  nat.now = At(30s - 1ns);
  EXPECT_EQ(nat.TrySendOut(kBob, kServer), std::nullopt);
  nat.now = At(30s);
  EXPECT_TRUE(nat.TrySendOut(kBob, kServer));
}

TEST(NatPortExhaustion, PairedHostsStayOnTheirAddressUnlessPairingIsSoft) {
  // RFC 7857 §4.
  for (const bool soft : {false, true}) {
    SCOPED_TRACE(soft);
    NatProfile profile;
    profile.udp.port_allocation = PortAllocation::kSequential;
    profile.udp.ports = kTwoPorts;
    profile.soft_pairing = soft;
    NatBench nat(profile, {Ip("198.51.100.1"), Ip("198.51.100.2")});
    Ports(nat, 2);
    const std::optional<net::SocketAddress> third = nat.TrySendOut(kAlice.WithPort(7002), kServer);
    EXPECT_EQ(third.has_value(), soft);
    EXPECT_EQ(third.value_or(net::SocketAddress()).address(), soft ? Ip("198.51.100.2") : net::IpAddress());
  }
}

TEST(NatPortExhaustion, ArbitraryPoolingUsesEveryPortOfThePool) {
  NatProfile profile{.udp = {{.port_allocation = PortAllocation::kRandom, .ports = kTwoPorts}},
                     .pooling = Pooling::kArbitrary};
  NatBench nat(profile, {Ip("198.51.100.1"), Ip("198.51.100.2")});
  std::set<net::SocketAddress> seen;
  for (std::uint16_t i = 0; i < 4; ++i) seen.insert(nat.SendOut(kAlice.WithPort(7000 + i), kServer));
  EXPECT_EQ(seen.size(), 4u);
  EXPECT_EQ(nat.Out(kBob, kServer).rule, Rule::kPortExhausted);
}

TEST(NatPorts, OtherAddressKeepsThePortWhereItCan) {
  NatProfile profile{.udp = {{.collision = PortCollision::kOtherAddress}}, .pooling = Pooling::kArbitrary};
  NatBench nat(profile, {Ip("198.51.100.1"), Ip("198.51.100.2")});
  const net::SocketAddress alice = nat.SendOut(kAlice, kServer);
  const net::SocketAddress bob = nat.SendOut(kBob, kServer);
  EXPECT_EQ(alice.port(), 5000);
  EXPECT_EQ(bob.port(), 5000);
  EXPECT_NE(alice.address(), bob.address());
  EXPECT_NE(nat.PortOf(kCarol, kServer), 5000);
}

// Blocks (RFC 6888, RFC 7422): ten ports in all, four in a block.
UdpBehavior Blocks(int per_host) {
  return {{.port_allocation = PortAllocation::kSequential,
           .ports = PortRange{40000, 40009},
           .block_ports = 4,
           .blocks_per_host = per_host},
          {.unreplied = 30s, .replied = 30s, .assured = 30s}};
}

TEST(NatBlocks, EachHostHasItsOwnWholeBlock) {
  NatBench nat(Blocks(1));
  EXPECT_THAT(Ports(nat, 4), ElementsAre(40000, 40001, 40002, 40003));
  EXPECT_THAT(Ports(nat, 4, kBob), ElementsAre(40004, 40005, 40006, 40007));
  EXPECT_EQ(nat.Out(kAlice.WithPort(9000), kServer).rule, Rule::kPortExhausted);
  EXPECT_EQ(nat.Out(kCarol, kServer).rule, Rule::kPortExhausted);  // two ports are no block
}

TEST(NatBlocks, AHostMayHaveSeveral) {
  NatBench nat(Blocks(2));
  EXPECT_THAT(Ports(nat, 8), ElementsAre(40000, 40001, 40002, 40003, 40004, 40005, 40006, 40007));
}

TEST(NatBlocks, ABlockIsGivenBackWithItsHostsLastMapping) {
  NatBench nat(Blocks(1));
  Ports(nat, 1);
  nat.now = At(10s);
  Ports(nat, 1, kBob);
  nat.now = At(30s - 1ns);
  EXPECT_EQ(nat.TrySendOut(kCarol, kServer), std::nullopt);
  nat.now = At(30s);
  EXPECT_THAT(nat.PortOf(kCarol, kServer), AllOf(Ge(40000), Le(40003)));
}

}  // namespace
}  // namespace pinhole::sim
