#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <set>

#include "tests/sim/nat_bench.h"

// RFC 4787 §12: one test for each requirement about the behavior of a NAT. Each tests a profile that meets the
// requirement and, where the text describes them, profiles that do not.
namespace pinhole::sim {
namespace {

using namespace std::chrono_literals;

const net::SocketAddress kServerOtherPort = Addr("192.0.2.1:9999");
const net::SocketAddress kOtherServer = Addr("192.0.2.7:3478");

// The definitions of RFC 4787 §4.1 as a table: does X1':x1' equal X2':x2' for these Y2:y2, if Y1:y1 is kServer?
struct MappingRow {
  Mapping mapping;
  bool same_endpoint, same_address, other_address;
};
constexpr MappingRow kRfc4787Section41[] = {
    {Mapping::kEndpointIndependent, true, true, true},
    {Mapping::kAddressDependent, true, true, false},
    {Mapping::kAddressAndPortDependent, true, false, false},
};

TEST(Rfc4787, Req1MappingSharesTheExternalPortByItsDefinition) {
  for (const MappingRow& row : kRfc4787Section41) {
    SCOPED_TRACE(ToString(row.mapping));
    NatBench nat({.mapping = row.mapping, .port_allocation = PortAllocation::kSequential});
    const int port = nat.PortOf(kAlice, kServer);
    EXPECT_EQ(nat.PortOf(kAlice, kServer) == port, row.same_endpoint);
    EXPECT_EQ(nat.PortOf(kAlice, kServerOtherPort) == port, row.same_address);
    EXPECT_EQ(nat.PortOf(kAlice, kOtherServer) == port, row.other_address);
  }
}

TEST(Rfc4787, Req1MappingsOfDifferentInsideEndpointsDiffer) {
  for (const MappingRow& row : kRfc4787Section41) {
    SCOPED_TRACE(ToString(row.mapping));
    NatBench nat({.mapping = row.mapping});
    const int alice = nat.PortOf(kAlice, kServer);
    EXPECT_NE(nat.PortOf(kBob, kServer), alice);
    EXPECT_NE(nat.PortOf(kAlice.WithPort(5001), kServer), alice);
  }
}

std::vector<net::IpAddress> FourExternal() {
  return {Ip("198.51.100.1"), Ip("198.51.100.2"), Ip("198.51.100.3"), Ip("198.51.100.4")};
}

TEST(Rfc4787, Req2PairedPoolingGivesAllSessionsOfAnInsideAddressOneExternalAddress) {
  NatBench nat(NatProfile{.pooling = Pooling::kPaired}, FourExternal());
  const net::IpAddress alice = nat.SendOut(kAlice, kServer).address();
  const net::IpAddress bob = nat.SendOut(kBob, kServer).address();
  EXPECT_NE(alice, bob);  // in turn
  for (int i = 1; i <= 20; ++i) {
    const auto port = static_cast<std::uint16_t>(6000 + i);
    EXPECT_EQ(nat.SendOut(kAlice.WithPort(port), kOtherServer).address(), alice);
    EXPECT_EQ(nat.SendOut(kBob.WithPort(port), kOtherServer).address(), bob);
  }
}

TEST(Rfc4787, Req2ArbitraryPoolingSpreadsOneInsideAddressOverThePool) {
  NatBench nat(NatProfile{.pooling = Pooling::kArbitrary}, FourExternal());
  std::set<net::IpAddress> seen;
  for (int i = 0; i < 40; ++i) {
    seen.insert(nat.SendOut(kAlice.WithPort(static_cast<std::uint16_t>(6000 + i)), kServer).address());
  }
  EXPECT_EQ(seen.size(), 4u);
  // An endpoint-independent mapping stays, whatever the pool.
  const net::SocketAddress first = nat.SendOut(kAlice, kServer);
  EXPECT_EQ(nat.SendOut(kAlice, kOtherServer), first);
}

TEST(Rfc4787, Req3NoPortIsSharedUnlessTheProfileOverloads) {
  NatBench normal({.mapping = Mapping::kAddressAndPortDependent});
  EXPECT_EQ(normal.PortOf(kAlice, kServer), 5000);
  EXPECT_NE(normal.PortOf(kBob, kOtherServer), 5000);

  // Overloading: x1 = x2 = x1' = x2', and answers still find their way as the remote endpoints differ.
  NatBench overloading({.mapping = Mapping::kAddressAndPortDependent,
                        .filtering = Filtering::kAddressAndPortDependent,
                        .port_allocation = PortAllocation::kPreserveOverloading});
  EXPECT_EQ(overloading.PortOf(kAlice, kServer), 5000);
  EXPECT_EQ(overloading.PortOf(kBob, kOtherServer), 5000);
  const net::SocketAddress shared(kExternal, 5000);
  EXPECT_EQ(overloading.SendIn(kServer, shared), kAlice);
  EXPECT_EQ(overloading.SendIn(kOtherServer, shared), kBob);
  EXPECT_NE(overloading.PortOf(kBob, kServer), 5000);  // that very tuple is Alice's
}

TEST(Rfc4787, Req3aPortsStayInTheirRange) {
  NatBench nat({.port_allocation = PortAllocation::kRandom});
  for (std::uint16_t port : {7, 512, 1000, 1023}) {
    const int external = nat.PortOf(kAlice.WithPort(port), kServer);
    EXPECT_GE(external, 1) << port;
    EXPECT_LE(external, 1023) << port;
  }
  for (std::uint16_t port : {1024, 5000, 49152, 65535}) {
    EXPECT_GE(nat.PortOf(kAlice.WithPort(port), kServer), 1024) << port;
  }
}

TEST(Rfc4787, Req4ParityIsPreserved) {
  for (const PortAllocation allocation :
       {PortAllocation::kPreserve, PortAllocation::kSequential, PortAllocation::kRandom}) {
    SCOPED_TRACE(ToString(allocation));
    NatBench nat({.port_allocation = allocation, .parity = PortParity::kPreserve});
    for (int i = 0; i < 32; ++i) {
      const auto port = static_cast<std::uint16_t>(7000 + i);
      EXPECT_EQ(nat.PortOf(kAlice.WithPort(port), kServer) % 2, port % 2);
      EXPECT_EQ(nat.PortOf(kBob.WithPort(port), kServer) % 2, port % 2);  // every one a collision
    }
  }
}

TEST(Rfc4787, Req5MappingLivesTwoMinutesAndNotAMomentLonger) {
  NatBench nat({{.filtering = Filtering::kEndpointIndependent}, {.unreplied = 120s, .replied = 120s, .assured = 120s}});
  const net::SocketAddress mapped = nat.SendOut(kAlice, kServer);
  nat.now = At(120s - 1ns);
  EXPECT_EQ(nat.nat.CountMappings(nat.now), 1);
  nat.now = At(120s);
  EXPECT_EQ(nat.nat.CountMappings(nat.now), 0);
  EXPECT_EQ(nat.In(kServer, mapped).rule, Rule::kNoMapping);
}

TEST(Rfc4787, Req6RefreshDirectionDecidesWhichPacketsKeepAMappingAlive) {
  struct Row {
    Refresh refresh;
    bool by_outbound, by_inbound;
  };
  for (const Row& row : {Row{Refresh::kOutbound, true, false}, Row{Refresh::kInbound, false, true},
                         Row{Refresh::kBoth, true, true}, Row{Refresh::kNone, false, false}}) {
    SCOPED_TRACE(ToString(row.refresh));
    const UdpBehavior udp = {.timeouts = {.unreplied = 60s, .replied = 60s, .assured = 60s}, .refresh = row.refresh};
    NatBench outbound(udp);
    const net::SocketAddress mapped = outbound.SendOut(kAlice, kServer);
    outbound.now = At(59s);
    outbound.SendOut(kAlice, kServer);
    outbound.now = At(61s);
    EXPECT_EQ(outbound.GetsIn(kServer, mapped), row.by_outbound);

    NatBench inbound(udp);
    inbound.SendOut(kAlice, kServer);
    inbound.now = At(59s);
    EXPECT_TRUE(inbound.GetsIn(kServer, mapped));
    inbound.now = At(61s);
    EXPECT_EQ(inbound.GetsIn(kServer, mapped), row.by_inbound);
  }
}

TEST(Rfc4787, Req7InsideAndOutsideMayUseTheSameNumbers) {
  // A home whose external address 10.0.1.1 lies in its own inside prefix (a CGN that uses the same one). Inside,
  // the prefix wins; everyone elsewhere is reached, and answers from a neighbour outside come in.
  NatBench nat(NatProfile{.udp = {{.filtering = Filtering::kEndpointIndependent}}}, {Ip("10.0.1.1")});
  const net::SocketAddress mapped = nat.SendOut(kAlice, kServer);
  EXPECT_EQ(mapped, Addr("10.0.1.1:5000"));
  EXPECT_EQ(nat.SendIn(kServer, mapped), kAlice);
  EXPECT_EQ(nat.SendIn(Addr("10.0.1.11:5000"), mapped), kAlice);  // outside's 10.0.1.11, not Bob
}

TEST(Rfc4787, Req8FilteringIsOneOfThree) {
  struct Row {
    Filtering filtering;
    bool same_endpoint, same_address, stranger;
    Rule rule;
  };
  for (const Row& row : {Row{Filtering::kEndpointIndependent, true, true, true, Rule::kNone},
                         Row{Filtering::kAddressDependent, true, true, false, Rule::kFilteredAddress},
                         Row{Filtering::kAddressAndPortDependent, true, false, false, Rule::kFilteredPort}}) {
    SCOPED_TRACE(ToString(row.filtering));
    NatBench nat({.filtering = row.filtering});
    const net::SocketAddress mapped = nat.SendOut(kAlice, kServer);
    EXPECT_EQ(nat.GetsIn(kServer, mapped), row.same_endpoint);
    EXPECT_EQ(nat.GetsIn(kServerOtherPort, mapped), row.same_address);
    EXPECT_EQ(nat.GetsIn(kOtherServer, mapped), row.stranger);
    EXPECT_EQ(nat.In(kOtherServer, mapped).rule, row.rule);
  }
}

TEST(Rfc4787, Req9aHairpinShowsTheExternalSource) {
  NatBench nat({.filtering = Filtering::kEndpointIndependent, .hairpin = Hairpin::kExternalSource});
  const net::SocketAddress alice = nat.SendOut(kAlice, kServer);
  const net::SocketAddress bob = nat.SendOut(kBob, kServer);
  Packet packet = NatBench::Udp(kAlice, bob);
  EXPECT_EQ(nat.Out(packet).action, Verdict::Action::kInside);
  EXPECT_EQ(packet.source, alice);
  EXPECT_EQ(packet.destination, kBob);
}

TEST(Rfc4787, Req10PayloadsAreNotTouched) {
  NatBench nat(UdpBehavior{});
  Packet packet = NatBench::Udp(kAlice, kServer);
  packet.payload = {.slot = 42, .size_bytes = 100};
  nat.Out(packet);
  EXPECT_EQ(packet.payload.slot, 42u);
  EXPECT_EQ(packet.payload.size_bytes, 100u);
}

TEST(Rfc4787, Req11BehaviorDoesNotChangeAfterACollision) {
  // Primary, secondary and tertiary (RFC 4787 §8): Alice, Bob and Carol send from the same port.
  for (const MappingRow& row : kRfc4787Section41) {
    for (const Filtering filtering :
         {Filtering::kEndpointIndependent, Filtering::kAddressDependent, Filtering::kAddressAndPortDependent}) {
      SCOPED_TRACE(testing::Message() << ToString(row.mapping) << " " << ToString(filtering));
      NatBench nat({.mapping = row.mapping, .filtering = filtering});
      std::set<int> ports;
      for (const net::SocketAddress& host : {kAlice, kBob, kCarol}) {
        const net::SocketAddress mapped = nat.SendOut(host, kServer);
        EXPECT_TRUE(ports.insert(mapped.port()).second);
        EXPECT_EQ(nat.GetsIn(kServerOtherPort, mapped), filtering != Filtering::kAddressAndPortDependent);
        EXPECT_EQ(nat.GetsIn(kOtherServer, mapped), filtering == Filtering::kEndpointIndependent);
        EXPECT_EQ(nat.SendOut(host, kServerOtherPort) == mapped, row.same_address);
        EXPECT_EQ(nat.SendOut(host, kOtherServer) == mapped, row.other_address);
      }
    }
  }
}

TEST(Rfc4787, Req12IcmpDoesNotEndAMapping) {
  NatBench nat(UdpBehavior{});
  const net::SocketAddress mapped = nat.SendOut(kAlice, kServer);
  Packet error = NatBench::Unreachable(Ip("203.0.113.9"), mapped, kServer);  // from any router: RFC 4787 §9 REQ-12a
  EXPECT_EQ(nat.nat.FromOutside(nat.now, error).action, Verdict::Action::kInside);
  EXPECT_TRUE(nat.GetsIn(kServer, mapped));
}

TEST(Rfc4787, Req12BrokenBoxesForgetTheMapping) {
  NatProfile profile;
  profile.icmp_errors_close = true;
  NatBench nat(profile);
  const net::SocketAddress mapped = nat.SendOut(kAlice, kServer);
  Packet error = NatBench::Unreachable(Ip("203.0.113.9"), mapped, kServer);
  EXPECT_EQ(nat.nat.FromOutside(nat.now, error).action, Verdict::Action::kInside);
  EXPECT_EQ(nat.In(kServer, mapped).rule, Rule::kNoMapping);
}

}  // namespace
}  // namespace pinhole::sim
