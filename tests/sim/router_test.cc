// Routers and bridges: longest prefix, TTL, ICMP, MTU, private addresses, networks of several links.
#include "sim/boxes/router.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "sim/boxes/switch.h"
#include "sim/host/host_node.h"
#include "tests/sim/two_node_world.h"

namespace pinhole::sim {
namespace {

using namespace std::chrono_literals;
using Kind = net::IcmpError::Kind;

// alice 192.0.2.1 - r1 - r2 - bob 203.0.113.1, and the same in IPv6; 10 ms each link.
struct TwoRouters {
  explicit TwoRouters(const RouterOptions& options = {}, const LinkProfile& middle = {.delay = 10ms})
      : world(1),
        alice_node(AddHost(world, "alice", "192.0.2.1/24", "192.0.2.254")),
        r1(world.AddNode<Router>("r1", options)),
        r2(world.AddNode<Router>("r2", options)),
        bob_node(AddHost(world, "bob", "203.0.113.1/24", "203.0.113.254")) {
    const LinkProfile side = {.delay = 10ms};
    r1_lan = AddPort(r1, "lan", "192.0.2.254/24");
    r1_wan = AddPort(r1, "wan", "198.51.100.1/30");
    const int r2_wan = AddPort(r2, "wan", "198.51.100.2/30");
    const int r2_lan = AddPort(r2, "lan", "203.0.113.254/24");
    Link(world, alice_node, 1, r1, r1_lan, side);
    middle_link = Link(world, r1, r1_wan, r2, r2_wan, middle, {.delay = 10ms});
    Link(world, bob_node, 1, r2, r2_lan, side);
    EXPECT_TRUE(r1.AddDefaultRoute(r1_wan, Ip("198.51.100.2")).ok());
    EXPECT_TRUE(
        r2.AddRoute({.prefix = net::IpPrefix(Ip("192.0.2.0"), 24), .interface = r2_wan, .gateway = Ip("198.51.100.1")})
            .ok());

    EXPECT_TRUE(alice_node.AddAddress(1, {.address = Ip("2001:db8:1::1"), .prefix_length = 64}).ok());
    EXPECT_TRUE(alice_node.AddDefaultRoute(1, Ip("2001:db8:1::ff")).ok());
    EXPECT_TRUE(bob_node.AddAddress(1, {.address = Ip("2001:db8:2::1"), .prefix_length = 64}).ok());
    EXPECT_TRUE(bob_node.AddDefaultRoute(1, Ip("2001:db8:2::ff")).ok());
    EXPECT_TRUE(r1.AddAddress(r1_lan, {.address = Ip("2001:db8:1::ff"), .prefix_length = 64}).ok());
    EXPECT_TRUE(r1.AddAddress(r1_wan, {.address = Ip("2001:db8:f::1"), .prefix_length = 64}).ok());
    EXPECT_TRUE(r2.AddAddress(r2_wan, {.address = Ip("2001:db8:f::2"), .prefix_length = 64}).ok());
    EXPECT_TRUE(r2.AddAddress(r2_lan, {.address = Ip("2001:db8:2::ff"), .prefix_length = 64}).ok());
    EXPECT_TRUE(r1.AddDefaultRoute(r1_wan, Ip("2001:db8:f::2")).ok());
    EXPECT_TRUE(r2.AddDefaultRoute(r2_wan, Ip("2001:db8:f::1")).ok());

    alice.Attach(alice_node.StartProgram("recorder", alice));
    alice6.Attach(alice_node.StartProgram("recorder6", alice6));
    bob.Attach(bob_node.StartProgram("recorder", bob));
    bob6.Attach(bob_node.StartProgram("recorder6", bob6));
    world.RunUntil(Time({}));
  }

