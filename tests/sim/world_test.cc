// The records of a world about its run: digests, counters, drops, lineage, traces.
#include "sim/world.h"

#include <gtest/gtest.h>

#include <set>

#include "sim/host/host_node.h"
#include "tests/sim/two_node_world.h"

namespace pinhole::sim {
namespace {

using namespace std::chrono_literals;
using net::PacketClass;

struct Digests {
  std::uint64_t wire;
  std::uint64_t full;
  friend bool operator==(const Digests&, const Digests&) = default;
};

// A run with everything that a digest must cover: ICMP of both families, loss, jitter, duplicates, a queue.
Digests RunOnce(std::uint64_t seed, net::Duration send_at = 100ms, absl::string_view payload = "payload") {
  TwoHosts two({.delay = 10ms, .jitter = 3ms, .loss_ppm = 100'000, .duplicate_ppm = 100'000},
               {.delay = 12ms, .rate_bps = 1'000'000}, seed);
  two.bob.on_datagram = [&](const net::Datagram& datagram) { two.bob.Send(datagram.from, "answer"); };
  for (int i = 0; i < 50; ++i) {
    two.alice.Send(i % 10 == 9 ? At("192.0.2.2:9") : two.bob_at, "before");
    two.world.RunUntil(two.world.now() + 1ms);
  }
  two.world.RunUntil(Time(send_at));
  two.alice.Send(two.bob_at, payload);
  two.world.RunUntil(Time(1s));
  return {two.world.wire_digest(), two.world.full_digest()};
}

TEST(Digest, SameRunSameDigests) {
  EXPECT_EQ(RunOnce(1), RunOnce(1));
  EXPECT_NE(RunOnce(1), RunOnce(2));
}

// The exact numbers: every compiler, optimization level and sanitizer must give the same.
TEST(Digest, IsTheSameInEveryBuild) {
  const Digests digests = RunOnce(1);
  EXPECT_EQ(digests.wire, 5847597895647247693u);
  EXPECT_EQ(digests.full, 620682392548532743u);
}

TEST(Digest, MovingOnePacketByOneNanosecondChangesBoth) {
  const Digests still = RunOnce(1, 100ms);
  const Digests moved = RunOnce(1, 100ms + 1ns);
  EXPECT_NE(still.wire, moved.wire);
  EXPECT_NE(still.full, moved.full);
}

TEST(Digest, OneByteOfPayloadChangesBoth) {
  const Digests still = RunOnce(1);
  const Digests changed = RunOnce(1, 100ms, "qayload");
  EXPECT_NE(still.wire, changed.wire);
  EXPECT_NE(still.full, changed.full);
}

TEST(Digest, StateChangesShowInFullOnly) {
  const auto run = [](bool opens) {
    TwoHosts two;
    if (opens) {
      EXPECT_TRUE(two.alice.host().OpenUdp(At("192.0.2.1:6000")).ok());
    }
    two.alice.Send(two.bob_at, "x");
    two.world.RunUntil(Time(1s));
    return Digests{two.world.wire_digest(), two.world.full_digest()};
  };
  EXPECT_EQ(run(false).wire, run(true).wire);
  EXPECT_NE(run(false).full, run(true).full);
}

// Changes each field that is on the wire, one at a time.
TEST(Digest, EveryHeaderFieldCounts) {
  Packet base;
  base.protocol = IpProtocol::kIcmp;
  base.icmp = {3, 3, 0};
  base.source = At("192.0.2.1:0");
  base.destination = At("192.0.2.2:0");
  base.quoted.source = At("192.0.2.2:5000");
  base.quoted.destination = At("192.0.2.1:9");
  const auto digest = [](const Packet& packet, std::uint64_t payload_hash = 7, std::uint32_t place = 1) {
    Digest value;
    value.AddPacket(Time(1ms), place, packet, payload_hash);
    return value.wire();
  };
  const std::uint64_t before = digest(base);
  const auto changes = [&](auto change) {
    Packet packet = base;
    change(packet);
    return digest(packet) != before;
  };
  EXPECT_TRUE(changes([](Packet& p) { p.ttl = 63; }));
  EXPECT_TRUE(changes([](Packet& p) { p.dscp_ecn = 1; }));
  EXPECT_TRUE(changes([](Packet& p) { p.ip_id = 1; }));
  EXPECT_TRUE(changes([](Packet& p) { p.dont_fragment = true; }));
  EXPECT_TRUE(changes([](Packet& p) { p.protocol = IpProtocol::kUdp; }));
  EXPECT_TRUE(changes([](Packet& p) { p.source = At("192.0.2.1:1"); }));
  EXPECT_TRUE(changes([](Packet& p) { p.destination = At("192.0.2.3:0"); }));
  EXPECT_TRUE(changes([](Packet& p) { p.payload.size_bytes = 1; }));
  EXPECT_TRUE(changes([](Packet& p) { p.icmp.code = 1; }));
  EXPECT_TRUE(changes([](Packet& p) { p.icmp.rest = 1; }));
  EXPECT_TRUE(changes([](Packet& p) { p.quoted.source = At("192.0.2.2:5001"); }));
  EXPECT_TRUE(changes([](Packet& p) { p.quoted.ttl = 9; }));
  EXPECT_NE(digest(base, 8), before);
  EXPECT_NE(digest(base, 7, 2), before);
  // Fields that are not on the wire do not change the digest.
  EXPECT_FALSE(changes([](Packet& p) { p.id = PacketId{9}; }));
  EXPECT_FALSE(changes([](Packet& p) { p.packet_class = PacketClass::kData; }));
}

TEST(Digest, EveryTcpHeaderFieldCounts) {
  const auto digest = [](auto change) {
    Packet packet;
    packet.protocol = IpProtocol::kTcp;
    packet.source = At("192.0.2.1:1");
    packet.destination = At("192.0.2.2:2");
    packet.tcp.sack_count = 1;
    change(packet.tcp);
    Digest value;
    value.AddPacket(Time(1ms), 1, packet, 7);
    return value.wire();
  };
  const std::uint64_t before = digest([](TcpHeader&) {});
  EXPECT_NE(digest([](TcpHeader& t) { t.sequence = 1; }), before);
  EXPECT_NE(digest([](TcpHeader& t) { t.acknowledgment = 1; }), before);
  EXPECT_NE(digest([](TcpHeader& t) { t.window = 1; }), before);
  EXPECT_NE(digest([](TcpHeader& t) { t.mss_bytes = 1; }), before);
  EXPECT_NE(digest([](TcpHeader& t) { t.flags = 1; }), before);
  EXPECT_NE(digest([](TcpHeader& t) { t.window_scale = 1; }), before);
  EXPECT_NE(digest([](TcpHeader& t) { t.sack_permitted = true; }), before);
  EXPECT_NE(digest([](TcpHeader& t) { t.sack_count = 2; }), before);
  EXPECT_NE(digest([](TcpHeader& t) { t.sack[0].left = 1; }), before);
  EXPECT_NE(digest([](TcpHeader& t) { t.sack[0].right = 1; }), before);
}

TEST(Counters, PacketsAndBytesByClassAndInterface) {
  TwoHosts two({.loss_ppm = 0}, {});
  two.alice.Send(two.bob_at, std::string(100, 'x'), {.packet_class = PacketClass::kCheck});
  two.alice.Send(two.bob_at, std::string(10, 'x'), {.packet_class = PacketClass::kData});
  two.alice.Send(two.bob_at, std::string(20, 'x'), {.packet_class = PacketClass::kData});
  two.world.RunUntil(Time(1s));
  const TrafficCounters sent = two.world.interface_counters(two.alice_node, 1);
  EXPECT_EQ(sent.sent[static_cast<int>(PacketClass::kCheck)], (Traffic{1, 128}));
  EXPECT_EQ(sent.sent[static_cast<int>(PacketClass::kData)], (Traffic{2, 28 * 2 + 30}));
  EXPECT_EQ(Sum(sent.received), Traffic{});
  const TrafficCounters received = two.world.node_counters(two.bob_node);
  EXPECT_EQ(received.received[static_cast<int>(PacketClass::kData)], (Traffic{2, 28 * 2 + 30}));
  EXPECT_EQ(two.world.interface_counters(two.alice_node, 0).sent, TrafficByClass{});
}

TEST(Counters, LostOnTheLinkCountsAsSentButLeftInTheQueueDoesNot) {
  TwoHosts lossy({.loss_ppm = 1'000'000});
  lossy.alice.Send(lossy.bob_at, "x");
  lossy.world.RunUntil(Time(1s));
  EXPECT_EQ(Sum(lossy.world.node_counters(lossy.alice_node).sent).packets, 1u);
  EXPECT_EQ(Sum(lossy.world.node_counters(lossy.bob_node).received).packets, 0u);

  TwoHosts full({.rate_bps = 1000, .queue_bytes = 10});
  full.alice.Send(full.bob_at, "x");
  full.alice.Send(full.bob_at, "x");
  EXPECT_EQ(Sum(full.world.node_counters(full.alice_node).sent).packets, 1u);
}

// 10 packets a second for 3 s, then 40 within half a second. The busiest second has these 40 and 4 or 5 of the slow
// packets.
TEST(Counters, PeakIsTheBusiestSecond) {
  PeakMeter meter;
  net::Instant now{};
  for (int i = 0; i < 30; ++i) {
    meter.Add(now, 100);
    now += 100ms;
  }
  EXPECT_EQ(meter.peak(), (Traffic{10, 1000}));
  for (int i = 0; i < 40; ++i) {
    meter.Add(now, 50);
    now += 12'500us;
  }
  EXPECT_GE(meter.peak().packets, 44u);
  EXPECT_LE(meter.peak().packets, 45u);
  // Long silence forgets the window, never the peak.
  const Traffic before = meter.peak();
  meter.Add(now + 1h, 1);
  EXPECT_EQ(meter.peak(), before);
}

TEST(Counters, NodePeakAddsUpItsInterfaces) {
  TwoHosts two;
  two.world.MeasurePeak(two.alice_node);
  for (int i = 0; i < 7; ++i) two.alice.Send(two.bob_at, "x");
  EXPECT_EQ(two.world.node_peak(two.alice_node).packets, 7u);
  EXPECT_EQ(two.world.interface_peak(two.alice_node, 1).bytes, 7u * 29u);
  EXPECT_EQ(two.world.node_peak(two.bob_node).packets, 0u);
}

TEST(DropLog, KeepsTheLatestAndCountsAll) {
  DropLog log(3);
  for (int i = 0; i < 5; ++i) {
    DropRecord record;
    record.rule = i == 0 ? Rule::kNoRoute : Rule::kLinkLoss;
    record.node = NodeId{i == 1 ? 7u : 2u};
    record.at = Time(i * 1ms);
    log.Add(record);
    EXPECT_EQ(log.cut(), i >= 3);
  }
  ASSERT_EQ(log.size(), 3u);
  EXPECT_EQ(log.at(0).at, Time(2ms));
  EXPECT_EQ(log.at(2).at, Time(4ms));
  EXPECT_EQ(log.total(), 5u);
  EXPECT_EQ(log.count(Rule::kNoRoute), 1u);
  const std::vector<DropLog::NodeCount> counts = {
      {NodeId{2}, Rule::kLinkLoss, 3}, {NodeId{2}, Rule::kNoRoute, 1}, {NodeId{7}, Rule::kLinkLoss, 1}};
  EXPECT_EQ(log.CountsByNode(), counts);
}

TEST(DropLog, EveryRuleHasANameOfItsOwn) {
  std::set<std::string> names;
  for (int i = 0; i < kRuleCount; ++i) EXPECT_TRUE(names.insert(ToString(static_cast<Rule>(i))).second);
}

TEST(DropLog, RecordSaysWhoWhereAndWhat) {
  TwoHosts two({.delay = 5ms, .loss_ppm = 1'000'000});
  two.alice.Send(two.bob_at, "x", {.packet_class = PacketClass::kCheck});
  ASSERT_EQ(two.world.drops().size(), 1u);
  const DropRecord& record = two.world.drops().at(0);
  EXPECT_EQ(record.rule, Rule::kLinkLoss);
  EXPECT_EQ(record.node, two.alice_node.id());
  EXPECT_EQ(record.packet_class, PacketClass::kCheck);
  EXPECT_EQ(record.emitted_source, two.alice_at);
  EXPECT_EQ(record.emitted_destination, two.bob_at);
  EXPECT_EQ(DescribeState(record), "the link's packet 1");
}

// bob relays. Each datagram that he sends names the received datagram as its cause.
TEST(Lineage, CauseLeadsFromAnAnswerToTheQuestion) {
  TwoHosts two;
  two.bob.on_datagram = [&](const net::Datagram& datagram) {
    two.bob.Send(datagram.from, "answer", {.cause = datagram.tag});
  };
  two.alice.Send(two.bob_at, "question", {.packet_class = PacketClass::kCheck});
  two.world.RunUntil(Time(1s));
  ASSERT_EQ(two.alice.heard.size(), 1u);
  const PacketId answer{static_cast<std::uint32_t>(two.alice.heard[0].tag.value)};
  const Lineage::Entry& entry = two.world.lineage().at(answer);
  EXPECT_EQ(entry.relation, Relation::kCausedBy);
  EXPECT_EQ(static_cast<std::uint64_t>(entry.parent), two.bob.heard[0].tag.value);
  EXPECT_EQ(two.world.lineage().Emitted(answer), answer);
}

TEST(Lineage, TagOfNoDatagramIsNoCause) {
  TwoHosts two;
  two.alice.Send(two.bob_at, "x", {.cause = net::PacketTag{123456789}});
  EXPECT_EQ(two.world.lineage().at(PacketId{1}).relation, Relation::kSent);
}

class Keeper final : public Tracer {
 public:
  void OnTrace(const TraceEvent& event, const Packet& packet) override {
    lines.push_back(std::string(ToString(event.kind)) + " " + std::to_string(static_cast<int>(event.node)) + " " +
                    packet.destination.ToString());
    last = event;
  }
  std::vector<std::string> lines;
  TraceEvent last;
};

TEST(Tracer, SeesEveryStepInOrder) {
  TwoHosts two({.delay = 5ms});
  Keeper keeper;
  two.world.SetTracer(&keeper);
  two.alice.Send(two.bob_at, "x");
  EXPECT_EQ(keeper.last.arrival, Time(5ms));
  two.world.RunUntil(Time(1s));
  two.alice.Send(At("192.0.2.2:9"), "closed");
  two.world.RunUntil(Time(2s));
  EXPECT_EQ(keeper.lines,
            (std::vector<std::string>{"send 0 192.0.2.2:5000", "receive 1 192.0.2.2:5000", "deliver 1 192.0.2.2:5000",
                                      "send 0 192.0.2.2:9", "receive 1 192.0.2.2:9", "send 1 192.0.2.1:0",
                                      "drop 1 192.0.2.2:9", "receive 0 192.0.2.1:0", "deliver 0 192.0.2.1:0"}));
}

TEST(World, RunUntilConditionStopsAfterTheEventThatMadeItTrue) {
  TwoHosts two({.delay = 5ms});
  two.alice.Send(two.bob_at, "1");
  two.alice.Send(two.bob_at, "2");
  EXPECT_TRUE(two.world.RunUntil(Time(1s), [&] { return two.bob.heard.size() == 1; }));
  EXPECT_EQ(two.world.now(), Time(5ms));
  EXPECT_FALSE(two.world.RunUntil(Time(1s), [&] { return two.bob.heard.size() == 3; }));
  EXPECT_EQ(two.world.now(), Time(1s));
}

TEST(World, LinksCanBeChangedWhileItRuns) {
  TwoHosts two({.delay = 5ms});
  two.alice.Send(two.bob_at, "slow");
  two.world.SetLinkProfile(two.link, World::Direction::kAToB, {.delay = 1ms, .mtu_bytes = 600});
  two.alice.Send(two.bob_at, "fast");  // a link keeps order, so it arrives with the first
  EXPECT_EQ(two.alice.Send(two.bob_at, std::string(573, 'x')), net::SendStatus::kTooBig);
  EXPECT_EQ(two.alice.host().Interfaces()[1].mtu_bytes, 600u);
  two.world.RunUntil(Time(1s));
  two.alice.Send(two.bob_at, "later");
  two.world.RunUntil(Time(2s));
  ASSERT_EQ(two.bob.heard.size(), 3u);
  EXPECT_EQ(two.bob.heard[1].at, Time(5ms));
  EXPECT_EQ(two.bob.heard[2].at, Time(1s + 1ms));
}

TEST(World, ConnectRefusesWhatCannotBe) {
  World world(1);
  HostNode& a = AddHost(world, "a", "192.0.2.1/24");
  HostNode& b = AddHost(world, "b", "192.0.2.2/24");
  EXPECT_FALSE(world.Connect({&a, 2}, {&b, 1}, {}).ok());
  EXPECT_FALSE(world.Connect({&a, 0}, {&b, 1}, {}).ok());  // loopback
  EXPECT_FALSE(world.Connect({&a, 1}, {&a, 1}, {}).ok());
  const absl::Status status = world.Connect({&a, 1}, {&b, 1}, {.loss_ppm = 2'000'000}).status();
  EXPECT_EQ(status.message(), "a.eth0 - b.eth0: a share is above 1000000 ppm");
}

TEST(World, NothingIsLeftInThePoolsWhenAllHasArrived) {
  TwoHosts two({.delay = 5ms, .loss_ppm = 300'000, .duplicate_ppm = 300'000});
  for (int i = 0; i < 200; ++i) two.alice.Send(i % 3 == 0 ? At("192.0.2.2:9") : two.bob_at, std::string(300, 'x'));
  two.world.RunUntil(Time(1s));
  EXPECT_EQ(two.world.packets().in_use(), 0u);
  EXPECT_EQ(two.world.payloads().slots_in_use(), 0u);
}

// A node with a timer. The world asks for its next time after each call, and again after the timer itself.
class Ticker final : public Node {
 public:
  explicit Ticker(const NodeInit& init) : Node(init) {
    AddInterface("eth0");
    UseTimer();
  }
  void OnPacket(int, PacketPtr packet) override {
    next = world().now() + 10ms;
    world().Drop(*this, std::move(packet), Rule::kNotForwarding);
  }
  net::Instant NextTimer() const override { return next; }
  void OnTimer() override {
    ticks.push_back(world().now());
    next = ticks.size() % 3 == 0 ? net::kNever : world().now() + 10ms;
  }
  net::Instant next = net::kNever;
  std::vector<net::Instant> ticks;
};

TEST(Node, TimerComesWhenNextTimerSays) {
  World world(1);
  HostNode& a = AddHost(world, "a", "192.0.2.1/24");
  Ticker& ticker = world.AddNode<Ticker>("ticker");
  Link(world, a, 1, ticker, 0);
  ASSERT_TRUE(a.AddRoute({.prefix = net::IpPrefix(Ip("0.0.0.0"), 0), .interface = 1}).ok());
  Recorder alice(At("192.0.2.1:5000"));
  alice.Attach(a.StartProgram("recorder", alice));
  world.RunUntil(Time(1ms));
  alice.Send(At("203.0.113.1:1"), "x");
  world.RunUntil(Time(6ms));
  alice.Send(At("203.0.113.1:1"), "moves the timer");
  world.RunUntil(Time(1s));
  EXPECT_EQ(ticker.ticks, (std::vector<net::Instant>{Time(16ms), Time(26ms), Time(36ms)}));
}

}  // namespace
}  // namespace pinhole::sim
