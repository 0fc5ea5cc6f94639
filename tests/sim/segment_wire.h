#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <utility>
#include <vector>

#include "sim/host/host_node.h"
#include "sim/world.h"
#include "tests/sim/nat_tcp_bench.h"

// TCP segments that the test makes by hand, sent through a box that is a node of a world.
namespace pinhole::sim {

// Sends segments that the test makes, and records the TCP segments and ICMP errors that arrive.
class SegmentHost final : public HostNode {
 public:
  explicit SegmentHost(const NodeInit& init) : HostNode(init, {}) {}
  void Send(const net::SocketAddress& from, const net::SocketAddress& to, const Seg& seg) {
    PacketPtr packet = NewPacket(PacketId::kNone, Relation::kSent);
    packet->protocol = IpProtocol::kTcp;
    packet->source = packet->emitted_source = from;
    packet->destination = packet->emitted_destination = to;
    packet->tcp = Header(seg);
    RouteOut(kOwn, std::move(packet));
  }
  void OnPacket(int interface, PacketPtr packet) override {
    (void)interface;
    got.push_back(*packet);
    times.push_back(world().now());
    world().Drop(*this, std::move(packet), Rule::kNoSocket);
  }
  std::vector<Packet> got;
  std::vector<net::Instant> times;
};

// inside - box - outside, each link 5 ms.
template <typename Box, typename Options>
struct Wire {
  explicit Wire(const Options& options, absl::string_view in, absl::string_view gate, absl::string_view box_out,
                absl::string_view out)
      : world(1), box(world.AddNode<Box>("box", options)) {
    const int wan = box.AddInterface("wan"), lan = box.AddInterface("lan");
    inside = &Join("inside", in, gate, lan);
    outside = &Join("outside", out, box_out, wan);
  }
  SegmentHost& Join(absl::string_view name, absl::string_view address, absl::string_view box_address, int interface) {
    const int length = Ip(address).is_v4() ? 24 : 64;
    EXPECT_TRUE(box.AddAddress(interface, {.address = Ip(box_address), .prefix_length = length}).ok());
    SegmentHost& host = world.AddNode<SegmentHost>(name);
    const int eth = host.AddInterface("eth0");
    EXPECT_TRUE(host.AddAddress(eth, {.address = Ip(address), .prefix_length = length}).ok());
    EXPECT_TRUE(host.AddDefaultRoute(eth, Ip(box_address)).ok());
    EXPECT_TRUE(world.Connect({&host, eth}, {&box, interface}, {.delay = std::chrono::milliseconds(5)}).ok());
    return host;
  }
  void Run(net::Duration time) { world.RunUntil(world.now() + time); }

  World world;
  Box& box;
  SegmentHost* inside;
  SegmentHost* outside;
};

}  // namespace pinhole::sim