  World world;
  HostNode& alice_node;
  Router& r1;
  Router& r2;
  HostNode& bob_node;
  int r1_lan = 0;
  int r1_wan = 0;
  LinkId middle_link{};
  Recorder alice{At("192.0.2.1:5000")};
  Recorder alice6{At("[2001:db8:1::1]:5000")};
  Recorder bob{At("203.0.113.1:5000")};
  Recorder bob6{At("[2001:db8:2::1]:5000")};
  net::SocketAddress bob_at = At("203.0.113.1:5000");
  net::SocketAddress bob6_at = At("[2001:db8:2::1]:5000");
};

TEST(Router, EachTakesOneOffTheTtl) {
  TwoRouters net;
  net.alice.Send(net.bob_at, "v4");
  net.alice6.Send(net.bob6_at, "v6", {.ttl = 10});
  net.world.RunUntil(Time(1s));
  ASSERT_EQ(net.bob.heard.size(), 1u);
  EXPECT_EQ(net.bob.heard[0].ttl, 62);
  EXPECT_EQ(net.bob.heard[0].at, Time(30ms));
  ASSERT_EQ(net.bob6.heard.size(), 1u);
  EXPECT_EQ(net.bob6.heard[0].ttl, 8);
}

// RFC 1812 §5.3.1: traceroute works: TTL 1 ends at the first router, 2 at the second, 3 arrives.
TEST(Router, Rfc1812Section5_3_1_TtlThatRunsOutIsReported) {
  TwoRouters net;
  net.alice.Send(net.bob_at, "1", {.ttl = 1});
  net.world.RunUntil(Time(1s));
  net.alice.Send(net.bob_at, "2", {.ttl = 2});
  net.world.RunUntil(Time(2s));
  net.alice.Send(net.bob_at, "3", {.ttl = 3});
  net.world.RunUntil(Time(3s));
  ASSERT_EQ(net.alice.errors.size(), 2u);
  EXPECT_EQ(net.alice.errors[0].error.kind, Kind::kTtlExceeded);
  EXPECT_EQ(net.alice.errors[0].error.reporter, Ip("192.0.2.254"));  // the interface it came in by
  EXPECT_EQ(net.alice.errors[0].at, Time(20ms));
  EXPECT_EQ(net.alice.errors[1].error.reporter, Ip("198.51.100.2"));
  EXPECT_EQ(net.alice.errors[1].error.destination, net.bob_at);
  EXPECT_EQ(net.bob.heard.size(), 1u);
  EXPECT_EQ(net.world.drops().count(Rule::kTtlExceeded), 2u);
}

TEST(Router, Rfc4443Section3_3_HopLimitThatRunsOutIsReported) {
  TwoRouters net;
  net.alice6.Send(net.bob6_at, "1", {.ttl = 1});
  net.world.RunUntil(Time(1s));
  ASSERT_EQ(net.alice6.errors.size(), 1u);
  EXPECT_EQ(net.alice6.errors[0].error.kind, Kind::kTtlExceeded);
  EXPECT_EQ(net.alice6.errors[0].error.reporter, Ip("2001:db8:1::ff"));
}

// RFC 1122 §3.2.2: an ICMP error is never answered with another. Bob's error goes back and forth between two routers,
// each of which has a route to alice through the other, until its TTL is used up.
TEST(Router, Rfc1122Section3_2_2_NoErrorAboutAnError) {
  TwoRouters net;
  net.alice.Send(At("203.0.113.1:9"), "closed");
  net.r1.RemoveRoute(net::IpPrefix(Ip("192.0.2.0"), 24), net.r1_lan);
  net.world.RunUntil(Time(5s));
  EXPECT_EQ(net.world.drops().count(Rule::kTtlExceeded), 1u);
  EXPECT_EQ(net.world.lineage().size(), 2u);  // the datagram and one error
}

TEST(Router, Rfc1812Section5_2_7_1_NoRouteIsReported) {
  TwoRouters net;
  net.alice.Send(At("8.8.8.8:53"), "x");  // r2 has no default route for IPv4
  net.world.RunUntil(Time(1s));
  ASSERT_EQ(net.alice.errors.size(), 1u);
  EXPECT_EQ(net.alice.errors[0].error.kind, Kind::kNetUnreachable);
  ASSERT_EQ(net.world.drops().count(Rule::kNoRoute), 1u);
  EXPECT_EQ(DescribeState(net.world.drops().at(0)), "no route to 8.8.8.8");
  EXPECT_EQ(net.world.node(net.world.drops().at(0).node).name(), "r2");
}

TEST(Router, NobodyOnTheLastNetworkIsReported) {
  TwoRouters net;
  net.alice.Send(At("203.0.113.99:5000"), "x");
  net.world.RunUntil(Time(1s));
  ASSERT_EQ(net.alice.errors.size(), 1u);
  EXPECT_EQ(net.alice.errors[0].error.kind, Kind::kHostUnreachable);
  EXPECT_EQ(net.world.drops().count(Rule::kNoNeighbour), 1u);
}

TEST(Router, CoreDropsPrivateDestinationsInSilence) {
  TwoRouters net;
  for (const char* to : {"10.0.0.1:5000", "172.16.0.1:5000", "192.168.1.1:5000", "100.64.0.1:5000"}) {
    net.alice.Send(At(to), "x");
  }
  net.alice6.Send(At("[fd00::1]:5000"), "x");
  net.world.RunUntil(Time(1s));
  EXPECT_EQ(net.world.drops().count(Rule::kPrivateInCore), 5u);
  EXPECT_TRUE(net.alice.errors.empty());
  EXPECT_TRUE(net.alice6.errors.empty());
}

TEST(Router, PrivateDestinationsAreForwardedWhenToldSo) {
  TwoRouters net({.forwards_private = true});
  net.alice.Send(At("10.0.0.1:5000"), "x");
  net.world.RunUntil(Time(1s));
  EXPECT_EQ(net.world.drops().count(Rule::kPrivateInCore), 0u);
  EXPECT_EQ(net.world.drops().count(Rule::kNoRoute), 1u);
}

TEST(Router, SilentRouterReportsNothing) {
  TwoRouters net({.host = {.reports_unforwardable = false}});
  net.alice.Send(net.bob_at, "1", {.ttl = 1});
  net.world.RunUntil(Time(1s));
  EXPECT_TRUE(net.alice.errors.empty());
  EXPECT_EQ(net.world.drops().count(Rule::kTtlExceeded), 1u);
}

// RFC 1191 §3 and RFC 4443 §3.2: the router says how large a packet may be, and the host remembers.
TEST(Router, Rfc1191Section3_TooBigIsReportedWithTheMtu) {
  TwoRouters net({}, {.delay = 10ms, .mtu_bytes = 1300});
  EXPECT_EQ(net.alice.Send(net.bob_at, std::string(1272, 'x'), {.dont_fragment = true}), net::SendStatus::kSent);
  EXPECT_EQ(net.alice.Send(net.bob_at, std::string(1273, 'x'), {.dont_fragment = true}), net::SendStatus::kSent);
  EXPECT_EQ(net.alice6.Send(net.bob6_at, std::string(1253, 'x')), net::SendStatus::kSent);
  net.world.RunUntil(Time(1s));
  EXPECT_EQ(net.bob.heard.size(), 1u);
  ASSERT_EQ(net.alice.errors.size(), 1u);
  EXPECT_EQ(net.alice.errors[0].error.kind, Kind::kPacketTooBig);
  EXPECT_EQ(net.alice.errors[0].error.mtu_bytes, 1300u);
  ASSERT_EQ(net.alice6.errors.size(), 1u);
  EXPECT_EQ(net.alice6.errors[0].error.mtu_bytes, 1300u);
  EXPECT_EQ(net.alice.Send(net.bob_at, std::string(1273, 'x'), {.dont_fragment = true}), net::SendStatus::kTooBig);
  EXPECT_EQ(net.alice6.Send(net.bob6_at, std::string(1253, 'x')), net::SendStatus::kTooBig);
  EXPECT_EQ(net.alice.Send(net.bob_at, std::string(1272, 'x'), {.dont_fragment = true}), net::SendStatus::kSent);
}

// RFC 1191 §6.3, RFC 8201 §4: a path that becomes narrower is learned again; a report never makes it wider.
TEST(Router, Rfc8201Section4_PathMtuOnlyShrinks) {
  TwoRouters net({}, {.delay = 10ms, .mtu_bytes = 1000});
  const auto set_mtu = [&](std::uint32_t mtu_bytes) {
    net.world.SetLinkProfile(net.middle_link, World::Direction::kAToB, {.delay = 10ms, .mtu_bytes = mtu_bytes});
  };
  const auto send = [&](std::size_t bytes) {
    return net.alice.Send(net.bob_at, std::string(bytes, 'x'), {.dont_fragment = true});
  };
  EXPECT_EQ(send(1400), net::SendStatus::kSent);  // will be told 1000 at 10 ms ...
  net.world.RunUntil(Time(5ms));
  EXPECT_EQ(send(1400), net::SendStatus::kSent);  // ... and this one 1200 at 15 ms
  net.world.RunUntil(Time(12ms));
  set_mtu(1200);
  net.world.RunUntil(Time(1s));
  EXPECT_EQ(net.alice.errors.size(), 2u);
  EXPECT_EQ(send(973), net::SendStatus::kTooBig);
  set_mtu(800);
  EXPECT_EQ(send(972), net::SendStatus::kSent);
  net.world.RunUntil(Time(2s));
  EXPECT_EQ(send(773), net::SendStatus::kTooBig);
  EXPECT_EQ(send(772), net::SendStatus::kSent);
}

TEST(Router, WhatWouldNeedFragmentsEndsByThatName) {
  TwoRouters net({}, {.delay = 10ms, .mtu_bytes = 1300});
  net.alice.Send(net.bob_at, std::string(1400, 'x'));
  net.world.RunUntil(Time(1s));
  EXPECT_TRUE(net.alice.errors.empty());
  ASSERT_EQ(net.world.drops().count(Rule::kNeedsFragments), 1u);
  EXPECT_EQ(DescribeState(net.world.drops().at(0)), "1428 bytes, MTU 1300");
}

TEST(Router, RouterIsAlsoAHost) {
  TwoRouters net;
  net.alice.Send(At("192.0.2.254:9"), "x");
  net.world.RunUntil(Time(1s));
  ASSERT_EQ(net.alice.errors.size(), 1u);
  EXPECT_EQ(net.alice.errors[0].error.kind, Kind::kPortUnreachable);
}

TEST(Host, ForwardsNothing) {
  World world(1);
  HostNode& a = AddHost(world, "a", "192.0.2.1/24", "192.0.2.2");
  HostNode& b = AddHost(world, "b", "192.0.2.2/24");
  Link(world, a, 1, b, 1);
  Recorder alice(At("192.0.2.1:5000"));
  alice.Attach(a.StartProgram("recorder", alice));
  world.RunUntil(Time({}));
  alice.Send(At("203.0.113.1:5000"), "x");
  world.RunUntil(Time(1s));
  EXPECT_EQ(world.drops().count(Rule::kNotForwarding), 1u);
}

// Three hosts on a switch: each gets the packets that are for it, and the TTL does not change.
TEST(Switch, JoinsLinksIntoOneNetwork) {
  World world(1);
  Switch& lan = world.AddNode<Switch>("lan");
  std::vector<std::unique_ptr<Recorder>> recorders;
  for (int i = 1; i <= 3; ++i) {
    const std::string address = "192.0.2." + std::to_string(i);
    HostNode& host = AddHost(world, "h" + std::to_string(i), address + "/24");
    Link(world, host, 1, lan, 0, {.delay = 1ms});
    recorders.push_back(std::make_unique<Recorder>(At(address + ":5000")));
    recorders.back()->Attach(host.StartProgram("recorder", *recorders.back()));
  }
  world.RunUntil(Time({}));
  recorders[0]->Send(At("192.0.2.3:5000"), "to h3");
  world.RunUntil(Time(1s));
  EXPECT_TRUE(recorders[1]->heard.empty());
  ASSERT_EQ(recorders[2]->heard.size(), 1u);
  EXPECT_EQ(recorders[2]->heard[0].ttl, 64);
  EXPECT_EQ(recorders[2]->heard[0].at, Time(2ms));
}

// A home router whose LAN interface has two links: the neighbours reach each other through it, below IP.
TEST(Bridge, InterfaceWithSeveralLinksBridgesThem) {
  World world(1);
  Router& home = world.AddNode<Router>("home", RouterOptions{.forwards_private = true});
  const int lan = AddPort(home, "lan", "192.168.1.1/24");
  HostNode& a = AddHost(world, "a", "192.168.1.2/24", "192.168.1.1");
  HostNode& b = AddHost(world, "b", "192.168.1.3/24", "192.168.1.1");
  Link(world, a, 1, home, lan, {.delay = 1ms});
  Link(world, b, 1, home, lan, {.delay = 2ms});
  Recorder alice(At("192.168.1.2:5000"));
  Recorder bob(At("192.168.1.3:5000"));
  alice.Attach(a.StartProgram("recorder", alice));
  bob.Attach(b.StartProgram("recorder", bob));
  world.RunUntil(Time({}));
  alice.Send(At("192.168.1.3:5000"), "across");
  alice.Send(At("192.168.1.1:9"), "to the router itself");
  alice.Send(At("192.168.1.9:5000"), "to nobody");
  world.RunUntil(Time(1s));
  ASSERT_EQ(bob.heard.size(), 1u);
  EXPECT_EQ(bob.heard[0].ttl, 64);
  EXPECT_EQ(bob.heard[0].at, Time(3ms));
  EXPECT_EQ(alice.errors.size(), 1u);
  EXPECT_EQ(world.drops().count(Rule::kNoNeighbour), 1u);
}

// A tree of switches: the path goes down one branch and up another.
TEST(Bridge, PacketsFindTheirWayThroughATreeOfSwitches) {
  World world(1);
  Switch& top = world.AddNode<Switch>("top");
  std::vector<std::unique_ptr<Recorder>> recorders;
  for (int s = 0; s < 3; ++s) {
    Switch& below = world.AddNode<Switch>("s" + std::to_string(s));
    Link(world, below, 0, top, 0);
    for (int h = 0; h < 4; ++h) {
      const std::string address = "10.0." + std::to_string(s) + "." + std::to_string(h + 1);
      HostNode& host = AddHost(world, "h" + std::to_string(s) + std::to_string(h), address + "/16");
      Link(world, below, 0, host, 1);
      recorders.push_back(std::make_unique<Recorder>(At(address + ":5000")));
      recorders.back()->Attach(host.StartProgram("recorder", *recorders.back()));
    }
  }
  world.RunUntil(Time({}));
  ASSERT_TRUE(world.Check().ok());
  for (auto& from : recorders) {
    for (auto& to : recorders) {
      if (from == to) continue;
      EXPECT_EQ(from->Send(*to->host().LocalAddress(to->socket), "x"), net::SendStatus::kSent);
    }
  }
  world.RunUntil(Time(1s));
  for (auto& to : recorders) EXPECT_EQ(to->heard.size(), recorders.size() - 1);
  EXPECT_EQ(world.drops().total(), 0u);
}

// An interface has one MTU: the largest size that passes all of its links.
TEST(Bridge, TheMtuIsTheLeastOfItsLinks) {
  for (const bool small_first : {false, true}) {
    World world(1);
    Switch& bridge = world.AddNode<Switch>("switch");
    HostNode& a = AddHost(world, "a", "192.0.2.1/24");
    HostNode& b = AddHost(world, "b", "192.0.2.2/24");
    Link(world, bridge, 0, a, 1, {.mtu_bytes = small_first ? 600u : 1400u});
    Link(world, bridge, 0, b, 1, {.mtu_bytes = small_first ? 1400u : 600u});
    EXPECT_EQ(world.LinkMtu(bridge, 0), 600u);
  }
}

// A node that sends from its interface to the destinations that the test gives.
class Sender final : public Node {
 public:
  explicit Sender(const NodeInit& init) : Node(init) {
    AddInterface("eth0");
    interfaces_[0].addresses.push_back({.address = Ip("192.0.2.1"), .prefix_length = 24});
  }
  void OnPacket(int, PacketPtr packet) override { world().Drop(*this, std::move(packet), Rule::kNotForwarding); }
  Rule Send(absl::string_view next_hop, bool strict) {
    PacketPtr packet = world().packets().New();
    packet->source = At("192.0.2.1:1");
    packet->destination = At("192.0.2.2:1");
    return world().Emit(*this, 0, Ip(next_hop), strict, packet);
  }
};

// A small network is searched, and a large one has an index; both are tested.
TEST(Network, ANodeIsNotItsOwnNeighbour) {
  for (const int hosts : {1, 20}) {
    World world(1);
    Switch& lan = world.AddNode<Switch>("switch");
    Sender& sender = world.AddNode<Sender>("sender");
    Link(world, sender, 0, lan, 0);
    for (int i = 0; i < hosts; ++i) {
      Link(world, AddHost(world, absl::StrCat("h", i), absl::StrCat("192.0.2.", i + 2, "/24")), 1, lan, 0);
    }
    EXPECT_EQ(sender.Send("192.0.2.1", true), Rule::kNoNeighbour);
    EXPECT_EQ(sender.Send("192.0.2.2", true), Rule::kNone);
  }
}

TEST(Network, WhatTheOtherEndTakesForARouteIsNotKeptForTheStrict) {
  World world(1);
  Sender& sender = world.AddNode<Sender>("sender");
  Link(world, sender, 0, AddHost(world, "other", "192.0.2.2/24"), 1);
  EXPECT_EQ(sender.Send("203.0.113.7", false), Rule::kNone);
  EXPECT_EQ(sender.Send("203.0.113.7", true), Rule::kNoNeighbour);
}

TEST(Network, AnInterfaceThatIsDownTakesNothing) {
  World world(1);
  HostNode& a = AddHost(world, "a", "192.0.2.1/24");
  HostNode& b = AddHost(world, "b", "192.0.2.2/24");
  Link(world, a, 1, b, 1, {.delay = 10ms});
  Recorder alice(At("192.0.2.1:5000")), bob(At("192.0.2.2:5000"));
  alice.Attach(a.StartProgram("recorder", alice));
  bob.Attach(b.StartProgram("recorder", bob));
  world.RunUntil(Time({}));
  alice.Send(At("192.0.2.2:5000"), "under way");
  world.RunUntil(Time(5ms));
  ASSERT_TRUE(b.SetInterfaceUp(1, false).ok());
  world.RunUntil(Time(1s));
  EXPECT_TRUE(bob.heard.empty());
  EXPECT_EQ(world.drops().count(Rule::kInterfaceDown), 1u);
}

TEST(Network, OneAddressTwiceIsAnError) {
  World world(1);
  Switch& lan = world.AddNode<Switch>("lan");
  Link(world, AddHost(world, "a", "192.0.2.1/24"), 1, lan, 0);
  Link(world, AddHost(world, "b", "192.0.2.1/24"), 1, lan, 0);
  const absl::Status status = world.Check();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "192.0.2.1 twice on one network: a and b");
}

TEST(Network, TheSameSubnetInTwoHomesIsFine) {
  World world(1);
  Link(world, AddHost(world, "a", "192.168.1.2/24"), 1, AddHost(world, "home_a", "192.168.1.1/24"), 1);
  Link(world, AddHost(world, "b", "192.168.1.2/24"), 1, AddHost(world, "home_b", "192.168.1.1/24"), 1);
  EXPECT_TRUE(world.Check().ok());
}

TEST(Network, LoopOfBridgesIsAnError) {
  World world(1);
  Switch& a = world.AddNode<Switch>("a");
  Switch& b = world.AddNode<Switch>("b");
  Switch& c = world.AddNode<Switch>("c");
  Link(world, a, 0, b, 0);
  Link(world, b, 0, c, 0);
  EXPECT_TRUE(world.Check().ok());
  Link(world, c, 0, a, 0);
  const absl::Status status = world.Check();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("loop"), absl::string_view::npos);
}

