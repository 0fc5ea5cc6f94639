#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <set>

#include "tests/sim/nat_bench.h"

// The behavior of a Linux 6.18 kernel with nftables for UDP, as measured. Cases that were not measured follow the same
// algorithm (nf_nat_core.c, nf_conntrack_proto_udp.c).
namespace pinhole::sim {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::Ge;
using testing::Le;

// Two addresses with two ports each, as an RFC 5780 probe has them.
const net::SocketAddress kFourDestinations[] = {Addr("192.0.2.1:3478"), Addr("192.0.2.1:3479"), Addr("192.0.2.2:3478"),
                                                Addr("192.0.2.2:3479")};
const net::SocketAddress kSocket = kAlice.WithPort(5002);
const net::SocketAddress kSamePort = kBob.WithPort(5002);

std::vector<int> PortsSeen(NatBench& nat, net::SocketAddress socket) {
  std::vector<int> ports;
  for (const net::SocketAddress& destination : kFourDestinations) ports.push_back(nat.PortOf(socket, destination));
  return ports;
}

UdpBehavior MasqueradeTo(std::uint16_t first, std::uint16_t last) {
  UdpBehavior udp = Masquerade();
  udp.ports = PortRange{first, last};
  return udp;
}

TEST(LinuxMasquerade, PortIsPreservedTowardsFourDestinations) {
  NatBench nat(Masquerade());
  EXPECT_THAT(PortsSeen(nat, kSocket), ElementsAre(5002, 5002, 5002, 5002));
}

TEST(LinuxMasquerade, FilteringIsAddressAndPortDependent) {
  NatBench nat(Masquerade());
  const net::SocketAddress mapped = nat.SendOut(kSocket, kServer);
  EXPECT_TRUE(nat.GetsIn(kServer, mapped));
  EXPECT_EQ(nat.In(kServer.WithPort(9999), mapped).rule, Rule::kFilteredPort);
  EXPECT_EQ(nat.In(Addr("192.0.2.7:3478"), mapped).rule, Rule::kFilteredPort);
  EXPECT_EQ(nat.In(kServer, mapped.WithPort(6000)).rule, Rule::kNoMapping);
}

TEST(LinuxMasquerade, SecondHostOnTheSamePortGetsARandomOneAndKeepsItForLaterDestinations) {
  NatBench nat(Masquerade());
  nat.SendOut(kSocket, kFourDestinations[0]);
  const int drawn = nat.PortOf(kSamePort, kFourDestinations[0]);
  EXPECT_NE(drawn, 5002);
  EXPECT_GE(drawn, 1024);
  // Reused even where the original port would be free (find_appropriate_src()).
  EXPECT_EQ(nat.PortOf(kSamePort, kFourDestinations[1]), drawn);
  EXPECT_EQ(nat.PortOf(kSamePort, kFourDestinations[2]), drawn);
}

TEST(LinuxMasquerade, SecondHostOnTheSamePortSharesItTowardsAnotherDestination) {
  NatBench nat(Masquerade());
  EXPECT_EQ(nat.PortOf(kSocket, kFourDestinations[0]), 5002);
  EXPECT_EQ(nat.PortOf(kSamePort, kFourDestinations[2]), 5002);
  EXPECT_EQ(nat.SendIn(kFourDestinations[0], {kExternal, 5002}), kSocket);
  EXPECT_EQ(nat.SendIn(kFourDestinations[2], {kExternal, 5002}), kSamePort);
}

TEST(LinuxMasquerade, ThreeHostsOnOnePort) {
  NatBench nat(Masquerade());
  const net::SocketAddress third = kCarol.WithPort(5002);
  EXPECT_EQ(nat.PortOf(kSocket, kServer), 5002);
  const int second_port = nat.PortOf(kSamePort, kServer);
  const int third_port = nat.PortOf(third, kServer);
  EXPECT_EQ(std::set<int>({5002, second_port, third_port}).size(), 3u);
  // Each socket keeps its own port towards a server to which none of them has sent before.
  EXPECT_EQ(nat.PortOf(third, kFourDestinations[3]), third_port);
  EXPECT_EQ(nat.PortOf(kSamePort, kFourDestinations[3]), second_port);
  EXPECT_EQ(nat.PortOf(kSocket, kFourDestinations[3]), 5002);
  EXPECT_EQ(nat.SendIn(kServer, {kExternal, static_cast<std::uint16_t>(third_port)}), third);
}

TEST(LinuxMasquerade, ReuseTakesTheNewestSessionOfTheSocket) {
  // Alice has 5002, then a drawn port, towards two servers. A third follows the newest.
  NatBench nat(Masquerade());
  EXPECT_EQ(nat.PortOf(kSocket, kFourDestinations[0]), 5002);
  EXPECT_EQ(nat.PortOf(kSamePort, kFourDestinations[1]), 5002);
  const int drawn = nat.PortOf(kSocket, kFourDestinations[1]);
  EXPECT_NE(drawn, 5002);
  EXPECT_EQ(nat.PortOf(kSocket, kFourDestinations[2]), drawn);
}

TEST(LinuxMasquerade, WhenTheReusedTupleIsTakenTheInsidePortIsTriedNext) {
  NatBench nat(Masquerade());
  nat.SendOut(kSocket, kServer);
  nat.random.NextBelow(0, 65536);
  EXPECT_EQ(nat.PortOf(kSamePort, kServer), 1024);  // the first of its class
  // Somebody whose own port is 1024 takes that tuple towards another server, where 5002 is free.
  EXPECT_EQ(nat.PortOf(kCarol.WithPort(1024), kFourDestinations[2]), 1024);
  EXPECT_EQ(nat.PortOf(kSamePort, kFourDestinations[2]), 5002);
}

TEST(LinuxMasquerade, ACollisionStaysInThePortClass) {
  struct Class {
    std::uint16_t port, first, last;
  };
  for (const Class& row :
       {Class{100, 1, 511}, Class{511, 1, 511}, Class{1, 1, 511}, Class{512, 600, 1023}, Class{600, 600, 1023},
        Class{1023, 600, 1023}, Class{1024, 1024, 65535}, Class{5002, 1024, 65535}, Class{65535, 1024, 65535}}) {
    std::set<int> drawn;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
      NatBench nat(Masquerade());
      nat.random = ScriptedRandom(seed);
      EXPECT_EQ(nat.PortOf(kAlice.WithPort(row.port), kServer), row.port);
      const int port = nat.PortOf(kBob.WithPort(row.port), kServer);
      EXPECT_NE(port, row.port);
      EXPECT_GE(port, row.first) << row.port;
      EXPECT_LE(port, row.last) << row.port;
      drawn.insert(port);
    }
    EXPECT_GT(drawn.size(), 120u) << row.port;
  }
}

