#include "sim/boxes/router.h"
#include "sim/host/host_node.h"
#include "tests/sim/tcp_lab.h"

// The effects of NATs on TCP connections of simulated hosts that were not measured on a kernel: idle timers and
// keep-alives, low TTLs, closed sockets, hairpins.
namespace pinhole::sim {
namespace {

using namespace std::chrono_literals;
using absl::StatusCode;
using NatLab = TcpLab<NatBox, NatBoxOptions>;

NatProfile Tracked(TcpTracking tracking) { return TcpProfile(tracking); }

struct Lab : NatLab {
  explicit Lab(const NatProfile& profile) : NatLab(kLabV4, {.profile = profile}, {.profile = profile}) {}
};

NatProfile IdleProfile(net::Duration established, TcpIdle idle) {
  NatProfile profile;
  profile.tcp.tracking.idle = idle;
  profile.tcp.tracking.timeouts.established = established;
  return profile;
}

// As the AWS NAT gateway: the connection is forgotten silently after 350 s, and the inside host's next segment is
// answered with a RST.
TEST(IdleConnection, Past350SecondsItsNextSegmentIsResetToTheInside) {
  Lab lab(IdleProfile(350s, TcpIdle::kResetLate));
  const Lab::Pair pair = lab.ConnectToServer();
  lab.Run(349s);
  lab.alice.Write(pair.alice, "in time ");
  lab.Run(351s);
  EXPECT_FALSE(lab.alice.at(pair.alice).reset);
  lab.alice.Write(pair.alice, "late");
  lab.Run(1s);
  EXPECT_EQ(lab.server.at(pair.server).received, "in time ");
  EXPECT_EQ(lab.alice.at(pair.alice).why.code(), StatusCode::kAborted);
  EXPECT_FALSE(lab.server.at(pair.server).reset) << "the server learns nothing";
}

// Both ends get a RST when the connection is forgotten.
TEST(IdleConnection, IsResetAtBothEndsAsItIsForgotten) {
  for (const TcpDepth depth : {TcpDepth::kFlags, TcpDepth::kLinux, TcpDepth::kRewritesIsn}) {
    SCOPED_TRACE(ToString(depth));
    NatProfile profile = IdleProfile(240s, TcpIdle::kResetBoth);
    profile.tcp.tracking.depth = depth;
    Lab lab(profile);
    const Lab::Pair pair = lab.ConnectToServer();
    lab.Run(238s);
    EXPECT_FALSE(lab.alice.at(pair.alice).reset);
    lab.Run(2s);
    EXPECT_EQ(lab.alice.at(pair.alice).why.code(), StatusCode::kAborted);
    EXPECT_EQ(lab.server.at(pair.server).why.code(), StatusCode::kAborted);
  }
}

TEST(IdleConnection, KeepAlivesMoreOftenThanTheTimerSaveItAndLessOftenDoNot) {
  for (const net::Duration keepalive : {300s, 400s}) {
    for (const TcpIdle idle : {TcpIdle::kResetLate, TcpIdle::kResetBoth}) {
      SCOPED_TRACE(absl::StrCat(keepalive / 1s, " s, ", ToString(idle)));
      Lab lab(IdleProfile(350s, idle));
      lab.server.Listen(lab.server_at);
      const net::SocketId alice = lab.alice.Connect(lab.alice_at, lab.server_at, {.keepalive = keepalive});
      lab.Run(1h);
      EXPECT_EQ(lab.alice.at(alice).reset, keepalive < 350s ? 0 : 1);
    }
  }
}

// RFC 5382 §5 REQ-5 for a connection whose SYNs crossed and that then is idle for hours. The hosts send no ACK after
// crossed SYN,ACKs, but the NAT must treat the connection as established. A NAT that resets idle connections resets
// this one too.
TEST(IdleConnection, OneWhoseSynsCrossedIdlesAsLongAsAnyOther) {
  for (const TcpDepth depth : {TcpDepth::kFlags, TcpDepth::kSynAckNumber, TcpDepth::kWindow}) {
    SCOPED_TRACE(ToString(depth));
    NatProfile profile = Tracked({.depth = depth, .idle = TcpIdle::kResetBoth});
    Lab lab(profile);
    const Lab::Punched got = lab.Punch(0ms);
    ASSERT_TRUE(got.both());
    lab.Run(2h);
    lab.alice.Write(got.alice.id, "still here");
    lab.Run(1s);
    EXPECT_EQ(lab.bob.at(got.bob.id).received, "still here");
    lab.Run(2h + 4min);
    EXPECT_EQ(lab.alice.at(got.alice.id).why.code(), StatusCode::kAborted);
    EXPECT_EQ(lab.bob.at(got.bob.id).why.code(), StatusCode::kAborted);
  }
}

// A NAT that forgets a connection silently and does not accept segments of unknown connections: later segments are
// dropped.
TEST(IdleConnection, ForgottenInSilenceItTimesOut) {
  Lab lab(IdleProfile(350s, TcpIdle::kSilent));
  const Lab::Pair pair = lab.ConnectToServer();
  lab.Run(351s);
  lab.alice.Write(pair.alice, "late");
  lab.Run(1h);
  EXPECT_EQ(lab.alice.at(pair.alice).why.code(), StatusCode::kDeadlineExceeded);
}

// alice - box - router - server, 5 ms each.
struct Routed {
  explicit Routed(const NatProfile& profile)
      : world(1), box(world.AddNode<NatBox>("box", NatBoxOptions{.profile = profile})) {
    Router& router = world.AddNode<Router>("router");
    HostNode& alice_node = world.AddNode<HostNode>("alice");
    HostNode& server_node = world.AddNode<HostNode>("server");
    const int wan = Port(box, "198.51.100.1"), lan = Port(box, "10.0.1.1");
    const int left = Port(router, "198.51.100.254"), right = Port(router, "203.0.113.254");
    const int of_alice = Port(alice_node, "10.0.1.10"), of_server = Port(server_node, "203.0.113.10");
    EXPECT_TRUE(box.AddDefaultRoute(wan, Ip("198.51.100.254")).ok());
    EXPECT_TRUE(alice_node.AddDefaultRoute(of_alice, Ip("10.0.1.1")).ok());
    EXPECT_TRUE(server_node.AddDefaultRoute(of_server, Ip("203.0.113.254")).ok());
    EXPECT_TRUE(world.Connect({&alice_node, of_alice}, {&box, lan}, {.delay = 5ms}).ok());
    EXPECT_TRUE(world.Connect({&box, wan}, {&router, left}, {.delay = 5ms}).ok());
    EXPECT_TRUE(world.Connect({&router, right}, {&server_node, of_server}, {.delay = 5ms}).ok());
    alice.Attach(alice_node.StartProgram("tcp", alice));
    server.Attach(server_node.StartProgram("tcp", server));
    world.RunUntil(net::Instant{});
  }
  static int Port(HostNode& node, absl::string_view address) {
    const int interface = node.AddInterface(address);
    EXPECT_TRUE(node.AddAddress(interface, {.address = Ip(address), .prefix_length = 24}).ok());
    return interface;
  }
  void Run(net::Duration time) { world.RunUntil(world.now() + time); }

