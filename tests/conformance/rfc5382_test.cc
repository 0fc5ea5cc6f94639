#include <gtest/gtest.h>

#include "sim/nat/validate.h"
#include "tests/sim/nat_tcp_bench.h"

// RFC 5382: NAT behavioral requirements for TCP. The default profile must meet them, with the hairpinning that
// RFC 5382 §7.2 REQ-8 requires.
namespace pinhole::sim {
namespace {

using namespace std::chrono_literals;
using Action = Verdict::Action;

NatProfile Compliant() {
  NatProfile profile;
  profile.tcp.hairpin = Hairpin::kExternalSource;
  profile.tcp.unsolicited = Unsolicited::kPortUnreachable;
  return profile;
}

TEST(Rfc5382, Req1MappingIsEndpointIndependent) {
  TcpNatBench nat(Compliant());
  ASSERT_EQ(nat.Out(kAlice, kPeer, nat.AliceSyn()).action, Action::kOutside);
  const net::SocketAddress mapped = nat.last.source;
  for (const net::SocketAddress& to : {kServer, kPeer.WithPort(1), Addr("192.0.2.200:443")}) {
    ASSERT_EQ(nat.Out(kAlice, to, nat.AliceSyn()).action, Action::kOutside);
    EXPECT_EQ(nat.last.source, mapped);
  }
}

TEST(Rfc5382, Req2ThreeWayHandshakeFromEitherSide) {
  TcpNatBench nat(Compliant());
  EXPECT_TRUE(nat.Connect());
  // From outside, where the filter permits it.
  NatProfile open = Compliant();
  open.tcp.filtering = Filtering::kEndpointIndependent;
  TcpNatBench server(open);
  ASSERT_EQ(server.Out(kAlice, kServer, server.AliceSyn()).action, Action::kOutside);
  EXPECT_TRUE(server.GetsIn(server.PeerSyn()));
  EXPECT_TRUE(server.GoesOut(server.AliceSynAck()));
  EXPECT_TRUE(server.GetsIn(server.PeerAck()));
}

// The segments of hosts whose SYNs cross: each host answers with SYN,ACK, and neither sends another ACK (RFC 9293 §3.5,
// figure 7). RFC 5382 §5: ACKs in both directions establish the connection, so from here on it may be idle as long as
// any other.
TEST(Rfc5382, Req2aAndReq5ASimultaneousOpenIsEstablishedByItsTwoSynAcks) {
  for (const bool alice_first : {true, false}) {
    SCOPED_TRACE(alice_first);
    TcpNatBench nat(Compliant());
    EXPECT_TRUE(nat.GoesOut(nat.AliceSyn()));
    EXPECT_TRUE(nat.GetsIn(nat.PeerSyn()));
    EXPECT_TRUE(alice_first ? nat.GoesOut(nat.AliceSynAck()) : nat.GetsIn(nat.PeerSynAck()));
    EXPECT_EQ(nat.LifeLeft(), 4min) << "partially open";
    EXPECT_TRUE(alice_first ? nat.GetsIn(nat.PeerSynAck()) : nat.GoesOut(nat.AliceSynAck()));
    EXPECT_EQ(nat.State(), TcpTrackerState::kEstablished);
    nat.Wait(2h + 4min - 1ns);
    EXPECT_TRUE(nat.GetsIn(nat.PeerAck(0, 0, 10)));
    EXPECT_TRUE(nat.GoesOut(nat.AliceAck(0, 10)));
  }
}

// Bob's SYN,ACK got lost on its way, and he sends it again. So is his SYN, as long as Alice's SYN,ACK did not reach
// him.
TEST(Rfc5382, Req2aACrossedSynOrSynAckMayComeAgain) {
  TcpNatBench nat(Compliant());
  EXPECT_TRUE(nat.GoesOut(nat.AliceSyn()));
  EXPECT_TRUE(nat.GetsIn(nat.PeerSyn()));
  EXPECT_TRUE(nat.GoesOut(nat.AliceSynAck()));
  EXPECT_TRUE(nat.GetsIn(nat.PeerSyn()));
  EXPECT_TRUE(nat.GoesOut(nat.AliceSynAck()));
  EXPECT_EQ(nat.LifeLeft(), 4min) << "one side's twice is not both sides'";
  EXPECT_TRUE(nat.GetsIn(nat.PeerSynAck()));
  EXPECT_EQ(nat.State(), TcpTrackerState::kEstablished);
  // Lost behind the NAT: Alice has no answer yet, and says so until she has.
  EXPECT_TRUE(nat.GoesOut(nat.AliceSynAck()));
  EXPECT_TRUE(nat.GetsIn(nat.PeerAck()));
  EXPECT_EQ(nat.State(), TcpTrackerState::kEstablished);
  EXPECT_EQ(nat.Out({kTcpSyn | kTcpAck, kAliceIsn + 7, kPeerIsn + 1}).rule, Rule::kTcpState) << "not what she sent";
}

TEST(Rfc5382, Req3FilteringIsOneOfThreeAndApartFromUdps) {
  const struct {
    Filtering filtering;
    bool same_address, stranger;
  } rows[] = {{Filtering::kEndpointIndependent, true, true},
              {Filtering::kAddressDependent, true, false},
              {Filtering::kAddressAndPortDependent, false, false}};
  for (const auto& row : rows) {
    SCOPED_TRACE(ToString(row.filtering));
    NatProfile profile = Compliant();
    profile.tcp.filtering = row.filtering;
    TcpNatBench nat(profile);
    ASSERT_TRUE(nat.GoesOut(nat.AliceSyn()));
    EXPECT_EQ(nat.In(kPeer.WithPort(4001), kAlicePublic, nat.PeerSyn()).action == Action::kInside, row.same_address);
    EXPECT_EQ(nat.In(kServer, kAlicePublic, nat.PeerSyn()).action == Action::kInside, row.stranger);
    ASSERT_EQ(nat.bench.PortOf(kAlice, kPeer), 5000);
    EXPECT_FALSE(nat.bench.GetsIn(kServer, kAlicePublic));
  }
}

TEST(Rfc5382, Req4UnsolicitedSynIsAnsweredAfterSixSecondsWithIcmpPortUnreachable) {
  TcpNatBench nat(Compliant());
  EXPECT_EQ(nat.In(nat.PeerSyn()).action, Action::kDrop);
  nat.Wait(6s - 1ns);
  EXPECT_TRUE(nat.Outputs().empty());
  nat.Wait(1ns);
  const std::vector<NatOutput> outputs = nat.Outputs();
  ASSERT_EQ(outputs.size(), 1u);
  EXPECT_EQ(outputs[0].kind, NatOutput::Kind::kIcmpError);
  EXPECT_EQ(outputs[0].icmp_code, 3);
}

TEST(Rfc5382, Req4AnOutboundSynInTheIntervalDropsTheHeldOneSilently) {
  TcpNatBench nat(Compliant());
  nat.In(nat.PeerSyn());
  nat.Wait(3s);
  ASSERT_TRUE(nat.GoesOut(nat.AliceSyn()));
  nat.Wait(10s);
  EXPECT_TRUE(nat.Outputs().empty());
}

TEST(Rfc5382, Req4aSilenceIfThePolicyWantsIt) {
  NatProfile silent = Compliant();
  silent.tcp.unsolicited = Unsolicited::kDrop;
  TcpNatBench nat(silent);
  EXPECT_EQ(nat.In(nat.PeerSyn()).action, Action::kDrop);
  nat.Wait(10s);
  EXPECT_TRUE(nat.Outputs().empty());
}

TEST(Rfc5382, Req5EstablishedLivesTwoHoursFourMinutes) {
  TcpNatBench nat(Compliant());
  ASSERT_TRUE(nat.Connect());
  nat.Wait(2h + 4min - 1ns);
  EXPECT_TRUE(nat.GetsIn(nat.PeerAck()));
  nat.Wait(2h + 4min);
  EXPECT_FALSE(nat.GetsIn(nat.PeerAck()));
}

TEST(Rfc5382, Req5APartiallyOpenConnectionLivesFourMinutes) {
  TcpNatBench nat(Compliant());
  ASSERT_TRUE(nat.GoesOut(nat.AliceSyn()));
  nat.Wait(4min - 1ns);
  EXPECT_TRUE(nat.Entry().has_value());
  nat.Wait(1ns);
  EXPECT_FALSE(nat.Entry().has_value());
}

// RFC 5382 §5: FIN_WAIT_2 and CLOSE_WAIT are of the established phase. One half may run on for as long as the whole.
TEST(Rfc5382, Req5WithOneFinAConnectionIsEstablishedAndWithBothItHasFourMinutes) {
  for (const bool alice_first : {true, false}) {
    SCOPED_TRACE(alice_first);
    TcpNatBench nat(Compliant());
    ASSERT_TRUE(nat.Connect());
    const auto first = [&](const Seg& seg) { return alice_first ? nat.GoesOut(seg) : nat.GetsIn(seg); };
    const auto second = [&](const Seg& seg) { return alice_first ? nat.GetsIn(seg) : nat.GoesOut(seg); };
    const auto ack = [&](bool of_first, std::uint32_t sent, std::uint32_t received) {
      return of_first == alice_first ? nat.AliceAck(sent, received) : nat.PeerAck(sent, received);
    };
    ASSERT_TRUE(first(nat.With(ack(true, 0, 0), kTcpFin)));
    EXPECT_EQ(nat.LifeLeft(), 2h + 4min) << "FIN_WAIT_1";
    ASSERT_TRUE(first(nat.With(ack(true, 0, 0), kTcpFin)));
    EXPECT_EQ(nat.LifeLeft(), 2h + 4min) << "the same FIN once more";
    ASSERT_TRUE(second(ack(false, 0, 1)));
    EXPECT_EQ(nat.LifeLeft(), 2h + 4min) << "FIN_WAIT_2 and CLOSE_WAIT";
    ASSERT_TRUE(first(nat.With(ack(true, 0, 0), kTcpFin)));
    EXPECT_EQ(nat.LifeLeft(), 2h + 4min) << "and again";
    nat.Wait(2h + 4min - 1ns);
    ASSERT_TRUE(second(ack(false, 0, 1)));
    EXPECT_EQ(nat.LifeLeft(), 2h + 4min);
    ASSERT_TRUE(second(nat.With(ack(false, 0, 1), kTcpFin)));
    EXPECT_EQ(nat.LifeLeft(), 4min) << "LAST_ACK";
    ASSERT_TRUE(first(ack(true, 1, 1)));
    EXPECT_EQ(nat.LifeLeft(), 4min) << "TIME_WAIT";
    nat.Wait(4min);
    EXPECT_FALSE(nat.Entry().has_value());
  }
}

TEST(Rfc5382, Req6PayloadsAreNotTouched) {
  TcpNatBench nat(Compliant());
  ASSERT_TRUE(nat.Connect());
  Packet data = Tcp(kAlice, kPeer, nat.AliceAck(0, 0, 100));
  const PayloadRef before = data.payload;
  ASSERT_EQ(nat.bench.Out(data).action, Action::kOutside);
  EXPECT_EQ(data.payload.slot, before.slot);
  EXPECT_EQ(data.payload.size_bytes, before.size_bytes);
}

TEST(Rfc5382, Req7PortsAreNotOverloaded) {
  TcpNatBench nat(Compliant());
  ASSERT_EQ(nat.Out(kAlice, kPeer, nat.AliceSyn()).action, Action::kOutside);
  const net::SocketAddress alices = nat.last.source;
  ASSERT_EQ(nat.Out(kBob, kServer, nat.AliceSyn()).action, Action::kOutside);
  EXPECT_NE(nat.last.source, alices);
  NatProfile overloading = Compliant();
  overloading.tcp.port_allocation = PortAllocation::kPreserveOverloading;
  EXPECT_FALSE(IsValid(overloading));
}

TEST(Rfc5382, Req8HairpinShowsTheExternalSource) {
  TcpNatBench nat(Compliant());
  ASSERT_EQ(nat.Out(kAlice, kServer, nat.AliceSyn()).action, Action::kOutside);
  const net::SocketAddress alices = nat.last.source;
  ASSERT_EQ(nat.Out(kBob, kServer, nat.AliceSyn()).action, Action::kOutside);
  const net::SocketAddress bobs = nat.last.source;
  // Both connect to each other's external endpoint: SYNs cross.
  const Verdict early = nat.Out(kAlice, bobs, nat.AliceSyn());  // Bob has not sent there yet: RFC 5382 §4.3 REQ-4
  EXPECT_EQ(early.action, Action::kDrop);
  EXPECT_EQ(early.rule, Rule::kSynHeld);
  ASSERT_EQ(nat.Out(kBob, alices, nat.PeerSyn()).action, Action::kInside);
  EXPECT_EQ(nat.last.source, bobs);
  EXPECT_EQ(nat.last.destination, kAlice);
  ASSERT_EQ(nat.Out(kAlice, bobs, nat.AliceSynAck()).action, Action::kInside);
  EXPECT_EQ(nat.last.source, alices);
  EXPECT_EQ(nat.last.destination, kBob);
}

TEST(Rfc5382, Req9IcmpErrorsAboutTcpAreTranslated) {
  TcpNatBench nat(Compliant());
  ASSERT_TRUE(nat.GoesOut(nat.AliceSyn()));
  for (const auto& [type, code] : {std::pair<int, int>{3, 1}, {3, 3}, {3, 4}, {11, 0}}) {
    Packet error = NatBench::Unreachable(Ip("192.0.2.254"), kAlicePublic, kPeer);
    error.icmp = {.type = static_cast<std::uint8_t>(type), .code = static_cast<std::uint8_t>(code)};
    error.quoted.protocol = IpProtocol::kTcp;
    ASSERT_EQ(nat.bench.nat.FromOutside(nat.bench.now, error).action, Action::kInside);
    EXPECT_EQ(error.destination.address(), kAlice.address());
    EXPECT_EQ(error.quoted.source, kAlice);
  }
}

TEST(Rfc5382, Req10IcmpEndsNeitherMappingNorConnection) {
  TcpNatBench nat(Compliant());
  ASSERT_TRUE(nat.GoesOut(nat.AliceSyn()));
  for (int code = 0; code < 16; ++code) {
    Packet error = NatBench::Unreachable(Ip("192.0.2.254"), kAlicePublic, kPeer);
    error.icmp.code = static_cast<std::uint8_t>(code);
    error.quoted.protocol = IpProtocol::kTcp;
    nat.bench.nat.FromOutside(nat.bench.now, error);
  }
  EXPECT_EQ(nat.State(), TcpTrackerState::kSynSent);
  EXPECT_TRUE(nat.GetsIn(nat.PeerSynAck()));

  NatProfile wrong = Compliant();
  wrong.icmp_errors_close = true;
  TcpNatBench closes(wrong);
  ASSERT_TRUE(closes.GoesOut(closes.AliceSyn()));
  Packet error = NatBench::Unreachable(Ip("192.0.2.254"), kAlicePublic, kPeer);
  error.quoted.protocol = IpProtocol::kTcp;
  closes.bench.nat.FromOutside(closes.bench.now, error);
  EXPECT_FALSE(closes.GetsIn(closes.PeerSynAck()));
}

// RFC 7857 §2.2: a RST is passed on. Its session lives for four minutes more, or longer if the RST was wrong.
TEST(Rfc7857, Section2p2AResetIsPassedAndTheSessionKeptForFourMinutes) {
  TcpNatBench nat(Compliant());
  ASSERT_TRUE(nat.Connect());
  ASSERT_TRUE(nat.GetsIn({.flags = kTcpRst, .sequence = kPeerIsn + 1}));
  EXPECT_EQ(nat.LifeLeft(), 4min);
  EXPECT_TRUE(nat.GoesOut(nat.AliceAck()));
  EXPECT_EQ(nat.LifeLeft(), 2h + 4min);
}

}  // namespace
}  // namespace pinhole::sim
