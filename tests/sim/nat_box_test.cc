#include "sim/boxes/nat_box.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "sim/boxes/router.h"
#include "sim/host/host_node.h"
#include "sim/host/program.h"
#include "sim/world.h"

// The NAT as a node: TTL, inner routing, its own input path, ICMP, nesting; two homes on one private subnet.
namespace pinhole::sim {
namespace {

using namespace std::chrono_literals;

net::SocketAddress Addr(absl::string_view text) { return *net::SocketAddress::Parse(text); }
net::IpAddress Ip(absl::string_view text) { return *net::IpAddress::Parse(text); }

// Opens one socket, records the datagrams that arrive, and echoes them if `echoes` is true.
class Peer : public net::App {
 public:
  Peer(const net::SocketAddress& local, bool echoes) : local_(local), echoes_(echoes) {}
  void set_host(net::Host* host) { host_ = host; }

  void OnStart() override { socket_ = *host_->OpenUdp(local_); }
  void OnDatagram(const net::Datagram& datagram) override {
    got.push_back(datagram.from);
    ttl = datagram.ttl;
    if (echoes_ && datagram.payload[0] == kPing) Send(datagram.from, 0, kEcho);
  }
  void OnIcmpError(const net::IcmpError& error) override { errors.push_back(error); }
  void Send(const net::SocketAddress& to, std::uint8_t with_ttl = 0, std::uint8_t what = kPing) {
    host_->SendTo(socket_, to, net::ByteView(&what, 1), {.ttl = with_ttl});
  }

  std::vector<net::SocketAddress> got;
  std::vector<net::IcmpError> errors;
  int ttl = 0;

 private:
  static constexpr std::uint8_t kPing = 'p', kEcho = 'e';

  net::SocketAddress local_;
  bool echoes_;
  net::Host* host_ = nullptr;
  net::SocketId socket_{};
};

// A core with a server at 192.0.2.1, and homes with hosts behind NATs.
struct Internet {
  Internet() : world(1), core(world.AddNode<Router>("core")) {
    const int own = core.AddInterface("own");
    EXPECT_TRUE(core.AddAddress(own, {.address = Ip("203.0.113.1"), .prefix_length = 32}).ok());
    AddOutside(world.AddNode<HostNode>("server"), "192.0.2.1", false);
    server_node = static_cast<HostNode*>(world.FindNode("server"));
    server = &Start(*server_node, 3478, true);
  }

  // Connects the first interface of `node` to the core.
  void AddOutside(HostNode& node, absl::string_view address, bool has_interface) {
    const int outside = has_interface ? NatBox::kOutside : node.AddInterface("wan");
    ASSERT_TRUE(node.AddAddress(outside, {.address = Ip(address), .prefix_length = 32}).ok());
    const int at_core = core.AddInterface("to_" + node.name());
    ASSERT_TRUE(core.AddRoute({.prefix = net::IpPrefix(Ip(address), 32), .interface = at_core}).ok());
    ASSERT_TRUE(node.AddRoute({.prefix = net::IpPrefix(net::IpAddress(), 0), .interface = outside}).ok());
    ASSERT_TRUE(world.Connect({&node, outside}, {&core, at_core}, {.delay = 5ms}).ok());
  }
  NatBox& AddNat(absl::string_view name, absl::string_view external, const NatProfile& profile) {
    NatBox& box = world.AddNode<NatBox>(name, NatBoxOptions{.profile = profile});
    box.AddInterface("wan");
    AddOutside(box, external, true);
    return box;
  }
  // A host with `address` in `prefix`/24, on a new inside interface of `box` with .1.
  HostNode& AddInside(NatBox& box, absl::string_view name, absl::string_view address) {
    const net::IpAddress host_address = Ip(address);
    const net::IpAddress gateway = net::IpAddress::V4((host_address.v4() & 0xffffff00) | 1);
    const int lan = box.AddInterface(name);
    EXPECT_TRUE(box.AddAddress(lan, {.address = gateway, .prefix_length = 24}).ok());
    HostNode& host = world.AddNode<HostNode>(name);
    const int eth = host.AddInterface("eth0");
    EXPECT_TRUE(host.AddAddress(eth, {.address = host_address, .prefix_length = 24}).ok());
    EXPECT_TRUE(host.AddDefaultRoute(eth, gateway).ok());
    EXPECT_TRUE(world.Connect({&host, eth}, {&box, lan}, {.delay = 1ms}).ok());
    return host;
  }
  Peer& Start(HostNode& node, std::uint16_t port, bool echoes, absl::string_view any = "0.0.0.0:0") {
    peers.push_back(std::make_unique<Peer>(Addr(any).WithPort(port), echoes));
    Program& host = node.AddProgram(absl::StrCat("peer", port));
    peers.back()->set_host(&host);
    host.Start(*peers.back());
    return *peers.back();
  }
  void Run(net::Duration time) {
    ASSERT_TRUE(world.Check().ok()) << world.Check();
    world.RunUntil(world.now() + time);
  }
  // The rule of the last drop; kNone: nothing was dropped.
  Rule LastDrop() const {
    return world.drops().size() == 0 ? Rule::kNone : world.drops().at(world.drops().size() - 1).rule;
  }