// An interface route without gateway: the far end of a network of two takes everything, as on a serial line.
TEST(Network, InterfaceRouteGivesAllToTheOtherEnd) {
  World world(1);
  HostNode& a = AddHost(world, "a", "192.0.2.1/32");
  Router& b = world.AddNode<Router>("b");
  const int port = AddPort(b, "ppp0", "198.51.100.1/32");
  Link(world, a, 1, b, port);
  ASSERT_TRUE(a.AddRoute({.prefix = net::IpPrefix(Ip("0.0.0.0"), 0), .interface = 1}).ok());
  Recorder alice(At("192.0.2.1:5000"));
  alice.Attach(a.StartProgram("recorder", alice));
  world.RunUntil(Time({}));
  EXPECT_EQ(alice.Send(At("203.0.113.1:5000"), "x"), net::SendStatus::kSent);
  world.RunUntil(Time(1s));
  // b has received the packet, but has no route for it, and no route for its own ICMP error.
  ASSERT_EQ(world.drops().count(Rule::kNoRoute), 2u);
  EXPECT_EQ(world.drops().at(0).node, b.id());
}

TEST(RouteTable, LongestPrefixThenMetricThenAge) {
  RouteTable table;
  const auto add = [&](const char* prefix, int interface, std::uint32_t metric = 0) {
    table.Add({.prefix = net::IpPrefix::Parse(prefix).value(), .interface = interface, .metric = metric});
  };
  add("0.0.0.0/0", 1, 5);
  add("10.0.0.0/8", 2);
  add("10.1.0.0/16", 3);
  add("0.0.0.0/0", 4, 1);
  add("0.0.0.0/0", 5, 1);
  add("2001:db8::/32", 6);
  EXPECT_EQ(table.Find(Ip("10.1.2.3"))->interface, 3);
  EXPECT_EQ(table.Find(Ip("10.2.2.3"))->interface, 2);
  EXPECT_EQ(table.Find(Ip("11.0.0.1"))->interface, 4);
  EXPECT_EQ(table.Find(Ip("2001:db8:1::1"))->interface, 6);
  EXPECT_EQ(table.Find(Ip("2001:db9::1")), nullptr);
  EXPECT_EQ(table.Find(Ip("10.1.2.3"), 5)->interface, 5);
  EXPECT_EQ(table.Find(Ip("10.1.2.3"), 7), nullptr);
  table.Remove(net::IpPrefix::Parse("10.1.0.0/16").value(), 3);
  EXPECT_EQ(table.Find(Ip("10.1.2.3"))->interface, 2);
}

