#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <map>
#include <set>

#include "tests/sim/nat_bench.h"
#include "tests/sim/nat_reachability_rules.h"

// Every combination of mapping and filtering against every other. Both sides retry and follow the sources that they
// see, and either side sends first. Here are only two translators; nat_world_reachability_test.cc has the whole
// internet.
namespace pinhole::sim {
namespace {

using namespace std::chrono_literals;

constexpr net::Duration kOneWay = 20ms;
constexpr net::Duration kRetry = 50ms;
constexpr int kRounds = 40;
constexpr int kLearnedMax = 8;  // as an ICE agent chases peer-reflexive ports

// Two hosts, each behind a NAT. A packet between the NATs takes kOneWay.
class Punch {
 public:
  Punch(UdpBehavior a, UdpBehavior b) : sides_{Side(a, Ip("198.51.100.1"), 1), Side(b, Ip("203.0.113.1"), 2)} {
    for (int i = 0; i < 2; ++i) {
      sides_[1 - i].targets.push_back(sides_[i].nat.SendOut(kHost, kServer));
    }
  }

  // Whether both sides get an answer from an address to which they sent, if they start at these times.
  bool Connects(net::Duration a_starts, net::Duration b_starts) {
    for (int round = 0; round < kRounds; ++round) {
      for (int i = 0; i < 2; ++i) {
        const net::Duration at = (i == 0 ? a_starts : b_starts) + round * kRetry;
        Schedule(1s + at, [this, i] { SendRound(i); });
      }
    }
    while (!events_.empty() && !(sides_[0].connected && sides_[1].connected)) {
      auto first = events_.begin();
      now_ = first->first.first;
      const std::function<void()> run = std::move(first->second);
      events_.erase(first);
      run();
    }
    return sides_[0].connected && sides_[1].connected;
  }

 private:
  static inline const net::SocketAddress kHost = Addr("10.0.1.10:5000");

  struct Side {
    Side(UdpBehavior udp, net::IpAddress external, std::uint64_t seed) : nat(NatProfile{.udp = udp}, {external}) {
      nat.random = ScriptedRandom(seed);
    }
    NatBench nat;
    std::vector<net::SocketAddress> targets;  // the signalled endpoint, then those that were learned
    bool connected = false;
  };

  void Schedule(net::Duration at, std::function<void()> what) {
    events_.emplace(std::pair(at, next_event_++), std::move(what));
  }
  void SendRound(int i) {
    for (const net::SocketAddress& target : std::vector(sides_[i].targets)) Send(i, target, std::nullopt);
  }
  // `answers`: the destination of the packet that this packet answers.
  void Send(int i, net::SocketAddress target, std::optional<net::SocketAddress> answers) {
    NatBench& nat = sides_[i].nat;
    nat.now = At(now_);
    const std::optional<net::SocketAddress> seen_as = nat.TrySendOut(kHost, target);
    ASSERT_TRUE(seen_as);
    Schedule(now_ + kOneWay, [this, i, source = *seen_as, target, answers] { Arrive(1 - i, source, target, answers); });
  }
  void Arrive(int i, net::SocketAddress source, net::SocketAddress target, std::optional<net::SocketAddress> answers) {
    Side& side = sides_[i];
    side.nat.now = At(now_);
    if (!side.nat.GetsIn(source, target)) return;
    if (answers) {
      side.connected = side.connected || *answers == source;  // symmetric, as RFC 8445 §7.2.5.2.1 demands
      return;
    }
    bool known = false;
    for (const net::SocketAddress& address : side.targets) known = known || address == source;
    if (!known && side.targets.size() < 1 + kLearnedMax) side.targets.push_back(source);
    Send(i, source, target);
  }

  Side sides_[2];
  net::Duration now_{};
  std::map<std::pair<net::Duration, int>, std::function<void()>> events_;
  int next_event_ = 0;
};

// The times at which A and B start.
constexpr std::pair<net::Duration, net::Duration> kOrders[] = {
    {0ms, 0ms},           {0ms, 500ms},       {500ms, 0ms},         {0ms, kOneWay},       {kOneWay, 0ms},
    {0ms, kOneWay / 2},   {kOneWay / 2, 0ms}, {0ms, kOneWay - 1ns}, {kOneWay - 1ns, 0ms}, {0ms, kOneWay + 1ns},
    {kOneWay + 1ns, 0ms}, {0ms, 2 * kOneWay}, {2 * kOneWay, 0ms},   {0ms, 3 * kOneWay},   {3 * kOneWay, 0ms}};

// Runs all 81 ordered pairs with packets, in every order of starting, and compares them with the rule. Returns how many
// connect.
int Matrix(const Reading& reading, PortAllocation ports) {
  int connected = 0;
  for (int cell = 0; cell < 81; ++cell) {
    const NatBehavior a = BehaviorA(cell), b = BehaviorB(cell);
    bool direct = false;
    for (const auto& [a_starts, b_starts] : kOrders) {
      direct = Punch(reading.Udp(a, ports), reading.Udp(b, ports)).Connects(a_starts, b_starts);
      EXPECT_EQ(direct, reading.connects(a, b))
          << ToString(a.mapping) << "/" << ToString(a.filtering) << " - " << ToString(b.mapping) << "/"
          << ToString(b.filtering) << ", A starts at " << a_starts.count() << " ns, B at " << b_starts.count() << " ns";
    }
    connected += direct ? 1 : 0;
  }
  return connected;
}

TEST(UdpReachability, EndpointMemoryWithoutSessionsConnects45Of81InEverySendOrder) {
  EXPECT_EQ(Matrix(kEndpointReading, PortAllocation::kPreserve), 45);
}
TEST(UdpReachability, EndpointMemoryWithRandomPortsConnectsTheSame45) {
  EXPECT_EQ(Matrix(kEndpointReading, PortAllocation::kRandom), 45);
}
TEST(UdpReachability, MappingMemoryWithInboundSessionsConnects57Of81InEverySendOrder) {
  EXPECT_EQ(Matrix(kSessionReading, PortAllocation::kPreserve), 57);
}
TEST(UdpReachability, MappingMemoryWithRandomPortsConnectsTheSame57) {
  EXPECT_EQ(Matrix(kSessionReading, PortAllocation::kRandom), 57);
}

}  // namespace
}  // namespace pinhole::sim
