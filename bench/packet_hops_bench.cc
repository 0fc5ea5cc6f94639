// How many packet-hops a second one core runs: two hosts behind a NAT each, a router between, four links with rate
// and queue, both digests on. A hop is one packet over one link. 65 datagrams of 100 bytes go to and fro.
//
//     alice --- home_a --- core --- home_b --- bob
//
// Must be >= 4 M/s on the reference machine (aim 8 M/s).
#include <benchmark/benchmark.h>

#include <chrono>
#include <memory>
#include <string>

#include "bench/stopwatch.h"
#include "net/host.h"
#include "sim/nat_box.h"
#include "sim/world.h"

namespace pinhole::sim {
namespace {

using namespace std::chrono_literals;

// Sends back whatever comes; `first` datagrams to begin with.
class Echo final : public net::App {
 public:
  Echo(net::SocketAddress local, net::SocketAddress remote, int first)
      : local_(local), remote_(remote), first_(first) {}
  void Attach(net::Host& host) { host_ = &host; }
  void OnStart() override {
    socket_ = *host_->OpenUdp(local_);
    const std::string payload(100, 'x');
    for (int i = 0; i < first_; ++i) {
      host_->SendTo(socket_, remote_,
                    net::ByteView(reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size()), {});
    }
  }
  void OnDatagram(const net::Datagram& datagram) override {
    net::SendOptions options;
    options.packet_class = net::PacketClass::kData;
    options.cause = datagram.tag;
    host_->SendTo(datagram.socket, datagram.from, datagram.payload, options);
  }

 private:
  net::SocketAddress local_;
  net::SocketAddress remote_;
  int first_;
  net::Host* host_ = nullptr;
  net::SocketId socket_{};
};

net::IpAddress V4(int a, int b, int c, int d) {
  return net::IpAddress::V4(static_cast<std::uint8_t>(a), static_cast<std::uint8_t>(b), static_cast<std::uint8_t>(c),
                            static_cast<std::uint8_t>(d));
}

void Must(bool ok) {
  if (!ok) std::abort();
}

int Port(HostNode& node, absl::string_view name, const net::IpAddress& address) {
  const int interface = node.AddInterface(name);
  Must(node.AddAddress(interface, {.address = address, .prefix_length = 24}).ok());
  return interface;
}

struct TwoHomes {
  TwoHomes()
      : world(1),
        alice(world.AddHost("alice")),
        bob(world.AddHost("bob")),
        core(world.AddRouter("core")),
        home_a(world.AddNode<NatBox>("home_a", NatBoxOptions{})),
        home_b(world.AddNode<NatBox>("home_b", NatBoxOptions{})) {
    const LinkProfile lan = {.delay = 200us, .rate_bps = 1'000'000'000};
    const LinkProfile access = {.delay = 10ms, .rate_bps = 200'000'000, .queue_bytes = 1 << 20};
    // The outside first: it is interface 1 of a NAT box.
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

void BM_PacketHops(benchmark::State& state) {
  TwoHomes homes;
  Echo alice({V4(192, 168, 1, 10), 5000}, {V4(203, 0, 113, 1), 5000}, 64);
  // Bob's one datagram opens his NAT, as hole punching does; both are port-preserving and filter by port.
  Echo bob({V4(192, 168, 1, 20), 5000}, {V4(198, 51, 100, 1), 5000}, 1);
  alice.Attach(homes.world.StartProgram(homes.alice, "echo", alice));
  bob.Attach(homes.world.StartProgram(homes.bob, "echo", bob));
  homes.world.RunUntil(net::Instant(1s));
  const std::uint64_t before = homes.world.packet_hops();
  Must(homes.world.drops().total() == 0 && before > 1000);
  bench::Stopwatch stopwatch;
  for (auto _ : state) {
    stopwatch.Time([&] { homes.world.RunUntil(homes.world.now() + 1s); });
  }
  const double hops = static_cast<double>(homes.world.packet_hops() - before);
  state.counters["hops_per_second"] = hops * 1e9 / static_cast<double>(stopwatch.total_ns());
  state.counters["ns_per_hop"] = static_cast<double>(stopwatch.total_ns()) / hops;
}
BENCHMARK(BM_PacketHops)->Unit(benchmark::kMillisecond);

// Building and tearing down a world of the size of a session: two hosts, two homes, a router, two servers.
void BM_WorldSetUp(benchmark::State& state) {
  for (auto _ : state) {
    TwoHomes homes;
    for (const char* name : {"stun", "turn"}) {
      HostNode& server = homes.world.AddHost(name);
      const int subnet = name[0] == 's' ? 10 : 11;
      const int port = Port(server, "eth0", V4(192, 0, subnet, 1));
      homes.Connect(server, port, homes.core, Port(homes.core, name, V4(192, 0, subnet, 254)), {.delay = 10ms});
      Must(server.AddDefaultRoute(port, V4(192, 0, subnet, 254)).ok());
    }
    Must(homes.world.Check().ok());
    benchmark::DoNotOptimize(homes.world.now());
  }
}
BENCHMARK(BM_WorldSetUp)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace pinhole::sim
