// The CPU time of a simulated session, from setting up its world to its verdict, divided by the time of the HMACs and
// CRCs that it cannot avoid. Only the ratio is a claim. The two sides run alternately, so a slow machine slows both.
// Must be <= 8 (aim 5).
//
// The unavoidable work of a session (its floor) is counted from its packets. Each message with MESSAGE-INTEGRITY that
// an agent or a server has sent needs one HMAC and one CRC to make it, and one of each to check it. Retransmissions and
// messages inside a TURN message count too.
//
// For information, sessions over TCP are compared with sessions over UDP through the same NATs.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "bench/crypto_floor.h"
#include "bench/stopwatch.h"
#include "net/bytes.h"
#include "scenarios/language/load.h"
#include "scenarios/sweep/judged_run.h"

namespace pinhole::scenarios {
namespace {

using bench::CryptoWork;
using bench::Stopwatch;

// The number of bytes in front of the MESSAGE-INTEGRITY attribute; nullopt: the message has none. Parses only as much
// of STUN and ChannelData as is needed to find the attribute (RFC 8489 §5, §14.5; RFC 8656 §12.4, §18.4).
std::optional<std::size_t> BytesBeforeIntegrity(net::ByteView message) {
  constexpr std::uint16_t kSendIndication = 0x0016, kData = 0x0013, kMessageIntegrity = 0x0008;
  if (message.size() < 4) return std::nullopt;
  if ((message[0] & 0xC0) == 0x40) return BytesBeforeIntegrity(message.subspan(4));
  if ((message[0] & 0xC0) != 0 || message.size() < 20) return std::nullopt;
  const bool carries_another = net::LoadU16(message.data()) == kSendIndication;
  for (std::size_t at = 20; at + 4 <= message.size();) {
    const std::uint16_t type = net::LoadU16(&message[at]);
    const std::size_t length = net::LoadU16(&message[at + 2]);
    if (at + 4 + length > message.size()) return std::nullopt;
    if (type == kMessageIntegrity) return at;
    if (type == kData && carries_another) return BytesBeforeIntegrity(message.subspan(at + 4, length));
    at += 4 + (length + 3) / 4 * 4;
  }
  return std::nullopt;
}

// The STUN message in a TCP segment. Messages of agents have a length in front of them (RFC 4571 §2), messages of TURN
// servers and clients have none. In this benchmark every message is in one segment alone.
net::ByteView WithoutFrame(net::ByteView segment) {
  constexpr std::size_t kLengthBytes = 2;
  const bool framed = segment.size() > kLengthBytes && net::LoadU16(segment.data()) == segment.size() - kLengthBytes;
  return framed ? segment.subspan(kLengthBytes) : segment;
}

// Counts the messages with MESSAGE-INTEGRITY that each host has sent itself.
class IntegrityCounter final : public sim::Tracer {
 public:
  struct Sent {
    sim::NodeId node;
    net::PacketClass packet_class;
    std::size_t bytes;
  };

  // REQUIRES: the run has not begun.
  void Watch(const sim::World& world) { world_ = &world; }

  void OnTrace(const sim::TraceEvent& event, const sim::Packet& packet) override {
    // Only the first transmission of a packet counts: routers take one off the TTL, and bridges send packets with an id
    // that was seen before.
    constexpr std::uint8_t kHostsTtl = 64;
    const auto id = static_cast<std::uint64_t>(packet.id);
    if (event.kind != sim::TraceKind::kSend || packet.ttl != kHostsTtl) return;
    if (!packet.is_udp() && !packet.is_tcp()) return;
    if (id >= seen_.size()) seen_.resize(2 * id + 64);
    if (seen_[id]) return;
    seen_[id] = true;
    net::ByteView message = world_->payload(packet);
    if (packet.is_tcp()) message = WithoutFrame(message);
    if (const auto bytes = BytesBeforeIntegrity(message)) {
      sent_.push_back({event.node, packet.packet_class, *bytes});
    }
  }

