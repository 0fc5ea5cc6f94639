// Fuzzes a world. Programs on three hosts, one of them behind a NAT, make random calls (datagrams, TCP, alarms) over
// links that lose, duplicate and reorder, while interfaces go down and up and time passes. The invariants of the world
// hold after each step, and the same script gives the same digest twice.
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "net/bytes.h"
#include "net/host.h"
#include "sim/boxes/nat_box.h"
#include "sim/boxes/switch.h"
#include "sim/host/host_node.h"
#include "sim/host/program.h"
#include "sim/world.h"
#include "tests/fuzz/script.h"

namespace pinhole::sim {
namespace {

using net::IpAddress;
using net::SocketAddress;

void Require(const char* broken) {
  if (broken == nullptr) return;
  std::fprintf(stderr, "broken: %s\n", broken);
  std::abort();
}
void Require(bool holds, const char* what) { Require(holds ? nullptr : what); }

const std::array<SocketAddress, 4> kPlaces = {
    SocketAddress(IpAddress::V4(10, 0, 1, 2), 5000), SocketAddress(IpAddress::V4(198, 51, 100, 1), 5000),
    SocketAddress(IpAddress::V4(198, 51, 100, 2), 5000), SocketAddress(IpAddress::V4(198, 51, 100, 3), 80)};

// Reads all bytes that arrive, and closes connections that the other side has closed.
class Player final : public net::App {
 public:
  void Attach(net::Host& host) { host_ = &host; }
  void OnStart() override {
    if (const auto socket = host_->OpenUdp(SocketAddress(IpAddress(), 5000)); socket.ok()) udp_ = *socket;
    (void)host_->Listen(SocketAddress(IpAddress(), 80), {});
  }
  void OnTcpAccepted(net::SocketId, net::SocketId connection, const SocketAddress&) override { Keep(connection); }
  void OnTcpReadable(net::SocketId connection) override {
    std::array<std::uint8_t, 512> buffer;
    for (auto got = host_->Read(connection, buffer); got.ok() && *got > 0; got = host_->Read(connection, buffer)) {
    }
  }

  void Act(Script& script) {
    const SocketAddress& place = kPlaces[script.Below(static_cast<int>(kPlaces.size()))];
    const std::vector<std::uint8_t> bytes(static_cast<std::size_t>(script.Byte()) * 8, 1);
    switch (script.Below(8)) {
      case 0:
      case 1:
        host_->SendTo(udp_, place, bytes, {});
        break;
      case 2:
        if (connections_.size() < 16) {
          const auto connection = host_->Connect(SocketAddress(), place.WithPort(80), {});
          if (connection.ok()) Keep(*connection);
        }
        break;
      case 3:
        if (!connections_.empty()) (void)host_->Write(One(script), bytes, {});
        break;
      case 4:
        if (!connections_.empty()) (void)host_->FinishWriting(One(script));
        break;
      case 5:
        if (!connections_.empty()) host_->Close(One(script));
        break;
      case 6:
        if (!connections_.empty()) (void)host_->Abort(One(script));
        break;
      default:
        host_->WakeAt(script.Below(2) == 0 ? net::kNever : host_->Now() + std::chrono::milliseconds(script.Byte()));
    }
  }

 private:
  void Keep(net::SocketId connection) { connections_.push_back(connection); }
  net::SocketId One(Script& script) const { return connections_[script.Byte() % connections_.size()]; }

  net::Host* host_ = nullptr;
  net::SocketId udp_{};
  std::vector<net::SocketId> connections_;  // closed ones included, whose calls the host must refuse
};

std::uint64_t Run(net::ByteView input) {
  Script script(input);
  LinkProfile link;
  link.delay = std::chrono::milliseconds(script.Below(40));
  link.jitter = std::chrono::milliseconds(script.Below(8));
  link.loss_ppm = script.Below(4) * 50'000u;
  link.duplicate_ppm = script.Below(4) * 50'000u;
  link.reorder_ppm = script.Below(4) * 50'000u;
  link.reorder_delay = std::chrono::milliseconds(5);
  link.rate_bps = script.Below(2) * 1'000'000u;

  World world(1);
  NatProfile profile;
  profile.tcp.tracking.idle = script.Below(2) == 0 ? TcpIdle::kSilent : TcpIdle::kResetBoth;
  NatBox& box = world.AddNode<NatBox>("box", NatBoxOptions{.profile = profile});
  Switch& core = world.AddNode<Switch>("core");
  const auto port = [&](HostNode& node, IpAddress address) {
    const int interface = node.AddInterface("eth");
    Require(node.AddAddress(interface, {.address = address, .prefix_length = 24}).ok(), "an address");
    return interface;
  };
  const auto connect = [&](Node& a, int a_port, Node& b, int b_port) {
    Require(world.Connect({&a, a_port}, {&b, b_port}, link).ok(), "a link");
  };
  std::array<HostNode*, 3> nodes = {&world.AddNode<HostNode>("alice", HostOptions()),
                                    &world.AddNode<HostNode>("bob", HostOptions()),
                                    &world.AddNode<HostNode>("carol", HostOptions())};
  connect(box, port(box, IpAddress::V4(198, 51, 100, 1)), core, 0);
  const int lan = port(box, IpAddress::V4(10, 0, 1, 1));
  const int alice_port = port(*nodes[0], IpAddress::V4(10, 0, 1, 2));
  Require(nodes[0]->AddDefaultRoute(alice_port, IpAddress::V4(10, 0, 1, 1)).ok(), "a route");
  connect(*nodes[0], alice_port, box, lan);
  connect(*nodes[1], port(*nodes[1], IpAddress::V4(198, 51, 100, 2)), core, 0);
  connect(*nodes[2], port(*nodes[2], IpAddress::V4(198, 51, 100, 3)), core, 0);
  Require(world.Check().ok(), "the world is well formed");
  std::array<Player, 3> players;
  for (std::size_t i = 0; i < players.size(); ++i) {
    Program& program = nodes[i]->AddProgram("player");
    players[i].Attach(program);
    program.Start(players[i]);
  }
  world.RunUntil(net::Instant{});
  for (int steps = 0; !script.done() && steps < 400; ++steps) {
    switch (script.Below(8)) {
      case 0:
        world.RunUntil(world.now() + std::chrono::milliseconds(script.Byte()));
        break;
      case 1:
        world.RunUntil(world.now() + std::chrono::seconds(script.Byte()));
        break;
      case 2:
        for (int events = script.Byte(); events > 0 && world.Step(); --events) {
        }
        break;
      case 3: {
        HostNode& node = *nodes[script.Below(static_cast<int>(nodes.size()))];
        Require(node.SetInterfaceUp(1, script.Below(2) == 0).ok(), "an interface goes down and up");
        break;
      }
      default:
        players[script.Below(static_cast<int>(players.size()))].Act(script);
    }
    Require(world.BrokenInvariant());
  }
  world.RunUntil(world.now() + std::chrono::hours(3));  // longer than any timer without a program that talks
  Require(world.BrokenInvariant());
  return world.full_digest();
}

}  // namespace
}  // namespace pinhole::sim

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const pinhole::net::ByteView input(data, size);
  if (pinhole::sim::Run(input) != pinhole::sim::Run(input)) std::abort();
  return 0;
}
