#include <gtest/gtest.h>

#include <algorithm>

#include "tests/sim/nat_tcp_bench.h"

// Sessions and bindings of TCP: their relation, their lifetimes, and the events that end them.
namespace pinhole::sim {
namespace {

using namespace std::chrono_literals;
using Action = Verdict::Action;
using State = TcpTrackerState;

TEST(TcpSession, AMappingLivesAsLongAsItsLongestLivedConnection) {
  TcpNatBench nat(NatProfile{});
  ASSERT_TRUE(nat.Connect());
  ASSERT_EQ(nat.Out(kAlice, kServer, nat.AliceSyn()).action, Action::kOutside);
  nat.Wait(240s);  // the second one was never answered
  EXPECT_EQ(nat.bench.nat.CountMappings(nat.bench.now), 1);
  nat.Wait(7440s - 240s - 1ns);
  EXPECT_EQ(nat.bench.nat.CountMappings(nat.bench.now), 1);
  nat.Wait(1ns);
  EXPECT_EQ(nat.bench.nat.CountMappings(nat.bench.now), 0);
}

TEST(TcpSession, AConnectionDiesExactlyAtItsTimeThoughItsMappingLivesOn) {
  TcpNatBench nat(TcpProfile({}));
  ASSERT_TRUE(nat.GoesOut(nat.AliceSyn()));
  nat.Wait(100s);
  ASSERT_EQ(nat.Out(kAlice, kServer, nat.AliceSyn()).action, Verdict::Action::kOutside);
  nat.Wait(140s - 1ns);
  EXPECT_TRUE(nat.State());
  nat.Wait(1ns);
  EXPECT_FALSE(nat.State());
  EXPECT_EQ(nat.In(nat.PeerSynAck()).rule, Rule::kFilteredPort);
}

// No packet ever belongs again to the sessions of these senders. 1000 sessions are alive at any time.
TEST(TcpSession, AMillionStrangersLeaveABoundedTable) {
  for (const bool conntrack : {false, true}) {  // a session, or a session and a binding, for each
    SCOPED_TRACE(conntrack);
    NatProfile profile = conntrack ? LinuxTcp() : NatProfile{};
    if (!conntrack) profile.tcp.filtering = Filtering::kEndpointIndependent;
    profile.tcp.tracking.timeouts.syn_sent = 1s;
    TcpNatBench nat(profile);
    ASSERT_TRUE(nat.Connect());
    std::size_t kept_max = 0;
    for (std::uint32_t i = 0; i < (conntrack ? 100'000u : 1'000'000u); ++i) {
      const net::SocketAddress stranger(net::IpAddress::V4(0x0b000000u + i), 4000);
      const Verdict verdict =
          conntrack ? nat.Out(kAlice, stranger, nat.AliceSyn()) : nat.In(stranger, kAlicePublic, nat.PeerSyn());
      ASSERT_EQ(verdict.action, conntrack ? Action::kOutside : Action::kInside) << i;
      kept_max = std::max(kept_max, nat.bench.nat.tcp_sessions_kept());
      nat.Wait(1ms);
    }
    EXPECT_GE(kept_max, 1000u);
    EXPECT_LE(kept_max, 2u * 1001);
    EXPECT_EQ(nat.State(), State::kEstablished) << "and the one that lives is not swept away";
    EXPECT_TRUE(nat.GetsIn(nat.PeerAck()));
  }
}

TEST(TcpSession, AResetThatEndsTheLastConnectionEndsTheMapping) {
  NatProfile profile;
  profile.tcp.tracking.on_reset = TcpOnReset::kForget;
  TcpNatBench nat(profile);
  ASSERT_TRUE(nat.Connect());
  ASSERT_EQ(nat.Out(kAlice, kServer, nat.AliceSyn()).action, Action::kOutside);
  ASSERT_TRUE(nat.GetsIn({.flags = kTcpRst, .sequence = kPeerIsn + 1}));
  EXPECT_EQ(nat.In(nat.PeerSyn()).rule, Rule::kFilteredPort);
  ASSERT_EQ(nat.In(kServer, kAlicePublic, {.flags = kTcpRst}).action, Action::kInside);
  EXPECT_EQ(nat.In(nat.PeerSyn()).rule, Rule::kNoMapping);
}

// SYN out, RST in, SYN in: the profile's treatment of RSTs decides whether the second SYN is let in.
TEST(TcpSession, WhetherAResetShutsTheHoleIsTheProfiles) {
  for (const TcpOnReset on_reset :
       {TcpOnReset::kClose, TcpOnReset::kForget, TcpOnReset::kTransitory, TcpOnReset::kIgnore}) {
    SCOPED_TRACE(ToString(on_reset));
    NatProfile profile;
    profile.tcp.tracking.on_reset = on_reset;
    TcpNatBench nat(profile);
    ASSERT_TRUE(nat.GoesOut(nat.AliceSyn()));
    ASSERT_TRUE(nat.GetsIn({kTcpRst | kTcpAck, 0, kAliceIsn + 1}));
    const bool open = on_reset == TcpOnReset::kTransitory || on_reset == TcpOnReset::kIgnore;
    EXPECT_EQ(nat.GetsIn(nat.PeerSyn()), open);
  }
}

// SYN out, ICMP time exceeded in, SYN in: the profile's treatment of ICMP errors decides whether the second SYN is let
// in.
TEST(TcpSession, WhetherAnIcmpErrorShutsTheHoleIsTheProfiles) {
  for (const bool closes : {false, true}) {
    NatProfile profile;
    profile.icmp_errors_close = closes;
    TcpNatBench nat(profile);
    ASSERT_TRUE(nat.GoesOut(nat.AliceSyn()));
    Packet error = NatBench::Unreachable(Ip("192.0.2.254"), kAlicePublic, kPeer);
    error.icmp = {.type = 11, .code = 0};
    error.quoted.protocol = IpProtocol::kTcp;
    EXPECT_EQ(nat.bench.nat.FromOutside(nat.bench.now, error).action, Action::kInside);
    EXPECT_EQ(nat.GetsIn(nat.PeerSyn()), !closes);
  }
}

// RFC 5382 §7.3 REQ-10, for ICMP errors that the inside host sends about segments it received.
TEST(TcpSession, WhetherTheInsideHostsIcmpErrorEndsTheConnectionIsTheProfiles) {
  for (const bool closes : {false, true}) {
    NatProfile profile;
    profile.icmp_errors_close = closes;
    TcpNatBench nat(profile);
    ASSERT_TRUE(nat.Connect());
    ASSERT_EQ(nat.Out(kAlice, kServer, nat.AliceSyn()).action, Action::kOutside);
    Packet error = NatBench::Unreachable(kAlice.address(), kPeer, kAlice);
    error.quoted.protocol = IpProtocol::kTcp;
    ASSERT_EQ(nat.bench.Out(error).action, Action::kOutside);
    EXPECT_EQ(nat.State().has_value(), !closes);
    EXPECT_EQ(nat.In(kServer, kAlicePublic, nat.PeerSynAck()).action, Action::kInside) << "of one connection only";
  }
}

TEST(TcpSession, FilterMemoryIsTheEndpointsOrTheMappings) {
  for (const FilterMemory memory : {FilterMemory::kEndpoint, FilterMemory::kMapping}) {
    SCOPED_TRACE(ToString(memory));
    NatProfile profile;
    profile.tcp.mapping = Mapping::kAddressAndPortDependent;
    profile.tcp.port_allocation = PortAllocation::kSequential;
    profile.tcp.filter_memory = memory;
    TcpNatBench nat(profile);
    ASSERT_EQ(nat.Out(kAlice, kServer, nat.AliceSyn()).action, Action::kOutside);
    const net::SocketAddress to_server = nat.last.source;
    ASSERT_TRUE(nat.GoesOut(nat.AliceSyn()));
    ASSERT_NE(nat.last.source, to_server);
    EXPECT_EQ(nat.In(kPeer, to_server, nat.PeerSyn()).action == Action::kInside, memory == FilterMemory::kEndpoint);
  }
}

// A connection from outside through a destination-dependent mapping. With sessions its answers leave from the endpoint
// at which it came in. Without sessions they get a mapping of their own, from which the peer does not expect them.
TEST(TcpSession, InboundSessionsAnswerByTheEndpointTheyCameInBy) {
  for (const bool sessions : {false, true}) {
    NatProfile profile;
    profile.tcp.mapping = Mapping::kAddressAndPortDependent;
    profile.tcp.filtering = Filtering::kEndpointIndependent;
    profile.tcp.port_allocation = PortAllocation::kSequential;
    profile.tcp.inbound_sessions = sessions;
    TcpNatBench nat(profile);
    ASSERT_EQ(nat.Out(kAlice, kServer, nat.AliceSyn()).action, Action::kOutside);
    const net::SocketAddress known = nat.last.source;
    ASSERT_EQ(nat.In(kPeer, known, nat.PeerSyn()).action, Action::kInside);
    ASSERT_TRUE(nat.GoesOut(nat.AliceSynAck()));
    EXPECT_EQ(nat.last.source == known, sessions);
  }
}

// A segment that does not pass changes no state. This connection from outside needs a mapping for its answers, and
// there is none.
TEST(TcpSession, ASegmentThatFindsNoMappingMovesNoState) {
  NatProfile profile;
  profile.tcp.mapping = Mapping::kAddressDependent;
  profile.tcp.filtering = Filtering::kEndpointIndependent;
  profile.mappings_per_host_max = 1;
  TcpNatBench nat(profile);
  ASSERT_EQ(nat.Out(kAlice, kServer, nat.AliceSyn()).action, Action::kOutside);
  ASSERT_EQ(nat.In(kPeer, nat.last.source, nat.PeerSyn()).action, Action::kInside);
  EXPECT_EQ(nat.Out(nat.AliceSynAck()).rule, Rule::kMappingLimit);
  EXPECT_EQ(nat.State(), State::kSynSent);
}

TEST(TcpSession, AnInvalidSegmentMayBeAnsweredWithAReset) {
  NatProfile profile;
  profile.tcp.tracking.invalid = TcpInvalid::kReset;
  TcpNatBench nat(profile);
  ASSERT_TRUE(nat.GoesOut(nat.AliceSyn()));
  EXPECT_EQ(nat.In({kTcpFin | kTcpAck}).action, Action::kReset);
  EXPECT_EQ(nat.Out({kTcpFin | kTcpAck}).action, Action::kReset);
  EXPECT_EQ(nat.Out(kBob, kPeer, {kTcpRst}).action, Action::kDrop);
}

TEST(TcpSession, ANewSynReopensFromEitherSide) {
  for (const bool from_outside : {false, true}) {
    TcpNatBench nat(NatProfile{});
    ASSERT_TRUE(nat.Connect());
    nat.GoesOut(nat.With(nat.AliceAck(), kTcpFin));
    nat.GetsIn(nat.With(nat.PeerAck(0, 1), kTcpFin));
    nat.GoesOut(nat.AliceAck(1, 1));
    ASSERT_EQ(nat.State(), State::kTimeWait);
    EXPECT_TRUE(from_outside ? nat.GetsIn(nat.PeerSyn()) : nat.GoesOut(nat.AliceSyn()));
    EXPECT_EQ(nat.State(), State::kSynSent);
    EXPECT_TRUE(from_outside ? nat.GoesOut(nat.AliceSynAck()) : nat.GetsIn(nat.PeerSynAck()));
    EXPECT_EQ(nat.State(), State::kSynReceived);
  }
}

TEST(TcpSession, LimitsCountBothTransports) {
  NatProfile profile;
  profile.mappings_max = 2;
  TcpNatBench nat(profile);
  ASSERT_EQ(nat.bench.PortOf(kBob, kServer), 5000);
  ASSERT_TRUE(nat.GoesOut(nat.AliceSyn()));
  const Verdict full = nat.Out(kCarol, kPeer, nat.AliceSyn());
  EXPECT_EQ(full.rule, Rule::kMappingLimit);
  EXPECT_EQ(full.state.number, 2);
  EXPECT_EQ(full.state.limit, 2);
  profile.when_full = WhenFull::kEvictOldest;
  TcpNatBench evicts(profile);
  evicts.bench.SendOut(kBob, kServer);
  evicts.Wait(1s);
  ASSERT_TRUE(evicts.GoesOut(evicts.AliceSyn()));
  ASSERT_EQ(evicts.Out(kCarol, kPeer, evicts.AliceSyn()).action, Action::kOutside);
  EXPECT_FALSE(evicts.bench.GetsIn(kServer, Addr("198.51.100.1:5000")));
  EXPECT_TRUE(evicts.GetsIn(evicts.PeerSynAck()));
}

TEST(TcpSession, BothTransportsHaveOnePoolUnlessTheProfileKeepsTwo) {
  for (const bool two : {false, true}) {
    NatProfile profile;
    profile.pools_per_transport = two;
    TcpNatBench nat(profile, {Ip("198.51.100.1"), Ip("198.51.100.2")});
    EXPECT_EQ(nat.bench.SendOut(kBob, kServer).address(), Ip("198.51.100.1"));
    EXPECT_EQ(nat.bench.SendOut(kAlice, kServer).address(), Ip("198.51.100.2"));
    ASSERT_TRUE(nat.GoesOut(nat.AliceSyn()));
    EXPECT_EQ(nat.last.source.address(), Ip(two ? "198.51.100.1" : "198.51.100.2"));
  }
}

TEST(TcpSession, ARebootForgetsConnectionsAndWhatIsHeld) {
  NatProfile profile;
  profile.tcp.unsolicited = Unsolicited::kReset;
  TcpNatBench nat(profile);
  ASSERT_TRUE(nat.Connect());
  nat.In(kServer, kAlicePublic, nat.PeerSyn());
  nat.bench.nat.Reboot();
  EXPECT_EQ(nat.State(), std::nullopt);
  EXPECT_EQ(nat.Out(nat.AliceAck()).rule, Rule::kTcpNoConnection);
  nat.Wait(6s);
  EXPECT_TRUE(nat.Outputs().empty());
}

TEST(TcpSession, AHairpinnedConnectionThatIdlesIsResetAtItsEndsAndNotOutside) {
  NatProfile profile;
  profile.tcp.hairpin = Hairpin::kExternalSource;
  profile.tcp.tracking.idle = TcpIdle::kResetBoth;
  TcpNatBench nat(profile);
  ASSERT_EQ(nat.Out(kAlice, kServer, nat.AliceSyn()).action, Action::kOutside);
  const net::SocketAddress alice = nat.last.source;
  ASSERT_EQ(nat.Out(kBob, kServer, nat.AliceSyn()).action, Action::kOutside);
  const net::SocketAddress bob = nat.last.source;
  nat.Out(kAlice, bob, nat.AliceSyn());
  ASSERT_EQ(nat.Out(kBob, alice, nat.PeerSyn()).action, Action::kInside);
  ASSERT_EQ(nat.Out(kAlice, bob, nat.AliceSynAck()).action, Action::kInside);
  ASSERT_EQ(nat.Out(kBob, alice, {kTcpAck, kPeerIsn + 1, kAliceIsn + 1}).action, Action::kInside);
  ASSERT_EQ(nat.Out(kAlice, bob, {kTcpAck, kAliceIsn + 1, kPeerIsn + 1}).action, Action::kInside);
  nat.Wait(7440s);
  std::vector<net::SocketAddress> told;
  for (const NatOutput& output : nat.Outputs()) {
    EXPECT_NE(output.network, NatOutput::kToOutside);
    told.push_back(output.packet.destination);
  }
  EXPECT_EQ(told, (std::vector<net::SocketAddress>{kAlice, kBob}));
}

// RFC 5382 §5: with one FIN the connection is still established, so the timeout of an idle established connection
// applies.
TEST(TcpSession, AHalfClosedConnectionThatIdlesIsResetToo) {
  NatProfile profile;
  profile.tcp.tracking.idle = TcpIdle::kResetBoth;
  TcpNatBench nat(profile);
  ASSERT_TRUE(nat.Connect());
  ASSERT_TRUE(nat.GoesOut(nat.With(nat.AliceAck(), kTcpFin)));
  ASSERT_TRUE(nat.GetsIn(nat.PeerAck(0, 1)));
  nat.Wait(7440s);
  EXPECT_EQ(nat.Outputs().size(), 2u);
}

TEST(TcpSession, WhatLeaksToAnAddressOfTheBoxIsForTheBox) {
  NatProfile profile = TcpProfile(LinuxTracking());
  profile.tcp.unsolicited = Unsolicited::kInput;
  profile.tcp.unsolicited_hold = net::Duration::zero();
  profile.tcp.hairpin = Hairpin::kExternalSource;
  TcpNatBench nat(profile);
  ASSERT_EQ(nat.Out(kBob, kServer, nat.AliceSyn()).action, Action::kOutside);
  const net::SocketAddress bob = nat.last.source;
  EXPECT_EQ(nat.Out(kAlice, bob, {kTcpSyn | kTcpAck}).action, Action::kInput);
}

// The RST to each end has the sequence numbers that this end knows.
TEST(TcpSession, IdleResetsOfABoxThatRewritesIsnsHaveBothShifts) {
  TcpNatBench nat(TcpProfile({.depth = TcpDepth::kRewritesIsn, .idle = TcpIdle::kResetBoth}));
  ASSERT_TRUE(nat.GoesOut(nat.AliceSyn()));
  const std::uint32_t alice_shift = nat.last.tcp.sequence - kAliceIsn;
  ASSERT_TRUE(nat.GetsIn({kTcpSyn | kTcpAck, kPeerIsn, kAliceIsn + 1 + alice_shift}));
  const std::uint32_t peer_shift = nat.last.tcp.sequence - kPeerIsn;
  ASSERT_TRUE(nat.GoesOut({kTcpAck, kAliceIsn + 1, kPeerIsn + 1 + peer_shift}));
  nat.Wait(7440s);
  const std::vector<NatOutput> outputs = nat.Outputs();
  ASSERT_EQ(outputs.size(), 2u);
  EXPECT_EQ(outputs[0].packet.tcp.sequence, kPeerIsn + 1 + peer_shift);
  EXPECT_EQ(outputs[0].packet.tcp.acknowledgment, kAliceIsn + 1);
  EXPECT_EQ(outputs[1].packet.tcp.sequence, kAliceIsn + 1 + alice_shift);
  EXPECT_EQ(outputs[1].packet.tcp.acknowledgment, kPeerIsn + 1);
}

}  // namespace
}  // namespace pinhole::sim