TEST(LinuxMasquerade, ADrawStartsAtTheRandomOffsetOfItsClass) {
  for (const auto& [port, offset, expected] : {std::tuple{100, 510, 511},
                                               {100, 511, 1},
                                               {600, 0, 600},
                                               {600, 424, 600},
                                               {5002, 64511, 65535},
                                               {5002, 64512, 1024},
                                               {5002, 3978, 5003 /* 5002 is taken */}}) {
    NatBench nat(Masquerade());
    nat.SendOut(kAlice.WithPort(static_cast<std::uint16_t>(port)), kServer);
    if (port == 600) nat.SendOut(kCarol.WithPort(601), kServer);
    nat.random.NextBelow(static_cast<std::uint64_t>(offset), 65536);
    const int got = nat.PortOf(kBob.WithPort(static_cast<std::uint16_t>(port)), kServer);
    EXPECT_EQ(got, port == 600 ? 602 : expected) << port << " " << offset;
  }
}

TEST(LinuxMasquerade, AFullClassFailsAfterTheKernelsTries) {
  // All of 1-511 is taken towards one server: 128 tries, 64, 32, 16, 8, then the packet is lost.
  NatBench nat(Masquerade());
  for (int port = 1; port <= 511; ++port) {
    ASSERT_EQ(nat.PortOf(kAlice.WithPort(static_cast<std::uint16_t>(port)), kServer), port);
  }
  const Verdict verdict = nat.Out(kBob.WithPort(100), kServer);
  EXPECT_EQ(verdict.rule, Rule::kPortExhausted);
  EXPECT_EQ(verdict.state.number, 511);
  EXPECT_EQ(nat.PortOf(kBob.WithPort(100), kFourDestinations[2]), 100);  // towards others there is room
}

TEST(LinuxMasquerade, ARangeGivesOnePortForAllDestinations) {
  NatBench nat(MasqueradeTo(40000, 40999));
  const std::vector<int> ports = PortsSeen(nat, kSocket);
  EXPECT_THAT(ports, Each(AllOf(Ge(40000), Le(40999))));
  EXPECT_THAT(ports, Each(ports[0]));
  // The second host: another one, for all three.
  const int second = nat.PortOf(kSamePort, kFourDestinations[0]);
  EXPECT_NE(second, ports[0]);
  EXPECT_THAT(second, AllOf(Ge(40000), Le(40999)));
  EXPECT_EQ(nat.PortOf(kSamePort, kFourDestinations[1]), second);
}

