// TCP of simulated hosts: their segments and the times of these. Behavior that all hosts share is tested in
// tests/net/tcp.
#include <algorithm>
#include <map>

#include "sim/boxes/router.h"
#include "sim/host/host_node.h"
#include "tests/sim/tcp_world.h"

namespace pinhole::sim {
namespace {

using namespace std::chrono_literals;
using absl::StatusCode;

const net::SocketAddress kAlice80 = At("192.0.2.1:80");
const net::SocketAddress kBob80 = At("192.0.2.2:80");
const net::SocketAddress kAny = At("0.0.0.0:0");

// RFC 9293 §3.5 figure 8: SYNs that cross are answered with SYN,ACK, never with ACK alone.
TEST(TcpHost, SynsThatCrossAreAnsweredWithSynAckAndConnectBothAfterARoundTrip) {
  TcpWorld two;
  SegmentRecord record(two.world);
  const net::SocketId a = two.alice.Connect(kAlice80, kBob80);
  const net::SocketId b = two.bob.Connect(kBob80, kAlice80);
  two.RunFor(1s);
  ASSERT_GE(record.sent.size(), 4u);
  std::vector<std::string> lines = record.Lines();
  lines.resize(4);
  EXPECT_EQ(lines, (std::vector<std::string>{"alice S @0ms", "bob S @0ms", "bob SA @20ms", "alice SA @20ms"}));
  const std::uint32_t alice_isn = *two.alice.host().InitialSequenceNumber(a);
  const std::uint32_t bob_isn = *two.bob.host().InitialSequenceNumber(b);
  for (const SegmentRecord::Segment& segment : record.sent) {
    if (!segment.header.Has(kTcpSyn)) continue;
    const bool alices = segment.node == "alice";
    EXPECT_EQ(segment.header.sequence, alices ? alice_isn : bob_isn);
    if (segment.header.Has(kTcpAck)) {
      EXPECT_EQ(segment.header.acknowledgment, (alices ? bob_isn : alice_isn) + 1);
    }
  }
  EXPECT_EQ(two.alice.at(a).connected_at, Time(40ms));
  EXPECT_EQ(two.bob.at(b).connected_at, Time(40ms));
  two.alice.Write(a, "hello", true);
  two.bob.Write(b, "hello yourself", true);
  ASSERT_TRUE(two.RunUntil([&] { return two.alice.at(a).closed && two.bob.at(b).closed; }));
  EXPECT_EQ(two.bob.at(b).received, "hello");
  EXPECT_EQ(two.alice.at(a).received, "hello yourself");
}

TEST(TcpHost, AConnectionOfOneSideTakesARoundTrip) {
  TcpWorld two;
  SegmentRecord record(two.world);
  const TcpWorld::Pair pair = two.ConnectPair();
  EXPECT_EQ(record.Lines(), (std::vector<std::string>{"alice S @0ms", "bob SA @20ms", "alice A @40ms"}));
  EXPECT_EQ(two.alice.at(pair.alice).connected_at, Time(40ms));
  EXPECT_EQ(two.bob.at(pair.bob).connected_at, Time(60ms));
}

// A SYN for a pair of endpoints that is being connected belongs to it, though there is a listener.
TEST(TcpHost, ACrossedSynGoesToTheConnectionAndNotToTheListener) {
  TcpWorld two;
  const net::TcpOptions reuse = {.reuse_address = true};
  two.alice.Listen(kAlice80, reuse);
  two.bob.Listen(kBob80, reuse);
  const net::SocketId a = two.alice.Connect(kAlice80, kBob80, reuse);
  const net::SocketId b = two.bob.Connect(kBob80, kAlice80, reuse);
  two.RunFor(1s);
  EXPECT_TRUE(two.alice.at(a).connected);
  EXPECT_TRUE(two.bob.at(b).connected);
  EXPECT_TRUE(two.alice.accepted().empty());
  EXPECT_TRUE(two.bob.accepted().empty());
}

// RFC 9293 §3.10.7.2: third, an ACK; a SYN,ACK is one.
TEST(TcpHost, AListenerAnswersAStrayAckOrSynAckWithReset) {
  for (const std::uint8_t flags : {kTcpAck, static_cast<std::uint8_t>(kTcpSyn | kTcpAck)}) {
    SCOPED_TRACE(SegmentRecord::Flags(flags));
    TcpWorld two({.raw_tcp = true});
    two.bob.Listen(kBob80);
    SegmentRecord record(two.world);
    ASSERT_TRUE(two.alice.host()
                    .SendRawTcp({.from = kAlice80, .to = kBob80, .sequence = 7, .acknowledgment = 4711, .flags = flags})
                    .ok());
    two.RunFor(1s);
    const std::vector<SegmentRecord::Segment> answers = record.From("bob");
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(answers[0].header.flags, kTcpRst);
    EXPECT_EQ(answers[0].header.sequence, 4711u);
    EXPECT_EQ(answers[0].from, kBob80);
    EXPECT_EQ(answers[0].to, kAlice80);
    EXPECT_EQ(two.world.lineage().at(answers[0].id).relation, Relation::kAnswers);
  }
}

// RFC 9293 §3.10.7.1, by a machine where no program has ever used TCP.
TEST(TcpHost, AMachineWithoutTcpSocketsRefuses) {
  TcpWorld two;
  EXPECT_EQ(two.bob_node.tcp_sockets(), nullptr);
  SegmentRecord record(two.world);
  const net::SocketId a = two.alice.Connect(kAny, kBob80);
  two.RunFor(1s);
  EXPECT_EQ(record.Lines(), (std::vector<std::string>{"alice S @0ms", "bob RA @20ms"}));
  EXPECT_EQ(record.sent[1].header.acknowledgment, record.sent[0].header.sequence + 1);
  EXPECT_EQ(two.alice.at(a).why.code(), StatusCode::kUnavailable);
  EXPECT_EQ(two.alice.at(a).reset_at, Time(40ms));
  EXPECT_EQ(two.world.drops().count(Rule::kNoSocket), 1u);
  EXPECT_EQ(two.bob_node.tcp_sockets(), nullptr);
}

TEST(TcpHost, SilentInputAnswersNoSegmentButServesItsConnections) {
  TcpWorld two({.raw_tcp = true}, {.input = InputPolicy::kDrop});
  two.bob.Listen(kBob80);
  SegmentRecord record(two.world);
  const net::SocketId closed_port = two.alice.Connect(kAny, kBob80.WithPort(81));
  ASSERT_TRUE(
      two.alice.host().SendRawTcp({.from = kAlice80, .to = kBob80, .acknowledgment = 1, .flags = kTcpAck}).ok());
  two.RunFor(500ms);
  EXPECT_TRUE(record.From("bob").empty());
  EXPECT_EQ(two.world.drops().count(Rule::kInputDropped), 2u);
  const net::SocketId open_port = two.alice.Connect(kAny, kBob80);
  ASSERT_TRUE(two.RunUntil([&] { return two.alice.at(open_port).connected; }));
  ASSERT_TRUE(two.RunUntil([&] { return two.alice.at(closed_port).reset; }));
  EXPECT_EQ(two.alice.at(closed_port).why.code(), StatusCode::kDeadlineExceeded);
}

// RFC 9293 §3.10.4: in SYN-SENT, CLOSE deletes the TCB and sends nothing. Later segments meet a closed port.
TEST(TcpHost, ClosingWhileConnectingSendsNothingAndTheAnswerIsReset) {
  for (const bool abort : {false, true}) {
    SCOPED_TRACE(abort);
    TcpWorld two;
    two.bob.Listen(kBob80);
    SegmentRecord record(two.world);
    const net::SocketId a = two.alice.Connect(kAny, kBob80);
    two.RunFor(10ms);
    if (abort) {
      EXPECT_TRUE(two.alice.host().Abort(a).ok());
    } else {
      two.alice.host().Close(a);
    }
    two.RunFor(1s);
    EXPECT_EQ(record.Lines(), (std::vector<std::string>{"alice S @0ms", "bob SA @20ms", "alice R @40ms"}));
    EXPECT_TRUE(two.bob.accepted().empty()) << "a handshake that fails is the listener's own business";
    EXPECT_EQ(two.alice_node.tcp_sockets()->size(), 0u);
    EXPECT_EQ(two.bob_node.tcp_sockets()->size(), 1u) << "the listener";
  }
}

TEST(TcpHost, TimeWaitHoldsItsPairOfEndpoints) {
  TcpWorld two({.tcp = {.time_wait = 60s}});
  two.bob.Listen(kBob80);
  two.bob.echoes = true;
  const net::TcpOptions reuse = {.reuse_address = true};
  const net::SocketId a = two.alice.Connect(kAlice80, kBob80, reuse);
  ASSERT_TRUE(two.RunUntil([&] { return two.alice.at(a).connected; }));
  two.alice.host().Close(a);  // first: TIME-WAIT is Alice's
  two.RunFor(1s);
  EXPECT_EQ(two.alice.host().Connect(kAlice80, kBob80, reuse).status().code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(two.alice.host().Connect(kAlice80, kBob80.WithPort(81), {}).status().code(), StatusCode::kAlreadyExists)
      << "without reuse_address the port is taken";
  const net::SocketId another_pair = two.alice.Connect(kAlice80, kBob80.WithPort(81), reuse);
  two.RunFor(60s);
  EXPECT_EQ(two.alice.at(another_pair).why.code(), StatusCode::kUnavailable);
  const net::SocketId again = two.alice.Connect(kAlice80, kBob80, reuse);
  ASSERT_TRUE(two.RunUntil([&] { return two.alice.at(again).connected; }));
}

// RFC 9293 §3.6.1 (MAY-2): a SYN beyond the old connection's sequence numbers replaces TIME-WAIT. The new ISN is beyond
// the old numbers too.
TEST(TcpHost, ANewSynTakesThePlaceOfTimeWait) {
  TcpWorld two;
  two.bob.Listen(kBob80, {.reuse_address = true});
  const net::TcpOptions reuse = {.reuse_address = true};
  const net::SocketId first = two.alice.Connect(kAlice80, kBob80, reuse);
  ASSERT_TRUE(two.RunUntil([&] { return two.bob.accepted().size() == 1; }));
  const net::SocketId bob_first = two.bob.accepted()[0];
  const std::uint32_t bob_isn = *two.bob.host().InitialSequenceNumber(bob_first);
  two.bob.host().Close(bob_first);  // first: TIME-WAIT is Bob's
  ASSERT_TRUE(two.RunUntil([&] { return two.alice.at(first).closed; }));
  two.alice.host().Close(first);
  two.RunFor(1s);
  const net::SocketId second = two.alice.Connect(kAlice80, kBob80, reuse);
  ASSERT_TRUE(two.RunUntil([&] { return two.bob.accepted().size() == 2; }));
  EXPECT_TRUE(two.alice.at(second).connected);
  const std::uint32_t bob_next_isn = *two.bob.host().InitialSequenceNumber(two.bob.accepted()[1]);
  EXPECT_TRUE(SeqBefore(bob_isn + 2, bob_next_isn)) << "SYN and FIN of the first took two";
}

// The SYN is only dropped: were TIME-WAIT gone, the peer's FIN, sent again, would be answered by RST.
TEST(TcpHost, ASynThatTheBacklogDropsLeavesTimeWaitAsItWas) {
  TcpWorld two({.raw_tcp = true}, {.tcp = {.time_wait = 60s}});
  const net::TcpOptions reuse = {.reuse_address = true};
  const net::SocketId listener = two.bob.Listen(kBob80, {.reuse_address = true, .listen_backlog = 1});
  const net::SocketId first = two.alice.Connect(kAlice80, kBob80, reuse);
  ASSERT_TRUE(two.RunUntil([&] { return two.bob.accepted().size() == 1; }));
  two.bob.host().Close(two.bob.accepted()[0]);  // first: TIME-WAIT is Bob's
  ASSERT_TRUE(two.RunUntil([&] { return two.alice.at(first).closed; }));
  two.alice.host().Close(first);
  two.RunFor(1s);
  // A handshake that never ends fills the backlog.
  const net::SocketAddress nobody = At("192.0.2.3:80");
  ASSERT_TRUE(two.alice.host().SendRawTcp({.from = nobody, .to = kBob80, .sequence = 7, .flags = kTcpSyn}).ok());
  two.RunFor(1s);
  const std::size_t sockets = two.bob_node.tcp_sockets()->size();
  ASSERT_EQ(sockets, 3u) << "the listener, TIME-WAIT, the handshake";
  const net::SocketId second = two.alice.Connect(kAlice80, kBob80, reuse);
  two.RunFor(500ms);
  EXPECT_EQ(two.world.drops().count(Rule::kTcpBacklogFull), 1u);
  EXPECT_EQ(two.bob_node.tcp_sockets()->size(), sockets);
  EXPECT_FALSE(two.alice.at(second).connected);
  two.bob.host().Close(listener);
  EXPECT_EQ(two.bob_node.tcp_sockets()->size(), 1u) << "TIME-WAIT";
}

// RFC 9293 §3.6.1: the new ISS is beyond all that the connection before used, though it used numbers faster than the
// clock of RFC 6528 makes them.
TEST(TcpHost, TheIssAfterAFastConnectionInTimeWaitIsBeyondIt) {
  constexpr std::size_t kBytes = 8'000'000;
  TcpWorld two({}, {}, {.delay = 1ms});
  two.bob.Listen(kBob80, {.reuse_address = true});
  const net::TcpOptions reuse = {.reuse_address = true};
  const net::SocketId first = two.alice.Connect(kAlice80, kBob80, reuse);
  ASSERT_TRUE(two.RunUntil([&] { return two.bob.accepted().size() == 1; }));
  const net::SocketId bob_first = two.bob.accepted()[0];
  const std::uint32_t bob_isn = *two.bob.host().InitialSequenceNumber(bob_first);
  const net::Instant begin = two.world.now();
  two.bob.Write(bob_first, net::Noise(kBytes, 1), true);
  ASSERT_TRUE(two.RunUntil([&] { return two.alice.at(first).closed; }));
  two.alice.host().Close(first);
  two.bob.host().Close(bob_first);
  two.RunFor(10ms);
  ASSERT_LT((two.world.now() - begin) / 4us, static_cast<std::int64_t>(kBytes)) << "the clock alone suffices";
  const net::SocketId second = two.alice.Connect(kAlice80, kBob80, reuse);
  ASSERT_TRUE(two.RunUntil([&] { return two.bob.accepted().size() == 2; }));
  EXPECT_TRUE(two.alice.at(second).connected);
  const std::uint32_t bob_next_isn = *two.bob.host().InitialSequenceNumber(two.bob.accepted()[1]);
  EXPECT_TRUE(SeqBefore(bob_isn + 1 + kBytes, bob_next_isn));
}

TEST(TcpHost, TheInitialSequenceNumberIsKnownAsSoonAsConnectReturns) {
  TcpWorld two;
  SegmentRecord record(two.world);
  const net::SocketId a = two.alice.Connect(kAny, kBob80);
  const absl::StatusOr<std::uint32_t> isn = two.alice.host().InitialSequenceNumber(a);
  ASSERT_TRUE(isn.ok());
  ASSERT_EQ(record.sent.size(), 1u);
  EXPECT_EQ(record.sent[0].header.sequence, *isn);
  EXPECT_EQ(two.alice.host().InitialSequenceNumber(net::SocketId{7}).status().code(), StatusCode::kNotFound);
}

TEST(TcpHost, SequenceNumbersAndPortsFollowTheSeed) {
  const auto first_syn = [](std::uint64_t seed) {
    TcpWorld two({}, {}, {.delay = 20ms}, seed);
    SegmentRecord record(two.world);
    two.alice.Connect(kAny, kBob80);
    return std::pair(record.sent.at(0).header.sequence, record.sent.at(0).from.port());
  };
  EXPECT_EQ(first_syn(1), first_syn(1));
  EXPECT_NE(first_syn(1).first, first_syn(2).first);
  EXPECT_NE(first_syn(1).second, first_syn(2).second);
}

// alice --- router --- bob, 10 ms each way on each link.
struct Routed {
  explicit Routed(const HostOptions& alice_options = {}, std::uint32_t second_mtu = 1500)
      : world(1),
        alice_node(AddHost(world, "alice", "198.51.100.1/24", "198.51.100.254", alice_options)),
        router(world.AddNode<Router>("router")),
        bob_node(AddHost(world, "bob", "203.0.113.1/24", "203.0.113.254")) {
    Link(world, alice_node, 1, router, AddPort(router, "left", "198.51.100.254/24"), {.delay = 10ms});
    Link(world, bob_node, 1, router, AddPort(router, "right", "203.0.113.254/24"),
         {.delay = 10ms, .mtu_bytes = second_mtu});
    alice.Attach(alice_node.StartProgram("tcp", alice));
    bob.Attach(bob_node.StartProgram("tcp", bob));
    world.RunUntil(Time({}));
  }
  World world;
  HostNode& alice_node;
  Router& router;
  HostNode& bob_node;
  net::TcpProgram alice;
  net::TcpProgram bob;
};

// RFC 9293 §3.9.2.2: time exceeded and unreachable destinations are soft; connecting goes on.
TEST(TcpHost, ALowTtlSynIsReportedAndAnotherTtlLetsItsRetransmissionThrough) {
  Routed net;
  net.bob.Listen(At("203.0.113.1:80"));
  SegmentRecord record(net.world);
  const net::SocketId a = net.alice.Connect(kAny, At("203.0.113.1:80"), {.ttl = 1});
  net.world.RunUntil(Time(500ms));
  ASSERT_EQ(net.alice.errors.size(), 1u);
  EXPECT_EQ(net.alice.errors[0].kind, net::IcmpError::Kind::kTtlExceeded);
  EXPECT_EQ(net.alice.errors[0].socket, a);
  EXPECT_EQ(net.alice.errors[0].destination, At("203.0.113.1:80"));
  EXPECT_EQ(net.alice.errors[0].reporter, Ip("198.51.100.254"));
  EXPECT_EQ(net.alice.at(a).reset, 0);
  ASSERT_TRUE(net.alice.host().SetTtl(a, 0).ok());
  net.world.RunUntil(Time(2s));
  const std::vector<SegmentRecord::Segment> sent = record.From("alice");
  ASSERT_EQ(sent.size(), 3u);
  EXPECT_EQ(sent[0].ttl, 1);
  EXPECT_EQ(sent[1].ttl, 64);
  EXPECT_EQ(sent[1].header, sent[0].header) << "the same SYN";
  EXPECT_EQ(sent[1].at, Time(1s));
  EXPECT_EQ(net.alice.at(a).connected_at, Time(1040ms));
}

TEST(TcpHost, ASoftErrorEndsConnectingOnlyWhereTheHostIsOneOfThose) {
  for (const bool aborts : {false, true}) {
    SCOPED_TRACE(aborts);
    Routed net({.tcp = {.soft_errors_abort_connect = aborts}});
    const net::SocketId a = net.alice.Connect(kAny, At("203.0.113.77:80"));  // nobody is there
    net.world.RunUntil(Time(500ms));
    ASSERT_EQ(net.alice.errors.size(), 1u);
    EXPECT_EQ(net.alice.errors[0].kind, net::IcmpError::Kind::kHostUnreachable);
    EXPECT_EQ(net.alice.at(a).reset, aborts ? 1 : 0);
    net.world.RunUntil(Time(1h));
    ASSERT_EQ(net.alice.at(a).reset, 1);
    EXPECT_EQ(net.alice.at(a).why.code(), aborts ? StatusCode::kNotFound : StatusCode::kDeadlineExceeded);
    EXPECT_NE(net.alice.at(a).why.message().find("host unreachable"), absl::string_view::npos)
        << net.alice.at(a).why << ": says what was heard";
  }
}

// An ICMP error that quotes a segment that was never sent is a forgery (RFC 5927 §4.1).
TEST(TcpHost, AnIcmpErrorAboutAnotherSequenceNumberIsNotBelieved) {
  Routed net;
  net.bob.Listen(At("203.0.113.1:80"));
  const net::SocketId a = net.alice.Connect(kAny, At("203.0.113.1:80"));
  net.world.RunUntil(Time(500ms));
  ASSERT_TRUE(net.alice.at(a).connected);
  // As a router would report a segment of this connection, but for its number.
  PacketPtr error = net.world.packets().New();
  error->id = net.world.NewPacketId(PacketId::kNone, Relation::kSent);
  error->protocol = IpProtocol::kIcmp;
  error->source = At("203.0.113.254:0");
  error->destination = At("198.51.100.1:0");
  error->icmp = {3, 3, 0};
  error->quoted.protocol = IpProtocol::kTcp;
  error->quoted.source = *net.alice.host().LocalAddress(a);
  error->quoted.destination = At("203.0.113.1:80");
  error->tcp.sequence = *net.alice.host().InitialSequenceNumber(a);  // long acknowledged
  net.world.Loop(net.alice_node, std::move(error));
  net.world.RunUntil(Time(1s));
  EXPECT_TRUE(net.alice.errors.empty());
  EXPECT_EQ(net.alice.at(a).reset, 0);
  EXPECT_EQ(net.world.drops().count(Rule::kTcpOutOfWindow), 1u);
}

// RFC 9293 §3.7.1: each side announces the MSS of its own link.
TEST(TcpHost, TheMssIsThatOfTheLink) {
  Routed net({}, 1200);
  net.bob.Listen(At("203.0.113.1:80"));
  SegmentRecord record(net.world);
  net.alice.Connect(kAny, At("203.0.113.1:80"));
  net.world.RunUntil(Time(100ms));
  EXPECT_EQ(record.From("alice").at(0).header.mss_bytes, 1460);
  EXPECT_EQ(record.From("bob").at(0).header.mss_bytes, 1160);
}

// RFC 1191: DF is set. The MTU in the ICMP error limits the segments from then on, and lost data is sent again in
// smaller segments.
TEST(TcpHost, PathMtuDiscoveryShrinksTheSegments) {
  World world(1);
  HostNode& alice_node = AddHost(world, "alice", "198.51.100.1/24", "198.51.100.254");
  Router& left = world.AddNode<Router>("left");
  Router& right = world.AddNode<Router>("right");
  HostNode& bob_node = AddHost(world, "bob", "203.0.113.1/24", "203.0.113.254");
  Link(world, alice_node, 1, left, AddPort(left, "lan", "198.51.100.254/24"), {.delay = 10ms});
  const int left_middle = AddPort(left, "middle", "192.0.2.1/30");
  const int right_middle = AddPort(right, "middle", "192.0.2.2/30");
  Link(world, left, left_middle, right, right_middle, {.delay = 10ms, .mtu_bytes = 1000});
  Link(world, bob_node, 1, right, AddPort(right, "lan", "203.0.113.254/24"), {.delay = 10ms});
  ASSERT_TRUE(left.AddDefaultRoute(left_middle, Ip("192.0.2.2")).ok());
  ASSERT_TRUE(right.AddDefaultRoute(right_middle, Ip("192.0.2.1")).ok());
  net::TcpProgram alice, bob;
  alice.Attach(alice_node.StartProgram("tcp", alice));
  bob.Attach(bob_node.StartProgram("tcp", bob));
  world.RunUntil(Time({}));
  bob.Listen(At("203.0.113.1:80"));
  SegmentRecord record(world);
  const net::SocketId a = alice.Connect(kAny, At("203.0.113.1:80"));
  const std::string text = net::Noise(100'000, 1);
  alice.Write(a, text, true);
  ASSERT_TRUE(world.RunUntil(Time(60s), [&] { return !bob.accepted().empty() && bob.at(bob.accepted()[0]).closed; }));
  EXPECT_TRUE(bob.at(bob.accepted()[0]).received == text);
  EXPECT_GT(world.drops().count(Rule::kTooBig), 0u);
  EXPECT_LE(world.drops().count(Rule::kTooBig), 10u) << "the first window, RFC 6928";
  EXPECT_EQ(world.drops().count(Rule::kNeedsFragments), 0u);
  std::uint32_t largest_after = 0;
  for (const SegmentRecord::Segment& segment : record.From("alice")) {
    if (segment.at > Time(100ms)) largest_after = std::max(largest_after, segment.bytes);
  }
  EXPECT_EQ(largest_after, 960u);
  // Later connections know the path MTU from the start.
  record.sent.clear();
  alice.Connect(kAny, At("203.0.113.1:80"));
  EXPECT_EQ(record.sent.at(0).header.mss_bytes, 960);
}

TEST(TcpHost, ALinkWhoseMtuShrinksUnderAConnectionStallsNothing) {
  TcpWorld two;
  const TcpWorld::Pair pair = two.ConnectPair();
  for (const World::Direction direction : {World::Direction::kAToB, World::Direction::kBToA}) {
    two.world.SetLinkProfile(two.link, direction, {.delay = 20ms, .mtu_bytes = 600});
  }
  const std::string text = net::Noise(50'000, 1);
  two.alice.Write(pair.alice, text, true);
  ASSERT_TRUE(two.RunUntil([&] { return two.bob.at(pair.bob).closed; }));
  EXPECT_TRUE(two.bob.at(pair.bob).received == text);
  EXPECT_LT(two.world.now(), Time(10s));
}

// One line for each segment, such as "alice SA signalling"; lines of segments with data have the number of bytes.
std::vector<std::string> ClassLines(const std::vector<SegmentRecord::Segment>& segments) {
  std::vector<std::string> lines;
  for (const SegmentRecord::Segment& segment : segments) {
    const std::string bytes = segment.bytes == 0 ? "" : " " + std::to_string(segment.bytes);
    lines.push_back(segment.node + " " + SegmentRecord::Flags(segment.header.flags) + bytes + " " +
                    net::ToString(segment.packet_class));
  }
  return lines;
}

TEST(TcpHost, DataHasTheClassOfItsWriteAnAckThatOfTheLastDataThatCameAndTheRestThatOfTheConnection) {
  TcpWorld two;
  SegmentRecord record(two.world);
  const TcpWorld::Pair pair = two.ConnectPair({.packet_class = net::PacketClass::kSignalling});
  two.RunFor(1s);
  two.alice.write_options = {.packet_class = net::PacketClass::kData};
  two.alice.Write(pair.alice, "data");
  two.RunFor(1s);  // a delayed ACK, which answers no segment at once
  two.bob.write_options = {.packet_class = net::PacketClass::kResponse};
  two.bob.Write(pair.bob, "answer");
  two.RunFor(1s);
  two.alice.write_options = {.packet_class = net::PacketClass::kConsent};
  two.alice.Write(pair.alice, "consent");
  two.RunFor(1s);
  two.alice.Write(pair.alice, "", true);
  two.RunFor(1s);
  two.bob.host().Abort(pair.bob).IgnoreError();
  two.RunFor(1s);
  EXPECT_EQ(ClassLines(record.sent),
            (std::vector<std::string>{"alice S signalling", "bob SA signalling", "alice A signalling",  //
                                      "alice A 4 data", "bob A data",                                   //
                                      "bob A 6 response", "alice A response",                           //
                                      "alice A 7 consent", "bob A consent",                             //
                                      "alice FA signalling", "bob A consent", "bob R signalling"}));
}

TEST(TcpHost, AnAckOfDataThatCameTwiceHasItsClass) {
  TcpWorld two({}, {}, {.delay = 20ms, .duplicate_ppm = 1'000'000});
  SegmentRecord record(two.world);
  const TcpWorld::Pair pair = two.ConnectPair({.packet_class = net::PacketClass::kSignalling});
  two.RunFor(1s);
  record.sent.clear();
  two.alice.write_options = {.packet_class = net::PacketClass::kData};
  two.alice.Write(pair.alice, "data");
  two.RunFor(1s);
  ASSERT_GT(record.From("bob").size(), 0u);
  for (const SegmentRecord::Segment& segment : record.sent) EXPECT_EQ(segment.packet_class, net::PacketClass::kData);
}

TEST(TcpHost, ARetransmittedCheckIsOneByClassAndItsAckIsNot) {
  LinkProfile lossy = {.delay = 20ms};
  lossy.faults.push_back({.packet_class = net::PacketClass::kCheck, .nth = 1});
  TcpWorld two;
  two.world.SetLinkProfile(two.link, World::Direction::kAToB, lossy);
  SegmentRecord record(two.world);
  const TcpWorld::Pair pair = two.ConnectPair();
  two.alice.write_options = {.packet_class = net::PacketClass::kCheck};
  two.alice.Write(pair.alice, "check");
  two.RunFor(5s);
  std::vector<net::PacketClass> classes;
  for (const SegmentRecord::Segment& segment : record.From("alice")) {
    if (segment.bytes != 0) classes.push_back(segment.packet_class);
  }
  EXPECT_EQ(classes, (std::vector<net::PacketClass>{net::PacketClass::kCheck, net::PacketClass::kRetransmittedCheck}));
  EXPECT_EQ(two.bob.at(pair.bob).received, "check");
  EXPECT_EQ(record.From("bob").back().packet_class, net::PacketClass::kCheck);
}

TEST(TcpHost, DataIsCausedByWhatTheProgramSaysOrIsBeingToldOf) {
  TcpWorld two;
  SegmentRecord record(two.world);
  const TcpWorld::Pair pair = two.ConnectPair();
  two.bob.echoes = true;
  two.alice.write_options = {.cause = net::PacketTag{1}};
  two.alice.Write(pair.alice, "ping");
  two.RunFor(1s);
  const SegmentRecord::Segment* ping = nullptr;
  const SegmentRecord::Segment* pong = nullptr;
  for (const SegmentRecord::Segment& segment : record.sent) {
    if (segment.bytes == 4) (segment.node == "alice" ? ping : pong) = &segment;
  }
  ASSERT_NE(ping, nullptr);
  ASSERT_NE(pong, nullptr);
  EXPECT_EQ(two.world.lineage().at(ping->id).parent, PacketId{1});
  EXPECT_EQ(two.world.lineage().at(ping->id).relation, Relation::kCausedBy);
  EXPECT_EQ(two.world.lineage().at(pong->id).parent, ping->id);
  EXPECT_EQ(two.world.lineage().at(pong->id).relation, Relation::kCausedBy);
}

TEST(TcpHost, RawSegmentsAreForThosePrivileged) {
  TcpWorld two;
  EXPECT_EQ(two.alice.host().SendRawTcp({.from = kAlice80, .to = kBob80}).code(), StatusCode::kPermissionDenied);
}

TEST(TcpHost, ARawSegmentLeavesAsItWasSaidFromWhateverSource) {
  TcpWorld two({.raw_tcp = true});
  SegmentRecord record(two.world);
  net::RawTcpSegment forged = {.from = At("198.51.100.9:5000"), .to = kBob80};
  forged.sequence = 0xfffffff0;
  forged.acknowledgment = 0x12345678;
  forged.flags = kTcpSyn | kTcpAck;
  forged.window = 1234;
  forged.ttl = 5;
  forged.packet_class = net::PacketClass::kSignalling;
  ASSERT_TRUE(two.alice.host().SendRawTcp(forged).ok());
  ASSERT_EQ(record.sent.size(), 1u);
  const SegmentRecord::Segment& sent = record.sent[0];
  EXPECT_EQ(sent.from, forged.from);
  EXPECT_EQ(sent.to, forged.to);
  EXPECT_EQ(sent.ttl, 5);
  EXPECT_EQ(sent.packet_class, net::PacketClass::kSignalling);
  TcpHeader expected;
  expected.sequence = 0xfffffff0;
  expected.acknowledgment = 0x12345678;
  expected.flags = kTcpSyn | kTcpAck;
  expected.window = 1234;
  EXPECT_EQ(sent.header, expected);
  EXPECT_EQ(two.alice.host().SendRawTcp({.from = kAlice80, .to = At("[2001:db8::1]:80")}).code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(two.alice.host().SendRawTcp({.from = kAlice80, .to = At("203.0.113.1:80")}).code(), StatusCode::kNotFound);
}

// A SYN,ACK that a third machine forges with the right numbers completes the handshake.
TEST(TcpHost, AForgedSynAckWithTheRightNumberIsBelieved) {
  TcpWorld two({}, {.input = InputPolicy::kDrop, .raw_tcp = true});
  const net::SocketId a = two.alice.Connect(kAny, kBob80);
  const net::SocketAddress alice_at = *two.alice.host().LocalAddress(a);
  const std::uint32_t isn = *two.alice.host().InitialSequenceNumber(a);
  net::RawTcpSegment forged = {.from = kBob80, .to = alice_at, .sequence = 1000};
  forged.flags = kTcpSyn | kTcpAck;
  forged.acknowledgment = isn + 2;  // a guess
  ASSERT_TRUE(two.bob.host().SendRawTcp(forged).ok());
  two.RunFor(100ms);
  EXPECT_FALSE(two.alice.at(a).connected);
  forged.acknowledgment = isn + 1;
  ASSERT_TRUE(two.bob.host().SendRawTcp(forged).ok());
  two.RunFor(100ms);
  EXPECT_TRUE(two.alice.at(a).connected);
}

TEST(TcpHost, HandshakesBeyondTheBacklogAreDroppedAndFinishWhenThereIsRoom) {
  TcpWorld two({.raw_tcp = true}, {.tcp = {.syn_retransmissions_max = 2}});
  const net::SocketId listener = two.bob.Listen(kBob80, {.listen_backlog = 2});
  for (std::uint16_t i = 0; i < 3; ++i) {
    const net::SocketAddress spoofed(Ip("192.0.2.99"), static_cast<std::uint16_t>(1000 + i));
    ASSERT_TRUE(two.alice.host().SendRawTcp({.from = spoofed, .to = kBob80, .flags = kTcpSyn}).ok());
  }
  two.RunFor(100ms);
  ASSERT_EQ(two.world.drops().count(Rule::kTcpBacklogFull), 1u);
  const DropRecord* full = nullptr;
  for (std::size_t i = 0; i < two.world.drops().size(); ++i) {
    if (two.world.drops().at(i).rule == Rule::kTcpBacklogFull) full = &two.world.drops().at(i);
  }
  ASSERT_NE(full, nullptr);
  EXPECT_EQ(DescribeState(*full), "2 of 2 handshakes under way");
  // Bob gives them up 1 + 2 + 4 seconds after his SYN,ACKs; Alice's SYN is sent again at 1, 3 and 7 s.
  const net::SocketId a = two.alice.Connect(kAny, kBob80);
  ASSERT_TRUE(two.RunUntil([&] { return two.alice.at(a).connected; }));
  EXPECT_EQ(two.world.now(), Time(100ms + 7s + 40ms));
  EXPECT_EQ(two.bob_node.tcp_sockets()->size(), 2u) << "the listener and one handshake";
  two.RunFor(1s);
  two.bob.host().Close(listener);
  EXPECT_EQ(two.bob_node.tcp_sockets()->size(), 1u) << "what was accepted stays";
}

TEST(TcpHost, AClosedListenerForgetsItsHandshakes) {
  TcpWorld two({.raw_tcp = true});
  const net::SocketId listener = two.bob.Listen(kBob80);
  ASSERT_TRUE(two.alice.host().SendRawTcp({.from = At("192.0.2.99:5"), .to = kBob80, .flags = kTcpSyn}).ok());
  two.RunFor(100ms);
  EXPECT_EQ(two.bob_node.tcp_sockets()->size(), 2u);
  two.bob.host().Close(listener);
  EXPECT_EQ(two.bob_node.tcp_sockets()->size(), 0u);
  EXPECT_EQ(two.bob_node.NextTimer(), net::kNever);
}

TEST(TcpHost, EphemeralPortsRunOut) {
  TcpWorld two({.ephemeral_port_min = 50000, .ephemeral_port_max = 50001});
  EXPECT_TRUE(two.alice.host().Connect(kAny, kBob80, {}).ok());
  EXPECT_TRUE(two.alice.host().Listen(kAny, {}).ok());
  EXPECT_EQ(two.alice.host().Connect(kAny, kBob80, {}).status().code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(two.alice.host().Listen(kAny, {}).status().code(), StatusCode::kResourceExhausted);
}

TEST(TcpHost, NoRouteIsSaidAtOnce) {
  TcpWorld two;
  EXPECT_EQ(two.alice.host().Connect(kAny, At("203.0.113.1:80"), {}).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(two.alice.host().Connect(At("127.0.0.1:0"), kBob80, {}).status().code(), StatusCode::kInvalidArgument);
}

TEST(TcpHost, AProgramDoesNotSeeTheConnectionsOfAnother) {
  TcpWorld two;
  net::TcpProgram other;
  other.Attach(two.alice_node.StartProgram("other", other));
  const net::SocketId a = two.alice.Connect(kAny, kBob80);
  EXPECT_EQ(other.host().LocalAddress(a), std::nullopt);
  EXPECT_EQ(other.host().Abort(a).code(), StatusCode::kNotFound);
  other.host().Close(a);
  EXPECT_TRUE(two.alice.host().LocalAddress(a).has_value());
}

TEST(TcpHost, KeepalivesFindADeadPeer) {
  TcpWorld two;
  const TcpWorld::Pair pair = two.ConnectPair({.keepalive = 10s});
  two.RunFor(60s);
  EXPECT_EQ(two.alice.at(pair.alice).reset, 0);
  LinkProfile dead = {.delay = 20ms};
  dead.loss_ppm = 1'000'000;
  two.world.SetLinkProfile(two.link, World::Direction::kAToB, dead);
  const net::Instant died = two.world.now();
  ASSERT_TRUE(two.RunUntil([&] { return two.alice.at(pair.alice).reset; }));
  EXPECT_EQ(two.alice.at(pair.alice).why.code(), StatusCode::kDeadlineExceeded);
  // At most 10 s to the first of nine probes, 10 s apart and after the last.
  EXPECT_LE(two.world.now() - died, 100s);
  EXPECT_GT(two.world.now() - died, 80s);
}

TEST(TcpHost, ManyConnectionsLeaveNothingBehind) {
  constexpr int kConnections = 300;
  TcpWorld two;
  two.bob.echoes = true;
  two.bob.Listen(kBob80, {.listen_backlog = kConnections});
  std::vector<net::SocketId> ids;
  for (int i = 0; i < kConnections; ++i) {
    ids.push_back(two.alice.Connect(kAny, kBob80));
    two.alice.Write(ids.back(), net::Noise(3000, static_cast<std::uint64_t>(i)), true);
  }
  EXPECT_EQ(two.alice_node.tcp_sockets()->size(), std::size_t{kConnections});
  ASSERT_TRUE(two.RunUntil([&] {
    return std::all_of(ids.begin(), ids.end(), [&](net::SocketId id) { return two.alice.at(id).closed == 1; });
  }));
  for (int i = 0; i < kConnections; ++i) {
    EXPECT_TRUE(two.alice.at(ids[static_cast<std::size_t>(i)]).received ==
                net::Noise(3000, static_cast<std::uint64_t>(i)));
    two.alice.host().Close(ids[static_cast<std::size_t>(i)]);
  }
  for (const net::SocketId id : two.bob.accepted()) two.bob.host().Close(id);
  while (two.world.Step()) {
  }
  EXPECT_EQ(two.alice_node.tcp_sockets()->size(), 0u);
  EXPECT_EQ(two.bob_node.tcp_sockets()->size(), 1u) << "the listener";
  EXPECT_EQ(two.world.packets().in_use(), 0u);
  EXPECT_EQ(two.world.payloads().slots_in_use(), 0u);
}

// Both ends have finished, but one program has not called Close(): its unread bytes can still be read.
TEST(TcpHost, WhatWasNotReadOutlivesTheConnection) {
  TcpWorld two({.tcp = {.time_wait = 1s}}, {.tcp = {.time_wait = 1s}});
  two.bob.reads = false;
  const TcpWorld::Pair pair = two.ConnectPair();
  two.alice.Write(pair.alice, "unread", true);
  ASSERT_TRUE(two.RunUntil([&] { return two.bob.at(pair.bob).closed; }));
  EXPECT_TRUE(two.bob.host().FinishWriting(pair.bob).ok());
  two.RunFor(1min);
  EXPECT_EQ(two.bob_node.NextTimer(), net::kNever);
  EXPECT_EQ(two.bob.ReadAll(pair.bob), 6u);
  EXPECT_EQ(two.bob.at(pair.bob).reset, 0);
  two.bob.host().Close(pair.bob);
  EXPECT_EQ(two.bob_node.tcp_sockets()->size(), 0u);
}

// RFC 1122 §4.2.2.13, RFC 9293 §3.6.1: closing with unread bytes loses them, so the connection is reset.
TEST(TcpHost, ClosingWithBytesUnreadResets) {
  TcpWorld two;
  two.bob.reads = false;
  const TcpWorld::Pair pair = two.ConnectPair();
  two.alice.Write(pair.alice, "unread");
  ASSERT_TRUE(two.RunUntil([&] { return two.bob.at(pair.bob).readable; }));
  two.bob.host().Close(pair.bob);
  ASSERT_TRUE(two.RunUntil([&] { return two.alice.at(pair.alice).reset; }));
  EXPECT_EQ(two.alice.at(pair.alice).why.code(), StatusCode::kAborted);
}

TEST(TcpHost, AWriteInsideAnyOtherCallIsSentAtOnce) {
  TcpWorld two;
  const TcpWorld::Pair pair = two.ConnectPair();
  Recorder udp(At("192.0.2.1:5000"));
  udp.Attach(two.alice_node.StartProgram("udp", udp));
  two.RunFor(1s);
  udp.on_datagram = [&](const net::Datagram&) { two.alice.Write(pair.alice, "from a UDP call"); };
  SegmentRecord record(two.world);
  udp.Send(At("192.0.2.1:5000"), "to myself");
  two.RunFor(1ms);
  ASSERT_EQ(record.sent.size(), 1u);
  EXPECT_EQ(record.sent[0].bytes, 15u);
}

TEST(DeadlineHeap, GivesTheEarliestAndAmongEqualsTheLowestRank) {
  net::SeededRandom random(1, "heap");
  DeadlineHeap heap;
  std::map<std::uint32_t, net::Instant> model;
  for (int step = 0; step < 20'000; ++step) {
    const std::uint32_t index = static_cast<std::uint32_t>(random.Below(64));
    if (random.Below(3) == 0) {
      heap.Remove(index);
      model.erase(index);
    } else {
      const net::Instant at{net::Duration(static_cast<std::int64_t>(random.Below(50)))};
      heap.Set(index, at, 1000 - index);
      model[index] = at;
    }
    ASSERT_EQ(heap.size(), model.size());
    if (model.empty()) continue;
    // The later index has the lower rank.
    std::pair<net::Instant, std::uint32_t> best{net::Instant::max(), 0};
    for (const auto& [held, at] : model) {
      if (at <= best.first) best = {at, held};
    }
    ASSERT_EQ(heap.top().at, best.first);
    ASSERT_EQ(heap.top().index, best.second);
    ASSERT_EQ(heap.Find(best.second)->at, best.first);
  }
}

}  // namespace
}  // namespace pinhole::sim
