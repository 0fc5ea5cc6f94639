#include <gtest/gtest.h>

#include "tests/sim/nat_tcp_bench.h"

// The behavior of a Linux 6.18 masquerade for TCP, as measured with probes, as far as the box alone decides it.
namespace pinhole::sim {
namespace {

using namespace std::chrono_literals;
using Action = Verdict::Action;
using State = TcpTrackerState;

TEST(LinuxTcp, UnsolicitedSynMeetsTheInputPolicy) {
  const struct {
    Unsolicited input;
    Action action;
  } rows[] = {{Unsolicited::kInput, Action::kInput},  // where the box's own TCP answers RST
              {Unsolicited::kDrop, Action::kDrop},
              {Unsolicited::kPortUnreachable, Action::kReject}};
  for (const auto& row : rows) {
    SCOPED_TRACE(ToString(row.input));
    TcpNatBench nat(LinuxTcp(row.input));
    EXPECT_EQ(nat.In(nat.PeerSyn()).action, row.action);
    // From another remote to a mapped port.
    ASSERT_TRUE(nat.GoesOut(nat.AliceSyn()));
    EXPECT_EQ(nat.In(kServer, kAlicePublic, nat.PeerSyn()).action, row.action);
    EXPECT_EQ(nat.In(kPeer.WithPort(4001), kAlicePublic, nat.PeerSyn()).action, row.action);
  }
}

// The box answers with a RST, which ends the entry. So, unlike with UDP, no port is poisoned.
TEST(LinuxTcp, AnUnsolicitedSynThatTheBoxAnswersCostsNoPort) {
  TcpNatBench nat(LinuxTcp(Unsolicited::kInput));
  ASSERT_EQ(nat.In(nat.PeerSyn()).action, Action::kInput);
  ASSERT_TRUE(nat.GoesOut(nat.AliceSyn()));
  EXPECT_EQ(nat.last.source, kAlicePublic);
}

TEST(LinuxTcp, PortsArePreservedToEveryDestinationAndRandomOnACollision) {
  TcpNatBench nat(LinuxTcp());
  for (const net::SocketAddress& to : {kPeer, kServer, kServer.WithPort(443)}) {
    ASSERT_EQ(nat.Out(kAlice, to, nat.AliceSyn()).action, Action::kOutside);
    EXPECT_EQ(nat.last.source.port(), 5000);
  }
  ASSERT_EQ(nat.Out(kBob, kPeer, nat.AliceSyn()).action, Action::kOutside);
  EXPECT_NE(nat.last.source.port(), 5000);
  EXPECT_GE(nat.last.source.port(), 1024);
  // Towards another destination the port is shared.
  ASSERT_EQ(nat.Out(kCarol, Addr("192.0.2.99:80"), nat.AliceSyn()).action, Action::kOutside);
  EXPECT_EQ(nat.last.source.port(), 5000);
}

TEST(LinuxTcp, UdpAndTcpPortsAreDifferentThings) {
  TcpNatBench nat(LinuxTcp());
  ASSERT_EQ(nat.bench.PortOf(kBob, kPeer), 5000);
  ASSERT_TRUE(nat.GoesOut(nat.AliceSyn()));
  EXPECT_EQ(nat.last.source.port(), 5000);
}

TEST(LinuxTcp, CrossingSynsAreSynSent2AndThenEstablished) {
  TcpNatBench nat(LinuxTcp());
  ASSERT_TRUE(nat.GoesOut(nat.AliceSyn()));
  EXPECT_EQ(nat.State(), State::kSynSent);
  EXPECT_EQ(nat.LifeLeft(), 120s);
  ASSERT_TRUE(nat.GetsIn(nat.PeerSyn()));
  EXPECT_EQ(nat.State(), State::kSynSent2);
  EXPECT_EQ(nat.LifeLeft(), 120s);
  ASSERT_TRUE(nat.GoesOut(nat.AliceSynAck()));
  EXPECT_EQ(nat.State(), State::kSynReceived);
  EXPECT_EQ(nat.LifeLeft(), 60s);
  ASSERT_TRUE(nat.GetsIn(nat.PeerSynAck()));
  ASSERT_TRUE(nat.GetsIn(nat.PeerAck()));
  EXPECT_EQ(nat.State(), State::kEstablished);
  // Data that is not yet acknowledged keeps it at 300 s.
  ASSERT_TRUE(nat.GoesOut(nat.AliceAck(0, 0, 10)));
  EXPECT_EQ(nat.LifeLeft(), 300s);
}

// An ICMP error of a reject rule reaches Alice's host and ends her socket, but the NAT keeps its entry.
TEST(LinuxTcp, AnIcmpErrorLeavesTheEntryInSynSent2) {
  TcpNatBench nat(LinuxTcp());
  ASSERT_TRUE(nat.GoesOut(nat.AliceSyn()));
  ASSERT_TRUE(nat.GetsIn(nat.PeerSyn()));
  Packet error = NatBench::Unreachable(kPeer.address(), kAlicePublic, kPeer);
  error.quoted.protocol = IpProtocol::kTcp;
  EXPECT_EQ(nat.bench.nat.FromOutside(nat.bench.now, error).action, Action::kInside);
  EXPECT_EQ(error.quoted.source, kAlice);
  EXPECT_EQ(nat.State(), State::kSynSent2);
}

TEST(LinuxTcp, AnInvalidSegmentFromOutsideIsForTheBoxUnlessLiberal) {
  for (const Unsolicited input : {Unsolicited::kDrop, Unsolicited::kInput}) {
    TcpNatBench nat(LinuxTcp(input));
    ASSERT_TRUE(nat.Connect());
    const Verdict verdict = nat.In(nat.PeerAck(1'000'000, 0, 10));
    // The segment is not translated back. With in-accept the box itself answers with a RST, which ends the connection
    // at the peer.
    EXPECT_EQ(verdict.action, input == Unsolicited::kInput ? Action::kInput : Action::kDrop);
    EXPECT_EQ(verdict.rule, Rule::kTcpSequenceTooHigh);
    EXPECT_EQ(nat.last.destination, kAlicePublic);
    EXPECT_EQ(nat.State(), State::kEstablished);
  }
  NatProfile liberal = LinuxTcp();
  liberal.tcp.tracking.liberal = true;
  TcpNatBench nat(liberal);
  ASSERT_TRUE(nat.Connect());
  EXPECT_TRUE(nat.GetsIn(nat.PeerAck(1'000'000, 0, 10)));
  EXPECT_EQ(nat.last.destination, kAlice);
}

TEST(LinuxTcp, AnInvalidSegmentFromInsideLeaksUnlessDroppedOrLiberal) {
  const Seg outside_window = {kTcpAck, kAliceIsn + 1'000'000, kPeerIsn + 1, 10};
  TcpNatBench leaks(LinuxTcp());
  ASSERT_TRUE(leaks.Connect());
  const Verdict leak = leaks.Out(outside_window);
  EXPECT_EQ(leak.action, Action::kLeak);
  EXPECT_EQ(leak.rule, Rule::kTcpSequenceTooHigh);
  EXPECT_EQ(leaks.last.source, kAlice);

  NatProfile with_rule = LinuxTcp();  // ct state invalid drop, in the forward chain
  with_rule.tcp.tracking.invalid = TcpInvalid::kInput;
  TcpNatBench drops(with_rule);
  ASSERT_TRUE(drops.Connect());
  EXPECT_EQ(drops.Out(outside_window).action, Action::kDrop);

  NatProfile liberal = LinuxTcp();
  liberal.tcp.tracking.liberal = true;
  TcpNatBench passes(liberal);
  ASSERT_TRUE(passes.Connect());
  EXPECT_TRUE(passes.GoesOut(outside_window));
  EXPECT_EQ(passes.last.source, kAlicePublic);
}

TEST(LinuxTcp, AnOutOfWindowResetChangesNothingAndLiberalPassesIt) {
  for (const bool liberal : {false, true}) {
    NatProfile profile = LinuxTcp();
    profile.tcp.tracking.liberal = liberal;
    TcpNatBench nat(profile);
    ASSERT_TRUE(nat.Connect());
    ASSERT_TRUE(nat.GetsIn(nat.PeerAck()));
    EXPECT_EQ(nat.GetsIn({.flags = kTcpRst, .sequence = kPeerIsn + 1'000'000}), liberal);
    EXPECT_EQ(nat.State(), State::kEstablished);
  }
}

TEST(LinuxTcp, LoosePicksUpABareAckAndNothingElse) {
  TcpNatBench loose(LinuxTcp());
  ASSERT_TRUE(loose.GoesOut(loose.AliceAck()));
  EXPECT_EQ(loose.last.source, kAlicePublic);
  EXPECT_EQ(loose.State(), State::kEstablished);
  EXPECT_EQ(loose.LifeLeft(), 300s);  // until something comes back
  ASSERT_TRUE(loose.GetsIn(loose.PeerAck()));
  EXPECT_EQ(loose.LifeLeft(), 432000s);

  NatProfile profile = LinuxTcp();
  profile.tcp.tracking.loose = false;
  TcpNatBench strict(profile);
  const Verdict verdict = strict.Out(strict.AliceAck());
  EXPECT_EQ(verdict.action, Action::kLeak);
  EXPECT_EQ(verdict.rule, Rule::kTcpNoConnection);
  profile.tcp.tracking.invalid = TcpInvalid::kInput;
  TcpNatBench drops(profile);
  EXPECT_EQ(drops.Out(drops.AliceAck()).action, Action::kDrop);
  // A bare SYN,ACK is invalid under both.
  EXPECT_EQ(TcpNatBench(LinuxTcp()).Out({kTcpSyn | kTcpAck}).rule, Rule::kTcpNoConnection);
  EXPECT_EQ(strict.Out({kTcpSyn | kTcpAck}).rule, Rule::kTcpNoConnection);
}

TEST(LinuxTcp, EachStateLivesAsLongAsTheKernelsSysctlSays) {
  TcpNatBench nat(LinuxTcp());
  nat.GoesOut(nat.AliceSyn());
  EXPECT_EQ(nat.LifeLeft(), 120s);
  nat.GetsIn(nat.PeerSynAck());
  EXPECT_EQ(nat.LifeLeft(), 60s);
  nat.GoesOut(nat.AliceAck());
  EXPECT_EQ(nat.LifeLeft(), 432000s);
  nat.GoesOut(nat.AliceAck(0, 0, 10));
  EXPECT_EQ(nat.LifeLeft(), 300s);  // unacknowledged
  nat.GetsIn(nat.PeerAck(0, 10));
  EXPECT_EQ(nat.LifeLeft(), 432000s);
  nat.GoesOut(nat.With(nat.AliceAck(10), kTcpFin));
  EXPECT_EQ(nat.State(), State::kFinWait);
  EXPECT_EQ(nat.LifeLeft(), 120s);
  nat.GetsIn(nat.PeerAck(0, 11));
  EXPECT_EQ(nat.State(), State::kCloseWait);
  EXPECT_EQ(nat.LifeLeft(), 60s);
  nat.GetsIn(nat.With(nat.PeerAck(0, 11), kTcpFin));
  EXPECT_EQ(nat.State(), State::kLastAck);
  EXPECT_EQ(nat.LifeLeft(), 30s);
  nat.GoesOut(nat.AliceAck(11, 1));
  EXPECT_EQ(nat.State(), State::kTimeWait);
  EXPECT_EQ(nat.LifeLeft(), 120s);

  TcpNatBench reset(LinuxTcp());
  ASSERT_TRUE(reset.Connect());
  ASSERT_TRUE(reset.GetsIn({.flags = kTcpRst, .sequence = kPeerIsn + 1}));
  EXPECT_EQ(reset.State(), State::kClose);
  EXPECT_EQ(reset.LifeLeft(), 10s);
}

// The kernel's table cannot distinguish the second side's FIN from the first side's FIN sent again. Tracking with less
// depth can.
TEST(LinuxTcp, AFinThatIsSentAgainIsTakenForTheOtherSides) {
  TcpNatBench nat(LinuxTcp());
  ASSERT_TRUE(nat.Connect());
  const Seg fin = nat.With(nat.AliceAck(), kTcpFin);
  ASSERT_TRUE(nat.GoesOut(fin));
  ASSERT_EQ(nat.State(), State::kFinWait);
  ASSERT_TRUE(nat.GoesOut(fin));
  EXPECT_EQ(nat.State(), State::kLastAck);
  EXPECT_EQ(nat.LifeLeft(), 30s);
}

// nf_conntrack_tcp_max_retrans: the limit is reached with the fourth transmission of the same segment.
TEST(LinuxTcp, ThreeRetransmissionsShortenTheLifeTo300Seconds) {
  TcpNatBench nat(LinuxTcp());
  ASSERT_TRUE(nat.Connect());
  for (int repeat = 0; repeat < 3; ++repeat) {
    ASSERT_TRUE(nat.GetsIn(nat.PeerAck()));
    EXPECT_EQ(nat.LifeLeft(), 432000s) << repeat;
  }
  ASSERT_TRUE(nat.GetsIn(nat.PeerAck()));
  EXPECT_EQ(nat.LifeLeft(), 300s);
}

// As in nf_conntrack: an entry with a closed window lives no longer than one with retransmissions.
TEST(LinuxTcp, AWindowOfZeroShortensTheLifeTo300Seconds) {
  TcpNatBench nat(LinuxTcp());
  ASSERT_TRUE(nat.Connect());
  Seg full = nat.PeerAck();
  full.window = 0;
  ASSERT_TRUE(nat.GetsIn(full));
  EXPECT_EQ(nat.LifeLeft(), 300s);
  ASSERT_TRUE(nat.GetsIn(nat.PeerAck()));  // opens again
  EXPECT_EQ(nat.LifeLeft(), 432000s);
}

TEST(LinuxTcp, AResetAsTheOnlyAnswerEndsTheEntryAtOnce) {
  TcpNatBench nat(LinuxTcp());
  ASSERT_TRUE(nat.GoesOut(nat.AliceSyn()));
  ASSERT_TRUE(nat.GetsIn({kTcpRst | kTcpAck, 0, kAliceIsn + 1}));
  EXPECT_EQ(nat.State(), std::nullopt);
  EXPECT_EQ(nat.In(nat.PeerSyn()).rule, Rule::kNoMapping);
}

TEST(LinuxTcp, AnEntryDiesExactlyAtItsTime) {
  TcpNatBench nat(LinuxTcp());
  ASSERT_TRUE(nat.GoesOut(nat.AliceSyn()));
  nat.Wait(120s - 1ns);
  EXPECT_EQ(nat.State(), State::kSynSent);
  nat.Wait(1ns);
  EXPECT_EQ(nat.In(nat.PeerSynAck()).rule, Rule::kNoMapping);
}

TEST(LinuxTcp, ANewSynReopensAnEntryInTimeWaitOrReset) {
  TcpNatBench nat(LinuxTcp());
  ASSERT_TRUE(nat.Connect());
  nat.GoesOut(nat.With(nat.AliceAck(), kTcpFin));
  nat.GetsIn(nat.With(nat.PeerAck(0, 1), kTcpFin));
  nat.GoesOut(nat.AliceAck(1, 1));
  ASSERT_EQ(nat.State(), State::kTimeWait);
  ASSERT_TRUE(nat.GoesOut({.flags = kTcpSyn, .sequence = 77}));
  EXPECT_EQ(nat.State(), State::kSynSent);
  EXPECT_EQ(nat.last.source, kAlicePublic);
  EXPECT_TRUE(nat.GetsIn({kTcpSyn | kTcpAck, 99, 78}));

  TcpNatBench reset(LinuxTcp());
  ASSERT_TRUE(reset.Connect());
  ASSERT_TRUE(reset.GetsIn(reset.PeerAck()));
  ASSERT_TRUE(reset.GoesOut({.flags = kTcpRst, .sequence = kAliceIsn + 1}));
  ASSERT_EQ(reset.State(), State::kClose);
  ASSERT_TRUE(reset.GoesOut({.flags = kTcpSyn, .sequence = 77}));
  EXPECT_EQ(reset.State(), State::kSynSent);
}

// The client has rebooted and connects again from the same port, while the NAT still has the old connection. Its SYN
// passes, and the server's answer shows the NAT that the connection is new.
TEST(LinuxTcp, AnIgnoredSynIsBelievedOnceItIsAnswered) {
  TcpNatBench nat(LinuxTcp());
  ASSERT_TRUE(nat.Connect());
  ASSERT_TRUE(nat.GoesOut({.flags = kTcpSyn, .sequence = 3'000'000'000u}));
  EXPECT_EQ(nat.State(), State::kEstablished);
  ASSERT_TRUE(nat.GetsIn({kTcpSyn | kTcpAck, 4'000'000'000u, 3'000'000'001u}));
  EXPECT_EQ(nat.State(), State::kSynReceived);
  EXPECT_TRUE(nat.GoesOut({kTcpAck, 3'000'000'001u, 4'000'000'001u}));
  EXPECT_EQ(nat.State(), State::kEstablished);
}

TEST(LinuxTcp, AnAnswerToAnIgnoredSynThatIsRefusedChangesNoState) {
  TcpNatBench nat(LinuxTcp());
  ASSERT_TRUE(nat.Connect());
  Packet syn = Tcp(kAlice, kPeer, {.flags = kTcpSyn, .sequence = 3'000'000'000u});
  syn.tcp.sack_permitted = true;
  ASSERT_EQ(nat.bench.Out(syn).action, Action::kOutside);
  Packet answer = Tcp(kPeer, kAlicePublic, {kTcpSyn | kTcpAck, 4'000'000'000u, 3'000'000'001u});
  answer.tcp.sack_count = 1;
  answer.tcp.sack[0] = {3'000'000'001u, 3'000'000'002u};  // what was never sent
  EXPECT_EQ(nat.bench.nat.FromOutside(nat.bench.now, answer).rule, Rule::kTcpAckTooHigh);
  EXPECT_EQ(nat.State(), State::kEstablished);
}

TEST(LinuxTcp, AForwardedPortTakesConnectionsFromOutside) {
  NatProfile profile = LinuxTcp();
  profile.port_forwards = {{Addr("0.0.0.0:8080"), kBob.WithPort(80)}};
  TcpNatBench nat(profile);
  const net::SocketAddress forwarded = Addr("198.51.100.1:8080");
  ASSERT_EQ(nat.In(kPeer, forwarded, nat.PeerSyn()).action, Action::kInside);
  EXPECT_EQ(nat.last.destination, kBob.WithPort(80));
  ASSERT_EQ(nat.Out(kBob.WithPort(80), kPeer, nat.AliceSynAck()).action, Action::kOutside);
  EXPECT_EQ(nat.last.source, forwarded);
}

}  // namespace
}  // namespace pinhole::sim