TEST(LinuxMasquerade, AnInsidePortOfTheRangeIsPreserved) {
  NatBench nat(MasqueradeTo(40000, 40999));
  EXPECT_EQ(nat.PortOf(kAlice.WithPort(40123), kServer), 40123);
}

TEST(LinuxMasquerade, ASmallRangeIsTriedOnceAround) {
  NatBench nat(MasqueradeTo(40000, 40003));
  std::set<int> ports;
  for (std::uint16_t host_port = 5000; host_port < 5004; ++host_port) {
    ports.insert(nat.PortOf(kAlice.WithPort(host_port), kServer));
  }
  EXPECT_THAT(ports, ElementsAre(40000, 40001, 40002, 40003));
  EXPECT_EQ(nat.Out(kAlice.WithPort(5004), kServer).rule, Rule::kPortExhausted);
}

TEST(LinuxRandomFully, EveryDestinationGetsItsOwnPort) {
  NatBench nat(RandomFully());
  const std::vector<int> ports = PortsSeen(nat, kSocket);
  EXPECT_EQ(std::set<int>(ports.begin(), ports.end()).size(), 4u);
  EXPECT_THAT(ports, Each(Ge(1024)));
  EXPECT_EQ(PortsSeen(nat, kSocket), ports);  // the same session keeps it
}

TEST(LinuxRandomFully, PortClassesAreKept) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    NatBench nat(RandomFully());
    nat.random = ScriptedRandom(seed);
    EXPECT_THAT(nat.PortOf(kAlice.WithPort(600), kServer), AllOf(Ge(600), Le(1023)));
    EXPECT_THAT(nat.PortOf(kAlice.WithPort(100), kServer), AllOf(Ge(1), Le(511)));
  }
}

TEST(LinuxRandomFully, ARangeGivesAPortOfTheRangeForEachDestination) {
  UdpBehavior udp = RandomFully();
  udp.ports = PortRange{40000, 40999};
  NatBench nat(udp);
  const std::vector<int> ports = PortsSeen(nat, kSocket);
  EXPECT_THAT(ports, Each(AllOf(Ge(40000), Le(40999))));
  EXPECT_EQ(std::set<int>(ports.begin(), ports.end()).size(), 4u);
}

// Timeouts. A session is alive while an answer is still let in. A dead session is tested only once, because the test
// itself would refresh it.
struct Step {
  net::Duration at;
  bool outbound;
};
bool AliveAt(std::initializer_list<Step> steps, net::Duration at) {
  NatBench nat(Masquerade());
  const net::SocketAddress mapped(kExternal, 5002);
  for (const Step& step : steps) {
    nat.now = At(step.at);
    if (step.outbound) {
      nat.SendOut(kSocket, kServer);
    } else {
      EXPECT_TRUE(nat.GetsIn(kServer, mapped));
    }
  }
  nat.now = At(at);
  return nat.GetsIn(kServer, mapped);
}
constexpr bool kOut = true, kIn = false;

TEST(LinuxTimeouts, UnrepliedLives30Seconds) {
  EXPECT_TRUE(AliveAt({{0s, kOut}}, 30s - 1ns));
  EXPECT_FALSE(AliveAt({{0s, kOut}}, 30s));
}

TEST(LinuxTimeouts, AReplyAloneDoesNotLengthenIt) {
  EXPECT_TRUE(AliveAt({{0s, kOut}, {100ms, kIn}}, 30s + 100ms - 1ns));
  EXPECT_FALSE(AliveAt({{0s, kOut}, {100ms, kIn}}, 30s + 100ms));
}

TEST(LinuxTimeouts, RepliedAndNotOlderThanTwoSecondsIsStill30) {
  EXPECT_FALSE(AliveAt({{0s, kOut}, {100ms, kIn}, {2s, kOut}}, 32s));
  EXPECT_FALSE(AliveAt({{0s, kOut}, {100ms, kIn}, {1900ms, kIn}}, 1900ms + 30s));
}

