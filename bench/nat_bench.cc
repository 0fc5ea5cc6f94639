// What one translator costs, alone: a packet each way through an existing mapping, a new mapping, and making a Nat.
// In the packet-hops benchmark it is two of the four hops.
#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdint>

#include "net/random.h"
#include "sim/nat/nat.h"

namespace pinhole::sim {
namespace {

using namespace std::chrono_literals;

UdpBehavior Conntrack() {
  return {{.mapping = Mapping::kConntrack,
           .filtering = Filtering::kAddressAndPortDependent,
           .filter_memory = FilterMemory::kMapping,
           .inbound_sessions = true},
          {.unreplied = 30s, .replied = 30s, .assured = 120s, .assured_after = 2s}};
}
UdpBehavior Sessions() {
  return {{.mapping = Mapping::kAddressAndPortDependent,
           .filtering = Filtering::kAddressDependent,
           .filter_memory = FilterMemory::kMapping,
           .inbound_sessions = true,
           .port_allocation = PortAllocation::kRandom}};
}

const net::IpAddress kExternal = net::IpAddress::V4(198, 51, 100, 1);

struct Bench {
  explicit Bench(const UdpBehavior& udp)
      : random(1, "nat"),
        nat({.udp = udp}, {kExternal}, {{net::IpPrefix(net::IpAddress::V4(10, 0, 0, 0), 8), 2}}, &random) {}
  net::SeededRandom random;
  Nat nat;
};

Packet Udp(std::uint32_t inside, std::uint16_t port) {
  Packet packet;
  packet.source = net::SocketAddress(net::IpAddress::V4(inside), port);
  packet.destination = net::SocketAddress(net::IpAddress::V4(192, 0, 2, 1), 3478);
  return packet;
}

// `range(0)`: mappings there are; the packets go round all of them.
void BM_NatRoundTrip(benchmark::State& state, UdpBehavior udp) {
  Bench bench(udp);
  net::Instant now{};
  const auto mappings = static_cast<std::uint32_t>(state.range(0));
  std::uint32_t i = 0;
  for (auto _ : state) {
    Packet packet = Udp(0x0a000000 + i / 16, static_cast<std::uint16_t>(5000 + i % 16));
    benchmark::DoNotOptimize(bench.nat.FromInside(now, 2, packet));
    std::swap(packet.source, packet.destination);
    benchmark::DoNotOptimize(bench.nat.FromOutside(now, packet));
    now += 1us;
    i = i + 1 == mappings ? 0 : i + 1;
  }
  state.SetItemsProcessed(state.iterations() * 2);
}
BENCHMARK_CAPTURE(BM_NatRoundTrip, cone, UdpBehavior{})->Arg(4)->Arg(10000);
BENCHMARK_CAPTURE(BM_NatRoundTrip, sessions, Sessions())->Arg(4)->Arg(10000);
BENCHMARK_CAPTURE(BM_NatRoundTrip, conntrack, Conntrack())->Arg(4)->Arg(10000);

// What a simulated session pays before its first packet: a Nat, and one with four mappings.
void BM_NatMake(benchmark::State& state) {
  const UdpBehavior udp = Conntrack();
  for (auto _ : state) {
    Bench bench(udp);
    benchmark::DoNotOptimize(&bench);
    for (std::uint16_t i = 0; i < state.range(0); ++i) {
      Packet packet = Udp(0x0a000001, static_cast<std::uint16_t>(5000 + i));
      benchmark::DoNotOptimize(bench.nat.FromInside(net::Instant{}, 2, packet));
    }
  }
}
BENCHMARK(BM_NatMake)->Arg(0)->Arg(4);

}  // namespace
}  // namespace pinhole::sim