  World world;
  Router& core;
  HostNode* server_node = nullptr;
  Peer* server = nullptr;
  std::vector<std::unique_ptr<Peer>> peers;
};

const net::SocketAddress kServer = Addr("192.0.2.1:3478");

UdpBehavior Cone(Filtering filtering, Hairpin hairpin = Hairpin::kNone) {
  return {{.filtering = filtering, .hairpin = hairpin}};
}

TEST(NatBox, TranslatesBothWaysAndTakesOneFromTheTtl) {
  Internet net;
  NatBox& box = net.AddNat("home", "198.51.100.1", {});
  Peer& alice = net.Start(net.AddInside(box, "alice", "192.168.1.10"), 5000, false);
  net.Run(1ms);
  alice.Send(kServer);
  net.Run(1s);
  EXPECT_EQ(net.server->got, std::vector{Addr("198.51.100.1:5000")});
  EXPECT_EQ(net.server->ttl, 62);  // box and core
  EXPECT_EQ(alice.got, std::vector{kServer});
  EXPECT_EQ(alice.ttl, 62);
  EXPECT_EQ(box.nat().counters().mappings_made, 1u);
}

TEST(NatBox, APacketThatEndsForItsTtlLeavesNoMapping) {
  Internet net;
  NatBox& box = net.AddNat("home", "198.51.100.1", {});
  Peer& alice = net.Start(net.AddInside(box, "alice", "192.168.1.10"), 5000, false);
  net.Run(1ms);
  alice.Send(kServer, /*with_ttl=*/1);
  net.Run(1s);
  EXPECT_EQ(net.LastDrop(), Rule::kTtlExceeded);
  EXPECT_EQ(box.nat().counters().mappings_made, 0u);
  ASSERT_EQ(alice.errors.size(), 1u);
  EXPECT_EQ(alice.errors[0].kind, net::IcmpError::Kind::kTtlExceeded);
  EXPECT_EQ(alice.errors[0].reporter, Ip("192.168.1.1"));
}

TEST(NatBox, ALowTtlOpensTheMappingWithoutReachingThePeerAndTheErrorFindsItsSender) {
  Internet net;
  NatBox& box = net.AddNat("home", "198.51.100.1", {});
  Peer& alice = net.Start(net.AddInside(box, "alice", "192.168.1.10"), 5000, false);
  net.Run(1ms);
  alice.Send(kServer, /*with_ttl=*/2);  // ends at the core
  net.Run(1s);
  EXPECT_TRUE(net.server->got.empty());
  EXPECT_EQ(box.nat().counters().mappings_made, 1u);
  ASSERT_EQ(alice.errors.size(), 1u);
  EXPECT_EQ(alice.errors[0].destination, kServer);
  net.server->Send(Addr("198.51.100.1:5000"));
  net.Run(1s);
  EXPECT_EQ(alice.got, std::vector{kServer});
}

TEST(NatBox, APacketFromOutsideThatEndsForItsTtlIsReportedAsItCame) {
  Internet net;
  NatBox& box = net.AddNat("home", "198.51.100.1", {.udp = Cone(Filtering::kEndpointIndependent)});
  Peer& alice = net.Start(net.AddInside(box, "alice", "192.168.1.10"), 5000, false);
  net.Run(1ms);
  alice.Send(kServer);
  net.Run(1s);
  net.server->Send(Addr("198.51.100.1:5000"), /*with_ttl=*/2);
  net.Run(1s);
  ASSERT_EQ(net.server->errors.size(), 1u);
  EXPECT_EQ(net.server->errors[0].kind, net::IcmpError::Kind::kTtlExceeded);
  EXPECT_EQ(net.server->errors[0].destination, Addr("198.51.100.1:5000"));
  EXPECT_EQ(net.server->errors[0].reporter, Ip("198.51.100.1"));
}

TEST(NatBox, AnErrorFromAnInsideHostReachesTheSenderOutside) {
  Internet net;
  NatProfile profile;
  profile.port_forwards = {{Addr("0.0.0.0:8080"), Addr("192.168.1.10:8080")}};
  NatBox& box = net.AddNat("home", "198.51.100.1", profile);
  net.AddInside(box, "alice", "192.168.1.10");  // no socket on 8080
  net.Run(1ms);
  net.server->Send(Addr("198.51.100.1:8080"));
  net.Run(1s);
  ASSERT_EQ(net.server->errors.size(), 1u);
  EXPECT_EQ(net.server->errors[0].kind, net::IcmpError::Kind::kPortUnreachable);
  EXPECT_EQ(net.server->errors[0].destination, Addr("198.51.100.1:8080"));
  EXPECT_EQ(net.server->errors[0].reporter, Ip("198.51.100.1"));
}

TEST(NatBox, TheErrorAboutAPacketThatCannotLeaveFindsItsSender) {
  // The outside cable is out: no route once it is translated.
  Internet net;
  NatBox& box = net.AddNat("home", "198.51.100.1", {});
  Peer& alice = net.Start(net.AddInside(box, "alice", "192.168.1.10"), 5000, false);
  net.Run(1ms);
  ASSERT_TRUE(box.SetInterfaceUp(NatBox::kOutside, false).ok());
  alice.Send(kServer);
  net.Run(1s);
  ASSERT_EQ(alice.errors.size(), 1u);
  EXPECT_EQ(alice.errors[0].destination, kServer);
}

TEST(NatBox, UnsolicitedIsAnsweredByProfile) {
  struct Row {
    Unsolicited unsolicited;
    std::optional<net::IcmpError::Kind> error;
    Rule rule;
  };
  using Kind = net::IcmpError::Kind;
  for (const Row& row : {Row{Unsolicited::kDrop, std::nullopt, Rule::kNoMapping},
                         Row{Unsolicited::kPortUnreachable, Kind::kPortUnreachable, Rule::kNoMapping},
                         Row{Unsolicited::kHostUnreachable, Kind::kHostUnreachable, Rule::kNoMapping},
                         Row{Unsolicited::kAdminProhibited, Kind::kAdminProhibited, Rule::kNoMapping},
                         Row{Unsolicited::kInput, Kind::kPortUnreachable, Rule::kNoSocket}}) {
    SCOPED_TRACE(ToString(row.unsolicited));
    Internet net;
    net.AddNat("home", "198.51.100.1", {.udp = {{.unsolicited = row.unsolicited}}});
    net.Run(1ms);
    net.server->Send(Addr("198.51.100.1:9999"));
    net.Run(1s);
    EXPECT_EQ(net.LastDrop(), row.rule);
    ASSERT_EQ(net.server->errors.size(), row.error ? 1u : 0u);
    if (row.error) {
      EXPECT_EQ(net.server->errors[0].kind, *row.error);
    }
  }
}

TEST(NatBox, IsAHostWithSocketsOfItsOwn) {
  Internet net;
  NatBox& box = net.AddNat("home", "198.51.100.1", {});
  Peer& on_box = net.Start(box, 7000, true);
  Peer& alice = net.Start(net.AddInside(box, "alice", "192.168.1.10"), 5000, false);
  net.Run(1ms);
  net.server->Send(Addr("198.51.100.1:7000"));  // from outside, though unsolicited packets are dropped
  alice.Send(Addr("192.168.1.1:7000"));         // from inside
  net.Run(1s);
  EXPECT_EQ(on_box.got, (std::vector{Addr("192.168.1.10:5000"), kServer}));
  EXPECT_EQ(alice.got, std::vector{Addr("192.168.1.1:7000")});
  EXPECT_FALSE(net.server->got.empty());
}

TEST(NatBox, PrivateDestinationsElsewhereDieInTheCore) {
  Internet net;
  NatBox& box = net.AddNat("home", "198.51.100.1", {});
  Peer& alice = net.Start(net.AddInside(box, "alice", "192.168.1.10"), 5000, false);
  net.Run(1ms);
  alice.Send(Addr("10.9.9.9:5000"));
  net.Run(1s);
  EXPECT_EQ(net.LastDrop(), Rule::kPrivateInCore);
}

TEST(NatBox, TwoHomesOnTheSameSubnetNeverMistakeEachOther) {
  Internet net;
  NatBox& home_a = net.AddNat("home_a", "198.51.100.1", {.udp = Cone(Filtering::kEndpointIndependent)});
  NatBox& home_b = net.AddNat("home_b", "198.51.100.2", {.udp = Cone(Filtering::kEndpointIndependent)});
  Peer& alice = net.Start(net.AddInside(home_a, "alice", "192.168.1.10"), 5000, false);
  Peer& bob = net.Start(net.AddInside(home_b, "bob", "192.168.1.11"), 5000, false);
  net.Run(1ms);
  alice.Send(Addr("192.168.1.11:5000"));  // nobody here has it
  net.Run(1s);
  EXPECT_TRUE(bob.got.empty());
  bob.Send(kServer);
  net.Run(1s);
  alice.Send(Addr("198.51.100.2:5000"));
  net.Run(1s);
  EXPECT_EQ(bob.got, (std::vector{kServer, Addr("198.51.100.1:5000")}));
}

// Alice and Bob on two inside networks of one box; Alice sends to Bob's external endpoint, Bob echoes.
struct HairpinRow {
  Hairpin hairpin;
  bool routes_inside;
  bool reaches_bob, answered;
};
TEST(NatBox, HairpinsBetweenItsInsideNetworks) {
  for (const HairpinRow& row :
       {HairpinRow{Hairpin::kNone, false, false, false}, HairpinRow{Hairpin::kExternalSource, false, true, true},
        HairpinRow{Hairpin::kInternalSource, false, true, false},
        HairpinRow{Hairpin::kInternalSource, true, true, true}}) {
    SCOPED_TRACE(testing::Message() << ToString(row.hairpin) << " " << row.routes_inside);
    Internet net;
    NatBox& box =
        net.AddNat("home", "198.51.100.1",
                   {.udp = Cone(Filtering::kEndpointIndependent, row.hairpin), .routes_inside = row.routes_inside});
    Peer& alice = net.Start(net.AddInside(box, "alice", "192.168.1.10"), 5000, false);
    Peer& bob = net.Start(net.AddInside(box, "bob", "192.168.2.10"), 6000, true);
    net.Run(1ms);
    bob.Send(kServer);
    net.Run(1s);
    bob.got.clear();
    alice.Send(Addr("198.51.100.1:6000"));
    net.Run(1s);
    ASSERT_EQ(bob.got.size(), row.reaches_bob ? 1u : 0u);
    EXPECT_EQ(!alice.got.empty(), row.answered);
    if (row.hairpin == Hairpin::kExternalSource) {
      EXPECT_EQ(bob.got, std::vector{Addr("198.51.100.1:5000")});
      EXPECT_EQ(alice.got, std::vector{Addr("198.51.100.1:6000")});
    }
    if (row.reaches_bob && !row.answered) {
      EXPECT_EQ(net.LastDrop(), Rule::kInterfaceNotRouted);
    }
  }
}

TEST(NatBox, NestsAndAnErrorComesBackThroughBoth) {
  Internet net;
  NatBox& carrier = net.AddNat("carrier", "198.51.100.1", {.udp = Cone(Filtering::kEndpointIndependent)});
  NatBox& home = net.world.AddNode<NatBox>("home", NatBoxOptions{.profile = {}});
  home.AddInterface("wan");
  const int subscribers = carrier.AddInterface("subscribers");
  ASSERT_TRUE(carrier.AddAddress(subscribers, {.address = Ip("100.64.0.1"), .prefix_length = 10}).ok());
  ASSERT_TRUE(home.AddAddress(NatBox::kOutside, {.address = Ip("100.64.0.7"), .prefix_length = 10}).ok());
  ASSERT_TRUE(home.AddDefaultRoute(NatBox::kOutside, Ip("100.64.0.1")).ok());
  ASSERT_TRUE(net.world.Connect({&home, NatBox::kOutside}, {&carrier, subscribers}, {.delay = 2ms}).ok());
  Peer& alice = net.Start(net.AddInside(home, "alice", "192.168.1.10"), 5000, false);
  net.Run(1ms);
  alice.Send(kServer);
  net.Run(1s);
  EXPECT_EQ(net.server->got, std::vector{Addr("198.51.100.1:5000")});
  EXPECT_EQ(alice.got, std::vector{kServer});
  alice.Send(kServer.WithPort(9));  // closed there
  net.Run(1s);
  ASSERT_EQ(alice.errors.size(), 1u);
  EXPECT_EQ(alice.errors[0].kind, net::IcmpError::Kind::kPortUnreachable);
  EXPECT_EQ(alice.errors[0].destination, kServer.WithPort(9));
}

TEST(NatBox, ARebootForgetsWhatWasOpen) {
  Internet net;
  NatBox& box = net.AddNat("home", "198.51.100.1", {});
  Peer& alice = net.Start(net.AddInside(box, "alice", "192.168.1.10"), 5000, false);
  net.Run(1ms);
  alice.Send(kServer);
  net.Run(1s);
  box.Reboot();
  net.server->Send(Addr("198.51.100.1:5000"));
  net.Run(1s);
  EXPECT_EQ(alice.got.size(), 1u);
  EXPECT_EQ(net.LastDrop(), Rule::kNoMapping);
}

TEST(NatBox, Ipv6IsRoutedUntranslatedOrDropped) {
  for (const bool passes : {true, false}) {
    SCOPED_TRACE(passes);
    Internet net;
    NatBox& box = net.world.AddNode<NatBox>("home", NatBoxOptions{.profile = {}, .passes_ipv6 = passes});
    box.AddInterface("wan");
    net.AddOutside(box, "198.51.100.1", true);
    HostNode& alice_node = net.AddInside(box, "alice", "192.168.1.10");
    ASSERT_TRUE(alice_node.AddAddress(1, {.address = Ip("2001:db8:1::10"), .prefix_length = 64}).ok());
    ASSERT_TRUE(box.AddAddress(2, {.address = Ip("2001:db8:1::1"), .prefix_length = 64}).ok());
    ASSERT_TRUE(alice_node.AddDefaultRoute(1, Ip("2001:db8:1::1")).ok());
    const net::IpPrefix all_v6(net::IpAddress::Unspecified(net::Family::kIpv6), 0);
    ASSERT_TRUE(box.AddRoute({.prefix = all_v6, .interface = NatBox::kOutside}).ok());
    ASSERT_TRUE(net.core.AddRoute({.prefix = *net::IpPrefix::Parse("2001:db8:1::/48"), .interface = 3}).ok());
    ASSERT_TRUE(net.server_node->AddAddress(1, {.address = Ip("2001:db8::1"), .prefix_length = 128}).ok());
    ASSERT_TRUE(net.server_node->AddRoute({.prefix = all_v6, .interface = 1}).ok());
    ASSERT_TRUE(net.core.AddRoute({.prefix = *net::IpPrefix::Parse("2001:db8::1/128"), .interface = 2}).ok());
    Peer& alice = net.Start(alice_node, 5000, false, "[::]:5000");
    net.Start(*net.server_node, 7000, true, "[::]:7000");
    net.Run(1ms);
    alice.Send(Addr("[2001:db8::1]:7000"));
    net.Run(1s);
    EXPECT_EQ(alice.got.size(), passes ? 1u : 0u);
    EXPECT_EQ(net.LastDrop(), passes ? Rule::kNone : Rule::kProtocolBlocked);
  }
}

}  // namespace
}  // namespace pinhole::sim
