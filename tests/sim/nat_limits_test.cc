#include <gtest/gtest.h>

#include <chrono>

#include "tests/sim/nat_bench.h"

// Limits on mappings, the behavior at these limits, and reboots.
namespace pinhole::sim {
namespace {

using namespace std::chrono_literals;

net::SocketAddress Socket(const net::SocketAddress& host, int i) {
  return host.WithPort(static_cast<std::uint16_t>(7000 + i));
}

NatProfile Limited(int all, int per_host, WhenFull when_full) {
  NatProfile profile;
  profile.udp.filtering = Filtering::kEndpointIndependent;
  profile.udp.timeouts = {.unreplied = 60s, .replied = 60s, .assured = 60s};
  profile.mappings_max = all;
  profile.mappings_per_host_max = per_host;
  profile.when_full = when_full;
  return profile;
}

TEST(NatLimits, PerHostRefusesThatHostOnly) {
  NatBench nat(Limited(0, 2, WhenFull::kRefuse));
  EXPECT_TRUE(nat.TrySendOut(Socket(kAlice, 0), kServer));
  EXPECT_TRUE(nat.TrySendOut(Socket(kAlice, 1), kServer));
  const Verdict verdict = nat.Out(Socket(kAlice, 2), kServer);
  EXPECT_EQ(verdict.rule, Rule::kMappingLimit);
  EXPECT_EQ(verdict.state.number, 2);
  EXPECT_EQ(verdict.state.limit, 2);
  EXPECT_TRUE(nat.TrySendOut(Socket(kAlice, 0), kServer));  // what it has goes on
  EXPECT_TRUE(nat.TrySendOut(Socket(kBob, 0), kServer));
}

TEST(NatLimits, InAllRefusesEverybody) {
  NatBench nat(Limited(2, 0, WhenFull::kRefuse));
  nat.SendOut(kAlice, kServer);
  nat.SendOut(kBob, kServer);
  const Verdict verdict = nat.Out(kCarol, kServer);
  EXPECT_EQ(verdict.rule, Rule::kMappingLimit);
  EXPECT_EQ(verdict.state.number, 2);
  EXPECT_EQ(verdict.state.limit, 2);
}

TEST(NatLimits, ExpiredMappingsDoNotCount) {
  NatBench nat(Limited(1, 1, WhenFull::kRefuse));
  nat.SendOut(kAlice, kServer);
  nat.now = At(60s - 1ns);
  EXPECT_EQ(nat.Out(kBob, kServer).rule, Rule::kMappingLimit);
  nat.now = At(60s);
  EXPECT_TRUE(nat.TrySendOut(kBob, kServer));
}

TEST(NatLimits, PerHostEvictsThatHostsOldest) {
  NatBench nat(Limited(0, 2, WhenFull::kEvictOldest));
  nat.SendOut(kBob, kServer);  // older, but not Alice's
  nat.SendOut(Socket(kAlice, 0), kServer);
  nat.SendOut(Socket(kAlice, 1), kServer);
  nat.SendOut(Socket(kAlice, 2), kServer);
  EXPECT_FALSE(nat.GetsIn(kServer, {kExternal, 7000}));
  EXPECT_TRUE(nat.GetsIn(kServer, {kExternal, 7001}));
  EXPECT_TRUE(nat.GetsIn(kServer, {kExternal, 7002}));
  EXPECT_TRUE(nat.GetsIn(kServer, {kExternal, 5000}));
}

TEST(NatLimits, InAllEvictsTheOldestOfAll) {
  NatBench nat(Limited(2, 0, WhenFull::kEvictOldest));
  nat.SendOut(Socket(kAlice, 0), kServer);
  nat.SendOut(Socket(kAlice, 1), kServer);
  nat.SendOut(Socket(kBob, 2), kServer);
  EXPECT_FALSE(nat.GetsIn(kServer, {kExternal, 7000}));
  EXPECT_TRUE(nat.GetsIn(kServer, {kExternal, 7001}));
  EXPECT_TRUE(nat.GetsIn(kServer, {kExternal, 7002}));
}

TEST(NatLimits, ProbingCanRebootTheRouter) {
  NatBench nat(Limited(2, 0, WhenFull::kReboot));
  nat.SendOut(Socket(kAlice, 0), kServer);
  nat.SendOut(Socket(kAlice, 1), kServer);
  EXPECT_EQ(nat.Out(Socket(kAlice, 2), kServer).rule, Rule::kMappingLimit);
  EXPECT_EQ(nat.nat.counters().reboots, 1u);
  EXPECT_EQ(nat.nat.CountMappings(nat.now), 0);
  EXPECT_FALSE(nat.GetsIn(kServer, {kExternal, 7000}));
  EXPECT_TRUE(nat.TrySendOut(Socket(kAlice, 2), kServer));
}

TEST(NatReboot, ForgetsMappingsFiltersSessionsAndPoisonButNotForwards) {
  NatProfile profile{.udp = InputAccept()};
  profile.port_forwards = {{Addr("0.0.0.0:8080"), kBob}};
  NatBench nat(profile);
  nat.SendOut(kAlice, kServer);
  nat.In(Addr("192.0.2.7:1"), {kExternal, 5000});
  nat.nat.Reboot();
  EXPECT_EQ(nat.In(kServer, {kExternal, 5000}).action, Verdict::Action::kInput);
  nat.nat.Reboot();
  EXPECT_EQ(nat.PortOf(kAlice, Addr("192.0.2.7:1")), 5000);  // not poisoned any more
  EXPECT_EQ(nat.SendIn(kServer, {kExternal, 8080}), kBob);
}

TEST(NatCounters, MappingsMadeCountsEachOnce) {
  NatBench nat({.mapping = Mapping::kAddressAndPortDependent});
  for (int i = 0; i < 3; ++i) {
    nat.SendOut(kAlice, kServer);
    nat.SendOut(kAlice, kServer.WithPort(1));
  }
  EXPECT_EQ(nat.nat.counters().mappings_made, 2u);
}

// The load of a busy carrier's NAT: many hosts, mappings that expire, and every answer finds its mapping.
TEST(NatLimits, AHundredThousandMappingsComeAndGo) {
  NatProfile profile;
  profile.udp.filtering = Filtering::kEndpointIndependent;
  profile.udp.port_allocation = PortAllocation::kSequential;
  profile.udp.timeouts = {.unreplied = 30s, .replied = 30s, .assured = 30s};
  NatBench nat(profile, {Ip("198.51.100.1"), Ip("198.51.100.2")});
  for (int round = 0; round < 2; ++round) {
    std::vector<std::pair<net::SocketAddress, net::SocketAddress>> made;
    for (std::uint32_t host = 0; host < 1000; ++host) {
      for (std::uint16_t port = 0; port < 50; ++port) {
        const net::SocketAddress inside(net::IpAddress::V4(0x0a020000u + host), 10000 + port);
        made.emplace_back(inside, nat.SendOut(inside, kServer));
      }
    }
    EXPECT_EQ(nat.nat.CountMappings(nat.now), 50000);
    for (const auto& [inside, mapped] : made) ASSERT_EQ(nat.SendIn(kServer, mapped), inside);
    nat.now += 30s;
    EXPECT_EQ(nat.nat.CountMappings(nat.now), 0);
  }
}

}  // namespace
}  // namespace pinhole::sim