  // The cryptographic work of the run. A relay also passes on messages of agents, so of the messages that a relay sends
  // only its own TURN messages count.
  CryptoWork WorkOf(const CellRun& run) const {
    CryptoWork work;
    for (const Sent& sent : sent_) {
      bool by_peer = false;
      for (const std::shared_ptr<const PlannedTrial>& trial : run.plan().trials) {
        for (const PlannedParticipant& peer : trial->participants()) by_peer |= run.host(peer.node).id() == sent.node;
      }
      if (!by_peer && sent.packet_class != net::PacketClass::kTurn) continue;
      ++work.messages;
      work.message_bytes += static_cast<std::int64_t>(sent.bytes);
    }
    if (work.messages > 0) work.message_bytes /= work.messages;
    return work;
  }

 private:
  const sim::World* world_ = nullptr;
  std::vector<bool> seen_;
  std::vector<Sent> sent_;
};

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "session_bench: %s\n", what.c_str());
  std::abort();
}

struct Subject {
  PreparedCell prepared;
  std::uint64_t seed = 0;
  CryptoWork floor;
};

using NatPairs = std::vector<std::pair<std::string, std::string>>;

// The scenario file of the NAT matrix in library/, and the filter for its cells of one transport.
struct Matrix {
  const char* file;
  const char* filter;
};
constexpr Matrix kUdp = {"library/nat_matrix.textproto", ",transport=UDP"};
constexpr Matrix kTcp = {"library/nat_matrix.textproto", ",transport=TCP"};

Scenario Load(const Matrix& matrix) {
  SystemFiles files;
  absl::StatusOr<Scenario> scenario = LoadScenario(matrix.file, files);
  if (!scenario.ok()) Die(std::string(scenario.status().message()));
  return *std::move(scenario);
}

// The cells with a pair of NATs from `nats`, with and without TURN.
std::vector<Subject> Subjects(const Matrix& matrix, const Scenario& scenario, const NatPairs& nats) {
  std::vector<Subject> subjects;
  for (const auto& [a, b] : nats) {
    absl::StatusOr<std::vector<const Cell*>> cells = scenario.Filter("nat_a=" + a + ",nat_b=" + b + matrix.filter);
    if (!cells.ok()) Die(std::string(cells.status().message()));
    for (const Cell* cell : *cells) {
      absl::StatusOr<PreparedCell> prepared = PrepareCell(scenario, *cell);
      if (!prepared.ok()) Die(std::string(prepared.status().message()));
      Subject subject{*std::move(prepared), 0, {}};
      subject.seed = SeedOf(*cell, proto::SeedPolicy::REPETITION, 1, 0);
      IntegrityCounter counter;
      CellRun run(subject.prepared.plan, subject.seed, {.tracer = &counter});
      counter.Watch(run.world());
      if (absl::Status status = run.Run(); !status.ok()) Die(std::string(status.message()));
      subject.floor = counter.WorkOf(run);
      subjects.push_back(std::move(subject));
    }
  }
  return subjects;
}

// The shortest of many measurements, because the work is the same each time, and other work of the machine only adds to
// it.
class Least {
 public:
  template <typename Work>
  void Time(Work&& work) {
    Stopwatch stopwatch;
    stopwatch.Time(work);
    ns_ = std::min(ns_, stopwatch.total_ns());
  }
  double ns() const { return static_cast<double>(ns_); }

 private:
  std::int64_t ns_ = std::numeric_limits<std::int64_t>::max();
};

void RunOnce(const Subject& subject) {
  absl::StatusOr<JudgedRun> run = RunAndJudge(subject.prepared, 0, subject.seed, {});
  if (!run.ok()) Die(std::string(run.status().message()));
  benchmark::DoNotOptimize(run->wire_digest);
}

