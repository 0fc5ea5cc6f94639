// The CPU time of one translator alone: a packet in each direction through an existing mapping, a new mapping, and the
// construction of a Nat. TCP is measured at each depth of tracking (TcpDepth), and compared with UDP through the same
// kind of mapping in the same run. In the packet-hops benchmark a translator works at two of the four hops.
#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdint>

#include "bench/stopwatch.h"
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

// `range(0)` is the number of mappings. The packets use all of them in turn.
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

// A TCP connection through a Nat: data goes out, and its ACK comes in. The peer acknowledges the sequence numbers as
// the Nat has translated them.
class TcpFlow {
 public:
  TcpFlow(TransportBehavior ports, TcpDepth depth)
      : random_(1, "nat"), nat_(ProfileOf(ports, depth), {kExternal}, {{net::IpPrefix(kInsideNet, 8), 2}}, &random_) {
    Packet syn = Segment(kAlice, kPeer, kTcpSyn, sequence_++, 0);
    nat_.FromInside(now_, 2, syn);
    alice_outside_ = syn.source;
    Packet answer = Segment(kPeer, alice_outside_, kTcpSyn | kTcpAck, kPeerIsn, syn.tcp.sequence + 1);
    nat_.FromOutside(now_, answer);
    acknowledges_ = answer.tcp.sequence + 1;
    Packet ack = Segment(kAlice, kPeer, kTcpAck, sequence_, acknowledges_);
    nat_.FromInside(now_, 2, ack);
  }
  void RoundTrip() {
    now_ += 1us;
    Packet data = Segment(kAlice, kPeer, kTcpAck, sequence_, acknowledges_);
    data.payload.size_bytes = kBytes;
    passed_ = nat_.FromInside(now_, 2, data).action == Verdict::Action::kOutside;
    sequence_ += kBytes;
    Packet ack = Segment(kPeer, alice_outside_, kTcpAck, kPeerIsn + 1, data.tcp.sequence + kBytes);
    passed_ = passed_ && nat_.FromOutside(now_, ack).action == Verdict::Action::kInside;
  }
  bool passed() const { return passed_; }

 private:
  static constexpr std::uint32_t kBytes = 1400;
  static constexpr std::uint32_t kPeerIsn = 5'000'000;
  inline static const net::IpAddress kInsideNet = net::IpAddress::V4(10, 0, 0, 0);
  inline static const net::SocketAddress kAlice{net::IpAddress::V4(10, 0, 0, 1), 5000};
  inline static const net::SocketAddress kPeer{net::IpAddress::V4(192, 0, 2, 1), 3478};

  static NatProfile ProfileOf(TransportBehavior ports, TcpDepth depth) {
    NatProfile profile;
    static_cast<TransportBehavior&>(profile.tcp) = ports;
    profile.tcp.tracking.depth = depth;
    return profile;
  }
  static Packet Segment(const net::SocketAddress& from, const net::SocketAddress& to, std::uint8_t flags,
                        std::uint32_t sequence, std::uint32_t acknowledgment) {
    Packet packet;
    packet.protocol = IpProtocol::kTcp;
    packet.source = from;
    packet.destination = to;
    packet.tcp = {.sequence = sequence, .acknowledgment = acknowledgment, .window = 65535, .flags = flags};
    return packet;
  }

  net::SeededRandom random_;
  Nat nat_;
  net::Instant now_{};
  net::SocketAddress alice_outside_;
  std::uint32_t sequence_ = 1'000'000, acknowledges_ = 0;
  bool passed_ = false;
};

// The time of a TCP packet in each direction, divided by that of a UDP packet. The two run alternately, so that a slow
// machine slows both.
void BM_NatTcpOverUdp(benchmark::State& state, UdpBehavior udp, TcpDepth depth) {
  constexpr int kRounds = 1000;
  Bench bench(udp);
  TcpFlow flow(static_cast<const TransportBehavior&>(udp), depth);
  bench::Stopwatch of_udp, of_tcp;
  net::Instant now{};
  for (auto _ : state) {
    of_udp.Time([&] {
      for (int i = 0; i < kRounds; ++i) {
        Packet packet = Udp(0x0a000001, 5000);
        benchmark::DoNotOptimize(bench.nat.FromInside(now, 2, packet));
        std::swap(packet.source, packet.destination);
        benchmark::DoNotOptimize(bench.nat.FromOutside(now, packet));
        now += 1us;
      }
    });
    of_tcp.Time([&] {
      for (int i = 0; i < kRounds; ++i) flow.RoundTrip();
    });
  }
  if (!flow.passed()) state.SkipWithError("a segment was refused");
  const double packets = 2.0 * kRounds * static_cast<double>(state.iterations());
  state.counters["udp_ns"] = static_cast<double>(of_udp.total_ns()) / packets;
  state.counters["tcp_ns"] = static_cast<double>(of_tcp.total_ns()) / packets;
  state.counters["over_udp"] = of_tcp / of_udp;
}
BENCHMARK_CAPTURE(BM_NatTcpOverUdp, cone_T0, UdpBehavior{}, TcpDepth::kAddresses);
BENCHMARK_CAPTURE(BM_NatTcpOverUdp, cone_T1, UdpBehavior{}, TcpDepth::kFlags);
BENCHMARK_CAPTURE(BM_NatTcpOverUdp, cone_T2, UdpBehavior{}, TcpDepth::kSynAckNumber);
BENCHMARK_CAPTURE(BM_NatTcpOverUdp, cone_T3, UdpBehavior{}, TcpDepth::kWindow);
BENCHMARK_CAPTURE(BM_NatTcpOverUdp, cone_T4, UdpBehavior{}, TcpDepth::kLinux);
BENCHMARK_CAPTURE(BM_NatTcpOverUdp, cone_T5, UdpBehavior{}, TcpDepth::kRewritesIsn);
BENCHMARK_CAPTURE(BM_NatTcpOverUdp, conntrack_T4, Conntrack(), TcpDepth::kLinux);

// The cost of NATs at the start of a simulated session: making a Nat, and making one with four mappings.
void BM_NatMake(benchmark::State& state) {
  const UdpBehavior udp = Conntrack();
  for (auto _ : state) {
    Bench bench(udp);
    benchmark::DoNotOptimize(&bench);
    for (std::int64_t i = 0; i < state.range(0); ++i) {
      Packet packet = Udp(0x0a000001, static_cast<std::uint16_t>(5000 + i));
      benchmark::DoNotOptimize(bench.nat.FromInside(net::Instant{}, 2, packet));
    }
  }
}
BENCHMARK(BM_NatMake)->Arg(0)->Arg(4);

}  // namespace
}  // namespace pinhole::sim
