#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "sim/boxes/firewall.h"
#include "sim/boxes/nat_box.h"
#include "sim/boxes/switch.h"
#include "sim/host/host_node.h"
#include "sim/world.h"
#include "tests/net/tcp/tcp_program.h"
#include "tests/sim/nat_tcp_bench.h"

// A copy of the lab network in which a Linux kernel was measured, with hosts that run TCP themselves.
//
//     alice - box_a -- hub -- box_b - bob          alice:5000 and bob:6000 connect to each other,
//                     /   \                        server and stranger are outside
//                server   stranger
namespace pinhole::sim {

struct LabNumbering {
  absl::string_view alice, box_a_inside, box_a, box_b, box_b_inside, bob, server, stranger;
  int prefix_length;
};
inline constexpr LabNumbering kLabV4 = {"10.0.1.10",     "10.0.1.1",      "198.51.100.1",
                                        "198.51.100.2",  "10.0.2.1",      "10.0.2.10",
                                        "198.51.100.10", "198.51.100.11", 24};
inline constexpr LabNumbering kLabV6 = {"2001:db8:a::10", "2001:db8:a::1",  "2001:db8:f::1",
                                        "2001:db8:f::2",  "2001:db8:b::1",  "2001:db8:b::10",
                                        "2001:db8:f::10", "2001:db8:f::11", 64};

// The delay of each link. Each direction of a path has four links: two inside, two to the hub.
struct LabDelay {
  net::Duration inside, hub;
};
inline constexpr LabDelay kNoDelay = {std::chrono::microseconds(10), std::chrono::microseconds(10)};
inline constexpr LabDelay kDelay20Ms = {std::chrono::microseconds(0), std::chrono::milliseconds(10)};

// Records each TCP segment that leaves a node, and each ICMP error.
class LabTrace final : public Tracer {
 public:
  struct Line {
    std::string node;
    Packet packet;
  };
  explicit LabTrace(World& world) : world_(world) { world.SetTracer(this); }
  void OnTrace(const TraceEvent& event, const Packet& packet) override {
    if (event.kind == TraceKind::kSend) sent.push_back({world_.node(event.node).name(), packet});
  }
  // The packets that `node` put on a link.
  std::vector<Packet> From(absl::string_view node) const {
    std::vector<Packet> found;
    for (const Line& line : sent) {
      if (line.node == node) found.push_back(line.packet);
    }
    return found;
  }
  std::vector<Line> sent;

 private:
  World& world_;
};

template <typename Box, typename Options>
class TcpLab {
 public:
  TcpLab(const LabNumbering& numbers, const Options& a, const Options& b, const LabDelay& delay = kDelay20Ms)
      : numbers_(numbers),
        world(7),
        box_a(world.AddNode<Box>("box_a", a)),
        box_b(world.AddNode<Box>("box_b", b)),
        trace(world) {
    Switch& hub = world.AddNode<Switch>("hub");
    const auto plug = [&](HostNode& node, int interface) {
      EXPECT_TRUE(world.Connect({&node, interface}, {&hub, 0}, {.delay = delay.hub}).ok());
    };
    const auto house = [&](Box& box, absl::string_view outside, absl::string_view inside, absl::string_view name,
                           absl::string_view address) -> HostNode& {
      const int wan = AddPort(box, outside), lan = AddPort(box, inside);
      plug(box, wan);
      HostNode& host = world.AddNode<HostNode>(name, HostOptions{.raw_tcp = true});
      const int eth = AddPort(host, address);
      EXPECT_TRUE(host.AddDefaultRoute(eth, Ip(inside)).ok());
      EXPECT_TRUE(world.Connect({&host, eth}, {&box, lan}, {.delay = delay.inside}).ok());
      return host;
    };
    HostNode& alice_node = house(box_a, numbers.box_a, numbers.box_a_inside, "alice", numbers.alice);
    HostNode& bob_node = house(box_b, numbers.box_b, numbers.box_b_inside, "bob", numbers.bob);
    HostNode& server_node = world.AddNode<HostNode>("server", HostOptions{.raw_tcp = true});
    HostNode& stranger_node = world.AddNode<HostNode>("stranger", HostOptions{.raw_tcp = true});
    plug(server_node, AddPort(server_node, numbers.server));
    plug(stranger_node, AddPort(stranger_node, numbers.stranger));
    if (!Ip(numbers.alice).is_v4()) {  // without translation the outside has routes to both inside networks
      const net::IpPrefix of_a(Ip(numbers.alice), 64), of_b(Ip(numbers.bob), 64);
      EXPECT_TRUE(box_a.AddRoute({.prefix = of_b, .interface = 1, .gateway = Ip(numbers.box_b)}).ok());
      EXPECT_TRUE(box_b.AddRoute({.prefix = of_a, .interface = 1, .gateway = Ip(numbers.box_a)}).ok());
      for (HostNode* node : {&server_node, &stranger_node}) {
        EXPECT_TRUE(node->AddRoute({.prefix = of_a, .interface = 1, .gateway = Ip(numbers.box_a)}).ok());
        EXPECT_TRUE(node->AddRoute({.prefix = of_b, .interface = 1, .gateway = Ip(numbers.box_b)}).ok());
      }
    }
    alice.Attach(alice_node.StartProgram("tcp", alice));
    bob.Attach(bob_node.StartProgram("tcp", bob));
    server.Attach(server_node.StartProgram("tcp", server));
    stranger.Attach(stranger_node.StartProgram("tcp", stranger));
    world.RunUntil(net::Instant{});
    const bool translates = Ip(numbers.alice).is_v4();
    alice_at = Endpoint(numbers.alice, 5000);
    bob_at = Endpoint(numbers.bob, 6000);
    alice_outside = translates ? Endpoint(numbers.box_a, 5000) : alice_at;
    bob_outside = translates ? Endpoint(numbers.box_b, 6000) : bob_at;
    server_at = Endpoint(numbers.server, 80);
    stranger_at = Endpoint(numbers.stranger, 80);
  }

