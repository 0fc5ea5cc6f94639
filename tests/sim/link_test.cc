// The behavior of one direction of a link, compared with closed forms that were computed by hand, packet by packet.
#include "sim/link.h"

#include <gtest/gtest.h>

#include "tests/sim/two_node_world.h"

namespace pinhole::sim {
namespace {

using namespace std::chrono_literals;
using net::PacketClass;

TEST(Link, DelayIsAddedOnce) {
  TwoHosts two({.delay = 20ms}, {.delay = 30ms});
  two.alice.Send(two.bob_at, "ping");
  two.world.RunUntil(Time(1s));
  ASSERT_EQ(two.bob.heard.size(), 1u);
  EXPECT_EQ(two.bob.heard[0].at, Time(20ms));
  EXPECT_EQ(two.bob.heard[0].payload, "ping");
  EXPECT_EQ(two.bob.heard[0].from, two.alice_at);
  EXPECT_EQ(two.bob.heard[0].to, two.bob_at);
}

TEST(Link, EachDirectionHasItsOwnProfile) {
  TwoHosts two({.delay = 20ms}, {.delay = 30ms});
  two.bob.on_datagram = [&](const net::Datagram& datagram) { two.bob.Send(datagram.from, "pong"); };
  two.alice.Send(two.bob_at, "ping");
  two.world.RunUntil(Time(1s));
  ASSERT_EQ(two.alice.heard.size(), 1u);
  EXPECT_EQ(two.alice.heard[0].at, Time(50ms));
}

// 100 bytes of payload are 128 bytes on the wire, 1024 bits. At 1 Mbit/s each packet takes exactly 1,024,000 ns, one
// after the other.
TEST(Link, RateSpacesPacketsByTheirSize) {
  TwoHosts two({.delay = 10ms, .rate_bps = 1'000'000});
  for (int i = 0; i < 5; ++i) two.alice.Send(two.bob_at, std::string(100, 'x'));
  two.world.RunUntil(Time(1s));
  ASSERT_EQ(two.bob.heard.size(), 5u);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(two.bob.heard[i].at, Time(10ms + (i + 1) * 1'024'000ns));
}

TEST(Link, TransmissionTimeIsRoundedUp) {
  LinkDirection line({.rate_bps = 3'000'000'000}, 1, "a.eth0", "b.eth0");
  EXPECT_EQ(line.TransmissionTime(1), 3ns);  // 8/3 ns
  EXPECT_EQ(line.TransmissionTime(3), 8ns);
}

// A queue of 1000 bytes and packets of 128 bytes. The first packet, which is being sent, and six more use 896 bytes; an
// eighth would need 1024.
TEST(Link, QueueDropsTheTailByBytes) {
  TwoHosts two({.rate_bps = 1'000'000, .queue_bytes = 1000});
  std::vector<net::SendStatus> statuses;
  for (int i = 0; i < 9; ++i) statuses.push_back(two.alice.Send(two.bob_at, std::string(100, 'x')));
  EXPECT_EQ(statuses[6], net::SendStatus::kSent);
  EXPECT_EQ(statuses[7], net::SendStatus::kWouldBlock);
  two.world.RunUntil(Time(1s));
  EXPECT_EQ(two.bob.heard.size(), 7u);
  ASSERT_EQ(two.world.drops().count(Rule::kQueueFull), 2u);
  EXPECT_EQ(two.world.drops().at(0).state.number, 896);
  EXPECT_EQ(two.world.drops().at(0).state.limit, 1000);
}

TEST(Link, QueueHasRoomAgainAsItDrains) {
  LinkDirection line({.rate_bps = 8'000'000, .queue_bytes = 250}, 1, "a.eth0", "b.eth0");  // a byte each microsecond
  EXPECT_EQ(line.Send(Time(0us), 100, PacketClass::kData).rule, Rule::kNone);
  EXPECT_EQ(line.Send(Time(0us), 100, PacketClass::kData).rule, Rule::kNone);
  EXPECT_EQ(line.Send(Time(49us), 100, PacketClass::kData).rule, Rule::kQueueFull);  // 151 bytes left
  EXPECT_EQ(line.QueuedBytes(Time(50us)), 150u);
  const Transit third = line.Send(Time(50us), 100, PacketClass::kData);
  EXPECT_EQ(third.rule, Rule::kNone);
  EXPECT_EQ(third.arrival, Time(300us));
}

// 100 s of waiting at 1 kbit/s are 12.5 TB at 1 Tbit/s: 1e23 nanoseconds times bits, more than 64 bits hold.
TEST(Link, AQueueLeftByASlowerProfileStaysFull) {
  LinkDirection line({.rate_bps = 1'000, .queue_bytes = 20'000}, 1, "a.eth0", "b.eth0");
  for (int i = 0; i < 10; ++i) line.Send(Time(0s), 1250, PacketClass::kData);
  line.set_profile({.rate_bps = 1'000'000'000'000, .queue_bytes = 20'000});
  EXPECT_EQ(line.Send(Time(0s), 1250, PacketClass::kData).rule, Rule::kQueueFull);
  EXPECT_EQ(line.Send(Time(100s), 1250, PacketClass::kData).rule, Rule::kNone);
}

// A packet that is lost on the way was sent, so the next packet waits for it.
TEST(Link, ALostPacketTakesItsTimeOnTheLine) {
  LinkDirection line({.rate_bps = 8'000'000, .faults = {{.packet_class = std::nullopt, .nth = 1}}}, 1, "a.eth0",
                     "b.eth0");
  EXPECT_EQ(line.Send(Time(0us), 100, PacketClass::kData).rule, Rule::kFault);
  EXPECT_EQ(line.Send(Time(0us), 100, PacketClass::kData).arrival, Time(200us));
  LinkDirection lossy({.loss_ppm = 1'000'000, .rate_bps = 8'000'000}, 1, "a.eth0", "b.eth0");
  EXPECT_EQ(lossy.Send(Time(0us), 100, PacketClass::kData).rule, Rule::kLinkLoss);
  EXPECT_EQ(lossy.QueuedBytes(Time(0us)), 100u);
}

TEST(Link, AShorterDelayLetsNothingOvertake) {
  LinkDirection line({.delay = 20ms}, 1, "a.eth0", "b.eth0");
  EXPECT_EQ(line.Send(Time(0ms), 100, PacketClass::kData).arrival, Time(20ms));
  line.set_profile({.delay = 1ms});
  EXPECT_EQ(line.Send(Time(1ms), 100, PacketClass::kData).arrival, Time(20ms));
  EXPECT_EQ(line.Send(Time(30ms), 100, PacketClass::kData).arrival, Time(31ms));
}

TEST(Link, ANewProfileBringsItsOwnOutages) {
  LinkDirection line({.outages = {{Time(10ms), Time(20ms)}}}, 1, "a.eth0", "b.eth0");
  EXPECT_EQ(line.Send(Time(25ms), 100, PacketClass::kData).rule, Rule::kNone);
  line.set_profile({.outages = {{Time(30ms), Time(40ms)}}});
  EXPECT_EQ(line.Send(Time(35ms), 100, PacketClass::kData).rule, Rule::kLinkDown);
}

TEST(Link, OutageLosesWhatIsSentWhileItLasts) {
  LinkDirection line({.delay = 5ms, .outages = {{Time(10ms), Time(20ms)}, {Time(30ms), Time(31ms)}}}, 1, "a.eth0",
                     "b.eth0");
  EXPECT_EQ(line.Send(Time(10ms - 1ns), 100, PacketClass::kData).arrival, Time(15ms - 1ns));  // on its way: arrives
  EXPECT_EQ(line.Send(Time(10ms), 100, PacketClass::kData).rule, Rule::kLinkDown);
  EXPECT_EQ(line.Send(Time(20ms - 1ns), 100, PacketClass::kData).rule, Rule::kLinkDown);
  EXPECT_EQ(line.Send(Time(20ms), 100, PacketClass::kData).rule, Rule::kNone);
  EXPECT_EQ(line.Send(Time(30ms), 100, PacketClass::kData).rule, Rule::kLinkDown);
  EXPECT_EQ(line.Send(Time(31ms), 100, PacketClass::kData).rule, Rule::kNone);
}

TEST(Link, FaultLosesTheNthPacketOfAClassOnly) {
  LinkDirection line({.faults = {{.packet_class = PacketClass::kCheck, .nth = 2}}}, 1, "a.eth0", "b.eth0");
  EXPECT_EQ(line.Send(Time(1ms), 100, PacketClass::kCheck).rule, Rule::kNone);
  EXPECT_EQ(line.Send(Time(2ms), 100, PacketClass::kData).rule, Rule::kNone);
  EXPECT_EQ(line.faults_fired(), 0);
  EXPECT_EQ(line.Send(Time(3ms), 100, PacketClass::kCheck).rule, Rule::kFault);
  EXPECT_EQ(line.faults_fired(), 1);
  EXPECT_EQ(line.Send(Time(4ms), 100, PacketClass::kCheck).rule, Rule::kNone);  // the third
  EXPECT_EQ(line.Send(Time(5ms), 100, PacketClass::kCheck).rule, Rule::kNone);  // the fourth
}

TEST(Link, FaultWithoutAClassCountsAllPackets) {
  LinkDirection line({.faults = {{.packet_class = std::nullopt, .nth = 2}}}, 1, "a.eth0", "b.eth0");
  EXPECT_EQ(line.Send(Time(1ms), 100, PacketClass::kCheck).rule, Rule::kNone);
  EXPECT_EQ(line.Send(Time(2ms), 100, PacketClass::kData).rule, Rule::kFault);
}

int Lost(const LinkProfile& profile, std::uint64_t seed, int packets) {
  LinkDirection line(profile, seed, "a.eth0", "b.eth0");
  int lost = 0;
  for (int i = 0; i < packets; ++i) {
    lost += line.Send(Time(i * 1us), 100, PacketClass::kData).rule == Rule::kLinkLoss;
  }
  return lost;
}

// 100,000 independent packets at 30 %: the mean is 30,000 and the standard deviation sqrt(n p q) = 145; five of
// them on either side hold for all but one seed in two million.
TEST(Link, LossSharesAreBinomial) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const int lost = Lost({.loss_ppm = 300'000}, seed, 100'000);
    EXPECT_GT(lost, 30'000 - 5 * 145);
    EXPECT_LT(lost, 30'000 + 5 * 145);
  }
}

TEST(Link, LossOfAllAndNoneAreExact) {
  EXPECT_EQ(Lost({.loss_ppm = 1'000'000}, 1, 1000), 1000);
  EXPECT_EQ(Lost({.loss_ppm = 0}, 1, 1000), 0);
}

// The chain is in its bad state for g/(g+b) = 1/(1+4) of the time, so 20 % are lost; losses come in bursts whose
// mean length is 1/b = 2.5. A run of bursts of geometric length has 100,000 * 0.2 * 0.4 = 8,000 of them.
TEST(Link, BurstLossFollowsGilbertAndElliott) {
  LinkDirection line({.burst_loss = BurstLoss{.good_to_bad_ppm = 100'000, .bad_to_good_ppm = 400'000}}, 7, "a.eth0",
                     "b.eth0");
  int lost = 0;
  int bursts = 0;
  bool before = false;
  for (int i = 0; i < 100'000; ++i) {
    const bool now = line.Send(Time(i * 1us), 100, PacketClass::kData).rule == Rule::kLinkLoss;
    lost += now;
    bursts += now && !before;
    before = now;
  }
  // Correlated: the variance of the share is (1+r)/(1-r) = 3 times the binomial's, with r = 1-g-b = 0.5.
  EXPECT_NEAR(lost, 20'000, 5 * 219);
  EXPECT_NEAR(static_cast<double>(lost) / bursts, 2.5, 0.15);
}

// Bad after the first step and for ever: the first packet is already lost.
TEST(Link, BurstLossTakesItsStepBeforeThePacket) {
  LinkDirection line({.burst_loss = BurstLoss{.good_to_bad_ppm = 1'000'000}}, 1, "a.eth0", "b.eth0");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(line.Send(Time(0ms), 100, PacketClass::kData).rule, Rule::kLinkLoss);
}

TEST(Link, TheGoodStateLosesItsOwnShare) {
  EXPECT_EQ(Lost({.burst_loss = BurstLoss{.loss_good_ppm = 1'000'000, .loss_bad_ppm = 0}}, 1, 1000), 1000);
}

// Bursts lose every other packet. These losses must not shift the random draws of independent loss for the other
// packets.
TEST(Link, BurstsDoNotShiftTheDrawsOfIndependentLoss) {
  const auto lost = [](std::uint32_t loss_bad_ppm) {
    const BurstLoss bursts = {.good_to_bad_ppm = 1'000'000, .bad_to_good_ppm = 1'000'000, .loss_bad_ppm = loss_bad_ppm};
    LinkDirection line({.loss_ppm = 300'000, .burst_loss = bursts}, 1, "a.eth0", "b.eth0");
    std::vector<bool> every_other;
    for (int i = 0; i < 200; ++i) {
      const bool is_lost = line.Send(Time(i * 1us), 100, PacketClass::kData).rule == Rule::kLinkLoss;
      if (i % 2 == 1) every_other.push_back(is_lost);  // sent in the good state
    }
    return every_other;
  };
  EXPECT_EQ(lost(0), lost(1'000'000));
}

TEST(Link, ADuplicateHasAJitterOfItsOwn) {
  LinkDirection line({.jitter = 5ms, .duplicate_ppm = 1'000'000}, 1, "a.eth0", "b.eth0");
  int later = 0;
  for (int i = 0; i < 100; ++i) {
    const Transit transit = line.Send(Time(i * 1s), 100, PacketClass::kData);
    ASSERT_GE(*transit.duplicate_arrival, transit.arrival);
    later += *transit.duplicate_arrival > transit.arrival;
  }
  // Later if its draw is the larger: half of the time, deviation 5.
  EXPECT_NEAR(later, 50, 25);
}

TEST(Link, DuplicateFollowsTheFirstCopyWithItsOwnId) {
  TwoHosts two({.delay = 20ms, .duplicate_ppm = 1'000'000});
  two.alice.Send(two.bob_at, "twice");
  two.world.RunUntil(Time(1s));
  ASSERT_EQ(two.bob.heard.size(), 2u);
  EXPECT_EQ(two.bob.heard[0].at, Time(20ms));
  EXPECT_EQ(two.bob.heard[1].at, Time(20ms));
  EXPECT_EQ(two.bob.heard[1].payload, "twice");
  const PacketId second{static_cast<std::uint32_t>(two.bob.heard[1].tag.value)};
  EXPECT_EQ(two.world.lineage().at(second).relation, Relation::kDuplicated);
  EXPECT_EQ(static_cast<std::uint64_t>(two.world.lineage().at(second).parent), two.bob.heard[0].tag.value);
  EXPECT_EQ(two.world.payloads().slots_in_use(), 0u);
}

TEST(Link, JitterIsUniformWithinItsBoundAndKeepsOrder) {
  LinkDirection line({.delay = 10ms, .jitter = 4ms}, 3, "a.eth0", "b.eth0");
  net::Instant last{};
  std::int64_t sum = 0;
  constexpr int kPackets = 10'000;
  for (int i = 0; i < kPackets; ++i) {
    const net::Instant sent = Time(i * 100ms);  // so far apart that order costs nothing
    const net::Instant arrival = line.Send(sent, 100, PacketClass::kData).arrival;
    ASSERT_GE(arrival, sent + 10ms);
    ASSERT_LE(arrival, sent + 14ms);
    sum += (arrival - sent).count();
  }
  // Mean 12 ms; the deviation of one is 4/sqrt(12) ms, of the mean a hundredth of that.
  EXPECT_NEAR(static_cast<double>(sum) / kPackets, 12e6, 5 * 4e6 / 3.4641 / 100);
  for (int i = 0; i < 1000; ++i) {
    const net::Instant arrival = line.Send(Time(2000s + i * 1us), 100, PacketClass::kData).arrival;
    ASSERT_GE(arrival, last);
    last = arrival;
  }
}

TEST(Link, ReorderedPacketIsOvertaken) {
  LinkDirection always({.delay = 10ms, .reorder_ppm = 1'000'000, .reorder_delay = 5ms}, 1, "a.eth0", "b.eth0");
  EXPECT_EQ(always.Send(Time(0ms), 100, PacketClass::kData).arrival, Time(15ms));
  LinkDirection some({.delay = 10ms, .reorder_ppm = 100'000, .reorder_delay = 5ms}, 1, "a.eth0", "b.eth0");
  int late = 0;
  for (int i = 0; i < 10'000; ++i) {
    const net::Instant sent = Time(i * 1ms);
    const net::Instant arrival = some.Send(sent, 100, PacketClass::kData).arrival;
    if (arrival == sent + 15ms) {
      ++late;
    } else {
      ASSERT_EQ(arrival, sent + 10ms);  // it does not wait for the late one
    }
  }
  EXPECT_NEAR(late, 1000, 5 * 30);
}

// Two links of one world draw from streams of their own, and an ideal one from none: so giving one link loss
// changes nothing on the other.
TEST(Link, OneLinksDrawsDoNotShiftAnothers) {
  const auto arrivals = [](std::uint32_t other_loss_ppm) {
    TwoHosts two({.delay = 10ms, .jitter = 5ms}, {.delay = 10ms, .loss_ppm = other_loss_ppm});
    two.bob.on_datagram = [&](const net::Datagram& datagram) { two.bob.Send(datagram.from, "pong"); };
    for (int i = 0; i < 20; ++i) {
      two.alice.Send(two.bob_at, "ping");
      two.world.RunUntil(Time((i + 1) * 100ms));
    }
    std::vector<net::Instant> times;
    for (const Recorder::Heard& heard : two.bob.heard) times.push_back(heard.at);
    return times;
  };
  EXPECT_EQ(arrivals(0), arrivals(500'000));
}

TEST(LinkProfile, MistakesAreRefused) {
  EXPECT_TRUE(Validate(LinkProfile{}).ok());
  EXPECT_FALSE(Validate({.delay = -1ns}).ok());
  EXPECT_FALSE(Validate({.loss_ppm = 1'000'001}).ok());
  EXPECT_FALSE(Validate({.burst_loss = BurstLoss{.good_to_bad_ppm = 2'000'000}}).ok());
  EXPECT_FALSE(Validate({.mtu_bytes = 67}).ok());
  EXPECT_FALSE(Validate({.outages = {{Time(2ms), Time(2ms)}}}).ok());
  EXPECT_FALSE(Validate({.outages = {{Time(1ms), Time(3ms)}, {Time(2ms), Time(4ms)}}}).ok());
  EXPECT_FALSE(Validate({.faults = {{.packet_class = std::nullopt, .nth = 0}}}).ok());
}

}  // namespace
}  // namespace pinhole::sim
