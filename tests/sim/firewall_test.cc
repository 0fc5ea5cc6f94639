#include "sim/boxes/firewall.h"

#include <gtest/gtest.h>

#include "sim/boxes/nat_box.h"
#include "tests/sim/segment_wire.h"

// A stateful firewall without translation. The rules are those of RFC 6092 and the behavior of Linux's nftables with
// IPv6 (policy drop or reject, invalid drop, established accept, inside accept).
namespace pinhole::sim {
namespace {

using namespace std::chrono_literals;
using Action = Verdict::Action;
using State = TcpTrackerState;

const net::SocketAddress kInside6 = Addr("[2001:db8:1::10]:5000");
const net::SocketAddress kOutside6 = Addr("[2001:db8:2::10]:4000");
constexpr std::uint8_t kSynAck = kTcpSyn | kTcpAck;

FilterProfile Nft(Unsolicited unsolicited) {
  FilterProfile profile{.tcp = LinuxTracking(),
                        .unsolicited = unsolicited,
                        .unsolicited_hold = net::Duration::zero(),
                        .unsolicited_udp = unsolicited};
  profile.tcp.invalid = TcpInvalid::kDrop;
  return profile;
}

// A firewall with one inside and one outside endpoint, in IPv6 or, if `v4`, in IPv4.
class Bench {
 public:
  explicit Bench(const FilterProfile& profile, bool v4 = false)
      : inside(v4 ? kAlice : kInside6), outside(v4 ? kPeer : kOutside6), filter(profile) {
    EXPECT_TRUE(IsValid(profile)) << FindContradiction(profile)->why;
  }
  Verdict Out(const Seg& seg) { return filter.FromInside(now, Tcp(inside, outside, seg)); }
  Verdict In(const Seg& seg) { return filter.FromOutside(now, Tcp(outside, inside, seg)); }
  bool GoesOut(const Seg& seg) { return Out(seg).action == Action::kOutside; }
  bool GetsIn(const Seg& seg) { return In(seg).action == Action::kInside; }
  bool UdpOut(const net::SocketAddress& to) {
    return filter.FromInside(now, NatBench::Udp(inside, to)).action == Action::kOutside;
  }
  bool UdpIn(const net::SocketAddress& from) {
    return filter.FromOutside(now, NatBench::Udp(from, inside)).action == Action::kInside;
  }
  State StateOf() { return filter.StateOf(now, inside, outside); }