TEST(LinuxTimeouts, AnyPacketOnceRepliedAndOlderThanTwoSecondsGives120) {
  EXPECT_TRUE(AliveAt({{0s, kOut}, {100ms, kIn}, {2s + 1ns, kOut}}, 122s));
  EXPECT_FALSE(AliveAt({{0s, kOut}, {100ms, kIn}, {2s + 1ns, kOut}}, 122s + 1ns));
  EXPECT_TRUE(AliveAt({{0s, kOut}, {100ms, kIn}, {3s, kIn}}, 123s - 1ns));
  EXPECT_FALSE(AliveAt({{0s, kOut}, {100ms, kIn}, {3s, kIn}}, 123s));
}

TEST(LinuxTimeouts, AFirstReplyAfterTwoSecondsIsStill30) {
  EXPECT_TRUE(AliveAt({{0s, kOut}, {2300ms, kIn}}, 32300ms - 1ns));
  EXPECT_FALSE(AliveAt({{0s, kOut}, {2300ms, kIn}}, 32300ms));
  EXPECT_TRUE(AliveAt({{0s, kOut}, {2300ms, kIn}, {2301ms, kIn}}, 122s));
}

TEST(LinuxTimeouts, UnansweredPacketsKeepItAlive30SecondsEach) {
  EXPECT_TRUE(AliveAt({{0s, kOut}, {29s, kOut}, {58s, kOut}}, 88s - 1ns));
  EXPECT_FALSE(AliveAt({{0s, kOut}, {29s, kOut}, {58s, kOut}}, 88s));
}

TEST(LinuxTimeouts, InboundPacketsRefresh) {
  EXPECT_TRUE(AliveAt({{0s, kOut}, {20s, kIn}, {40s, kIn}, {150s, kIn}, {260s, kIn}}, 379s));
}

TEST(LinuxTimeouts, AFilteredPacketRefreshesNothing) {
  NatBench nat(Masquerade());
  const net::SocketAddress mapped = nat.SendOut(kSocket, kServer);
  nat.now = At(29s);
  EXPECT_FALSE(nat.GetsIn(Addr("192.0.2.7:3478"), mapped));
  nat.now = At(30s);
  EXPECT_FALSE(nat.GetsIn(kServer, mapped));
}

// Poisoning: a packet from kPeer reaches the box before the first outbound packet.
const net::SocketAddress kPeer = kFourDestinations[1];

TEST(LinuxInputAccept, AStrayPacketClaimsItsTupleAndLaterDestinationsFollowTheNewPort) {
  NatBench nat(InputAccept());
  const net::SocketAddress socket = kAlice;  // port 5000
  EXPECT_EQ(nat.PortOf(socket, kFourDestinations[0]), 5000);
  EXPECT_EQ(nat.In(kPeer, {kExternal, 5000}).action, Verdict::Action::kInput);
  const int drawn = nat.PortOf(socket, kPeer);
  EXPECT_NE(drawn, 5000);
  EXPECT_EQ(nat.PortOf(socket, kFourDestinations[2]), drawn);
  EXPECT_EQ(nat.PortOf(socket, kFourDestinations[3]), drawn);
  // Packets of the peer to the signalled port still go to the box itself.
  EXPECT_EQ(nat.In(kPeer, {kExternal, 5000}).action, Verdict::Action::kInput);
}

TEST(LinuxInputAccept, OurPacketFirstAndNothingIsPoisoned) {
  NatBench nat(InputAccept());
  EXPECT_EQ(nat.PortOf(kAlice, kPeer), 5000);
  EXPECT_EQ(nat.SendIn(kPeer, {kExternal, 5000}), kAlice);
  EXPECT_EQ(nat.PortOf(kAlice, kPeer), 5000);
}

TEST(LinuxInputAccept, PoisonLives30SecondsAfterEachProbe) {
  NatBench nat(InputAccept());
  nat.In(kPeer, {kExternal, 5000});
  nat.now = At(29s);
  nat.In(kPeer, {kExternal, 5000});
  nat.now = At(59s - 1ns);
  EXPECT_NE(nat.PortOf(kAlice, kPeer), 5000);

  NatBench rested(InputAccept());
  rested.In(kPeer, {kExternal, 5000});
  rested.now = At(29s);
  rested.In(kPeer, {kExternal, 5000});
  rested.now = At(59s);
  EXPECT_EQ(rested.PortOf(kAlice, kPeer), 5000);
}

