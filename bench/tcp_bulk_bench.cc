// A bulk transfer over TCP through two NATs (two_homes.h), both digests on: simulated bytes per second of CPU, and the
// cost of the NATs' TcpDepth relative to the lowest depth. There is no target. The result shows how long a scenario
// with data transfer takes.
#include <benchmark/benchmark.h>

#include <array>
#include <chrono>
#include <cstdint>

#include "bench/stopwatch.h"
#include "bench/two_homes.h"
#include "net/host.h"
#include "sim/host/host_node.h"

namespace pinhole::sim {
namespace {

using namespace std::chrono_literals;

// Always writes as many bytes as the connection takes.
class Source final : public net::App {
 public:
  void Attach(net::Host& host) { host_ = &host; }
  void OnStart() override { Must(host_->Connect({V4(192, 168, 1, 10), 0}, {V4(203, 0, 113, 1), 80}, {}).ok()); }
  void OnTcpConnected(net::SocketId connection) override { Fill(connection); }
  void OnTcpWritable(net::SocketId connection) override { Fill(connection); }

 private:
  void Fill(net::SocketId connection) {
    static constexpr std::array<std::uint8_t, 16384> kBytes = {};
    while (true) {
      const absl::StatusOr<std::size_t> taken =
          host_->Write(connection, kBytes, {.packet_class = net::PacketClass::kData});
      Must(taken.ok());
      if (*taken < kBytes.size()) return;
    }
  }

  net::Host* host_ = nullptr;
};

// Listens, and counts the bytes that arrive.
class Sink final : public net::App {
 public:
  void Attach(net::Host& host) { host_ = &host; }
  void OnStart() override { Must(host_->Listen({V4(192, 168, 1, 20), 80}, {}).ok()); }
  void OnTcpReadable(net::SocketId connection) override {
    std::array<std::uint8_t, 16384> buffer;
    std::size_t read = 0;
    do {
      read = *host_->Read(connection, buffer);
      bytes += read;
    } while (read == buffer.size());
  }

  std::uint64_t bytes = 0;

 private:
  net::Host* host_ = nullptr;
};

struct Transfer {
  Transfer(TcpDepth depth, bool scales) : homes(Profile(depth), Hosts(scales)) {
    source.Attach(homes.alice.StartProgram("source", source));
    sink.Attach(homes.bob.StartProgram("sink", sink));
    homes.world.RunUntil(net::Instant(5s));  // slow start is over by then
    Must(sink.bytes > 1'000'000);
  }
  static NatProfile Profile(TcpDepth depth) {
    NatProfile profile;
    profile.tcp.tracking.depth = depth;
    profile.port_forwards.push_back({{V4(0, 0, 0, 0), 80}, {V4(192, 168, 1, 20), 80}});
    return profile;
  }
  static HostOptions Hosts(bool scales) {
    HostOptions options;
    if (!scales) options.tcp.window_scale.reset();
    return options;
  }
  void RunFor(net::Duration time) { homes.world.RunUntil(homes.world.now() + time); }

  TwoHomes homes;
  Source source;
  Sink sink;
};

// Compares a transfer through NATs of `depth` with one at the lowest depth. `scales`: whether the hosts use window
// scaling, in both transfers.
void BM_TcpBulk(benchmark::State& state, TcpDepth depth, bool scales = true) {
  Transfer transfer(depth, scales), lowest(TcpDepth::kAddresses, scales);
  const std::uint64_t bytes_before = transfer.sink.bytes, hops_before = transfer.homes.world.packet_hops();
  bench::Stopwatch stopwatch, lowest_stopwatch;
  for (auto _ : state) {
    stopwatch.Time([&] { transfer.RunFor(1s); });
    state.PauseTiming();
    lowest_stopwatch.Time([&] { lowest.RunFor(1s); });
    state.ResumeTiming();
  }
  const double seconds = static_cast<double>(stopwatch.total_ns()) / 1e9;
  const double hops = static_cast<double>(transfer.homes.world.packet_hops() - hops_before);
  state.counters["bytes_per_cpu_second"] = static_cast<double>(transfer.sink.bytes - bytes_before) / seconds;
  state.counters["ns_per_hop"] = seconds * 1e9 / hops;
  state.counters["over_addresses_only"] = stopwatch / lowest_stopwatch;
}
BENCHMARK_CAPTURE(BM_TcpBulk, addresses, TcpDepth::kAddresses)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_TcpBulk, flags, TcpDepth::kFlags)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_TcpBulk, syn_ack_number, TcpDepth::kSynAckNumber)->Unit(benchmark::kMillisecond);
// A NAT that ignores window scaling stalls hosts that use it, so the hosts do not use it here. They have at most 65,535
// bytes in flight.
BENCHMARK_CAPTURE(BM_TcpBulk, window_unscaled, TcpDepth::kWindow, /*scales=*/false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_TcpBulk, linux, TcpDepth::kLinux)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_TcpBulk, rewrites_isn, TcpDepth::kRewritesIsn)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace pinhole::sim