  // The result of one side's connect(): the time until it was established, counted from Alice's connect(), or the
  // error.
  struct End {
    net::SocketId id{};
    std::optional<net::Duration> after;
    absl::StatusCode why = absl::StatusCode::kOk;  // kOk: connected, or still trying
  };
  struct Punched {
    End alice, bob;
    bool both() const { return alice.after && bob.after; }
  };
  // Both connect from their mapped ports, Bob `gap` after Alice. Returns the results after three seconds more, which
  // are enough for two retransmitted SYNs.
  Punched Punch(net::Duration gap) {
    const net::Instant start = world.now();
    const net::SocketId a = alice.Connect(alice_at, bob_outside);
    Run(gap);
    const net::SocketId b = bob.Connect(bob_at, alice_outside);
    Run(std::chrono::seconds(3));
    const auto end = [&](net::TcpProgram& program, net::SocketId id) {
      const net::TcpProgram::Connection& connection = program.at(id);
      End end{.id = id};
      if (connection.connected && !connection.reset) end.after = connection.connected_at - start;
      if (connection.reset) end.why = connection.why.code();
      return end;
    };
    return {end(alice, a), end(bob, b)};
  }
  // The two ends of a connection from Alice to the server.
  struct Pair {
    net::SocketId alice{}, server{};
    std::uint32_t alice_next = 0, server_next = 0;  // sequence numbers
  };
  Pair ConnectToServer() {
    server.Listen(server_at);
    Pair pair;
    pair.alice = alice.Connect(alice_at, server_at);
    Run(std::chrono::seconds(1));
    EXPECT_EQ(server.accepted().size(), 1u);
    if (server.accepted().empty()) return pair;
    pair.server = server.accepted()[0];
    pair.alice_next = *alice.host().InitialSequenceNumber(pair.alice) + 1;
    pair.server_next = *server.host().InitialSequenceNumber(pair.server) + 1;
    return pair;
  }
  void Run(net::Duration time) { world.RunUntil(world.now() + time); }

 private:
  static net::SocketAddress Endpoint(absl::string_view address, std::uint16_t port) {
    return net::SocketAddress(Ip(address), port);
  }
  int AddPort(HostNode& node, absl::string_view address) {
    const int interface = node.AddInterface(address);
    EXPECT_TRUE(node.AddAddress(interface, {.address = Ip(address), .prefix_length = numbers_.prefix_length}).ok());
    return interface;
  }
  LabNumbering numbers_;

 public:
  World world;
  Box& box_a;
  Box& box_b;
  net::TcpProgram alice, bob, server, stranger;
  LabTrace trace;
  net::SocketAddress alice_at, bob_at, alice_outside, bob_outside, server_at, stranger_at;
};

}  // namespace pinhole::sim
