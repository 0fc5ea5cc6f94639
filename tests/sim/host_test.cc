// Hosts: sockets, ports, loopback, ICMP, several interfaces.
#include <gtest/gtest.h>

#include <set>

#include "sim/boxes/router.h"
#include "sim/boxes/switch.h"
#include "sim/host/host_node.h"
#include "tests/sim/two_node_world.h"

namespace pinhole::sim {
namespace {

using namespace std::chrono_literals;
using net::SendStatus;

TEST(Host, EphemeralPortsAreInRangeAndDifferent) {
  TwoHosts two;
  std::set<std::uint16_t> ports;
  for (int i = 0; i < 100; ++i) {
    const auto socket = two.alice.host().OpenUdp(At("192.0.2.1:0"));
    ASSERT_TRUE(socket.ok());
    const std::uint16_t port = two.alice.host().LocalAddress(*socket)->port();
    EXPECT_GE(port, 49152);
    EXPECT_TRUE(ports.insert(port).second);
  }
}

TEST(Host, EphemeralPortsRunOut) {
  World world(1);
  HostNode& node =
      AddHost(world, "alice", "192.0.2.1/24", "", {.ephemeral_port_min = 50000, .ephemeral_port_max = 50003});
  Recorder alice(At("192.0.2.1:0"));
  alice.Attach(node.StartProgram("recorder", alice));
  world.RunUntil(Time({}));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(alice.host().OpenUdp(At("0.0.0.0:0")).ok());
  EXPECT_EQ(alice.host().OpenUdp(At("0.0.0.0:0")).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST(Host, EphemeralPortsDependOnTheSeed) {
  const auto port = [](std::uint64_t seed) {
    TwoHosts two({}, {}, seed);
    return two.alice.host().LocalAddress(*two.alice.host().OpenUdp(At("0.0.0.0:0")))->port();
  };
  EXPECT_EQ(port(1), port(1));
  EXPECT_NE(port(1), port(2));
}

TEST(Host, BindRefusesForeignAddressesAndTakenPorts) {
  TwoHosts two;
  net::Host& host = two.alice.host();
  EXPECT_EQ(host.OpenUdp(At("192.0.2.9:0")).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(host.OpenUdp(At("192.0.2.1:5000")).status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(host.OpenUdp(At("0.0.0.0:5000")).status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_TRUE(host.OpenUdp(At("[::]:5000")).ok());       // the other family
  EXPECT_TRUE(host.OpenUdp(At("127.0.0.1:5000")).ok());  // another address
}

TEST(Host, ClosedSocketFreesItsPortButNeverItsId) {
  TwoHosts two;
  net::Host& host = two.alice.host();
  const net::SocketId old = two.alice.socket;
  host.Close(old);
  EXPECT_EQ(host.LocalAddress(old), std::nullopt);
  EXPECT_EQ(two.alice.Send(two.bob_at, "x"), SendStatus::kClosed);
  const auto again = host.OpenUdp(two.alice_at);
  ASSERT_TRUE(again.ok());
  EXPECT_NE(*again, old);
  host.Close(old);  // does nothing
  EXPECT_TRUE(host.LocalAddress(*again).has_value());
}

// The lookup uses another data structure if there are many sockets; its results stay the same.
TEST(Host, ManySocketsAreEachFound) {
  TwoHosts two({.delay = 1ms});
  std::vector<net::SocketId> sockets;
  for (std::uint16_t i = 0; i < 100; ++i) {
    sockets.push_back(
        *two.bob.host().OpenUdp(net::SocketAddress(Ip("192.0.2.2"), static_cast<std::uint16_t>(6000 + i))));
  }
  std::vector<net::SocketId> heard;
  two.bob.on_datagram = [&](const net::Datagram& datagram) { heard.push_back(datagram.socket); };
  for (std::uint16_t i = 0; i < 100; i += 2) two.bob.host().Close(sockets[i]);
  for (std::uint16_t i = 0; i < 100; ++i) {
    two.alice.Send(net::SocketAddress(Ip("192.0.2.2"), static_cast<std::uint16_t>(6000 + i)), "x");
  }
  two.world.RunUntil(Time(1s));
  ASSERT_EQ(heard.size(), 50u);
  for (std::size_t i = 0; i < 50; ++i) EXPECT_EQ(heard[i], sockets[2 * i + 1]);
  EXPECT_EQ(two.world.drops().count(Rule::kNoSocket), 50u);
}

// The lookup of own addresses, too, uses another data structure if there are many.
TEST(Host, ManyAddressesAreEachItsOwn) {
  TwoHosts two;
  for (int i = 10; i < 60; ++i) {
    const std::string address = "192.0.2." + std::to_string(i);
    ASSERT_TRUE(two.bob_node.AddAddress(1, {.address = Ip(address), .prefix_length = 24}).ok());
    ASSERT_TRUE(two.bob_node.IsLocal(Ip(address)));
  }
  EXPECT_TRUE(two.bob_node.IsLocal(Ip("192.0.2.2")));
  EXPECT_TRUE(two.bob_node.IsLocal(Ip("127.0.0.1")));
  EXPECT_TRUE(two.bob_node.IsLocal(Ip("127.9.9.9")));
  EXPECT_TRUE(two.bob_node.IsLocal(Ip("::1")));
  EXPECT_FALSE(two.bob_node.IsLocal(Ip("192.0.2.9")));
  EXPECT_FALSE(two.bob_node.IsLocal(Ip("192.0.2.60")));
}

// RFC 1122 §4.1.3.5: a program is told to which address a datagram was sent, and may answer from it.
TEST(Host, Rfc1122Section4_1_3_5_SocketBoundToAnyHearsAndAnswersForEachAddress) {
  World world(1);
  HostNode& node = AddHost(world, "alice", "192.0.2.1/24");
  ASSERT_TRUE(node.AddAddress(1, {.address = Ip("192.0.2.7"), .prefix_length = 24}).ok());
  HostNode& peer = AddHost(world, "bob", "192.0.2.2/24");
  Link(world, node, 1, peer, 1);
  Recorder any(At("0.0.0.0:7000"));
  Recorder bob(At("192.0.2.2:7000"));
  any.Attach(node.StartProgram("any", any));
  bob.Attach(peer.StartProgram("bob", bob));
  world.RunUntil(Time({}));
  bob.Send(At("192.0.2.7:7000"), "x");
  world.RunUntil(Time(1s));
  ASSERT_EQ(any.heard.size(), 1u);
  EXPECT_EQ(any.heard[0].to, At("192.0.2.7:7000"));  // which of its addresses it was sent to
  any.Send(At("192.0.2.2:7000"), "y", {.source = Ip("192.0.2.7")});
  any.Send(At("192.0.2.2:7000"), "z");
  world.RunUntil(Time(2s));
  ASSERT_EQ(bob.heard.size(), 2u);
  EXPECT_EQ(bob.heard[0].from, At("192.0.2.7:7000"));
  EXPECT_EQ(bob.heard[1].from, At("192.0.2.1:7000"));
}

TEST(Host, SocketsOnOnePortOfDifferentAddressesHearTheirOwn) {
  TwoHosts two;
  ASSERT_TRUE(two.bob_node.AddAddress(1, {.address = Ip("192.0.2.7"), .prefix_length = 24}).ok());
  Recorder other(At("192.0.2.7:5000"));
  other.Attach(two.bob_node.StartProgram("other", other));
  two.world.RunUntil(Time({}));
  two.alice.Send(At("192.0.2.7:5000"), "to the other");
  two.alice.Send(two.bob_at, "to bob");
  two.world.RunUntil(Time(1s));
  ASSERT_EQ(other.heard.size(), 1u);
  EXPECT_EQ(other.heard[0].payload, "to the other");
  ASSERT_EQ(two.bob.heard.size(), 1u);
  EXPECT_EQ(two.bob.heard[0].payload, "to bob");
}

TEST(Host, SendRefusesWhatCannotBe) {
  TwoHosts two;
  EXPECT_EQ(two.alice.Send(At("192.0.2.2:0"), "x"), SendStatus::kBadAddress);
  EXPECT_EQ(two.alice.Send(At("[2001:db8::1]:5000"), "x"), SendStatus::kBadAddress);
  EXPECT_EQ(two.alice.Send(At("0.0.0.0:5000"), "x"), SendStatus::kBadAddress);
  EXPECT_EQ(two.alice.Send(two.bob_at, "x", {.source = Ip("192.0.2.9")}), SendStatus::kBadAddress);
  EXPECT_EQ(two.alice.Send(At("203.0.113.1:5000"), "x"), SendStatus::kNoRoute);
  EXPECT_EQ(two.alice.Send(two.bob_at, std::string(65508, 'x')), SendStatus::kTooBig);
  EXPECT_EQ(two.alice.Send(two.bob_at, std::string(1472, 'x')), SendStatus::kSent);
  EXPECT_EQ(two.alice.Send(two.bob_at, std::string(1473, 'x')), SendStatus::kTooBig);
}

TEST(Host, SendFailsWhileTheInterfaceIsDown) {
  TwoHosts two({.delay = 10ms});
  ASSERT_TRUE(two.alice.host().WatchInterfaces().ok());
  two.alice.Send(two.bob_at, "on its way");
  ASSERT_TRUE(two.alice_node.SetInterfaceUp(1, false).ok());
  EXPECT_EQ(two.alice.Send(two.bob_at, "x"), SendStatus::kNoRoute);
  two.world.RunUntil(Time(1s));
  EXPECT_EQ(two.alice.changes, 1);
  EXPECT_EQ(two.bob.heard.size(), 1u);
  ASSERT_TRUE(two.alice_node.SetInterfaceUp(1, true).ok());
  EXPECT_EQ(two.alice.Send(two.bob_at, "x"), SendStatus::kSent);
}

TEST(Host, AddressesComeAndGo) {
  TwoHosts two;
  ASSERT_TRUE(two.alice.host().WatchInterfaces().ok());
  ASSERT_TRUE(two.alice_node.AddAddress(1, {.address = Ip("192.0.2.77"), .prefix_length = 24}).ok());
  two.bob.Send(At("192.0.2.77:5000"), "closed there");
  two.world.RunUntil(Time(1s));
  EXPECT_EQ(two.alice.changes, 1);
  EXPECT_EQ(two.world.drops().count(Rule::kNoSocket), 1u);
  ASSERT_TRUE(two.alice_node.RemoveAddress(1, Ip("192.0.2.77")).ok());
  two.bob.Send(At("192.0.2.77:5000"), "nobody");
  EXPECT_EQ(two.world.drops().count(Rule::kNoNeighbour), 1u);
  EXPECT_FALSE(two.alice_node.RemoveAddress(1, Ip("192.0.2.77")).ok());
  EXPECT_EQ(two.alice.host().Interfaces()[1].addresses.size(), 1u);
}

TEST(Host, LoopbackWorksInsideAHostAndNowhereElse) {
  TwoHosts two({.delay = 10ms});
  Recorder local(At("127.0.0.1:6000"));
  local.Attach(two.alice_node.StartProgram("local", local));
  two.world.RunUntil(Time(1s));
  EXPECT_EQ(local.Send(At("127.0.0.1:6000"), "to myself"), SendStatus::kSent);
  EXPECT_TRUE(local.heard.empty());  // never from inside a call
  two.world.RunUntil(Time(1s));
  ASSERT_EQ(local.heard.size(), 1u);
  EXPECT_EQ(local.heard[0].at, Time(1s));
  EXPECT_EQ(local.heard[0].interface, HostNode::kLoopbackInterface);
  EXPECT_EQ(local.Send(two.bob_at, "out"), SendStatus::kBadAddress);
  two.alice.Send(At("192.0.2.1:5000"), "own address");  // by the loopback interface too
  two.world.RunUntil(Time(1s));
  ASSERT_EQ(two.alice.heard.size(), 1u);
  EXPECT_EQ(two.alice.heard[0].from, two.alice_at);
  EXPECT_EQ(two.world.packet_hops(), 0u);
}

TEST(Host, ProgramsOfOneMachineShareItsPortsButNotTheirSockets) {
  TwoHosts two;
  Recorder other(At("192.0.2.1:6000"));
  other.Attach(two.alice_node.StartProgram("other", other, Time(5ms)));
  two.world.RunUntil(Time(5ms - 1ns));
  EXPECT_EQ(other.socket, net::SocketId{});
  two.world.RunUntil(Time(5ms));
  EXPECT_NE(other.socket, two.alice.socket);
  EXPECT_EQ(other.host().OpenUdp(two.alice_at).status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(other.host().LocalAddress(two.alice.socket), std::nullopt);
  other.host().Close(two.alice.socket);
  EXPECT_TRUE(two.alice.host().LocalAddress(two.alice.socket).has_value());
  EXPECT_NE(other.host().Random("x").NextU64(), two.alice.host().Random("x").NextU64());
}

TEST(Host, AlarmComesWhenAskedAndOnlyTheLastOne) {
  TwoHosts two;
  net::Host& host = two.alice.host();
  host.WakeAt(Time(10ms));
  host.WakeAt(Time(20ms));
  two.world.RunUntil(Time(30ms));
  host.WakeAt(Time(5ms));  // past: at once
  two.world.RunUntil(Time(30ms));
  host.WakeAt(Time(40ms));
  host.WakeAt(net::kNever);
  two.world.RunUntil(Time(1s));
  EXPECT_EQ(two.alice.alarms, (std::vector<net::Instant>{Time(20ms), Time(30ms)}));
}

TEST(Host, TtlIsTheSendsOrTheSocketsOrTheHosts) {
  TwoHosts two;
  two.alice.Send(two.bob_at, "default");
  ASSERT_TRUE(two.alice.host().SetTtl(two.alice.socket, 9).ok());
  two.alice.Send(two.bob_at, "socket");
  two.alice.Send(two.bob_at, "send", {.ttl = 3});
  two.world.RunUntil(Time(1s));
  ASSERT_EQ(two.bob.heard.size(), 3u);
  EXPECT_EQ(two.bob.heard[0].ttl, 64);
  EXPECT_EQ(two.bob.heard[1].ttl, 9);
  EXPECT_EQ(two.bob.heard[2].ttl, 3);
}

// RFC 1122 §4.1.3.1: a datagram for a closed port is answered, and the error reaches the socket that sent it.
TEST(Host, Rfc1122Section4_1_3_1_ClosedPortIsReportedToTheSender) {
  TwoHosts two({.delay = 10ms}, {.delay = 10ms});
  two.alice.Send(At("192.0.2.2:9"), "anyone?");
  two.world.RunUntil(Time(1s));
  ASSERT_EQ(two.alice.errors.size(), 1u);
  const net::IcmpError& error = two.alice.errors[0].error;
  EXPECT_EQ(two.alice.errors[0].at, Time(20ms));
  EXPECT_EQ(error.kind, net::IcmpError::Kind::kPortUnreachable);
  EXPECT_EQ(error.destination, At("192.0.2.2:9"));
  EXPECT_EQ(error.reporter, Ip("192.0.2.2"));
  EXPECT_EQ(error.socket, two.alice.socket);
  EXPECT_EQ(two.world.drops().count(Rule::kNoSocket), 1u);
  // The error's tag leads back to the datagram.
  const Lineage::Entry& entry = two.world.lineage().at(PacketId{static_cast<std::uint32_t>(error.tag.value)});
  EXPECT_EQ(entry.relation, Relation::kQuotes);
  EXPECT_EQ(entry.parent, two.world.drops().at(0).packet);
}

TEST(Host, SilentInputAnswersNothing) {
  World world(1);
  HostNode& a = AddHost(world, "alice", "192.0.2.1/24");
  HostNode& b = AddHost(world, "bob", "192.0.2.2/24", "", {.input = InputPolicy::kDrop});
  Link(world, a, 1, b, 1);
  Recorder alice(At("192.0.2.1:5000"));
  alice.Attach(a.StartProgram("recorder", alice));
  world.RunUntil(Time({}));
  alice.Send(At("192.0.2.2:9"), "anyone?");
  world.RunUntil(Time(1s));
  EXPECT_TRUE(alice.errors.empty());
  EXPECT_EQ(world.drops().count(Rule::kInputDropped), 1u);
}

// Wi-Fi and cellular, each with its gateway; the default route over Wi-Fi is the better one.
struct TwoUplinks {
  explicit TwoUplinks(bool routes_by_source)
      : world(1),
        phone(world.AddNode<HostNode>("phone", HostOptions{.routes_by_source = routes_by_source})),
        wifi_router(world.AddNode<Router>("wifi_router", RouterOptions{.forwards_private = true})),
        cell_router(world.AddNode<Router>("cell_router", RouterOptions{.forwards_private = true})),
        server(AddHost(world, "server", "203.0.113.1/24", "203.0.113.254")) {
    Link(world, phone, AddPort(phone, "wlan0", "192.168.1.2/24"), wifi_router,
         AddPort(wifi_router, "lan", "192.168.1.1/24"));
    Link(world, phone, AddPort(phone, "rmnet0", "10.7.0.2/24"), cell_router,
         AddPort(cell_router, "lan", "10.7.0.1/24"));
    Switch& exchange = world.AddNode<Switch>("exchange");
    const int wifi_wan = AddPort(wifi_router, "wan", "203.0.113.254/24");
    const int cell_wan = AddPort(cell_router, "wan", "203.0.113.253/24");
    Link(world, wifi_router, wifi_wan, exchange, 0);
    Link(world, cell_router, cell_wan, exchange, 0);
    Link(world, server, 1, exchange, 0);
    Route wifi_route{
        .prefix = net::IpPrefix(Ip("0.0.0.0"), 0), .interface = 1, .gateway = Ip("192.168.1.1"), .metric = 1};
    Route cell_route{.prefix = net::IpPrefix(Ip("0.0.0.0"), 0), .interface = 2, .gateway = Ip("10.7.0.1"), .metric = 2};
    EXPECT_TRUE(phone.AddRoute(cell_route).ok());
    EXPECT_TRUE(phone.AddRoute(wifi_route).ok());
  }
  World world;
  HostNode& phone;
  Router& wifi_router;
  Router& cell_router;
  HostNode& server;
};

TEST(Host, RouteOfALowerMetricIsTaken) {
  TwoUplinks net(true);
  EXPECT_EQ(net.phone.SourceFor(Ip("203.0.113.1")), Ip("192.168.1.2"));
}

TEST(Host, Rfc1122Section3_3_4_2_SourceAddressChoosesTheInterfaceInTheStrongModel) {
  for (const bool strong : {true, false}) {
    SCOPED_TRACE(strong ? "strong" : "weak");
    TwoUplinks net(strong);
    Recorder cell(At("10.7.0.2:5000"));
    Recorder server(At("203.0.113.1:5000"));
    cell.Attach(net.phone.StartProgram("cell", cell));
    server.Attach(net.server.StartProgram("server", server));
    net.world.RunUntil(Time({}));
    EXPECT_EQ(cell.Send(At("203.0.113.1:5000"), "x"), SendStatus::kSent);
    net.world.RunUntil(Time(1s));
    ASSERT_EQ(server.heard.size(), 1u);
    EXPECT_EQ(Sum(net.world.node_counters(net.cell_router).received).packets, strong ? 1u : 0u);
    EXPECT_EQ(Sum(net.world.node_counters(net.wifi_router).received).packets, strong ? 0u : 1u);
  }
}

TEST(Host, TopologyMistakesNameTheNode) {
  World world(1);
  HostNode& host = AddHost(world, "alice", "192.0.2.1/24");
  const absl::Status twice = host.AddAddress(1, {.address = Ip("192.0.2.1"), .prefix_length = 24});
  EXPECT_EQ(twice.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(twice.message().find("alice: 192.0.2.1 twice"), absl::string_view::npos) << twice;
  EXPECT_FALSE(host.AddAddress(7, {.address = Ip("192.0.2.9"), .prefix_length = 24}).ok());
  EXPECT_FALSE(host.AddAddress(1, {.address = Ip("192.0.2.9"), .prefix_length = 33}).ok());
  EXPECT_FALSE(host.AddRoute({.prefix = net::IpPrefix(Ip("0.0.0.0"), 0), .interface = 9}).ok());
  EXPECT_FALSE(
      host.AddRoute({.prefix = net::IpPrefix(Ip("::"), 0), .interface = 1, .gateway = Ip("192.0.2.254")}).ok());
}

}  // namespace
}  // namespace pinhole::sim
