#include <gtest/gtest.h>

#include <chrono>

#include "tests/sim/nat_bench.h"

// Packets from inside to inside: through the external address (RFC 4787 §6), and directly.
namespace pinhole::sim {
namespace {

using namespace std::chrono_literals;

const net::SocketAddress kDave = Addr("10.0.2.10:5000");  // in the other inside network

UdpBehavior With(Hairpin hairpin, Filtering filtering = Filtering::kEndpointIndependent) {
  return {{.filtering = filtering, .port_allocation = PortAllocation::kSequential, .hairpin = hairpin}};
}

TEST(NatHairpin, NoneIsForTheBoxItself) {
  NatBench nat(With(Hairpin::kNone));
  const net::SocketAddress bob = nat.SendOut(kBob, kServer);
  const Verdict verdict = nat.Out(kAlice, bob);
  EXPECT_EQ(verdict.action, Verdict::Action::kDrop);
  EXPECT_EQ(verdict.rule, Rule::kHairpinRefused);
  EXPECT_EQ(nat.nat.counters().mappings_made, 1u);
}

TEST(NatHairpin, ExternalSourceTranslatesBothEnds) {
  NatBench nat(With(Hairpin::kExternalSource));
  const net::SocketAddress alice = nat.SendOut(kAlice, kServer);
  const net::SocketAddress bob = nat.SendOut(kBob, kServer);
  Packet there = NatBench::Udp(kAlice, bob);
  EXPECT_EQ(nat.Out(there).action, Verdict::Action::kInside);
  EXPECT_EQ(there.source, alice);
  EXPECT_EQ(there.destination, kBob);
  Packet back = NatBench::Udp(kBob, there.source);  // to where it seems to come from
  EXPECT_EQ(nat.Out(back).action, Verdict::Action::kInside);
  EXPECT_EQ(back.source, bob);
  EXPECT_EQ(back.destination, kAlice);
}

TEST(NatHairpin, InternalSourceLeavesTheSource) {
  NatBench nat(With(Hairpin::kInternalSource));
  nat.SendOut(kAlice, kServer);
  const net::SocketAddress bob = nat.SendOut(kBob, kServer);
  Packet packet = NatBench::Udp(kAlice, bob);
  EXPECT_EQ(nat.Out(packet).action, Verdict::Action::kInside);
  EXPECT_EQ(packet.source, kAlice);
  EXPECT_EQ(packet.destination, kBob);
}

TEST(NatHairpin, GoesIntoTheNetworkOfTheReceiver) {
  NatBench nat(With(Hairpin::kExternalSource));
  const net::SocketAddress dave = nat.SendOut(kDave, kServer);
  const net::SocketAddress alice = nat.SendOut(kAlice, kServer);
  EXPECT_EQ(nat.Out(kAlice, dave).network, 1);
  EXPECT_EQ(nat.Out(kDave, alice).network, 0);
}

TEST(NatHairpin, TheReceiversFilterSeesTheSenderByItsExternalEndpoint) {
  for (const Hairpin hairpin : {Hairpin::kExternalSource, Hairpin::kInternalSource}) {
    SCOPED_TRACE(ToString(hairpin));
    NatBench nat(With(hairpin, Filtering::kAddressAndPortDependent));
    const net::SocketAddress alice = nat.SendOut(kAlice, kServer);
    const net::SocketAddress bob = nat.SendOut(kBob, kServer);
    EXPECT_EQ(nat.Out(kAlice, bob).rule, Rule::kFilteredPort);  // Bob has not sent to her: she has punched
    EXPECT_EQ(nat.Out(kBob, alice).action, Verdict::Action::kInside);
    EXPECT_EQ(nat.Out(kAlice, bob).action, Verdict::Action::kInside);
  }
}

TEST(NatHairpin, AddressDependentFilteringIsOpenedByAnyHairpinnedPacket) {
  // There is only one external address, so a host that has sent to it has sent to every neighbor, as an
  // address-dependent filter sees it.
  NatBench nat(With(Hairpin::kExternalSource, Filtering::kAddressDependent));
  const net::SocketAddress bob = nat.SendOut(kBob, kServer);
  nat.SendOut(kCarol, kServer);
  EXPECT_EQ(nat.Out(kAlice, bob).rule, Rule::kFilteredAddress);
  nat.Out(kBob, {kExternal, 9});
  EXPECT_EQ(nat.Out(kAlice, bob).action, Verdict::Action::kInside);
}

TEST(NatHairpin, WithDependentMappingTheSenderShowsAnEndpointOfItsOwn) {
  UdpBehavior udp = With(Hairpin::kExternalSource);
  udp.mapping = Mapping::kAddressAndPortDependent;
  NatBench nat(udp);
  const net::SocketAddress alice_to_server = nat.SendOut(kAlice, kServer);
  const net::SocketAddress bob = nat.SendOut(kBob, kServer);
  Packet packet = NatBench::Udp(kAlice, bob);
  EXPECT_EQ(nat.Out(packet).action, Verdict::Action::kInside);
  EXPECT_NE(packet.source, alice_to_server);
  EXPECT_EQ(packet.source.address(), kExternal);
}

TEST(NatHairpin, ToOneself) {
  NatBench nat(With(Hairpin::kExternalSource));
  const net::SocketAddress alice = nat.SendOut(kAlice, kServer);
  Packet packet = NatBench::Udp(kAlice, alice);
  EXPECT_EQ(nat.Out(packet).action, Verdict::Action::kInside);
  EXPECT_EQ(packet.source, alice);
  EXPECT_EQ(packet.destination, kAlice);
}

TEST(NatHairpin, ToAPortThatNobodyHasIsUnsolicited) {
  NatBench nat(With(Hairpin::kExternalSource));
  EXPECT_EQ(nat.Out(kAlice, {kExternal, 9}).rule, Rule::kNoMapping);
}

TEST(NatHairpin, ByTheOtherAddressOfAPool) {
  NatBench nat(NatProfile{.udp = With(Hairpin::kExternalSource)}, {Ip("198.51.100.1"), Ip("198.51.100.2")});
  nat.SendOut(kAlice, kServer);
  const net::SocketAddress bob = nat.SendOut(kBob, kServer);
  ASSERT_EQ(bob.address(), Ip("198.51.100.2"));
  Packet packet = NatBench::Udp(kAlice, bob);
  EXPECT_EQ(nat.Out(packet).action, Verdict::Action::kInside);
  EXPECT_EQ(packet.source.address(), Ip("198.51.100.1"));
}

TEST(NatHairpin, ToAPortForward) {
  NatProfile profile{.udp = With(Hairpin::kExternalSource)};
  profile.port_forwards = {{Addr("0.0.0.0:8080"), kBob}};
  NatBench nat(profile);
  Packet packet = NatBench::Udp(kAlice, {kExternal, 8080});
  EXPECT_EQ(nat.Out(packet).action, Verdict::Action::kInside);
  EXPECT_EQ(packet.destination, kBob);
  Packet answer = NatBench::Udp(kBob, packet.source);
  EXPECT_EQ(nat.Out(answer).action, Verdict::Action::kInside);
  EXPECT_EQ(answer.source, net::SocketAddress(kExternal, 8080));
  EXPECT_EQ(answer.destination, kAlice);
}

TEST(NatInsideRouting, IsUntranslatedAndMayBeRefused) {
  for (const bool routes : {true, false}) {
    SCOPED_TRACE(routes);
    NatProfile profile{.udp = With(Hairpin::kInternalSource)};
    profile.routes_inside = routes;
    NatBench nat(profile);
    Packet packet = NatBench::Udp(kAlice, kDave);
    const Verdict verdict = nat.Out(packet);
    EXPECT_EQ(verdict.action, routes ? Verdict::Action::kInside : Verdict::Action::kDrop);
    EXPECT_EQ(verdict.rule, routes ? Rule::kNone : Rule::kInterfaceNotRouted);
    EXPECT_EQ(packet.source, kAlice);
    EXPECT_EQ(packet.destination, kDave);
    // Subscribers of one network are not let at each other either.
    EXPECT_EQ(nat.Out(kAlice, kBob).action, verdict.action);
  }
}

// Two inner networks between which the box does not route. Alice sends to Dave's external endpoint; does his answer
// reach her?
struct Answered {
  Hairpin hairpin;
  bool arrives, answered;
  Rule answer_dropped_by;
};
TEST(NatInsideRouting, BetweenNetworksThatAreNotRoutedOnlyTheExternalSourceIsAnswered) {
  for (const Answered& row : {Answered{Hairpin::kNone, false, false, Rule::kNone},
                              Answered{Hairpin::kInternalSource, true, false, Rule::kInterfaceNotRouted},
                              Answered{Hairpin::kExternalSource, true, true, Rule::kNone}}) {
    SCOPED_TRACE(ToString(row.hairpin));
    NatProfile profile{.udp = With(row.hairpin)};
    profile.routes_inside = false;
    NatBench nat(profile);
    nat.SendOut(kAlice, kServer);
    const net::SocketAddress dave = nat.SendOut(kDave, kServer);
    Packet there = NatBench::Udp(kAlice, dave);
    ASSERT_EQ(nat.Out(there).action == Verdict::Action::kInside, row.arrives);
    if (!row.arrives) continue;
    Packet back = NatBench::Udp(kDave, there.source);
    const Verdict verdict = nat.Out(back);
    EXPECT_EQ(verdict.action == Verdict::Action::kInside, row.answered);
    EXPECT_EQ(verdict.rule, row.answer_dropped_by);
    EXPECT_EQ(back.source == dave, row.answered);
  }
}

}  // namespace
}  // namespace pinhole::sim
