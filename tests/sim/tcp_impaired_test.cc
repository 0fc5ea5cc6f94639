// TCP over links that lose, delay, reorder, duplicate and interrupt: streams arrive whole, and nothing is left over.
#include "tests/sim/tcp_impaired.h"

#include "tests/sim/tcp_world.h"

namespace pinhole::sim {
namespace {

using namespace std::chrono_literals;

struct Impairment {
  const char* name;
  LinkProfile profile;
};

TEST(TcpImpaired, EachImpairmentOfALinkLeavesTheStreamsWhole) {
  constexpr net::Duration kDelay = 20ms;
  const Impairment impairments[] = {
      {"none", {.delay = kDelay}},
      {"loss", {.delay = kDelay, .loss_ppm = 50'000}},
      {"bursts", {.delay = kDelay, .burst_loss = BurstLoss{.good_to_bad_ppm = 10'000, .bad_to_good_ppm = 200'000}}},
      {"jitter", {.delay = kDelay, .jitter = 30ms}},
      {"reordering", {.delay = kDelay, .reorder_ppm = 100'000, .reorder_delay = 15ms}},
      {"duplicates", {.delay = kDelay, .duplicate_ppm = 200'000}},
      {"a slow line with a short queue", {.delay = kDelay, .rate_bps = 2'000'000, .queue_bytes = 20'000}},
      {"an outage", {.delay = kDelay, .rate_bps = 5'000'000, .outages = {{Time(200ms), Time(5s)}}}},
      {"an outage at the start", {.delay = kDelay, .outages = {{Time({}), Time(2s)}}}},
  };
  for (const Impairment& impairment : impairments) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      EXPECT_EQ(TransferFault(impairment.profile, impairment.profile, 200'000, seed), "")
          << impairment.name << ", seed " << seed;
    }
  }
}

TEST(TcpImpaired, AllImpairmentsAtOnceLeaveTheStreamsWhole) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    EXPECT_EQ(TransferFault(DrawImpairments(seed, "there"), DrawImpairments(seed, "back"), 100'000, seed), "")
        << "seed " << seed;
  }
}

TEST(TcpImpaired, NatsOfEachRungOnTheWayLeaveTheStreamsWhole) {
  for (int rung = 0; rung <= static_cast<int>(TcpDepth::kRewritesIsn); ++rung) {
    const TcpDepth depth = static_cast<TcpDepth>(rung);
    for (std::uint64_t seed = 101; seed <= 108; ++seed) {
      EXPECT_EQ(TransferFault(DrawImpairments(seed, "there"), DrawImpairments(seed, "back"), 100'000, seed,
                              {.alice = depth, .bob = depth}),
                "")
          << ToString(depth) << ", seed " << seed;
    }
  }
}

// If nothing can arrive any more, both ends learn the reason.
TEST(TcpImpaired, ALinkThatDiesIsToldToBothEnds) {
  LinkProfile dies = {.delay = 20ms, .rate_bps = 1'000'000};
  dies.outages = {{Time(1s), Time(24h)}};
  TcpWorld two({}, {}, dies);
  const TcpWorld::Pair pair = two.ConnectPair({.keepalive = 1min});
  two.alice.Write(pair.alice, net::Noise(1'000'000, 1));  // Bob only listens
  two.world.RunUntil(Time(2h));
  EXPECT_EQ(two.alice.at(pair.alice).why.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(two.bob.at(pair.bob).why.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(two.alice_node.tcp_sockets()->size(), 0u);
  EXPECT_EQ(two.bob_node.tcp_sockets()->size(), 0u);
  EXPECT_EQ(two.alice_node.NextTimer(), net::kNever);
  EXPECT_EQ(two.bob_node.NextTimer(), net::kNever);
}

}  // namespace
}  // namespace pinhole::sim
