#include <gtest/gtest.h>

#include <chrono>

#include "tests/sim/nat_bench.h"

// The memory of filters, how long it lasts, and the effects of a packet that is let in.
// Rfc4787.Req8FilteringIsOneOfThree tests which packets are let in at once.
namespace pinhole::sim {
namespace {

using namespace std::chrono_literals;

const net::SocketAddress kServerOtherPort = Addr("192.0.2.1:9999");
const net::SocketAddress kOtherServer = Addr("192.0.2.7:3478");

UdpBehavior Apdm(Filtering filtering, FilterMemory memory, bool inbound_sessions) {
  return {{.mapping = Mapping::kAddressAndPortDependent,
           .filtering = filtering,
           .filter_memory = memory,
           .inbound_sessions = inbound_sessions,
           .port_allocation = PortAllocation::kSequential}};
}

TEST(NatFilterMemory, PerEndpointCountsWhatWasSentThroughAnyMapping) {
  NatBench nat(Apdm(Filtering::kAddressAndPortDependent, FilterMemory::kEndpoint, false));
  const net::SocketAddress to_server = nat.SendOut(kAlice, kServer);
  const net::SocketAddress to_other = nat.SendOut(kAlice, kOtherServer);
  ASSERT_NE(to_server, to_other);
  EXPECT_EQ(nat.SendIn(kOtherServer, to_server), kAlice);
  EXPECT_EQ(nat.SendIn(kServer, to_other), kAlice);
  // Her other socket's sending does not count.
  const net::SocketAddress other_socket = nat.SendOut(kAlice.WithPort(5001), kServerOtherPort);
  EXPECT_EQ(nat.In(kServer, other_socket).rule, Rule::kFilteredPort);
}

TEST(NatFilterMemory, PerMappingCountsWhatWasSentThroughThisOne) {
  NatBench nat(Apdm(Filtering::kAddressAndPortDependent, FilterMemory::kMapping, false));
  const net::SocketAddress to_server = nat.SendOut(kAlice, kServer);
  const net::SocketAddress to_other = nat.SendOut(kAlice, kOtherServer);
  EXPECT_EQ(nat.SendIn(kServer, to_server), kAlice);
  EXPECT_EQ(nat.In(kOtherServer, to_server).rule, Rule::kFilteredPort);
  EXPECT_EQ(nat.In(kServer, to_other).rule, Rule::kFilteredPort);
}

TEST(NatFilterMemory, ADropNamesTheInsideEndpointThatItWasJudgedBy) {
  NatBench nat(UdpBehavior{});
  const net::SocketAddress mapped = nat.SendOut(kAlice, kServer);
  EXPECT_EQ(nat.In(kOtherServer, mapped).state.endpoint, kAlice);
  EXPECT_EQ(nat.In(kOtherServer, mapped.WithPort(1)).state.endpoint, mapped.WithPort(1));
}

TEST(NatInboundSession, AnswersLeaveByTheEndpointThatThePacketCameInBy) {
  for (const bool sessions : {false, true}) {
    SCOPED_TRACE(sessions);
    NatBench nat(Apdm(Filtering::kEndpointIndependent, FilterMemory::kMapping, sessions));
    const net::SocketAddress to_server = nat.SendOut(kAlice, kServer);
    ASSERT_TRUE(nat.GetsIn(kOtherServer, to_server));
    EXPECT_EQ(nat.SendOut(kAlice, kOtherServer) == to_server, sessions);
    EXPECT_NE(nat.SendOut(kAlice, kOtherServer.WithPort(1)), to_server);  // to others as ever
  }
}

TEST(NatInboundSession, TheNewestTakesOverAnOlderSessionToThatRemote) {
  NatBench nat(Apdm(Filtering::kEndpointIndependent, FilterMemory::kMapping, true));
  const net::SocketAddress first = nat.SendOut(kAlice, kServer);
  const net::SocketAddress second = nat.SendOut(kAlice, kServerOtherPort);
  const net::SocketAddress own = nat.SendOut(kAlice, kOtherServer);  // the older session, from inside
  EXPECT_EQ(nat.SendOut(kAlice, kOtherServer), own);
  nat.SendIn(kOtherServer, first);
  EXPECT_EQ(nat.SendOut(kAlice, kOtherServer), first);
  nat.SendIn(kOtherServer, second);
  EXPECT_EQ(nat.SendOut(kAlice, kOtherServer), second);
  nat.SendIn(kOtherServer, own);
  EXPECT_EQ(nat.SendOut(kAlice, kOtherServer), own);
}

TEST(NatInboundSession, AFilteredPacketTakesNothingOver) {
  NatBench nat(Apdm(Filtering::kAddressAndPortDependent, FilterMemory::kMapping, true));
  const net::SocketAddress first = nat.SendOut(kAlice, kServer);
  const net::SocketAddress own = nat.SendOut(kAlice, kOtherServer);
  EXPECT_FALSE(nat.GetsIn(kOtherServer, first));
  EXPECT_EQ(nat.SendOut(kAlice, kOtherServer), own);
}

TEST(NatInboundSession, EndsWithItsTimer) {
  UdpBehavior udp = Apdm(Filtering::kEndpointIndependent, FilterMemory::kMapping, true);
  udp.timeouts = {.unreplied = 30s, .replied = 30s, .assured = 30s};
  NatBench nat(udp);
  const net::SocketAddress to_server = nat.SendOut(kAlice, kServer);
  nat.SendIn(kOtherServer, to_server);
  nat.now = At(20s);
  nat.SendOut(kAlice, kServer);  // keeps the mapping, not the session
  nat.now = At(30s - 1ns);
  EXPECT_EQ(nat.SendOut(kAlice, kOtherServer), to_server);
  nat.now = At(40s);
  nat.SendOut(kAlice, kServer);
  nat.now = At(60s);
  EXPECT_NE(nat.SendOut(kAlice, kOtherServer), to_server);
}

TEST(Rfc7857, Section7APacketThatIsNotLetInRefreshesNothing) {
  for (const Filtering filtering : {Filtering::kAddressDependent, Filtering::kAddressAndPortDependent}) {
    SCOPED_TRACE(ToString(filtering));
    NatBench nat({{.filtering = filtering}, {.unreplied = 60s, .replied = 60s, .assured = 60s}});
    const net::SocketAddress mapped = nat.SendOut(kAlice, kServer);
    nat.now = At(59s);
    ASSERT_FALSE(nat.GetsIn(kOtherServer, mapped));
    nat.now = At(60s);
    EXPECT_EQ(nat.In(kServer, mapped).rule, Rule::kNoMapping);
  }
}

UdpBehavior RingOf(int destinations, Filtering filtering) {
  UdpBehavior udp{{.filtering = filtering}};
  udp.destinations_remembered = destinations;
  return udp;
}

TEST(NatDestinationRing, OnlyTheLastNDestinationsMayAnswer) {
  NatBench nat(RingOf(2, Filtering::kAddressAndPortDependent));
  const net::SocketAddress mapped = nat.SendOut(kAlice, kServer);
  nat.SendOut(kAlice, kServerOtherPort);
  EXPECT_TRUE(nat.GetsIn(kServer, mapped));
  nat.SendOut(kAlice, kServer);  // again: no new entry, and no newer one
  nat.SendOut(kAlice, kOtherServer);
  EXPECT_EQ(nat.In(kServer, mapped).rule, Rule::kFilteredPort);
  EXPECT_TRUE(nat.GetsIn(kServerOtherPort, mapped));
  EXPECT_TRUE(nat.GetsIn(kOtherServer, mapped));
  nat.SendOut(kAlice, kServer);  // back in, and the next oldest out
  EXPECT_TRUE(nat.GetsIn(kServer, mapped));
  EXPECT_FALSE(nat.GetsIn(kServerOtherPort, mapped));
}

TEST(NatDestinationRing, CountsAddressesWhereTheFilterAsksForAddresses) {
  NatBench nat(RingOf(2, Filtering::kAddressDependent));
  const net::SocketAddress mapped = nat.SendOut(kAlice, kServer);
  nat.SendOut(kAlice, kServerOtherPort);  // the same entry
  nat.SendOut(kAlice, kOtherServer);
  EXPECT_TRUE(nat.GetsIn(kServer, mapped));
  nat.SendOut(kAlice, Addr("192.0.2.8:1"));
  EXPECT_EQ(nat.In(kServer, mapped).rule, Rule::kFilteredAddress);
}

TEST(NatDestinationRing, EachInsideEndpointHasItsOwn) {
  NatBench nat(RingOf(1, Filtering::kAddressAndPortDependent));
  const net::SocketAddress alice = nat.SendOut(kAlice, kServer);
  nat.SendOut(kBob, kOtherServer);
  EXPECT_TRUE(nat.GetsIn(kServer, alice));
}

TEST(NatFilterTimeout, ADestinationIsForgottenBeforeTheMappingIs) {
  NatBench nat(UdpBehavior{.timeouts = {.unreplied = 60s, .replied = 60s, .assured = 60s}, .filter_timeout = 10s});
  const net::SocketAddress mapped = nat.SendOut(kAlice, kServer);
  nat.now = At(5s);
  nat.SendOut(kAlice, kOtherServer);
  nat.now = At(10s - 1ns);
  EXPECT_TRUE(nat.GetsIn(kServer, mapped));  // does not refresh what only sending out does
  nat.now = At(10s);
  EXPECT_EQ(nat.In(kServer, mapped).rule, Rule::kFilteredPort);
  EXPECT_TRUE(nat.GetsIn(kOtherServer, mapped));
  nat.now = At(15s);
  EXPECT_FALSE(nat.GetsIn(kOtherServer, mapped));
  EXPECT_EQ(nat.SendOut(kAlice, kServer), mapped);  // the mapping is the same
  EXPECT_TRUE(nat.GetsIn(kServer, mapped));
}

TEST(NatFilterMemory, WithoutALifeOfItsOwnADestinationIsKeptAsAMappingIs) {
  // Alice keeps her mapping alive towards kServer; kOtherServer, to whom she is silent, is forgotten.
  NatBench nat({.timeouts = {.unreplied = 60s, .replied = 60s, .assured = 60s}});
  const net::SocketAddress mapped = nat.SendOut(kAlice, kServer);
  nat.SendOut(kAlice, kOtherServer);
  nat.now = At(50s);
  nat.SendOut(kAlice, kServer);
  nat.now = At(60s - 1ns);
  EXPECT_TRUE(nat.GetsIn(kServer, mapped));
  nat.now = At(60s);
  EXPECT_EQ(nat.In(kOtherServer, mapped).rule, Rule::kFilteredPort);
}

}  // namespace
}  // namespace pinhole::sim
