#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/sim/nat_tcp_bench.h"

// The depths of tracking in ascending order, called rungs: the segments that each rung lets pass, and the rule by which
// the next rung drops them.
namespace pinhole::sim {
namespace {

constexpr TcpDepth kDepths[] = {TcpDepth::kAddresses, TcpDepth::kFlags, TcpDepth::kSynAckNumber,
                                TcpDepth::kWindow,    TcpDepth::kLinux, TcpDepth::kRewritesIsn};

NatProfile AtDepth(TcpDepth depth) { return TcpProfile({.depth = depth}); }

TEST(TcpLadder, AThreeWayHandshakeAndItsEndPassEveryRung) {
  for (const TcpDepth depth : kDepths) {
    SCOPED_TRACE(ToString(depth));
    TcpNatBench nat(AtDepth(depth));
    EXPECT_TRUE(nat.GoesOut(nat.AliceSyn()));
    EXPECT_EQ(nat.last.source, kAlicePublic);
    if (depth == TcpDepth::kRewritesIsn) continue;  // its peer answers other numbers
    EXPECT_TRUE(nat.GetsIn(nat.PeerSynAck()));
    EXPECT_EQ(nat.last.destination, kAlice);
    EXPECT_TRUE(nat.GoesOut(nat.AliceAck(0, 0, 100)));
    EXPECT_TRUE(nat.GetsIn(nat.PeerAck(0, 100, 500)));
    EXPECT_TRUE(nat.GoesOut(nat.With(nat.AliceAck(100, 500), kTcpFin)));
    EXPECT_TRUE(nat.GetsIn(nat.With(nat.PeerAck(500, 101), kTcpFin)));
    EXPECT_TRUE(nat.GoesOut(nat.AliceAck(101, 501)));
  }
}

// The sequence of RFC 5382 §4.2: SYNs that cross, then SYN,ACKs that cross.
TEST(TcpLadder, SimultaneousOpenPassesEveryRungAndIsRefusedWhereTheProfileRefusesIt) {
  for (const TcpDepth depth : kDepths) {
    SCOPED_TRACE(ToString(depth));
    TcpNatBench nat(AtDepth(depth));
    ASSERT_TRUE(nat.GoesOut(nat.AliceSyn()));
    const std::uint32_t shift = nat.last.tcp.sequence - kAliceIsn;
    EXPECT_EQ(shift != 0, depth == TcpDepth::kRewritesIsn);
    ASSERT_TRUE(nat.GetsIn(nat.PeerSyn()));
    const std::uint32_t peer_shift = nat.last.tcp.sequence - kPeerIsn;
    Seg answer = nat.AliceSynAck();
    answer.acknowledgment += peer_shift;
    EXPECT_TRUE(nat.GoesOut(answer));
    EXPECT_EQ(nat.last.tcp.acknowledgment, kPeerIsn + 1);
    Seg peers = nat.PeerSynAck();
    peers.acknowledgment += shift;
    EXPECT_TRUE(nat.GetsIn(peers));
    EXPECT_EQ(nat.last.tcp.acknowledgment, kAliceIsn + 1);
    if (depth == TcpDepth::kAddresses) continue;
    TcpNatBench strict(TcpProfile({.depth = depth, .simultaneous_open = false}));
    ASSERT_TRUE(strict.GoesOut(strict.AliceSyn()));
    const Verdict refused = strict.In(strict.PeerSyn());
    EXPECT_EQ(refused.action, Verdict::Action::kDrop);
    EXPECT_EQ(refused.rule, Rule::kSimultaneousOpen);
  }
}

// The inside host sends an ICMP error about a segment that came in (RFC 5508 §4.2.2 REQ-5). Outside, the error quotes
// the segment as its sender sent it.
TEST(TcpLadder, T5ShiftsWhatInsideHostsQuoteBackToo) {
  TcpNatBench nat(AtDepth(TcpDepth::kRewritesIsn));
  ASSERT_TRUE(nat.GoesOut(nat.AliceSyn()));
  const std::uint32_t shift = nat.last.tcp.sequence - kAliceIsn;
  ASSERT_TRUE(nat.GetsIn({kTcpSyn | kTcpAck, kPeerIsn, kAliceIsn + 1 + shift}));
  ASSERT_NE(nat.last.tcp.sequence, kPeerIsn);
  Packet error = NatBench::Unreachable(kAlice.address(), kPeer, kAlice);
  error.quoted.protocol = IpProtocol::kTcp;
  error.tcp = nat.last.tcp;
  ASSERT_EQ(nat.bench.Out(error).action, Verdict::Action::kOutside);
  EXPECT_EQ(error.source.address(), kAlicePublic.address());
  EXPECT_EQ(error.quoted.destination, kAlicePublic);
  EXPECT_EQ(error.quoted.source, kPeer);
  EXPECT_EQ(error.tcp.sequence, kPeerIsn);
  EXPECT_EQ(error.tcp.acknowledgment, kAliceIsn + 1 + shift);
}

// The state after crossed SYN,ACKs. Below the rung of Linux the second SYN,ACK establishes the connection, whichever
// side sent it. From T2 on it must acknowledge the SYN that it answers. Linux's table waits for an ACK.
TEST(TcpLadder, TheSecondOfTwoCrossedSynAcksEstablishesBelowT4AndT2ChecksItsNumber) {
  for (const TcpDepth depth : kDepths) {
    for (const bool alice_first : {true, false}) {
      SCOPED_TRACE(absl::StrCat(ToString(depth), alice_first ? ", Alice's first" : ", the peer's first"));
      TcpNatBench nat(AtDepth(depth));
      ASSERT_TRUE(nat.GoesOut(nat.AliceSyn()));
      const std::uint32_t shift = nat.last.tcp.sequence - kAliceIsn;
      ASSERT_TRUE(nat.GetsIn(nat.PeerSyn()));
      const std::uint32_t peer_shift = nat.last.tcp.sequence - kPeerIsn;
      Seg own = nat.AliceSynAck(), peers = nat.PeerSynAck();
      own.acknowledgment += peer_shift;
      peers.acknowledgment += shift;
      ASSERT_TRUE(alice_first ? nat.GoesOut(own) : nat.GetsIn(peers));
      const bool checks = depth == TcpDepth::kSynAckNumber || depth == TcpDepth::kWindow;
      Seg wrong = alice_first ? peers : own;
      wrong.acknowledgment += 1;
      if (checks) {
        EXPECT_EQ((alice_first ? nat.In(wrong) : nat.Out(wrong)).rule, Rule::kTcpSynAckNumber);
      }
      if (depth > TcpDepth::kAddresses) {
        EXPECT_EQ(nat.State(), TcpTrackerState::kSynReceived);
      }
      ASSERT_TRUE(alice_first ? nat.GetsIn(peers) : nat.GoesOut(own));
      EXPECT_EQ(nat.State(), depth < TcpDepth::kLinux ? TcpTrackerState::kEstablished : TcpTrackerState::kSynReceived);
    }
  }
}

TEST(TcpLadder, T0ReadsNoFlagsAndT1Does) {
  TcpNatBench blind(AtDepth(TcpDepth::kAddresses));
  EXPECT_TRUE(blind.GoesOut({.flags = kTcpAck}));
  EXPECT_TRUE(blind.GetsIn({.flags = kTcpFin | kTcpSyn | kTcpRst}));
  TcpNatBench flags(AtDepth(TcpDepth::kFlags));
  EXPECT_EQ(flags.Out({.flags = kTcpAck}).rule, Rule::kTcpNoConnection);
  ASSERT_TRUE(flags.GoesOut(flags.AliceSyn()));
  const Verdict verdict = flags.In({.flags = kTcpFin | kTcpAck});
  EXPECT_EQ(verdict.rule, Rule::kTcpState);
  EXPECT_EQ(verdict.state.number, kTcpFin | kTcpAck);
  EXPECT_EQ(verdict.state.limit, static_cast<int>(TcpTrackerState::kSynSent));
}

TEST(TcpLadder, ASynAckWithAGuessedNumberPassesT1AndDiesAtT2) {
  for (const TcpDepth depth : kDepths) {
    SCOPED_TRACE(ToString(depth));
    TcpNatBench nat(AtDepth(depth));
    ASSERT_TRUE(nat.GoesOut(nat.AliceSyn()));
    const std::uint32_t sent = nat.last.tcp.sequence;
    const Verdict forged = nat.In({kTcpSyn | kTcpAck, kPeerIsn, sent + 2});
    if (depth <= TcpDepth::kFlags) {
      EXPECT_EQ(forged.action, Verdict::Action::kInside);
      continue;
    }
    EXPECT_EQ(forged.rule, Rule::kTcpSynAckNumber);
    EXPECT_EQ(forged.state.number - forged.state.limit, 1);
    EXPECT_TRUE(nat.GetsIn({kTcpSyn | kTcpAck, kPeerIsn, sent + 1}));
  }
}

// An ISN that the peers exchange outside the connection is Alice's own, not the one that her NAT has made of it. A
// SYN,ACK acknowledges only the SYN, not data in the SYN.
TEST(TcpLadder, FromT2OnASynAckAcknowledgesIsnPlusOneWhateverTheSynCarried) {
  for (const TcpDepth depth : {TcpDepth::kSynAckNumber, TcpDepth::kWindow, TcpDepth::kLinux}) {
    SCOPED_TRACE(ToString(depth));
    TcpNatBench nat(TcpProfile({.depth = depth}));
    Seg syn = nat.AliceSyn();
    syn.bytes = 100;
    ASSERT_TRUE(nat.GoesOut(syn));
    EXPECT_EQ(nat.In({kTcpSyn | kTcpAck, kPeerIsn, kAliceIsn + 101}).rule, Rule::kTcpSynAckNumber);
    EXPECT_TRUE(nat.GetsIn(nat.PeerSynAck()));
  }
}

TEST(TcpLadder, ASynAckWithAnExchangedIsnPassesT2ToT4AndDiesAtT5) {
  for (const TcpDepth depth : kDepths) {
    SCOPED_TRACE(ToString(depth));
    TcpNatBench nat(AtDepth(depth));
    ASSERT_TRUE(nat.GoesOut(nat.AliceSyn()));
    EXPECT_EQ(nat.GetsIn(nat.PeerSynAck()), depth != TcpDepth::kRewritesIsn);
  }
}

TEST(TcpLadder, ASegmentBeyondTheWindowPassesT2AndDiesAtT3) {
  for (const TcpDepth depth : {TcpDepth::kSynAckNumber, TcpDepth::kWindow, TcpDepth::kLinux}) {
    SCOPED_TRACE(ToString(depth));
    TcpNatBench nat(AtDepth(depth));
    ASSERT_TRUE(nat.Connect());
    const Verdict verdict = nat.In(nat.PeerAck(100'000, 0, 10));
    if (depth == TcpDepth::kSynAckNumber) {
      EXPECT_EQ(verdict.action, Verdict::Action::kInside);
      continue;
    }
    EXPECT_EQ(verdict.rule, Rule::kTcpSequenceTooHigh);
    EXPECT_EQ(verdict.state.number, kPeerIsn + 1 + 100'000);
    // Alice acknowledged the SYN and offered 1000.
    EXPECT_EQ(verdict.state.limit, kPeerIsn + 1 + 1000);
  }
}

// Alice offers a window of 1000 << 7. A NAT that ignores the scaling sees 1000 and drops the 1001st octet.
TEST(TcpLadder, T3StallsAConnectionWhoseHostsScaleWindowsAndT4DoesNot) {
  for (const TcpDepth depth : {TcpDepth::kWindow, TcpDepth::kLinux}) {
    SCOPED_TRACE(ToString(depth));
    TcpNatBench nat(AtDepth(depth));
    Seg syn = nat.AliceSyn(), answer = nat.PeerSynAck();
    syn.window_scale = answer.window_scale = 7;
    ASSERT_TRUE(nat.GoesOut(syn));
    ASSERT_TRUE(nat.GetsIn(answer));
    ASSERT_TRUE(nat.GoesOut(nat.AliceAck()));
    std::uint32_t sent = 0;
    while (sent < 100'000 && nat.GetsIn(nat.PeerAck(sent, 0, 1000))) sent += 1000;
    EXPECT_EQ(sent, depth == TcpDepth::kWindow ? 2000u : 100'000u);
  }
}

// RFC 7323 §1.3: scaling only if both offered it.
TEST(TcpLadder, T4DoesNotScaleWhatOnlyOneSideOffered) {
  TcpNatBench nat(AtDepth(TcpDepth::kLinux));
  Seg syn = nat.AliceSyn();
  syn.window_scale = 7;
  ASSERT_TRUE(nat.GoesOut(syn));
  ASSERT_TRUE(nat.GetsIn(nat.PeerSynAck()));
  ASSERT_TRUE(nat.GoesOut(nat.AliceAck()));
  EXPECT_EQ(nat.In(nat.PeerAck(1001, 0, 1)).rule, Rule::kTcpSequenceTooHigh);
}

// pf's modulate state: neither side ever sees the other's numbers, SACK blocks included, and both stay consistent.
TEST(TcpLadder, T5ShiftsNumbersEachWayAndSackBlocksBack) {
  TcpNatBench nat(AtDepth(TcpDepth::kRewritesIsn));
  ASSERT_TRUE(nat.GoesOut(nat.AliceSyn()));
  const std::uint32_t alice_shift = nat.last.tcp.sequence - kAliceIsn;
  Seg answer = nat.PeerSynAck();
  answer.acknowledgment += alice_shift;
  ASSERT_TRUE(nat.GetsIn(answer));
  EXPECT_EQ(nat.last.tcp.acknowledgment, kAliceIsn + 1);
  const std::uint32_t peer_shift = nat.last.tcp.sequence - kPeerIsn;
  EXPECT_NE(alice_shift, 0u);
  EXPECT_NE(peer_shift, 0u);
  EXPECT_NE(alice_shift, peer_shift);

  Packet data = Tcp(kAlice, kPeer, {kTcpAck, kAliceIsn + 1, kPeerIsn + 1 + peer_shift, 100});
  ASSERT_EQ(nat.bench.Out(data).action, Verdict::Action::kOutside);
  EXPECT_EQ(data.tcp.sequence, kAliceIsn + 1 + alice_shift);
  EXPECT_EQ(data.tcp.acknowledgment, kPeerIsn + 1);

  // The peer has only the octets 41 to 60 of Alice, in the numbers that the peer sees.
  Packet sack = Tcp(kPeer, kAlicePublic, {kTcpAck, kPeerIsn + 1, kAliceIsn + 1 + alice_shift});
  sack.tcp.sack_count = 1;
  sack.tcp.sack[0] = {kAliceIsn + 41 + alice_shift, kAliceIsn + 61 + alice_shift};
  ASSERT_EQ(nat.bench.nat.FromOutside(nat.bench.now, sack).action, Verdict::Action::kInside);
  EXPECT_EQ(sack.tcp.sequence, kPeerIsn + 1 + peer_shift);
  EXPECT_EQ(sack.tcp.sack[0], (SackBlock{kAliceIsn + 41, kAliceIsn + 61}));
}

// RFC 5508 with the quote as each side knows it.
TEST(TcpLadder, T5ShiftsQuotedNumbersBack) {
  TcpNatBench nat(AtDepth(TcpDepth::kRewritesIsn));
  ASSERT_TRUE(nat.GoesOut(nat.AliceSyn()));
  Packet error = NatBench::Unreachable(Ip("192.0.2.254"), kAlicePublic, kPeer);
  error.icmp = {.type = 11, .code = 0};
  error.quoted.protocol = IpProtocol::kTcp;
  error.tcp = nat.last.tcp;
  ASSERT_EQ(nat.bench.nat.FromOutside(nat.bench.now, error).action, Verdict::Action::kInside);
  EXPECT_EQ(error.destination.address(), kAlice.address());
  EXPECT_EQ(error.quoted.source, kAlice);
  EXPECT_EQ(error.tcp.sequence, kAliceIsn);
}

// RFC 9293 §3.8.6.1: one octet may be sent beyond a window of 0, to test whether the window is still closed. The
// numbers of its sender's next segments follow that octet.
TEST(TcpLadder, AZeroWindowProbeAndWhatFollowsItPassEveryRungAndNoMoreThanThat) {
  for (const TcpDepth depth : {TcpDepth::kWindow, TcpDepth::kLinux, TcpDepth::kRewritesIsn}) {
    SCOPED_TRACE(ToString(depth));
    TcpNatBench nat(AtDepth(depth));
    ASSERT_TRUE(nat.GoesOut(nat.AliceSyn()));
    const std::uint32_t shift = nat.last.tcp.sequence - kAliceIsn;
    ASSERT_TRUE(nat.GetsIn({kTcpSyn | kTcpAck, kPeerIsn, kAliceIsn + 1 + shift}));
    const std::uint32_t peer_shift = nat.last.tcp.sequence - kPeerIsn;
    const auto alice = [&](std::uint32_t sent, std::uint32_t bytes) {
      return Seg{kTcpAck, kAliceIsn + 1 + sent, kPeerIsn + 1 + peer_shift, bytes};
    };
    ASSERT_TRUE(nat.GoesOut(alice(0, 1000)));
    ASSERT_TRUE(nat.GetsIn({kTcpAck, kPeerIsn + 1, kAliceIsn + 1001 + shift, 0, /*window=*/0}));
    EXPECT_TRUE(nat.GoesOut(alice(1000, 1)));
    EXPECT_TRUE(nat.GoesOut(alice(1001, 0)));
    EXPECT_EQ(nat.Out(alice(1002, 0)).rule, Rule::kTcpSequenceTooHigh);
  }
}

// RFC 7857 §2.2 on every rung. The RST that answers a SYN has the number 0 (RFC 9293 §3.10.7.1), and a forged one has
// any number. The RST is translated, and the peer's later segments need not follow its number.
TEST(TcpLadder, AResetFromWhoHasNotSentBindsNeitherSideToItsNumber) {
  for (const TcpDepth depth : kDepths) {
    for (const TcpOnReset on_reset : {TcpOnReset::kTransitory, TcpOnReset::kIgnore}) {
      for (const std::uint32_t number : {0u, 3'000'000'000u}) {
        SCOPED_TRACE(absl::StrCat(ToString(depth), " ", ToString(on_reset), " ", number));
        TcpNatBench nat(TcpProfile({.depth = depth, .on_reset = on_reset}));
        ASSERT_TRUE(nat.GoesOut(nat.AliceSyn()));
        const std::uint32_t shift = nat.last.tcp.sequence - kAliceIsn;
        ASSERT_TRUE(nat.GetsIn({kTcpRst | kTcpAck, number, kAliceIsn + 1 + shift}));
        ASSERT_TRUE(nat.GetsIn(nat.PeerSyn()));
        const std::uint32_t peer_shift = nat.last.tcp.sequence - kPeerIsn;
        ASSERT_TRUE(nat.GoesOut({kTcpSyn | kTcpAck, kAliceIsn, kPeerIsn + 1 + peer_shift}));
        EXPECT_TRUE(nat.GetsIn({kTcpSyn | kTcpAck, kPeerIsn, kAliceIsn + 1 + shift}));
      }
    }
  }
}

// The acknowledgment number of such a RST is checked all the same: an off-path attacker does not know it.
TEST(TcpLadder, AResetFromWhoHasNotSentMustFromT3OnAcknowledgeWhatWasSent) {
  for (const TcpDepth depth : {TcpDepth::kSynAckNumber, TcpDepth::kWindow, TcpDepth::kLinux}) {
    SCOPED_TRACE(ToString(depth));
    TcpNatBench nat(AtDepth(depth));
    ASSERT_TRUE(nat.GoesOut(nat.AliceSyn()));
    const Verdict verdict = nat.In({kTcpRst | kTcpAck, 0, kAliceIsn + 2});
    EXPECT_EQ(verdict.rule, depth < TcpDepth::kWindow ? Rule::kNone : Rule::kTcpAckTooHigh);
  }
}

TEST(TcpLadder, AResetWithAnyNumberClosesUpToT2AndFromT3OnItMustBeInTheWindow) {
  for (const TcpDepth depth : {TcpDepth::kFlags, TcpDepth::kSynAckNumber, TcpDepth::kWindow, TcpDepth::kLinux}) {
    SCOPED_TRACE(ToString(depth));
    TcpNatBench nat(TcpProfile({.depth = depth, .on_reset = TcpOnReset::kClose}));
    ASSERT_TRUE(nat.Connect());
    ASSERT_TRUE(nat.GetsIn(nat.PeerAck()));
    const Verdict verdict = nat.In({.flags = kTcpRst, .sequence = kPeerIsn + 500'000});
    if (depth <= TcpDepth::kSynAckNumber) {
      EXPECT_EQ(nat.State(), TcpTrackerState::kClose);
    } else {
      EXPECT_EQ(verdict.rule, Rule::kTcpSequenceTooHigh);
      EXPECT_EQ(nat.State(), TcpTrackerState::kEstablished);
    }
  }
}

}  // namespace
}  // namespace pinhole::sim