TEST(LinuxMasquerade, ADroppedOrRejectedStrayPoisonsNothing) {
  for (const Unsolicited unsolicited : {Unsolicited::kDrop, Unsolicited::kPortUnreachable}) {
    SCOPED_TRACE(ToString(unsolicited));
    UdpBehavior udp = Masquerade();
    udp.unsolicited = unsolicited;
    NatBench nat(udp);
    const Verdict verdict = nat.In(kPeer, {kExternal, 5000});
    EXPECT_EQ(verdict.action, unsolicited == Unsolicited::kDrop ? Verdict::Action::kDrop : Verdict::Action::kReject);
    EXPECT_EQ(verdict.rule, Rule::kNoMapping);
    EXPECT_EQ(nat.PortOf(kAlice, kPeer), 5000);
    EXPECT_EQ(nat.SendIn(kPeer, {kExternal, 5000}), kAlice);
  }
}

TEST(LinuxMasquerade, HairpinGoesToTheInputPath) {
  NatBench dropping(Masquerade());
  dropping.SendOut(kBob, kServer);
  EXPECT_EQ(dropping.Out(kAlice, {kExternal, 5000}).rule, Rule::kHairpinRefused);
  NatBench accepting(InputAccept());
  accepting.SendOut(kBob, kServer);
  EXPECT_EQ(accepting.Out(kAlice, {kExternal, 5000}).action, Verdict::Action::kInput);
}

TEST(LinuxPortForward, IsEndpointIndependentForItsPortAndAnswersLeaveByIt) {
  NatProfile profile{.udp = Masquerade()};
  profile.port_forwards = {{Addr("0.0.0.0:8080"), kAlice}};
  NatBench nat(profile);
  const net::SocketAddress forwarded(kExternal, 8080);
  for (const net::SocketAddress& remote : kFourDestinations) {
    EXPECT_EQ(nat.SendIn(remote, forwarded), kAlice);
    EXPECT_EQ(nat.SendOut(kAlice, remote), forwarded);
  }
  // To whom has not asked, she is an ordinary client (conntrack knows no reverse of a DNAT rule).
  EXPECT_EQ(nat.SendOut(kAlice, Addr("192.0.2.99:1")), net::SocketAddress(kExternal, 5000));
}

// Hole punching between two Linux boxes. Which side's entry blocks the other depends on which packet comes first.
struct Pair {
  explicit Pair(UdpBehavior a_udp, UdpBehavior b_udp)
      : a(NatProfile{.udp = a_udp}, {Ip("198.51.100.1")}), b(NatProfile{.udp = b_udp}, {Ip("198.51.100.2")}) {
    a.SendOut(kAlice, kServer);
    b.SendOut(kAlice, kServer);
  }
  // Sends a packet from one box to the other without delay. True: the packet was let in.
  bool Send(NatBench& from, NatBench& to, net::SocketAddress target) {
    const std::optional<net::SocketAddress> seen = from.TrySendOut(kAlice, target);
    return seen && to.GetsIn(*seen, target);
  }
  bool AToB() { return Send(a, b, Addr("198.51.100.2:5000")); }
  bool BToA() { return Send(b, a, Addr("198.51.100.1:5000")); }
  // A sends first, then B, then both again.
  bool Punch() {
    AToB();
    BToA();
    return AToB() && BToA();
  }
  NatBench a, b;
};

TEST(LinuxHolePunching, RouterAgainstRouterWorks) { EXPECT_TRUE(Pair(Masquerade(), Masquerade()).Punch()); }
TEST(LinuxHolePunching, InputAcceptAgainstInputAcceptFails) {
  EXPECT_FALSE(Pair(InputAccept(), InputAccept()).Punch());
}
TEST(LinuxHolePunching, RouterFirstAgainstInputAcceptFails) { EXPECT_FALSE(Pair(Masquerade(), InputAccept()).Punch()); }
TEST(LinuxHolePunching, InputAcceptFirstAgainstRouterWorks) { EXPECT_TRUE(Pair(InputAccept(), Masquerade()).Punch()); }
TEST(LinuxHolePunching, CrossingPacketsSaveInputAcceptAgainstInputAccept) {
  Pair pair(InputAccept(), InputAccept());
  pair.a.SendOut(kAlice, Addr("198.51.100.2:5000"));  // both are on the wire
  pair.b.SendOut(kAlice, Addr("198.51.100.1:5000"));
  EXPECT_TRUE(pair.AToB());
  EXPECT_TRUE(pair.BToA());
}
TEST(LinuxHolePunching, RandomFullyAgainstAnyFails) {
  EXPECT_FALSE(Pair(RandomFully(), Masquerade()).Punch());
  EXPECT_FALSE(Pair(RandomFully(), RandomFully()).Punch());
}

}  // namespace
}  // namespace pinhole::sim