  net::SocketAddress inside, outside;
  net::Instant now{};
  StatefulFilter filter;
};

const Seg kInsideSyn{.flags = kTcpSyn, .sequence = kAliceIsn};
const Seg kOutsideSyn{.flags = kTcpSyn, .sequence = kPeerIsn};
const Seg kInsideSynAck{kSynAck, kAliceIsn, kPeerIsn + 1};
const Seg kOutsideSynAck{kSynAck, kPeerIsn, kAliceIsn + 1};
const Seg kInsideAck{kTcpAck, kAliceIsn + 1, kPeerIsn + 1};

TEST(Firewall, UdpIsFilteredByAddressAndPort) {
  Bench firewall(Nft(Unsolicited::kDrop));
  EXPECT_FALSE(firewall.UdpIn(kOutside6));
  EXPECT_TRUE(firewall.UdpOut(kOutside6));
  EXPECT_TRUE(firewall.UdpIn(kOutside6));
  EXPECT_FALSE(firewall.UdpIn(kOutside6.WithPort(4001)));
  EXPECT_FALSE(firewall.UdpIn(Addr("[2001:db8:2::11]:4000")));
}

TEST(Firewall, UdpPunchLosesTheFirstPacketAndThenPassesBothWays) {
  Bench a(Nft(Unsolicited::kDrop)), b(Nft(Unsolicited::kDrop));
  const auto reaches = [](Bench& from, Bench& to) { return from.UdpOut(to.inside) && to.UdpIn(from.inside); };
  b.inside = kOutside6;
  EXPECT_FALSE(reaches(a, b));
  EXPECT_TRUE(reaches(b, a));
  EXPECT_TRUE(reaches(a, b));
}

TEST(Firewall, UdpFlowsLiveAsConntracksDo) {
  Bench firewall(Nft(Unsolicited::kDrop));
  ASSERT_TRUE(firewall.UdpOut(kOutside6));
  firewall.now += 30s - 1ns;
  EXPECT_TRUE(firewall.UdpIn(kOutside6));
  firewall.now += 30s;
  EXPECT_FALSE(firewall.UdpIn(kOutside6));
}

TEST(Firewall, UnsolicitedSynGetsThePolicysAnswer) {
  const struct {
    Unsolicited unsolicited;
    Action action;
    int code;
  } rows[] = {{Unsolicited::kDrop, Action::kDrop, 0},
              {Unsolicited::kAdminProhibited, Action::kReject, 13},
              {Unsolicited::kReset, Action::kReset, 0}};
  for (const bool v4 : {false, true}) {
    for (const auto& row : rows) {
      SCOPED_TRACE(ToString(row.unsolicited));
      Bench firewall(Nft(row.unsolicited), v4);
      const Verdict verdict = firewall.In(kOutsideSyn);
      EXPECT_EQ(verdict.action, row.action);
      EXPECT_EQ(verdict.icmp_code, row.code);
      EXPECT_EQ(verdict.rule, Rule::kInboundRefused);
    }
  }
}

TEST(Firewall, AConnectionFromInsidePasses) {
  for (const bool v4 : {false, true}) {
    Bench firewall(Nft(Unsolicited::kDrop), v4);
    EXPECT_TRUE(firewall.GoesOut(kInsideSyn));
    EXPECT_TRUE(firewall.GetsIn(kOutsideSynAck));
    EXPECT_TRUE(firewall.GoesOut(kInsideAck));
    EXPECT_EQ(firewall.StateOf(), State::kEstablished);
  }
}

// RFC 6092 §3.3.1 REC-31. With a delay the SYNs cross on the wire; where one arrives before the other was sent, the
// policy decides: drop and prohibited leave the later one to open, a RST kills it at the sender.
TEST(Firewall, SimultaneousOpenPassesWhereSynsCross) {
  for (const Unsolicited unsolicited : {Unsolicited::kDrop, Unsolicited::kAdminProhibited, Unsolicited::kReset}) {
    Bench firewall(Nft(unsolicited));
    EXPECT_TRUE(firewall.GoesOut(kInsideSyn));
    EXPECT_TRUE(firewall.GetsIn(kOutsideSyn));
    EXPECT_EQ(firewall.StateOf(), State::kSynSent2);
    EXPECT_TRUE(firewall.GoesOut(kInsideSynAck));
    EXPECT_TRUE(firewall.GetsIn(kOutsideSynAck));
  }
  Bench late(Nft(Unsolicited::kReset));
  EXPECT_EQ(late.In(kOutsideSyn).action, Action::kReset);
  EXPECT_EQ(late.StateOf(), State::kNone);
}

// RFC 6092 §3.3.1 REC-35, with the meaning of "established" in RFC 5382 §5.
TEST(Firewall, Rec35AFlowIsEstablishedUntilBothEndsHaveSentFin) {
  Bench firewall(FilterProfile{});
  ASSERT_TRUE(firewall.GoesOut(kInsideSyn));
  ASSERT_TRUE(firewall.GetsIn(kOutsideSynAck));
  ASSERT_TRUE(firewall.GoesOut(kInsideAck));
  ASSERT_TRUE(firewall.GetsIn({kTcpFin | kTcpAck, kPeerIsn + 1, kAliceIsn + 1}));
  firewall.now += 2h + 4min - 1ns;
  EXPECT_TRUE(firewall.GoesOut({kTcpAck, kAliceIsn + 1, kPeerIsn + 2, 10}));
  firewall.now += 2h + 4min - 1ns;
  EXPECT_EQ(firewall.StateOf(), State::kCloseWait);
  EXPECT_TRUE(firewall.GoesOut({kTcpFin | kTcpAck, kAliceIsn + 11, kPeerIsn + 2}));
  firewall.now += 4min - 1ns;
  EXPECT_EQ(firewall.StateOf(), State::kLastAck);
  firewall.now += 1ns;
  EXPECT_EQ(firewall.StateOf(), State::kNone);
}

TEST(Firewall, InvalidSegmentsAreDroppedBothWays) {
  Bench firewall(Nft(Unsolicited::kReset));
  EXPECT_EQ(firewall.In(kOutsideSynAck).rule, Rule::kTcpNoConnection);
  EXPECT_EQ(firewall.In(kOutsideSynAck).action, Action::kDrop);
  ASSERT_TRUE(firewall.GoesOut(kInsideSyn));
  ASSERT_TRUE(firewall.GetsIn(kOutsideSynAck));
  ASSERT_TRUE(firewall.GoesOut(kInsideAck));
  const Verdict in = firewall.In({kTcpAck, kPeerIsn + 1'000'000, kAliceIsn + 1, 10});
  EXPECT_EQ(in.action, Action::kDrop);
  EXPECT_EQ(in.rule, Rule::kTcpSequenceTooHigh);
  EXPECT_EQ(firewall.Out({kTcpAck, kAliceIsn + 1'000'000, kPeerIsn + 1, 10}).rule, Rule::kTcpSequenceTooHigh);
}

// RFC 6092 §3.3.1 REC-36 and §3.3.1 REC-37.
TEST(Firewall, ErrorsAboutAFlowGetInAndEndNothing) {
  Bench firewall(Nft(Unsolicited::kDrop));
  Packet error = NatBench::Unreachable(kOutside6.address(), kInside6, kOutside6);
  error.protocol = IpProtocol::kIcmpv6;
  error.icmp = {.type = 1, .code = 4};
  error.quoted.protocol = IpProtocol::kTcp;
  EXPECT_EQ(firewall.filter.FromOutside(firewall.now, error).rule, Rule::kIcmpNotTranslated);
  ASSERT_TRUE(firewall.GoesOut(kInsideSyn));
  EXPECT_EQ(firewall.filter.FromOutside(firewall.now, error).action, Action::kInside);
  EXPECT_EQ(firewall.StateOf(), State::kSynSent);
}

// The packets that the firewall sends by itself up to `bench.now`.
std::vector<NatOutput> Outputs(Bench& bench) {
  bench.filter.OnTimer(bench.now);
  std::vector<NatOutput> outputs;
  while (const std::optional<NatOutput> output = bench.filter.PollOutput()) outputs.push_back(*output);
  return outputs;
}

TEST(Firewall, Rec34ByDefaultAnUnsolicitedSynIsProhibitedAfterSixSecondsAndNotAMomentBefore) {
  for (const bool v4 : {false, true}) {
    Bench firewall(FilterProfile{}, v4);
    const Verdict verdict = firewall.In(kOutsideSyn);
    EXPECT_EQ(verdict.action, Action::kDrop);
    EXPECT_EQ(verdict.rule, Rule::kSynHeld);
    EXPECT_EQ(firewall.filter.NextTimer(), At(6s));
    firewall.now += 3s;
    EXPECT_EQ(firewall.In(kOutsideSyn).rule, Rule::kSynHeld) << "again, which changes nothing";
    firewall.now += 3s - 1ns;
    EXPECT_TRUE(Outputs(firewall).empty());
    firewall.now += 1ns;
    const std::vector<NatOutput> outputs = Outputs(firewall);
    ASSERT_EQ(outputs.size(), 1u);
    EXPECT_EQ(outputs[0].kind, NatOutput::Kind::kIcmpError);
    EXPECT_EQ(outputs[0].icmp_code, 13) << "of RFC 792's; ICMPv6 has code 1 for it";
    EXPECT_EQ(outputs[0].packet.source, firewall.outside);
    EXPECT_EQ(firewall.filter.NextTimer(), net::kNever);
  }
}

TEST(Firewall, Rec34AnOutboundSynOrSynAckBeforeDropsTheHeldOneSilently) {
  Bench firewall(FilterProfile{});
  firewall.In(kOutsideSyn);
  firewall.now += 6s - 1ns;
  ASSERT_TRUE(firewall.GoesOut(kInsideSyn));
  EXPECT_TRUE(firewall.GetsIn(kOutsideSyn)) << "retransmitted, it crosses";
  EXPECT_TRUE(firewall.GoesOut(kInsideSynAck));
  EXPECT_TRUE(firewall.GetsIn(kOutsideSynAck));
  firewall.now += 10s;
  EXPECT_TRUE(Outputs(firewall).empty());

  Bench late(FilterProfile{});
  late.In(kOutsideSyn);
  late.now += 6s;
  ASSERT_TRUE(late.GoesOut(kInsideSyn));
  EXPECT_EQ(Outputs(late).size(), 1u);

  // Where a crossing SYN is unsolicited too, the inside host's next one forgives it.
  FilterProfile strict;
  strict.tcp.simultaneous_open = false;
  Bench crossing(strict);
  ASSERT_TRUE(crossing.GoesOut(kInsideSyn));
  EXPECT_EQ(crossing.In(kOutsideSyn).rule, Rule::kSynHeld);
  ASSERT_TRUE(crossing.GoesOut(kInsideSyn));
  crossing.now += 6s;
  EXPECT_TRUE(Outputs(crossing).empty());
}

TEST(Firewall, TheHoldIsOfSynsOnlyAndBoundedAndARebootForgetsIt) {
  FilterProfile profile;
  profile.unsolicited = Unsolicited::kReset;
  Bench firewall(profile);
  EXPECT_EQ(firewall.In({.flags = kTcpAck}).rule, Rule::kTcpNoConnection);
  EXPECT_FALSE(firewall.UdpIn(kOutside6));
  EXPECT_EQ(firewall.filter.NextTimer(), net::kNever);
  for (std::size_t i = 0; i < nat::HeldSyns::kMax + 10; ++i) {
    const Verdict verdict = firewall.filter.FromOutside(
        firewall.now, Tcp(kOutside6.WithPort(static_cast<std::uint16_t>(1000 + i)), kInside6, kOutsideSyn));
    EXPECT_EQ(verdict.rule, i < nat::HeldSyns::kMax ? Rule::kSynHeld : Rule::kSynHoldFull);
    EXPECT_EQ(verdict.action, Action::kDrop);
  }
  Bench rebooted = firewall;
  rebooted.filter.Reboot();
  for (Bench* bench : {&firewall, &rebooted}) bench->now += 6s;
  const std::vector<NatOutput> outputs = Outputs(firewall);
  ASSERT_EQ(outputs.size(), nat::HeldSyns::kMax);
  EXPECT_EQ(outputs[0].kind, NatOutput::Kind::kReset);
  EXPECT_TRUE(Outputs(rebooted).empty());
}

TEST(Firewall, WhatNeedsATranslationIsRefused) {
  FilterProfile profile;
  EXPECT_TRUE(IsValid(profile));
  profile.unsolicited = Unsolicited::kInput;
  EXPECT_FALSE(IsValid(profile));
  profile = {};
  profile.tcp.invalid = TcpInvalid::kLeak;
  EXPECT_FALSE(IsValid(profile));
  profile = {};
  profile.tcp.depth = TcpDepth::kRewritesIsn;
  EXPECT_FALSE(IsValid(profile));
}

using FirewallWire = Wire<Firewall, FirewallOptions>;

TEST(FirewallNode, AnswersInThePacketsFamily) {
  for (const Unsolicited unsolicited : {Unsolicited::kDrop, Unsolicited::kAdminProhibited, Unsolicited::kReset}) {
    SCOPED_TRACE(ToString(unsolicited));
    FirewallWire wire(FirewallOptions{.profile = Nft(unsolicited)}, "2001:db8:1::10", "2001:db8:1::1", "2001:db8:2::1",
                      "2001:db8:2::10");
    wire.outside->Send(kOutside6, kInside6, kOutsideSyn);
    wire.Run(1s);
    EXPECT_TRUE(wire.inside->got.empty());
    ASSERT_EQ(wire.outside->got.size(), unsolicited == Unsolicited::kDrop ? 0u : 1u);
    if (unsolicited == Unsolicited::kAdminProhibited) {
      EXPECT_EQ(wire.outside->got[0].protocol, IpProtocol::kIcmpv6);
      EXPECT_EQ(wire.outside->got[0].icmp.type, 1);
      EXPECT_EQ(wire.outside->got[0].icmp.code, 1);
    } else if (unsolicited == Unsolicited::kReset) {
      EXPECT_EQ(wire.outside->got[0].source, kInside6);
      EXPECT_EQ(wire.outside->got[0].tcp.flags, kTcpRst | kTcpAck);
      EXPECT_EQ(wire.outside->got[0].tcp.acknowledgment, kPeerIsn + 1);
    }
    wire.inside->Send(kInside6, kOutside6, kInsideSyn);
    wire.Run(1s);
    EXPECT_EQ(wire.outside->got.back().source, kInside6);
    wire.outside->Send(kOutside6, kInside6, kOutsideSynAck);
    wire.Run(1s);
    EXPECT_EQ(wire.inside->got.size(), 1u);
  }
}

TEST(FirewallNode, Rec34TheSenderOfAHeldSynIsToldByIcmpv6SixSecondsLater) {
  FirewallWire wire(FirewallOptions{}, "2001:db8:1::10", "2001:db8:1::1", "2001:db8:2::1", "2001:db8:2::10");
  wire.outside->Send(kOutside6, kInside6, kOutsideSyn);
  wire.Run(10s);
  EXPECT_TRUE(wire.inside->got.empty());
  ASSERT_EQ(wire.outside->got.size(), 1u);
  EXPECT_EQ(wire.outside->times[0], At(5ms + 6s + 5ms));
  EXPECT_EQ(wire.outside->got[0].protocol, IpProtocol::kIcmpv6);
  EXPECT_EQ(wire.outside->got[0].icmp.type, 1);
  EXPECT_EQ(wire.outside->got[0].icmp.code, 1);
  EXPECT_EQ(wire.outside->got[0].quoted.source, kOutside6);
}

TEST(NatBoxFirewall, Rec34HoldsForItsIpv6Too) {
  FilterProfile profile;
  profile.unsolicited = Unsolicited::kReset;
  Wire<NatBox, NatBoxOptions> wire(NatBoxOptions{.ipv6_filter = profile}, "2001:db8:1::10", "2001:db8:1::1",
                                   "2001:db8:2::1", "2001:db8:2::10");
  wire.outside->Send(kOutside6, kInside6, kOutsideSyn);
  wire.Run(10s);
  ASSERT_EQ(wire.outside->got.size(), 1u);
  EXPECT_EQ(wire.outside->times[0], At(5ms + 6s + 5ms));
  EXPECT_EQ(wire.outside->got[0].tcp.flags, kTcpRst | kTcpAck);
}

// Rules for outbound packets, on a firewall and on a NAT, in both families.
Packet Datagram(const net::SocketAddress& from, const net::SocketAddress& to) { return NatBench::Udp(from, to); }

TEST(EgressPolicy, UdpIsJudgedByEachPacketAndTcpBySyns) {
  const net::SocketAddress web = kPeer.WithPort(443), other = kPeer.WithPort(80);
  EgressPolicy policy{.udp = {.ports = {443}}, .tcp = {.ports = {443, 853}}};
  EXPECT_FALSE(policy.LetsAllPass());
  EXPECT_TRUE(policy.LetsOut(Datagram(kAlice, web)));
  EXPECT_FALSE(policy.LetsOut(Datagram(kAlice, other)));
  EXPECT_TRUE(policy.LetsIn(Datagram(other, kAlice)));
  EXPECT_TRUE(policy.LetsOut(Tcp(kAlice, web, kInsideSyn)));
  EXPECT_TRUE(policy.LetsOut(Tcp(kAlice, kPeer.WithPort(853), kInsideSyn)));
  EXPECT_FALSE(policy.LetsOut(Tcp(kAlice, other, kInsideSyn)));
  EXPECT_TRUE(policy.LetsOut(Tcp(kAlice, other, kInsideSynAck))) << "an answer to what came in";
  EXPECT_TRUE(policy.LetsOut(Tcp(kAlice, other, kInsideAck)));
  policy = {.tcp = {.blocked = true}};
  EXPECT_TRUE(policy.LetsOut(Datagram(kAlice, other)));
  EXPECT_FALSE(policy.LetsOut(Tcp(kAlice, web, kInsideAck)));
  EXPECT_FALSE(policy.LetsIn(Tcp(web, kAlice, kOutsideSyn)));
  EXPECT_TRUE(EgressPolicy().LetsAllPass());
}

TEST(FirewallNode, WhatMayNotLeaveIsDroppedOrAnsweredAndOpensNothing) {
  const struct {
    EgressPolicy::Answer answer;
    IpProtocol told_tcp;
  } rows[] = {{EgressPolicy::Answer::kDrop, IpProtocol::kUdp},
              {EgressPolicy::Answer::kAdminProhibited, IpProtocol::kIcmpv6},
              {EgressPolicy::Answer::kReset, IpProtocol::kTcp}};
  for (const auto& row : rows) {
    const EgressPolicy policy{.tcp = {.ports = {443}}, .answer = row.answer};
    FirewallWire wire(FirewallOptions{.profile = Nft(Unsolicited::kDrop), .egress = policy}, "2001:db8:1::10",
                      "2001:db8:1::1", "2001:db8:2::1", "2001:db8:2::10");
    wire.inside->Send(kInside6, kOutside6, kInsideSyn);
    wire.Run(1s);
    EXPECT_TRUE(wire.outside->got.empty());
    EXPECT_EQ(wire.world.drops().count(Rule::kProtocolBlocked), 1u);
    EXPECT_EQ(wire.box.filter().StateOf(wire.world.now(), kInside6, kOutside6), State::kNone);
    ASSERT_EQ(wire.inside->got.size(), row.answer == EgressPolicy::Answer::kDrop ? 0u : 1u);
    if (row.answer != EgressPolicy::Answer::kDrop) {
      EXPECT_EQ(wire.inside->got[0].protocol, row.told_tcp);
    }
    wire.inside->Send(kInside6, kOutside6.WithPort(443), kInsideSyn);
    wire.Run(1s);
    EXPECT_EQ(wire.outside->got.size(), 1u);
  }
}

TEST(FirewallNode, OutsideMayBeAnyInterface) {
  FirewallWire wire(FirewallOptions{.profile = Nft(Unsolicited::kDrop), .outside = 2}, "10.0.1.10", "10.0.1.1",
                    "198.51.100.1", "198.51.100.7");  // interface 2 leads to 10.0.1.10
  const net::SocketAddress behind = Addr("198.51.100.7:4000");
  wire.inside->Send(kAlice, behind, kInsideSyn);
  wire.Run(1s);
  EXPECT_TRUE(wire.outside->got.empty());
  wire.outside->Send(behind, kAlice, kOutsideSyn);
  wire.Run(1s);
  EXPECT_EQ(wire.inside->got.size(), 1u);
}

using NatWire = Wire<NatBox, NatBoxOptions>;

TEST(NatBoxFirewall, BlockedTcpMakesNoMappingAndForwardsNothing) {
  NatProfile profile;
  profile.tcp.filtering = Filtering::kEndpointIndependent;
  profile.port_forwards = {{Addr("0.0.0.0:8080"), kAlice}};
  const net::SocketAddress peer = Addr("198.51.100.7:4000");
  NatWire wire(NatBoxOptions{.profile = profile, .egress = {.tcp = {.blocked = true}}}, "10.0.1.10", "10.0.1.1",
               "198.51.100.1", "198.51.100.7");
  wire.inside->Send(kAlice, peer, kInsideSyn);
  wire.outside->Send(peer, Addr("198.51.100.1:8080"), kOutsideSyn);
  wire.Run(1s);
  EXPECT_TRUE(wire.outside->got.empty());
  EXPECT_TRUE(wire.inside->got.empty());
  EXPECT_EQ(wire.world.drops().count(Rule::kProtocolBlocked), 2u);
  EXPECT_EQ(wire.box.nat().counters().mappings_made, 0u);
}

TEST(NatBoxFirewall, Ipv6IsOutboundOnlyWhereTheBoxSaysSo) {
  for (const bool filtered : {false, true}) {
    NatBoxOptions options;
    if (filtered) options.ipv6_filter = Nft(Unsolicited::kDrop);
    NatWire wire(options, "2001:db8:1::10", "2001:db8:1::1", "2001:db8:2::1", "2001:db8:2::10");
    wire.outside->Send(kOutside6, kInside6, kOutsideSyn);
    wire.Run(1s);
    EXPECT_EQ(wire.inside->got.size(), filtered ? 0u : 1u);
    wire.inside->Send(kInside6, kOutside6, kInsideSyn);
    wire.Run(1s);
    const std::size_t before = wire.inside->got.size();
    wire.outside->Send(kOutside6, kInside6, kOutsideSynAck);
    wire.Run(1s);
    EXPECT_EQ(wire.inside->got.size(), before + 1);
  }
}

}  // namespace
}  // namespace pinhole::sim
