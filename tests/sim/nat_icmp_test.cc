#include <gtest/gtest.h>

#include <chrono>

#include "tests/sim/nat_bench.h"

// RFC 5508 §4, for ICMP errors about UDP, and RFC 7857 §7.1.
namespace pinhole::sim {
namespace {

using namespace std::chrono_literals;

const net::IpAddress kRouter = Ip("203.0.113.9");

TEST(Rfc5508, Req4AnErrorFromOutsideIsTranslatedInsideAndOut) {
  NatBench nat(TransportBehavior{.port_allocation = PortAllocation::kSequential});
  const net::SocketAddress mapped = nat.SendOut(kAlice, kServer);
  Packet error = NatBench::Unreachable(kRouter, mapped, kServer);
  const Verdict verdict = nat.nat.FromOutside(nat.now, error);
  EXPECT_EQ(verdict.action, Verdict::Action::kInside);
  EXPECT_EQ(verdict.network, 0);
  EXPECT_EQ(error.quoted.source, kAlice);  // a
  EXPECT_EQ(error.quoted.destination, kServer);
  EXPECT_EQ(error.icmp.type, 3);  // b
  EXPECT_EQ(error.icmp.code, 3);
  EXPECT_EQ(error.destination, kAlice.WithPort(0));  // c
  EXPECT_EQ(error.source, net::SocketAddress(kRouter, 0));
}

TEST(Rfc5508, Req4WithoutAMappingItIsDropped) {
  NatBench nat(UdpBehavior{});
  Packet error = NatBench::Unreachable(kRouter, {kExternal, 5000}, kServer);
  const Verdict verdict = nat.nat.FromOutside(nat.now, error);
  EXPECT_EQ(verdict.action, Verdict::Action::kDrop);
  EXPECT_EQ(verdict.rule, Rule::kIcmpNotTranslated);
}

TEST(Rfc5508, Req4ConntrackAsksForTheVerySession) {
  NatBench nat(Masquerade());
  const net::SocketAddress mapped = nat.SendOut(kAlice, kServer);
  Packet forged = NatBench::Unreachable(kRouter, mapped, Addr("192.0.2.7:3478"));
  EXPECT_EQ(nat.nat.FromOutside(nat.now, forged).rule, Rule::kIcmpNotTranslated);
  Packet error = NatBench::Unreachable(kRouter, mapped, kServer);
  EXPECT_EQ(nat.nat.FromOutside(nat.now, error).action, Verdict::Action::kInside);
}

TEST(Rfc5508, Req5AnErrorFromInsideIsTranslatedBackAndShowsTheExternalAddress) {
  for (const char* reporter : {"10.0.1.10", "10.0.1.1"}) {  // the host itself, or a router inside
    SCOPED_TRACE(reporter);
    NatBench nat({.filtering = Filtering::kEndpointIndependent, .port_allocation = PortAllocation::kSequential});
    const net::SocketAddress mapped = nat.SendOut(kAlice, kServer);
    ASSERT_TRUE(nat.GetsIn(kServer, mapped));
    Packet error = NatBench::Unreachable(Ip(reporter), kServer, kAlice);
    EXPECT_EQ(nat.Out(error).action, Verdict::Action::kOutside);
    EXPECT_EQ(error.quoted.source, kServer);
    EXPECT_EQ(error.quoted.destination, mapped);
    EXPECT_EQ(error.source, net::SocketAddress(kExternal, 0));
    EXPECT_EQ(error.destination, kServer.WithPort(0));
  }
}

TEST(Rfc5508, Req5WithoutAMappingItIsDropped) {
  NatBench nat(UdpBehavior{});
  Packet error = NatBench::Unreachable(kAlice.address(), kServer, kAlice);
  EXPECT_EQ(nat.Out(error).rule, Rule::kIcmpNotTranslated);
}

TEST(Rfc5508, Req7AHairpinnedPacketsErrorFindsItsSender) {
  NatBench nat({.filtering = Filtering::kEndpointIndependent,
                .port_allocation = PortAllocation::kSequential,
                .hairpin = Hairpin::kExternalSource});
  const net::SocketAddress bob = nat.SendOut(kBob, kServer);
  Packet packet = NatBench::Udp(kAlice, bob);
  ASSERT_EQ(nat.Out(packet).action, Verdict::Action::kInside);
  Packet error = NatBench::Unreachable(kBob.address(), packet.source, packet.destination);
  EXPECT_EQ(nat.Out(error).action, Verdict::Action::kInside);
  EXPECT_EQ(error.destination, kAlice.WithPort(0));
  EXPECT_EQ(error.source, net::SocketAddress(kExternal, 0));
  EXPECT_EQ(error.quoted.source, kAlice);
  EXPECT_EQ(error.quoted.destination, bob);
}

TEST(NatIcmp, ErrorsAreDroppedWhereTheProfileSaysSo) {
  NatProfile profile;
  profile.udp.filtering = Filtering::kEndpointIndependent;
  profile.icmp_errors_translated = false;
  NatBench nat(profile);
  const net::SocketAddress mapped = nat.SendOut(kAlice, kServer);
  Packet in = NatBench::Unreachable(kRouter, mapped, kServer);
  EXPECT_EQ(nat.nat.FromOutside(nat.now, in).rule, Rule::kIcmpNotTranslated);
  Packet out = NatBench::Unreachable(kAlice.address(), kServer, kAlice);
  EXPECT_EQ(nat.Out(out).rule, Rule::kIcmpNotTranslated);
}

TEST(Rfc7857, Section7p1ErrorsRefreshNothing) {
  NatBench nat({{.filtering = Filtering::kEndpointIndependent}, {.unreplied = 60s, .replied = 60s, .assured = 60s}});
  const net::SocketAddress mapped = nat.SendOut(kAlice, kServer);
  nat.now = At(59s);
  Packet in = NatBench::Unreachable(kRouter, mapped, kServer);
  ASSERT_EQ(nat.nat.FromOutside(nat.now, in).action, Verdict::Action::kInside);
  Packet out = NatBench::Unreachable(kAlice.address(), kServer, kAlice);
  ASSERT_EQ(nat.Out(out).action, Verdict::Action::kOutside);
  nat.now = At(60s);
  EXPECT_EQ(nat.In(kServer, mapped).rule, Rule::kNoMapping);
}

TEST(Rfc7857, Section7p1ErrorsRefreshNoInboundSession) {
  NatBench nat({{.mapping = Mapping::kAddressAndPortDependent,
                 .filtering = Filtering::kEndpointIndependent,
                 .inbound_sessions = true,
                 .port_allocation = PortAllocation::kSequential},
                {.unreplied = 60s, .replied = 60s, .assured = 60s}});
  const net::SocketAddress mapped = nat.SendOut(kAlice, kServer);
  const net::SocketAddress stranger = Addr("192.0.2.7:1");
  ASSERT_TRUE(nat.GetsIn(stranger, mapped));
  nat.now = At(30s);
  nat.SendOut(kAlice, kServer);  // the mapping outlives the session
  nat.now = At(59s);
  Packet error = NatBench::Unreachable(kAlice.address(), stranger, kAlice);
  ASSERT_EQ(nat.Out(error).action, Verdict::Action::kOutside);
  EXPECT_EQ(error.quoted.destination, mapped);
  nat.now = At(60s);
  EXPECT_NE(nat.SendOut(kAlice, stranger), mapped);
}

TEST(NatIcmp, PingsAreNotTranslated) {
  NatBench nat(UdpBehavior{});
  Packet ping;
  ping.protocol = IpProtocol::kIcmp;
  ping.icmp.type = 8;
  ping.source = kAlice.WithPort(0);
  ping.destination = kServer.WithPort(0);
  EXPECT_EQ(nat.Out(ping).rule, Rule::kProtocolBlocked);
  ping.source = kServer.WithPort(0);
  ping.destination = net::SocketAddress(kExternal, 0);
  EXPECT_EQ(nat.nat.FromOutside(nat.now, ping).rule, Rule::kInputDropped);
}

TEST(NatUnsolicited, AnswersByProfile) {
  struct Row {
    Unsolicited unsolicited;
    Verdict::Action action;
    int code;
  };
  for (const Row& row : {Row{Unsolicited::kDrop, Verdict::Action::kDrop, 0},
                         Row{Unsolicited::kPortUnreachable, Verdict::Action::kReject, 3},
                         Row{Unsolicited::kHostUnreachable, Verdict::Action::kReject, 1},
                         Row{Unsolicited::kAdminProhibited, Verdict::Action::kReject, 13},
                         Row{Unsolicited::kInput, Verdict::Action::kInput, 0}}) {
    SCOPED_TRACE(ToString(row.unsolicited));
    NatBench nat({.unsolicited = row.unsolicited});
    const Verdict stray = nat.In(kServer, {kExternal, 5000});
    EXPECT_EQ(stray.action, row.action);
    EXPECT_EQ(stray.icmp_code, row.code);
    nat.SendOut(kAlice, kServer);
    EXPECT_EQ(nat.In(kServer.WithPort(1), {kExternal, 5000}).action, row.action);  // filtered
  }
}

TEST(NatUnsolicited, PoisonClosesAnEndpointIndependentMappingTowardsThatPeer) {
  UdpBehavior udp{{.unsolicited = Unsolicited::kInput}};
  udp.poisoning = true;
  NatBench nat(udp);
  const net::SocketAddress peer = Addr("192.0.2.7:3478");
  const net::SocketAddress mapped = nat.SendOut(kAlice, kServer);
  EXPECT_EQ(nat.In(peer, mapped).action, Verdict::Action::kInput);
  EXPECT_EQ(nat.SendOut(kAlice, peer), mapped);  // the mapping stays what it is
  EXPECT_EQ(nat.In(peer, mapped).action, Verdict::Action::kInput);
  EXPECT_TRUE(nat.GetsIn(kServer, mapped));
}

}  // namespace
}  // namespace pinhole::sim
