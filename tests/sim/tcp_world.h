#pragma once

// Two machines that speak TCP, and a record of every segment that they put on a link.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "net/host.h"
#include "sim/host/host_node.h"
#include "sim/host/tcp_sockets.h"
#include "sim/packet/tcp_header.h"
#include "sim/record/tracer.h"
#include "sim/world.h"
#include "tests/net/tcp/tcp_program.h"
#include "tests/sim/two_node_world.h"

namespace pinhole::sim {

// Records each segment when a node sends it, bridges and routers on the way included.
class SegmentRecord final : public Tracer {
 public:
  struct Segment {
    net::Instant at;
    std::string node;
    net::SocketAddress from;
    net::SocketAddress to;
    TcpHeader header;
    std::uint32_t bytes = 0;
    std::uint8_t ttl = 0;
    net::PacketClass packet_class = net::PacketClass::kOther;
    PacketId id = PacketId::kNone;
  };

  explicit SegmentRecord(World& world) : world_(world) { world.SetTracer(this); }
  void OnTrace(const TraceEvent& event, const Packet& packet) override {
    if (event.kind != TraceKind::kSend || !packet.is_tcp()) return;
    sent.push_back({event.at, world_.node(event.node).name(), packet.source, packet.destination, packet.tcp,
                    packet.payload.size_bytes, packet.ttl, packet.packet_class, packet.id});
  }
  // The segments of one node.
  std::vector<Segment> From(absl::string_view node) const {
    std::vector<Segment> found;
    for (const Segment& segment : sent) {
      if (segment.node == node) found.push_back(segment);
    }
    return found;
  }
  // One line for each segment, such as "alice S @0ms", in order.
  std::vector<std::string> Lines() const {
    std::vector<std::string> lines;
    for (const Segment& segment : sent) {
      lines.push_back(segment.node + " " + Flags(segment.header.flags) + " @" +
                      std::to_string(segment.at.time_since_epoch() / std::chrono::milliseconds(1)) + "ms");
    }
    return lines;
  }
  static std::string Flags(std::uint8_t flags) {
    std::string text;
    if ((flags & kTcpSyn) != 0) text += "S";
    if ((flags & kTcpFin) != 0) text += "F";
    if ((flags & kTcpRst) != 0) text += "R";
    if ((flags & kTcpAck) != 0) text += "A";
    return text;
  }

  std::vector<Segment> sent;

 private:
  World& world_;
};

// alice 192.0.2.1 --- bob 192.0.2.2, with a program each. By default the link has 20 ms in each direction.
struct TcpWorld {
  explicit TcpWorld(const HostOptions& alice_options = {}, const HostOptions& bob_options = {},
                    const LinkProfile& link_profile = {.delay = std::chrono::milliseconds(20)}, std::uint64_t seed = 1)
      : world(seed),
        alice_node(AddHost(world, "alice", "192.0.2.1/24", "", alice_options)),
        bob_node(AddHost(world, "bob", "192.0.2.2/24", "", bob_options)),
        link(Link(world, alice_node, 1, bob_node, 1, link_profile)) {
    alice.Attach(alice_node.StartProgram("tcp", alice));
    bob.Attach(bob_node.StartProgram("tcp", bob));
    world.RunUntil(Time({}));
  }
  ~TcpWorld() { EXPECT_STREQ(world.BrokenInvariant(), nullptr); }
  // Alice's end and Bob's end of a new connection to Bob's port 80.
  struct Pair {
    net::SocketId alice{};
    net::SocketId bob{};
  };
  Pair ConnectPair(const net::TcpOptions& options = {}) {
    const net::SocketId listener = bob.Listen(At("192.0.2.2:80"), options);
    const net::SocketId connection = alice.Connect(At("0.0.0.0:0"), At("192.0.2.2:80"), options);
    EXPECT_TRUE(RunUntil([&] { return alice.at(connection).connected && !bob.accepted().empty(); }));
    bob.host().Close(listener);
    return {connection, bob.accepted().empty() ? net::SocketId{} : bob.accepted().back()};
  }
  template <typename Done>
  bool RunUntil(Done done) {
    return world.RunUntil(world.now() + std::chrono::minutes(10), done);
  }
  void RunFor(net::Duration time) { world.RunUntil(world.now() + time); }

  World world;
  HostNode& alice_node;
  HostNode& bob_node;
  LinkId link;
  net::TcpProgram alice;
  net::TcpProgram bob;
};

}  // namespace pinhole::sim