// A large table is searched in another way than a small one. Both ways must agree with a search of all routes.
TEST(RouteTable, LargeTablesAgreeWithLookingAtEveryRoute) {
  net::SeededRandom random(1, "route_table_test");
  RouteTable table;
  std::vector<Route> all;
  for (int i = 0; i < 500; ++i) {
    const bool v4 = random.Below(2) == 0;
    std::array<std::uint8_t, 16> bytes{};
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random.Below(3));
    const net::IpAddress address =
        v4 ? net::IpAddress::V4(bytes[0], bytes[1], bytes[2], bytes[3]) : net::IpAddress::V6(bytes);
    const int length = static_cast<int>(random.Below(v4 ? 33 : 129));
    Route route{.prefix = net::IpPrefix(address, length),
                .interface = i,
                .metric = static_cast<std::uint32_t>(random.Below(2))};
    table.Add(route);
    all.push_back(route);
    if (i != 10 && i != 499) continue;
    for (int probe = 0; probe < 2000; ++probe) {
      std::array<std::uint8_t, 16> at{};
      for (std::uint8_t& byte : at) byte = static_cast<std::uint8_t>(random.Below(3));
      const net::IpAddress to =
          random.Below(2) == 0 ? net::IpAddress::V4(at[0], at[1], at[2], at[3]) : net::IpAddress::V6(at);
      const Route* expected = nullptr;
      for (const Route& candidate : all) {
        if (candidate.prefix.address().family() != to.family() || !candidate.prefix.Contains(to)) continue;
        if (expected == nullptr || candidate.prefix.length() > expected->prefix.length() ||
            (candidate.prefix.length() == expected->prefix.length() && candidate.metric < expected->metric)) {
          expected = &candidate;
        }
      }
      const Route* found = table.Find(to);
      ASSERT_EQ(found == nullptr, expected == nullptr);
      if (found == nullptr) continue;
      ASSERT_EQ(found->interface, expected->interface);
    }
  }
}

}  // namespace
}  // namespace pinhole::sim
