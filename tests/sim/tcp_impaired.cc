#include "tests/sim/tcp_impaired.h"

#include "absl/strings/str_cat.h"
#include "sim/boxes/nat_box.h"
#include "sim/host/host_node.h"
#include "tests/sim/tcp_world.h"

namespace pinhole::sim {

using namespace std::chrono_literals;

LinkProfile DrawImpairments(std::uint64_t seed, const std::string& direction) {
  net::SeededRandom random(seed, "impairments/" + direction);
  const auto below = [&](std::uint64_t bound) { return random.Below(bound); };
  const auto microseconds = [&](std::uint64_t bound) {
    return net::Duration(static_cast<std::int64_t>(below(bound)) * 1000);
  };
  LinkProfile profile;
  profile.delay = microseconds(100'000);
  profile.mtu_bytes = 576 + static_cast<std::uint32_t>(below(925));
  if (below(2) == 0) profile.loss_ppm = static_cast<std::uint32_t>(below(20'000));
  if (below(2) == 0) {
    // Bursts are counted in packets. One that swallows a segment and all that a sender tries again before it gives up
    // (RFC 9293 §3.8.3, R2), 16 in a row, has a chance of 1 in 2 million.
    profile.burst_loss =
        BurstLoss{.good_to_bad_ppm = static_cast<std::uint32_t>(below(3000)), .bad_to_good_ppm = 600'000};
  }
  if (below(2) == 0) profile.jitter = microseconds(30'000);
  if (below(2) == 0) {
    profile.reorder_ppm = static_cast<std::uint32_t>(below(50'000));
    profile.reorder_delay = microseconds(50'000);
  }
  if (below(2) == 0) profile.duplicate_ppm = static_cast<std::uint32_t>(below(50'000));
  if (below(2) == 0) {
    profile.rate_bps = 1'000'000 + below(30'000'000);
    profile.queue_bytes = 16'384 + static_cast<std::uint32_t>(below(200'000));
  }
  if (below(4) == 0) {
    const net::Instant from = Time(microseconds(5'000'000));
    profile.outages.push_back({from, from + microseconds(10'000'000)});
  }
  return profile;
}

NatsOnTheWay DrawNats(std::uint64_t seed) {
  net::SeededRandom random(seed, "nats");
  const auto draw = [&]() -> std::optional<TcpDepth> {
    const std::uint64_t drawn = random.Below(static_cast<std::uint64_t>(TcpDepth::kRewritesIsn) + 2);
    return drawn == 0 ? std::nullopt : std::optional(static_cast<TcpDepth>(drawn - 1));
  };
  NatsOnTheWay nats;
  nats.alice = draw();
  nats.bob = draw();
  return nats;
}

namespace {

// Adds a machine with `address`, or a machine behind a NAT with `address` that forwards port 80. Returns the machine
// and the node that is on the link between the two sides; its port there is 1 in both cases.
struct Ends {
  HostNode* machine = nullptr;
  Node* outermost = nullptr;
};
Ends AddSide(World& world, const std::string& name, const std::string& address, std::optional<TcpDepth> depth,
             const HostOptions& options) {
  if (!depth) {
    HostNode& host = AddHost(world, name, address + "/24", "", options);
    return {&host, &host};
  }
  NatProfile profile;
  profile.tcp.tracking.depth = *depth;
  profile.port_forwards.push_back({At("0.0.0.0:80"), At("10.0.0.2:80")});
  NatBox& box = world.AddNode<NatBox>(name + "_nat", NatBoxOptions{.profile = profile});
  AddPort(box, "wan", address + "/24");
  const int lan = AddPort(box, "lan", "10.0.0.1/24");
  HostNode& host = AddHost(world, name, "10.0.0.2/24", "10.0.0.1", options);
  Link(world, host, 1, box, lan);
  return {&host, &box};
}

}  // namespace

std::string TransferFault(const LinkProfile& there, const LinkProfile& back, std::size_t bytes, std::uint64_t seed,
                          const NatsOnTheWay& nats) {
  // No digests: they are a third of the time, and the same bytes are compared here.
  World world(seed, {.digests = false});
  HostOptions options;
  if (nats.alice == TcpDepth::kWindow || nats.bob == TcpDepth::kWindow) options.tcp.window_scale.reset();
  const Ends alice_side = AddSide(world, "alice", "192.0.2.1", nats.alice, options);
  const Ends bob_side = AddSide(world, "bob", "192.0.2.2", nats.bob, options);
  Link(world, *alice_side.outermost, 1, *bob_side.outermost, 1, there, back);
  HostNode& alice_node = *alice_side.machine;
  HostNode& bob_node = *bob_side.machine;
  net::TcpProgram alice, bob;
  alice.Attach(alice_node.StartProgram("tcp", alice));
  bob.Attach(bob_node.StartProgram("tcp", bob));
  world.RunUntil(Time({}));

  const std::string to_bob = net::Noise(bytes, seed * 2), to_alice = net::Noise(bytes, seed * 2 + 1);
  const net::SocketId listener = bob.Listen(At("0.0.0.0:80"));
  bob.during_call = [&](net::SocketId id) {
    if (bob.at(id).readable == 0 && bob.at(id).closed == 0 && bob.at(id).writable == 0 && bob.at(id).reset == 0) {
      bob.Write(id, to_alice, true);
    }
  };
  const net::SocketId a = alice.Connect(At("0.0.0.0:0"), At("192.0.2.2:80"));
  alice.Write(a, to_bob, true);

  const auto connection_of = [](const HostNode& node, net::SocketId id) {
    return node.tcp_sockets() == nullptr ? nullptr : node.tcp_sockets()->connection(0, id);
  };
  const char* broken = nullptr;
  net::SocketId b{};
  const auto over = [&](net::TcpProgram& program, net::SocketId id) {
    return program.at(id).reset != 0 || program.at(id).closed != 0;
  };
  const bool ended = world.RunUntil(Time(1h), [&] {
    if (b == net::SocketId{} && !bob.accepted().empty()) b = bob.accepted()[0];
    for (const TcpConnection* tcp : {connection_of(alice_node, a), connection_of(bob_node, b)}) {
      if (broken == nullptr && tcp != nullptr) broken = tcp->BrokenInvariant();
    }
    return over(alice, a) && (b == net::SocketId{} || over(bob, b));
  });
  if (broken != nullptr) return absl::StrCat("broken invariant: ", broken);
  if (!ended) return "not over after an hour";
  if (alice.at(a).reset) return absl::StrCat("alice: ", alice.at(a).why.ToString());
  if (bob.at(b).reset) return absl::StrCat("bob: ", bob.at(b).why.ToString());
  if (bob.at(b).received != to_bob) return "what alice sent did not arrive whole";
  if (alice.at(a).received != to_alice) return "what bob sent did not arrive whole";

  alice.host().Close(a);
  bob.host().Close(b);
  bob.host().Close(listener);
  while (world.Step(world.now() + 1h)) {
  }
  if (alice_node.tcp_sockets()->size() + bob_node.tcp_sockets()->size() != 0) return "a socket is left over";
  if (alice_node.NextTimer() != net::kNever || bob_node.NextTimer() != net::kNever) return "a timer is left over";
  if (world.packets().in_use() != 0 || world.payloads().slots_in_use() != 0) return "a packet is left over";
  return "";
}

}  // namespace pinhole::sim