  World world;
  NatBox& box;
  net::TcpProgram alice, server;
};

// A SYN whose TTL ends behind her own NAT opens the hole and does not reach the peer. The ICMP error comes back through
// the NAT, with the inside endpoint in its quote. If the error does not close the entry, the peer's SYN is let in.
TEST(LowTtlSyn, OpensTheHoleIffIcmpDoesNotCloseIt) {
  for (const TcpDepth depth : {TcpDepth::kAddresses, TcpDepth::kFlags, TcpDepth::kLinux, TcpDepth::kRewritesIsn}) {
    for (const bool closes : {false, true}) {
      SCOPED_TRACE(absl::StrCat(ToString(depth), closes ? ", closes" : ""));
      NatProfile profile = Tracked({.depth = depth});
      profile.icmp_errors_close = closes;
      Routed net(profile);
      const net::SocketAddress here = kAlice, there = Addr("203.0.113.10:4000");
      const net::SocketId a = net.alice.Connect(here, there, {.ttl = 2});
      net.Run(100ms);
      ASSERT_EQ(net.alice.errors.size(), 1u);
      EXPECT_EQ(net.alice.errors[0].kind, net::IcmpError::Kind::kTtlExceeded);
      EXPECT_EQ(net.alice.errors[0].socket, a) << "the quote is translated, numbers too";
      EXPECT_EQ(net.box.nat().FindTcp(net.world.now(), 2, here, there).has_value(), !closes);
      ASSERT_TRUE(net.alice.host().SetTtl(a, 0).ok());
      const net::SocketId s = net.server.Connect(there, kAlicePublic);
      net.Run(200ms);
      EXPECT_EQ(net.alice.at(a).connected, !closes) << "before any SYN is sent again";
      EXPECT_EQ(net.server.at(s).connected, !closes);
    }
  }
}

constexpr TcpDepth kDepths[] = {TcpDepth::kAddresses, TcpDepth::kFlags, TcpDepth::kSynAckNumber,
                                TcpDepth::kWindow,    TcpDepth::kLinux, TcpDepth::kRewritesIsn};
constexpr TcpOnReset kOnResets[] = {TcpOnReset::kClose, TcpOnReset::kForget, TcpOnReset::kTransitory,
                                    TcpOnReset::kIgnore};

// Checks the entry of Alice's NAT after her closed port has answered.
void ExpectHole(const std::optional<nat::TcpTranslator::Entry>& entry, TcpDepth depth, TcpOnReset on_reset) {
  const bool reads_flags = depth > TcpDepth::kAddresses;
  EXPECT_EQ(entry.has_value(), !reads_flags || on_reset != TcpOnReset::kForget);
  if (reads_flags && on_reset == TcpOnReset::kClose && entry) {
    EXPECT_EQ(entry->state, TcpTrackerState::kClose);
  }
}

// RFC 9293 §3.10.4: closing in SYN-SENT sends nothing, so the hole stays open. The closed port then answers the peer's
// SYN with a RST, which shuts the hole where a RST ends a session. The RST has the number 0 (RFC 9293 §3.10.7.1). Up to
// T2 any number is accepted. From T3 on 0 is outside the window of Alice's segments, so her own NAT drops the RST, as
// the kernel does with `ct state invalid drop`. The hole then stays open, and Bob gets no answer.
TEST(ClosedPunchingSocket, LeavesTheHoleOpenUntilItsResetOfASynShutsItBelowT3) {
  for (const TcpDepth depth : kDepths) {
    for (const TcpOnReset on_reset : kOnResets) {
      SCOPED_TRACE(absl::StrCat(ToString(depth), " ", ToString(on_reset)));
      NatProfile profile = Tracked({.depth = depth, .on_reset = on_reset});
      profile.tcp.unsolicited = Unsolicited::kDrop;
      Lab lab(profile);
      const net::SocketId first = lab.alice.Connect(lab.alice_at, lab.bob_outside);
      lab.Run(10ms);
      lab.trace.sent.clear();
      lab.alice.host().Close(first);
      lab.Run(500ms);
      EXPECT_TRUE(lab.trace.From("alice").empty()) << "closing says nothing";
      const auto known = [&] { return lab.box_a.nat().FindTcp(lab.world.now(), 2, lab.alice_at, lab.bob_outside); };
      EXPECT_TRUE(known());
      const net::SocketId bob = lab.bob.Connect(lab.bob_at, lab.alice_outside);
      lab.Run(100ms);
      const std::vector<Packet> answers = lab.trace.From("alice");
      ASSERT_EQ(answers.size(), 1u);
      EXPECT_EQ(answers[0].tcp.flags, kTcpRst | kTcpAck);
      EXPECT_EQ(answers[0].tcp.sequence, 0u);
      if (depth < TcpDepth::kWindow) {
        EXPECT_EQ(lab.bob.at(bob).why.code(), StatusCode::kUnavailable);
        ExpectHole(known(), depth, on_reset);
        continue;
      }
      const std::uint64_t refused =
          lab.world.drops().count(Rule::kTcpSequenceTooHigh) + lab.world.drops().count(Rule::kTcpSequenceTooLow);
      EXPECT_EQ(refused, 1u);
      EXPECT_FALSE(lab.bob.at(bob).reset);
      ASSERT_TRUE(known());
      EXPECT_EQ(known()->state, TcpTrackerState::kSynSent2);
    }
  }
}

// The RST that answers a SYN,ACK has the number that the SYN,ACK acknowledges. It is Alice's own next number, so the
// RST passes every rung.
TEST(ClosedPunchingSocket, ItsResetOfASynAckShutsTheHoleOnEveryRung) {
  for (const TcpDepth depth : kDepths) {
    for (const TcpOnReset on_reset : kOnResets) {
      SCOPED_TRACE(absl::StrCat(ToString(depth), " ", ToString(on_reset)));
      Lab lab(Tracked({.depth = depth, .on_reset = on_reset}));
      lab.server.Listen(lab.server_at);
      const net::SocketId first = lab.alice.Connect(lab.alice_at, lab.server_at);
      lab.Run(10ms);
      lab.trace.sent.clear();
      lab.alice.host().Close(first);
      lab.Run(500ms);
      const std::vector<Packet> answers = lab.trace.From("alice");
      ASSERT_EQ(answers.size(), 1u);
      EXPECT_EQ(answers[0].tcp.flags, kTcpRst);
      EXPECT_NE(answers[0].tcp.sequence, 0u);
      EXPECT_TRUE(lab.server.accepted().empty());
      EXPECT_EQ(lab.trace.From("server").size(), 1u) << "no SYN,ACK but the first: the RST got there";
      ExpectHole(lab.box_a.nat().FindTcp(lab.world.now(), 2, lab.alice_at, lab.server_at), depth, on_reset);
    }
  }
}

// A masquerade without rules for invalid segments forwards the RST of T4 untranslated, with the inside source, which no
// host expects.
TEST(ClosedPunchingSocket, WhereInvalidSegmentsLeakItsResetOfASynLeavesUntranslated) {
  Lab lab(LinuxTcp());
  lab.alice.host().Close(lab.alice.Connect(lab.alice_at, lab.bob_outside));
  lab.Run(500ms);
  lab.trace.sent.clear();
  const net::SocketId bob = lab.bob.Connect(lab.bob_at, lab.alice_outside);
  lab.Run(100ms);
  const std::vector<Packet> out = lab.trace.From("box_a");
  ASSERT_EQ(out.size(), 2u);  // Bob's SYN inwards, and
  EXPECT_EQ(out[1].tcp.flags, kTcpRst | kTcpAck);
  EXPECT_EQ(out[1].source, lab.alice_at);
  EXPECT_FALSE(lab.bob.at(bob).reset);
}

// Two hosts of one NAT meet by its external address; each sees the other's external endpoint.
TEST(TcpHairpin, AHandshakeAndASimultaneousOpenPassEveryRung) {
  for (const TcpDepth depth : kDepths) {
    for (const bool crossing : {false, true}) {
      SCOPED_TRACE(absl::StrCat(ToString(depth), crossing ? ", crossing" : ""));
      TransportBehavior ports{
          .filtering = crossing ? Filtering::kAddressAndPortDependent : Filtering::kEndpointIndependent,
          .hairpin = Hairpin::kExternalSource};
      NatProfile profile = TcpProfile({.depth = depth}, ports);
      TcpNatBench nat(profile);
      // Bob has a mapping, as from a server: 5000 is Alice's, so his is another.
      ASSERT_EQ(nat.Out(kAlice, kServer, nat.AliceSyn()).action, Verdict::Action::kOutside);
      const net::SocketAddress alice = nat.last.source;
      ASSERT_EQ(nat.Out(kBob, kServer, nat.AliceSyn()).action, Verdict::Action::kOutside);
      const net::SocketAddress bob = nat.last.source;
      const auto passes = [&](const net::SocketAddress& from, const net::SocketAddress& to, const Seg& seg) {
        return nat.Out(from, to, seg).action == Verdict::Action::kInside;
      };
      // The numbers of each host as the other host sees them. T5 shifts them twice.
      const Seg alice_syn{.flags = kTcpSyn, .sequence = 100};
      const bool first = passes(kAlice, bob, alice_syn);
      EXPECT_EQ(first, !crossing) << "a filter lets in nobody that was not sent to";
      std::uint32_t alice_seen = nat.last.tcp.sequence;
      if (first) {
        EXPECT_EQ(nat.last.source, alice);
        EXPECT_EQ(nat.last.destination, kBob);
      }
      Seg bob_opens{.flags = kTcpSyn, .sequence = 900};
      if (!crossing) bob_opens = {kTcpSyn | kTcpAck, 900, alice_seen + 1};
      ASSERT_TRUE(passes(kBob, alice, bob_opens));
      EXPECT_EQ(nat.last.source, bob);
      EXPECT_EQ(nat.last.destination, kAlice);
      const std::uint32_t bob_seen = nat.last.tcp.sequence;
      if (crossing) {
        ASSERT_TRUE(passes(kAlice, bob, {kTcpSyn | kTcpAck, 100, bob_seen + 1}));
        alice_seen = nat.last.tcp.sequence;
        EXPECT_EQ(nat.last.tcp.acknowledgment, 901u);
        ASSERT_TRUE(passes(kBob, alice, {kTcpSyn | kTcpAck, 900, alice_seen + 1}));
      }
      EXPECT_EQ(nat.last.tcp.acknowledgment, 101u);
      EXPECT_TRUE(passes(kAlice, bob, {kTcpAck, 101, bob_seen + 1}));
      EXPECT_EQ(nat.last.tcp.acknowledgment, 901u);
      EXPECT_TRUE(passes(kBob, alice, {kTcpAck, 901, alice_seen + 1, 10}));
    }
  }
}

TEST(TcpHairpin, WithoutItTheSynIsForTheBoxAndInternalSourcesAreTheProfiles) {
  NatProfile profile = TcpProfile({}, {.filtering = Filtering::kEndpointIndependent});
  profile.tcp.unsolicited = Unsolicited::kReset;
  TcpNatBench none(profile);
  ASSERT_EQ(none.Out(kBob, kServer, none.AliceSyn()).action, Verdict::Action::kOutside);
  const Verdict verdict = none.Out(kAlice, none.last.source, none.AliceSyn());
  EXPECT_EQ(verdict.action, Verdict::Action::kReset) << "at once: nothing can cross that SYN";
  EXPECT_EQ(verdict.rule, Rule::kHairpinRefused);
  profile.tcp.hairpin = Hairpin::kInternalSource;
  TcpNatBench inner(profile);
  ASSERT_EQ(inner.Out(kBob, kServer, inner.AliceSyn()).action, Verdict::Action::kOutside);
  EXPECT_EQ(inner.Out(kAlice, inner.last.source, inner.AliceSyn()).action, Verdict::Action::kInside);
  EXPECT_EQ(inner.last.source, kAlice) << "so Bob's answer takes the short way, and Alice resets it";
}

// nf_conntrack: an entry that the peer's RST closed lets a new SYN pass and believes it once it is answered.
TEST(LinuxTcp, ANewSynOnAnEntryThatThePeerResetIsBelievedOnceItIsAnswered) {
  TcpNatBench nat(LinuxTcp());
  ASSERT_TRUE(nat.Connect());
  ASSERT_TRUE(nat.GetsIn({.flags = kTcpRst, .sequence = kPeerIsn + 1}));
  ASSERT_EQ(nat.State(), TcpTrackerState::kClose);
  ASSERT_TRUE(nat.GoesOut({.flags = kTcpSyn, .sequence = 77}));
  EXPECT_EQ(nat.State(), TcpTrackerState::kClose);
  EXPECT_EQ(nat.LifeLeft(), 10s);
  ASSERT_TRUE(nat.GetsIn({kTcpSyn | kTcpAck, 99, 78}));
  EXPECT_EQ(nat.State(), TcpTrackerState::kSynReceived);
  ASSERT_TRUE(nat.GoesOut({kTcpAck, 78, 100}));
  EXPECT_EQ(nat.State(), TcpTrackerState::kEstablished);
}

}  // namespace
}  // namespace pinhole::sim
