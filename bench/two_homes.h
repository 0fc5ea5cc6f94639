#pragma once

#include <chrono>
#include <cstdint>
#include <cstdlib>

#include "sim/boxes/nat_box.h"
#include "sim/boxes/router.h"
#include "sim/host/host_node.h"
#include "sim/world.h"

namespace pinhole::sim {

inline net::IpAddress V4(int a, int b, int c, int d) {
  return net::IpAddress::V4(static_cast<std::uint8_t>(a), static_cast<std::uint8_t>(b), static_cast<std::uint8_t>(c),
                            static_cast<std::uint8_t>(d));
}

inline void Must(bool ok) {
  if (!ok) std::abort();
}

inline int Port(HostNode& node, absl::string_view name, const net::IpAddress& address) {
  const int interface = node.AddInterface(name);
  Must(node.AddAddress(interface, {.address = address, .prefix_length = 24}).ok());
  return interface;
}

// Two hosts, each behind a NAT, with a router between the NATs. The links have a rate and a queue.
//
//     alice --- home_a --- core --- home_b --- bob
struct TwoHomes {
  explicit TwoHomes(const NatProfile& nat = {}, const HostOptions& host = {})
      : world(1),
        alice(world.AddNode<HostNode>("alice", host)),
        bob(world.AddNode<HostNode>("bob", host)),
        core(world.AddNode<Router>("core")),
        home_a(world.AddNode<NatBox>("home_a", NatBoxOptions{.profile = nat})),
        home_b(world.AddNode<NatBox>("home_b", NatBoxOptions{.profile = nat})) {
    const LinkProfile lan = {.delay = std::chrono::microseconds(200), .rate_bps = 1'000'000'000};
    const LinkProfile access = {
        .delay = std::chrono::milliseconds(10), .rate_bps = 200'000'000, .queue_bytes = 1 << 20};
    // The outside interface is added first, because interface 1 of a NAT box is the outside.
    Connect(home_a, Port(home_a, "wan", V4(198, 51, 100, 1)), core, Port(core, "a", V4(198, 51, 100, 254)), access);
    Connect(home_b, Port(home_b, "wan", V4(203, 0, 113, 1)), core, Port(core, "b", V4(203, 0, 113, 254)), access);
    Connect(alice, Port(alice, "eth0", V4(192, 168, 1, 10)), home_a, Port(home_a, "lan", V4(192, 168, 1, 1)), lan);
    Connect(bob, Port(bob, "eth0", V4(192, 168, 1, 20)), home_b, Port(home_b, "lan", V4(192, 168, 1, 1)), lan);
    Must(alice.AddDefaultRoute(1, V4(192, 168, 1, 1)).ok());
    Must(bob.AddDefaultRoute(1, V4(192, 168, 1, 1)).ok());
    Must(home_a.AddDefaultRoute(NatBox::kOutside, V4(198, 51, 100, 254)).ok());
    Must(home_b.AddDefaultRoute(NatBox::kOutside, V4(203, 0, 113, 254)).ok());
  }
  void Connect(Node& a, int port_a, Node& b, int port_b, const LinkProfile& profile) {
    Must(world.Connect({&a, port_a}, {&b, port_b}, profile).ok());
  }

  World world;
  HostNode& alice;
  HostNode& bob;
  Router& core;
  NatBox& home_a;
  NatBox& home_b;
};

}  // namespace pinhole::sim
