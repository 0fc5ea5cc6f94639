// The number of packet-hops per second that one core simulates, in two homes (two_homes.h) with both digests on. A hop
// is one packet over one link. 65 datagrams of 100 bytes are sent back and forth.
//
// Must be >= 4 M/s on the reference machine (aim 8 M/s).
#include <benchmark/benchmark.h>

#include <chrono>
#include <string>

#include "bench/stopwatch.h"
#include "bench/two_homes.h"
#include "net/host.h"
#include "sim/host/host_node.h"

namespace pinhole::sim {
namespace {

using namespace std::chrono_literals;

// Sends `first` datagrams at the start, and sends back every datagram that it receives.
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

void BM_PacketHops(benchmark::State& state) {
  TwoHomes homes;
  Echo alice({V4(192, 168, 1, 10), 5000}, {V4(203, 0, 113, 1), 5000}, 64);
  // Bob's one datagram opens his NAT, as in hole punching. Both NATs preserve ports and have address and port-dependent
  // filtering.
  Echo bob({V4(192, 168, 1, 20), 5000}, {V4(198, 51, 100, 1), 5000}, 1);
  alice.Attach(homes.alice.StartProgram("echo", alice));
  bob.Attach(homes.bob.StartProgram("echo", bob));
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
      HostNode& server = homes.world.AddNode<HostNode>(name);
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