void Measure(benchmark::State& state, const NatPairs& nats) {
  const Scenario scenario = Load(kUdp);
  const std::vector<Subject> subjects = Subjects(kUdp, scenario, nats);
  const std::size_t count = subjects.size();

  // The floor is so short that reading the clock would distort it, so it is repeated.
  constexpr int kFloors = 4;
  std::vector<Least> sessions(count), floors(count);
  for (auto _ : state) {
    for (std::size_t i = 0; i < count; ++i) {
      sessions[i].Time([&] { RunOnce(subjects[i]); });
      floors[i].Time([&] {
        for (int floor = 0; floor < kFloors; ++floor) Repeat(subjects[i].floor);
      });
    }
  }
  double session_ns = 0, floor_ns = 0, messages = 0;
  for (std::size_t i = 0; i < count; ++i) {
    session_ns += sessions[i].ns();
    floor_ns += floors[i].ns() / kFloors;
    messages += static_cast<double>(subjects[i].floor.messages);
  }
  const double cells = static_cast<double>(count);
  state.counters["over_crypto"] = session_ns / floor_ns;
  state.counters["session_ns"] = session_ns / cells;
  state.counters["messages"] = messages / cells;
  state.counters["floor_ns"] = floor_ns / cells;
}

// NAT pairs for every outcome of a session: direct between server-reflexive candidates, direct with a peer-reflexive
// candidate, relayed, failed.
const NatPairs kEveryWay = {{"port-restricted-cone", "port-restricted-cone"},
                            {"full-cone", "symmetric"},
                            {"linux-masquerade", "linux-masquerade"},
                            {"linux-masquerade", "symmetric"},
                            {"apdm-apdf-session", "eim-adf"},
                            {"symmetric", "symmetric"}};

void BM_SessionOverCrypto(benchmark::State& state) { Measure(state, kEveryWay); }
BENCHMARK(BM_SessionOverCrypto)->Unit(benchmark::kMillisecond)->MinTime(2);

// Runs a UDP cell and a TCP cell in turn. The counters also give the number of messages with MESSAGE-INTEGRITY, which
// differs because over TCP only pairs that connect are checked, and no check is sent again.
void BM_TcpSessionOverUdp(benchmark::State& state) {
  struct Side {
    explicit Side(const Matrix& matrix)
        : scenario(Load(matrix)), subjects(Subjects(matrix, scenario, kEveryWay)), least(subjects.size()) {}
    double ns() const {
      double sum = 0;
      for (const Least& cell : least) sum += cell.ns();
      return sum / static_cast<double>(least.size());
    }
    double messages() const {
      double sum = 0;
      for (const Subject& subject : subjects) sum += static_cast<double>(subject.floor.messages);
      return sum / static_cast<double>(subjects.size());
    }
    Scenario scenario;
    std::vector<Subject> subjects;
    std::vector<Least> least;
  };
  Side udp(kUdp), tcp(kTcp);
  if (udp.subjects.size() != tcp.subjects.size()) Die("the two matrices have other cells");
  for (auto _ : state) {
    for (std::size_t i = 0; i < udp.subjects.size(); ++i) {
      udp.least[i].Time([&] { RunOnce(udp.subjects[i]); });
      tcp.least[i].Time([&] { RunOnce(tcp.subjects[i]); });
    }
  }
  state.counters["over_udp"] = tcp.ns() / udp.ns();
  state.counters["tcp_ns"] = tcp.ns();
  state.counters["udp_ns"] = udp.ns();
  state.counters["tcp_messages"] = tcp.messages();
  state.counters["udp_messages"] = udp.messages();
}
BENCHMARK(BM_TcpSessionOverUdp)->Unit(benchmark::kMillisecond)->MinTime(2);

void BM_DirectSession(benchmark::State& state) { Measure(state, {{"port-restricted-cone", "port-restricted-cone"}}); }
BENCHMARK(BM_DirectSession)->Unit(benchmark::kMicrosecond);

void BM_RelayedOrFailedSession(benchmark::State& state) { Measure(state, {{"symmetric", "symmetric"}}); }
BENCHMARK(BM_RelayedOrFailedSession)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace pinhole::scenarios
