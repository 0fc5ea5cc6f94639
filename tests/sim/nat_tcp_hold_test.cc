#include <gtest/gtest.h>

#include "tests/sim/nat_tcp_bench.h"

// The answers to unsolicited SYNs, and the six seconds that RFC 5382 §4.3 REQ-4 demands before an answer.
namespace pinhole::sim {
namespace {

using namespace std::chrono_literals;
using Action = Verdict::Action;

NatProfile Answering(Unsolicited unsolicited, net::Duration hold) {
  NatProfile profile;
  profile.tcp.unsolicited = unsolicited;
  profile.tcp.unsolicited_hold = hold;
  return profile;
}

TEST(TcpUnsolicited, WithoutAHoldTheAnswerIsTheProfilesAtOnce) {
  const struct {
    Unsolicited unsolicited;
    Action action;
    int code;
  } rows[] = {{Unsolicited::kDrop, Action::kDrop, 0},
              {Unsolicited::kReset, Action::kReset, 0},
              {Unsolicited::kPortUnreachable, Action::kReject, 3},
              {Unsolicited::kHostUnreachable, Action::kReject, 1},
              {Unsolicited::kAdminProhibited, Action::kReject, 13},
              {Unsolicited::kInput, Action::kInput, 0}};
  for (const auto& row : rows) {
    SCOPED_TRACE(ToString(row.unsolicited));
    TcpNatBench nat(Answering(row.unsolicited, 0s));
    const Verdict verdict = nat.In(nat.PeerSyn());
    EXPECT_EQ(verdict.action, row.action);
    EXPECT_EQ(verdict.icmp_code, row.code);
    EXPECT_EQ(verdict.rule, Rule::kNoMapping);
    EXPECT_TRUE(nat.Outputs().empty());
  }
}

TEST(TcpUnsolicited, AResetIsNotAnsweredWithAReset) {
  TcpNatBench nat(Answering(Unsolicited::kReset, 0s));
  EXPECT_EQ(nat.In({.flags = kTcpRst}).action, Action::kDrop);
  EXPECT_EQ(nat.In({.flags = kTcpAck}).action, Action::kReset);
}

TEST(TcpHold, TheAnswerComesSixSecondsAfterTheFirstSynAndNotAMomentBefore) {
  TcpNatBench nat(Answering(Unsolicited::kPortUnreachable, 6s));
  const Verdict verdict = nat.In(nat.PeerSyn());
  EXPECT_EQ(verdict.action, Action::kDrop);
  EXPECT_EQ(verdict.rule, Rule::kSynHeld);
  EXPECT_EQ(nat.bench.nat.NextTimer(), At(6s));
  nat.Wait(6s - 1ns);
  EXPECT_TRUE(nat.Outputs().empty());
  nat.Wait(1ns);
  const std::vector<NatOutput> outputs = nat.Outputs();
  ASSERT_EQ(outputs.size(), 1u);
  EXPECT_EQ(outputs[0].kind, NatOutput::Kind::kIcmpError);
  EXPECT_EQ(outputs[0].icmp_code, 3);
  EXPECT_EQ(outputs[0].packet.source, kPeer);
  EXPECT_EQ(outputs[0].packet.tcp.sequence, kPeerIsn);
  EXPECT_EQ(nat.bench.nat.NextTimer(), net::kNever);
}

TEST(TcpHold, RetransmissionsNeitherExtendItNorGetAnswers) {
  TcpNatBench nat(Answering(Unsolicited::kReset, 6s));
  nat.In(nat.PeerSyn());
  for (const net::Duration wait : {1s, 2s}) {  // at 1 s and 3 s
    nat.Wait(wait);
    EXPECT_EQ(nat.In(nat.PeerSyn()).rule, Rule::kSynHeld);
  }
  nat.Wait(3s);
  EXPECT_EQ(nat.Outputs().size(), 1u);
  nat.Wait(6s);
  EXPECT_TRUE(nat.Outputs().empty());
}

TEST(TcpHold, AnOutboundSynBeforeItsEndCancelsItSilentlyAndTheOpenCompletes) {
  TcpNatBench nat(Answering(Unsolicited::kPortUnreachable, 6s));
  nat.In(nat.PeerSyn());
  nat.Wait(6s - 1ns);
  ASSERT_TRUE(nat.GoesOut(nat.AliceSyn()));
  nat.Wait(1h);
  EXPECT_TRUE(nat.Outputs().empty());

  TcpNatBench crossing(Answering(Unsolicited::kPortUnreachable, 6s));
  crossing.In(crossing.PeerSyn());
  crossing.Wait(1s);
  ASSERT_TRUE(crossing.GoesOut(crossing.AliceSyn()));
  EXPECT_TRUE(crossing.GetsIn(crossing.PeerSyn()));  // retransmitted
  EXPECT_TRUE(crossing.GoesOut(crossing.AliceSynAck()));
  EXPECT_TRUE(crossing.GetsIn(crossing.PeerSynAck()));
  EXPECT_TRUE(crossing.Outputs().empty());
}

TEST(TcpHold, AnOutboundSynAtSixSecondsIsTooLate) {
  TcpNatBench nat(Answering(Unsolicited::kPortUnreachable, 6s));
  nat.In(nat.PeerSyn());
  nat.Wait(6s);
  ASSERT_TRUE(nat.GoesOut(nat.AliceSyn()));
  EXPECT_EQ(nat.Outputs().size(), 1u);
}

TEST(TcpHold, OnlyASynToThatVeryRemoteEndpointCancels) {
  TcpNatBench nat(Answering(Unsolicited::kPortUnreachable, 6s));
  nat.In(nat.PeerSyn());
  ASSERT_EQ(nat.Out(kAlice, Addr("203.0.113.7:4001"), nat.AliceSyn()).action, Action::kOutside);
  nat.Wait(6s);
  EXPECT_EQ(nat.Outputs().size(), 1u);
}

TEST(TcpHold, AFilteredSynIsHeldLikeOneWithoutAMapping) {
  TcpNatBench nat(Answering(Unsolicited::kPortUnreachable, 6s));
  ASSERT_EQ(nat.Out(kAlice, kServer, nat.AliceSyn()).action, Action::kOutside);
  EXPECT_EQ(nat.In(nat.PeerSyn()).rule, Rule::kSynHeld);
  nat.Wait(6s);
  EXPECT_EQ(nat.Outputs().size(), 1u);
}

TEST(TcpHold, TheTableIsBoundedAndWhatDoesNotFitGetsNoAnswer) {
  TcpNatBench nat(Answering(Unsolicited::kReset, 6s));
  const std::size_t max = nat::HeldSyns::kMax;
  for (std::size_t i = 0; i < max + 10; ++i) {
    const Verdict verdict = nat.In(kPeer.WithPort(static_cast<std::uint16_t>(1000 + i)), kAlicePublic, nat.PeerSyn());
    EXPECT_EQ(verdict.rule, i < max ? Rule::kSynHeld : Rule::kSynHoldFull);
    EXPECT_EQ(verdict.action, Action::kDrop);
  }
  nat.Wait(6s);
  EXPECT_EQ(nat.Outputs().size(), max);
}

// The SYN that is held may be sent again and be let in meanwhile. Then the inside host answers it with SYN,ACK.
TEST(TcpHold, AnOutboundSynAckCancelsItToo) {
  NatProfile profile = Answering(Unsolicited::kReset, 6s);
  profile.tcp.filtering = Filtering::kAddressDependent;
  TcpNatBench nat(profile);
  ASSERT_EQ(nat.Out(kAlice, kServer, nat.AliceSyn()).action, Action::kOutside);  // a mapping
  EXPECT_EQ(nat.In(nat.PeerSyn()).rule, Rule::kSynHeld);
  nat.Wait(500ms);
  ASSERT_EQ(nat.Out(kAlice, kPeer.WithPort(4001), nat.AliceSyn()).action, Action::kOutside);  // opens the filter
  nat.Wait(500ms);
  EXPECT_TRUE(nat.GetsIn(nat.PeerSyn()));
  EXPECT_TRUE(nat.GoesOut(nat.AliceSynAck()));
  EXPECT_TRUE(nat.GetsIn(nat.PeerAck()));
  nat.Wait(6s);
  EXPECT_TRUE(nat.Outputs().empty());
}

// RFC 5382 §4.3 REQ-4 with §7.2 REQ-8: the first of two hosts behind one NAT.
TEST(TcpHold, AHairpinnedSynIsHeldLikeOneFromOutside) {
  NatProfile profile = Answering(Unsolicited::kPortUnreachable, 6s);
  profile.tcp.hairpin = Hairpin::kExternalSource;
  for (const bool bob_sends : {false, true}) {
    TcpNatBench nat(profile);
    ASSERT_EQ(nat.Out(kAlice, kServer, nat.AliceSyn()).action, Action::kOutside);
    const net::SocketAddress alice = nat.last.source;
    ASSERT_EQ(nat.Out(kBob, kServer, nat.AliceSyn()).action, Action::kOutside);
    const net::SocketAddress bob = nat.last.source;
    const Verdict verdict = nat.Out(kAlice, bob, nat.AliceSyn());
    EXPECT_EQ(verdict.action, Action::kDrop);
    EXPECT_EQ(verdict.rule, Rule::kSynHeld);
    if (bob_sends) {
      nat.Wait(1s);
      EXPECT_EQ(nat.Out(kBob, alice, nat.PeerSyn()).action, Action::kInside);
    }
    nat.Wait(6s);
    const std::vector<NatOutput> outputs = nat.Outputs();
    ASSERT_EQ(outputs.size(), bob_sends ? 0u : 1u);
    if (!bob_sends) {
      EXPECT_EQ(outputs[0].packet.source, kAlice);
    }
  }
}

}  // namespace
}  // namespace pinhole::sim
