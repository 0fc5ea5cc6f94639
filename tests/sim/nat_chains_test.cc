#include <gtest/gtest.h>

#include <chrono>

#include "tests/sim/nat_bench.h"

// NATs behind NATs, and static mappings of a profile.
namespace pinhole::sim {
namespace {

using namespace std::chrono_literals;

// A home behind a carrier's NAT: the home's external address is a subscriber of the carrier.
struct Nested {
  explicit Nested(UdpBehavior home_udp, UdpBehavior carrier_udp)
      : home(NatProfile{.udp = home_udp}, {Ip("100.64.0.7")}), carrier(NatProfile{.udp = carrier_udp}) {}

  net::SocketAddress SendOut(net::SocketAddress from, net::SocketAddress to) {
    return carrier.SendOut(home.SendOut(from, to), to);
  }
  std::optional<net::SocketAddress> SendIn(net::SocketAddress from, net::SocketAddress to) {
    const std::optional<net::SocketAddress> subscriber = carrier.SendIn(from, to);
    return subscriber ? home.SendIn(from, *subscriber) : std::nullopt;
  }
  NatBench home, carrier;
};

constexpr Mapping kMappings[] = {Mapping::kEndpointIndependent, Mapping::kAddressDependent,
                                 Mapping::kAddressAndPortDependent};
constexpr Filtering kFilterings[] = {Filtering::kEndpointIndependent, Filtering::kAddressDependent,
                                     Filtering::kAddressAndPortDependent};

TEST(NatChain, TwoNatsMapLikeTheMoreDependentOne) {
  for (const Mapping inner : kMappings) {
    for (const Mapping outer : kMappings) {
      SCOPED_TRACE(testing::Message() << ToString(inner) << " behind " << ToString(outer));
      Nested chain({{.mapping = inner, .port_allocation = PortAllocation::kSequential}},
                   {{.mapping = outer, .port_allocation = PortAllocation::kSequential}});
      const Mapping worst = std::max(inner, outer);
      const net::SocketAddress mapped = chain.SendOut(kAlice, kServer);
      EXPECT_EQ(chain.SendOut(kAlice, kServer.WithPort(1)) == mapped, worst < Mapping::kAddressAndPortDependent);
      EXPECT_EQ(chain.SendOut(kAlice, Addr("192.0.2.7:1")) == mapped, worst == Mapping::kEndpointIndependent);
    }
  }
}

TEST(NatChain, TwoNatsFilterLikeTheStricterOne) {
  for (const Filtering inner : kFilterings) {
    for (const Filtering outer : kFilterings) {
      SCOPED_TRACE(testing::Message() << ToString(inner) << " behind " << ToString(outer));
      Nested chain({{.filtering = inner}}, {{.filtering = outer}});
      const Filtering worst = std::max(inner, outer);
      const net::SocketAddress mapped = chain.SendOut(kAlice, kServer);
      EXPECT_EQ(chain.SendIn(kServer, mapped), kAlice);
      EXPECT_EQ(chain.SendIn(kServer.WithPort(1), mapped).has_value(), worst < Filtering::kAddressAndPortDependent);
      EXPECT_EQ(chain.SendIn(Addr("192.0.2.7:1"), mapped).has_value(), worst == Filtering::kEndpointIndependent);
    }
  }
}

TEST(NatChain, TheShorterTimerCounts) {
  Nested chain({.timeouts = {.unreplied = 60s, .replied = 60s, .assured = 60s}},
               {.timeouts = {.unreplied = 20s, .replied = 20s, .assured = 20s}});
  const net::SocketAddress mapped = chain.SendOut(kAlice, kServer);
  chain.home.now = chain.carrier.now = At(20s);
  EXPECT_EQ(chain.carrier.In(kServer, mapped).rule, Rule::kNoMapping);
  EXPECT_TRUE(chain.home.GetsIn(kServer, {Ip("100.64.0.7"), 5000}));
}

TEST(NatChain, TwoHomesMeetByTheHairpinOfTheirCarrier) {
  // Both homes use the same inside addresses.
  NatBench carrier({.filtering = Filtering::kEndpointIndependent, .hairpin = Hairpin::kExternalSource});
  NatBench home_a(NatProfile{.udp = {{.filtering = Filtering::kEndpointIndependent}}}, {Ip("10.0.1.50")});
  NatBench home_b(NatProfile{.udp = {{.filtering = Filtering::kEndpointIndependent}}}, {Ip("10.0.2.50")});
  const net::SocketAddress alice = Addr("192.168.1.2:4000"), bob = Addr("192.168.1.2:4000");
  const net::SocketAddress a = carrier.SendOut(home_a.SendOut(alice, kServer), kServer);
  const net::SocketAddress b = carrier.SendOut(home_b.SendOut(bob, kServer), kServer);
  ASSERT_NE(a, b);
  Packet packet = NatBench::Udp(alice, b);
  ASSERT_EQ(home_a.Out(packet).action, Verdict::Action::kOutside);
  const Verdict turned = carrier.Out(packet);
  EXPECT_EQ(turned.action, Verdict::Action::kInside);
  EXPECT_EQ(turned.network, 1);
  EXPECT_EQ(packet.source, a);
  EXPECT_EQ(home_b.nat.FromOutside(home_b.now, packet).action, Verdict::Action::kInside);
  EXPECT_EQ(packet.destination, bob);
  EXPECT_EQ(packet.source, a);
}

TEST(NatTwice, AHairpinnedForwardRewritesSourceAndDestination) {
  // RFC 2663 §4.3: both ends of one packet.
  NatProfile profile{.udp = {{.hairpin = Hairpin::kExternalSource}}};
  profile.port_forwards = {{Addr("0.0.0.0:8080"), kBob.WithPort(80)}};
  NatBench nat(profile);
  Packet packet = NatBench::Udp(kAlice, {kExternal, 8080});
  EXPECT_EQ(nat.Out(packet).action, Verdict::Action::kInside);
  EXPECT_EQ(packet.source, net::SocketAddress(kExternal, 5000));
  EXPECT_EQ(packet.destination, kBob.WithPort(80));
}

NatProfile Forwarding(Mapping mapping) {
  NatProfile profile;
  profile.udp.mapping = mapping;
  profile.udp.port_allocation = PortAllocation::kSequential;
  profile.port_forwards = {{Addr("0.0.0.0:8080"), kAlice}};
  return profile;
}

TEST(NatPortForward, LetsAnyoneInAndAnswersLeaveByIt) {
  for (const Mapping mapping : kMappings) {
    SCOPED_TRACE(ToString(mapping));
    NatBench nat(Forwarding(mapping));
    const net::SocketAddress forwarded(kExternal, 8080);
    const net::SocketAddress stranger = Addr("192.0.2.7:1");
    EXPECT_EQ(nat.SendIn(stranger, forwarded), kAlice);
    EXPECT_EQ(nat.SendOut(kAlice, stranger), forwarded);
    // Towards a destination that has not used the forward, the external endpoint is the same only if the mapping is
    // endpoint-independent.
    EXPECT_EQ(nat.SendOut(kAlice, kServer) == forwarded, mapping == Mapping::kEndpointIndependent);
    nat.now = At(24h);
    EXPECT_EQ(nat.SendIn(stranger, forwarded), kAlice);
  }
}

TEST(NatPortForward, ItsPortIsGivenToNobodyElse) {
  NatProfile profile = Forwarding(Mapping::kEndpointIndependent);
  profile.udp.port_allocation = PortAllocation::kPreserve;
  profile.udp.collision = PortCollision::kTakeOver;
  NatBench nat(profile);
  EXPECT_EQ(nat.Out(kBob.WithPort(8080), kServer).rule, Rule::kPortExhausted);
}

NatProfile OneToOneFor(Filtering filtering, Mapping mapping = Mapping::kAddressAndPortDependent) {
  NatProfile profile;
  profile.udp.mapping = mapping;
  profile.udp.filtering = filtering;
  profile.udp.port_allocation = PortAllocation::kRandom;
  profile.one_to_one = {{Ip("198.51.100.50"), kAlice.address()}};
  return profile;
}

TEST(NatOneToOne, KeepsPortsTowardsEveryone) {
  NatBench nat(OneToOneFor(Filtering::kAddressAndPortDependent));
  const net::SocketAddress mapped(Ip("198.51.100.50"), 5000);
  EXPECT_EQ(nat.SendOut(kAlice, kServer), mapped);
  EXPECT_EQ(nat.SendOut(kAlice, Addr("192.0.2.7:1")), mapped);
  EXPECT_EQ(nat.SendOut(kBob, kServer).address(), kExternal);  // the others share
}

TEST(NatOneToOne, StrangersComeInWhereFilteringIsEndpointIndependent) {
  const net::SocketAddress mapped(Ip("198.51.100.50"), 9000);
  NatBench open(OneToOneFor(Filtering::kEndpointIndependent));
  EXPECT_EQ(open.SendIn(kServer, mapped), kAlice.WithPort(9000));
  EXPECT_EQ(open.SendOut(kAlice.WithPort(9000), kServer), mapped);
  NatBench closed(OneToOneFor(Filtering::kAddressAndPortDependent));
  EXPECT_EQ(closed.In(kServer, mapped).rule, Rule::kInboundRefused);
  closed.SendOut(kAlice.WithPort(9000), kServer);
  EXPECT_EQ(closed.SendIn(kServer, mapped), kAlice.WithPort(9000));
}

TEST(NatFromOutside, AnInsideAddressIsNotReachedByItsName) {
  NatBench nat({.filtering = Filtering::kEndpointIndependent});
  nat.SendOut(kAlice, kServer);
  EXPECT_EQ(nat.In(kServer, kAlice).rule, Rule::kInboundRefused);
}

TEST(NatProtocols, Ipv6IsRefusedByName) {
  NatBench nat(UdpBehavior{});
  Packet v6 = NatBench::Udp(Addr("[2001:db8::1]:1"), Addr("[2001:db8::2]:1"));
  EXPECT_EQ(nat.nat.FromInside(nat.now, 0, v6).rule, Rule::kProtocolBlocked);
}

TEST(NatTimeouts, TheFirstPacketMayHaveALifeOfItsOwn) {
  // Nokia's udp-initial: 15 s after one packet out, 300 s once there was another.
  const UdpBehavior udp = {{.filtering = Filtering::kEndpointIndependent},
                           {.first = 15s, .unreplied = 300s, .replied = 300s, .assured = 300s}};
  NatBench once(udp);
  const net::SocketAddress mapped = once.SendOut(kAlice, kServer);
  once.now = At(15s - 1ns);
  EXPECT_EQ(once.nat.CountMappings(once.now), 1);
  once.now = At(15s);
  EXPECT_FALSE(once.GetsIn(kServer, mapped));
  NatBench twice(udp);
  twice.SendOut(kAlice, kServer);
  twice.now = At(1s);
  twice.SendOut(kAlice, kServer);
  twice.now = At(301s - 1ns);
  EXPECT_TRUE(twice.GetsIn(kServer, mapped));
}

TEST(NatTimeouts, AnAbsoluteLifeEndsUnderTraffic) {
  NatBench nat({{.port_allocation = PortAllocation::kSequential},
                {.unreplied = 60s, .replied = 60s, .assured = 60s},
                Refresh::kNone});
  const net::SocketAddress mapped = nat.SendOut(kAlice, kServer);
  for (int second = 5; second < 60; second += 5) {
    nat.now = At(std::chrono::seconds(second));
    EXPECT_EQ(nat.SendOut(kAlice, kServer), mapped);
    EXPECT_TRUE(nat.GetsIn(kServer, mapped));
  }
  nat.now = At(60s);
  EXPECT_FALSE(nat.GetsIn(kServer, mapped));
  EXPECT_NE(nat.SendOut(kAlice, kServer), mapped);
}

}  // namespace
}  // namespace pinhole::sim
