// One test per MUST of RFC 6062 that the server's engine has to keep (rfc6062.md lists the others, and those of the
// programs that move the bytes).
#include <chrono>
#include <optional>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/stun/turn_bench.h"

namespace pinhole::stun {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const FiveTuple kControl = {kTuple.client, kTuple.server, Transport::kTcp};
const FiveTuple kDataTuple = {Addr("203.0.113.5:40001"), kTuple.server, Transport::kTcp};

class Rfc6062Server : public ::testing::Test {
 protected:
  explicit Rfc6062Server(TurnServer::Options options = {.relay_tcp = true}) : bench(options) {}

  TurnServerBench bench;
  RawClient client{bench, kControl};
  RawClient data{bench, kDataTuple};

  template <typename Add>
  int AllocateWith(RawClient& who, Add add) {
    if (who.nonce.empty()) who.Challenge();
    return who.Ask(Method::kAllocate, add).code();
  }
  void Allocate() {
    ASSERT_EQ(AllocateWith(client, [](MessageBuilder& m) { m.Add(RequestedTransport{RequestedTransport::kTcp}); }), 0);
  }
  RelayId relay() const { return bench.relays().begin()->first; }

  // Requests a connection to `peer`. Returns the code of the response; nullopt: there is no response yet.
  std::optional<int> Connect(const net::SocketAddress& peer) {
    bench.Deliver(kControl, client.Signed(Method::kConnect, [&](MessageBuilder& m) { m.Add(XorPeerAddress{peer}); }));
    if (bench.to_client.empty()) return std::nullopt;
    return bench.to_client[0].code();
  }
  void PeerAnswers(PeerConnectionId id) {
    bench.Do([&] { bench.server().OnPeerConnected(bench.now(), id); });
  }
  void PeerCloses(PeerConnectionId id) {
    bench.Do([&] { bench.server().OnPeerClosed(bench.now(), id); });
  }
  std::optional<PeerConnectionId> PeerConnects(const net::SocketAddress& peer) {
    std::optional<PeerConnectionId> id;
    bench.Do([&] { id = bench.server().OnPeerAccepted(bench.now(), relay(), peer); });
    return id;
  }
  PeerConnectionId MakeConnection(const net::SocketAddress& peer = kPeer) {
    EXPECT_EQ(Connect(peer), std::nullopt);
    const PeerConnectionId id = bench.connects.at(0).connection;
    PeerAnswers(id);
    return id;
  }
  int Bind(PeerConnectionId id) { return Bind(data, id); }
  int Bind(RawClient& who, PeerConnectionId id) {
    if (who.nonce.empty()) who.Challenge();
    return who
        .Ask(Method::kConnectionBind, [&](MessageBuilder& m) { m.Add(ConnectionId{static_cast<std::uint32_t>(id)}); })
        .code();
  }
};

TEST_F(Rfc6062Server, Section5_1_ATcpRelayedAddressIsAllocated) {
  Allocate();
  EXPECT_THAT(bench.opened, SizeIs(1));
  EXPECT_EQ(bench.opened_transport, Transport::kTcp);
  const MessageView response = bench.to_client.at(0).view();
  EXPECT_EQ(response.Get<XorRelayedAddress>().value().address, bench.relays().begin()->second);
  EXPECT_FALSE(response.Has(AttributeType::kReservationToken));
}

TEST_F(Rfc6062Server, Section5_1_ProtocolsOtherThanUdpAndTcpGet442) {
  EXPECT_EQ(AllocateWith(client, [](MessageBuilder& m) { m.Add(RequestedTransport{132}); }), 442);
  TurnServerBench without;
  RawClient asks(without, kControl);
  asks.Challenge();
  EXPECT_EQ(asks.Ask(Method::kAllocate, [](MessageBuilder& m) { m.Add(RequestedTransport{6}); }).code(), 442);
}

TEST_F(Rfc6062Server, Section5_1_UdpGoesOnByRfc8656) {
  EXPECT_EQ(AllocateWith(client, [](MessageBuilder& m) { m.Add(RequestedTransport{17}); }), 0);
  EXPECT_EQ(bench.opened_transport, Transport::kUdp);
}

TEST_F(Rfc6062Server, Section5_1_ForbiddenUdpGets403) {
  TurnServerBench without({.relay_udp = false, .relay_tcp = true});
  RawClient asks(without, kControl);
  asks.Challenge();
  EXPECT_EQ(asks.Ask(Method::kAllocate, [](MessageBuilder& m) { m.Add(RequestedTransport{17}); }).code(), 403);
}

TEST_F(Rfc6062Server, Section5_1_OverUdpGets400) {
  RawClient over_udp(bench, kTuple);
  EXPECT_EQ(AllocateWith(over_udp, [](MessageBuilder& m) { m.Add(RequestedTransport{6}); }), 400);
}

TEST_F(Rfc6062Server, Section5_1_AttributesOfUdpGet400) {
  EXPECT_EQ(AllocateWith(client, [](MessageBuilder& m) { m.Add(RequestedTransport{6}).Add(DontFragment{}); }), 400);
  EXPECT_EQ(AllocateWith(client, [](MessageBuilder& m) { m.Add(RequestedTransport{6}).Add(EvenPort{}); }), 400);
  EXPECT_EQ(AllocateWith(client, [](MessageBuilder& m) { m.Add(RequestedTransport{6}).Add(ReservationToken{}); }), 400);
  EXPECT_EQ(AllocateWith(client, [](MessageBuilder& m) { m.Add(RequestedTransport{6}).Add(Lifetime{1200}); }), 0);
}

TEST_F(Rfc6062Server, Section5_2_WithoutAnAllocationGets437) {
  client.Challenge();
  EXPECT_EQ(Connect(kPeer), 437);
  // A UDP allocation has no connections.
  ASSERT_EQ(client.Allocate().code(), 0);
  EXPECT_EQ(Connect(kPeer), 437);
}

TEST_F(Rfc6062Server, Section5_2_TheServerConnectsFromTheRelayedAddressAndAnswersWhenItHas) {
  Allocate();
  EXPECT_EQ(Connect(kPeer), std::nullopt);
  ASSERT_THAT(bench.connects, SizeIs(1));
  const TurnServer::ConnectPeer connect = bench.connects[0];
  EXPECT_EQ(connect.relay, relay());
  EXPECT_EQ(connect.peer, kPeer);
  const TransactionId asked = client.id;
  PeerAnswers(connect.connection);
  ASSERT_THAT(bench.to_client, SizeIs(1));
  const MessageView response = bench.to_client[0].view();
  EXPECT_EQ(response.method(), Method::kConnect);
  EXPECT_EQ(response.message_class(), MessageClass::kSuccess);
  EXPECT_EQ(response.transaction_id(), asked);
  EXPECT_TRUE(response.CheckIntegrity(client.key()));
  EXPECT_EQ(bench.to_client[0].five_tuple, kControl);
  EXPECT_EQ(response.Get<ConnectionId>().value().value, static_cast<std::uint32_t>(connect.connection));
}

TEST_F(Rfc6062Server, Section5_2_ConnectionIdsAreUnique) {
  Allocate();
  const PeerConnectionId one = MakeConnection(kPeer);
  const PeerConnectionId two = MakeConnection(kPeer.WithPort(1));
  EXPECT_NE(one, two);
  PeerCloses(one);
  EXPECT_NE(MakeConnection(kPeer), one);
}

TEST_F(Rfc6062Server, Section5_2_TheSamePeerGets446WhileConnectingPendingAndActive) {
  Allocate();
  EXPECT_EQ(Connect(kPeer), std::nullopt);
  const PeerConnectionId id = bench.connects.at(0).connection;
  EXPECT_EQ(Connect(kPeer), 446);  // being processed
  PeerAnswers(id);
  EXPECT_EQ(Connect(kPeer), 446);  // pending
  ASSERT_EQ(Bind(id), 0);
  EXPECT_EQ(Connect(kPeer), 446);                       // active
  EXPECT_EQ(Connect(kPeer.WithPort(1)), std::nullopt);  // Another port is another peer.
  PeerCloses(id);
  EXPECT_EQ(Connect(kPeer), std::nullopt);  // It has ended.
}

TEST_F(Rfc6062Server, Section5_2_WithoutAPeerAddressOrWithAnInvalidOneGets400) {
  Allocate();
  EXPECT_EQ(client.Ask(Method::kConnect, [](MessageBuilder&) {}).code(), 400);
  EXPECT_EQ(
      client.Ask(Method::kConnect, [](MessageBuilder& m) { m.AppendBytes(AttributeType::kXorPeerAddress, {}); }).code(),
      400);
  EXPECT_EQ(Connect(kPeer.WithPort(0)), 400);
}

TEST_F(Rfc6062Server, Section5_2_ForbiddenPeersGet403) {
  Allocate();
  EXPECT_EQ(Connect(Addr("127.0.0.1:25")), 403);
  EXPECT_EQ(Connect(Addr("224.0.0.1:25")), 403);
  EXPECT_EQ(Connect(Addr("0.0.0.0:25")), 403);
  EXPECT_EQ(Connect(Addr("[2001:db8::1]:25")), 443);  // RFC 8656 §9.2's words for another family
}

TEST_F(Rfc6062Server, Section5_2_AFailedAttemptGets447) {
  Allocate();
  EXPECT_EQ(Connect(kPeer), std::nullopt);
  const TransactionId asked = client.id;
  PeerCloses(bench.connects.at(0).connection);
  ASSERT_THAT(bench.to_client, SizeIs(1));
  EXPECT_EQ(bench.to_client[0].code(), 447);
  EXPECT_EQ(bench.to_client[0].view().transaction_id(), asked);
  EXPECT_TRUE(bench.to_client[0].view().CheckIntegrity(client.key()));
}

TEST_F(Rfc6062Server, Section5_2_AnAttemptThatTimesOutGets447AfterThirtySeconds) {
  Allocate();
  EXPECT_EQ(Connect(kPeer), std::nullopt);
  const PeerConnectionId id = bench.connects.at(0).connection;
  bench.Advance(30s - 1ns);
  EXPECT_THAT(bench.to_client, IsEmpty());
  bench.Advance(1ns);
  ASSERT_THAT(bench.to_client, SizeIs(1));
  EXPECT_EQ(bench.to_client[0].code(), 447);
  EXPECT_THAT(bench.closed_peers, ElementsAre(id));
  PeerAnswers(id);  // too late
  EXPECT_THAT(bench.to_client, IsEmpty());
}

TEST_F(Rfc6062Server, Section5_2_APeerConnectionThatNobodyBindsIsClosedAfterThirtySeconds) {
  Allocate();
  const PeerConnectionId id = MakeConnection();
  bench.Advance(30s - 1ns);
  EXPECT_THAT(bench.closed_peers, IsEmpty());
  bench.Advance(1ns);
  EXPECT_THAT(bench.closed_peers, ElementsAre(id));
  EXPECT_THAT(bench.to_client, IsEmpty());
  EXPECT_EQ(Bind(id), 400);
}

TEST_F(Rfc6062Server, Section5_3_APeerWithoutPermissionIsClosedAndTheClientToldNothing) {
  Allocate();
  EXPECT_EQ(PeerConnects(kPeer), std::nullopt);
  EXPECT_THAT(bench.to_client, IsEmpty());
}

TEST_F(Rfc6062Server, Section5_3_APeerWithPermissionIsAnnounced) {
  Allocate();
  ASSERT_EQ(client.Permit(kPeer).code(), 0);
  const std::optional<PeerConnectionId> id = PeerConnects(kPeer);
  ASSERT_TRUE(id.has_value());
  ASSERT_THAT(bench.to_client, SizeIs(1));
  const MessageView indication = bench.to_client[0].view();
  EXPECT_EQ(indication.message_class(), MessageClass::kIndication);
  EXPECT_EQ(indication.method(), Method::kConnectionAttempt);
  EXPECT_EQ(indication.Get<XorPeerAddress>().value().address, kPeer);
  EXPECT_EQ(indication.Get<ConnectionId>().value().value, static_cast<std::uint32_t>(*id));
  EXPECT_EQ(bench.to_client[0].five_tuple, kControl);
  // Permissions are of addresses, and end after five minutes (RFC 8656 §9).
  EXPECT_TRUE(PeerConnects(kPeer.WithPort(1)).has_value());
  EXPECT_FALSE(PeerConnects(Addr("198.51.100.8:5000")).has_value());
  bench.Advance(300s);
  EXPECT_FALSE(PeerConnects(kPeer.WithPort(2)).has_value());
}

TEST_F(Rfc6062Server, Section5_3_WhatNobodyTakesIsClosedAfterThirtySeconds) {
  Allocate();
  ASSERT_EQ(client.Permit(kPeer).code(), 0);
  const PeerConnectionId id = PeerConnects(kPeer).value();
  bench.Advance(30s - 1ns);
  EXPECT_THAT(bench.closed_peers, IsEmpty());
  bench.Advance(1ns);
  EXPECT_THAT(bench.closed_peers, ElementsAre(id));
}

TEST_F(Rfc6062Server, Section5_4_OverUdpGets400) {
  Allocate();
  const PeerConnectionId id = MakeConnection();
  RawClient over_udp(bench, kOtherTuple);
  EXPECT_EQ(Bind(over_udp, id), 400);
}

TEST_F(Rfc6062Server, Section5_4_WithoutAnIdOfAPendingConnectionGets400) {
  Allocate();
  EXPECT_EQ(Connect(kPeer), std::nullopt);
  const PeerConnectionId id = bench.connects.at(0).connection;
  EXPECT_EQ(Bind(id), 400);  // not made yet
  PeerAnswers(id);
  EXPECT_EQ(data.Ask(Method::kConnectionBind, [](MessageBuilder&) {}).code(), 400);
  EXPECT_EQ(Bind(PeerConnectionId{static_cast<std::uint32_t>(id) + 1}), 400);
  EXPECT_EQ(Bind(id), 0);
  RawClient second(bench, {Addr("203.0.113.5:40002"), kTuple.server, Transport::kTcp});
  EXPECT_EQ(Bind(second, id), 400);  // bound already
  EXPECT_THAT(bench.joins, IsEmpty());
}

TEST_F(Rfc6062Server, Section5_4_TheTwoConnectionsBecomeOneBehindTheAnswer) {
  Allocate();
  const PeerConnectionId id = MakeConnection();
  ASSERT_EQ(Bind(id), 0);
  ASSERT_THAT(bench.joins, SizeIs(1));
  EXPECT_EQ(bench.joins[0].connection, id);
  EXPECT_EQ(bench.joins[0].client, kDataTuple);
  EXPECT_TRUE(bench.to_client.at(0).view().CheckIntegrity(data.key()));
  // Bound, it has no time limit but its allocation's.
  bench.Advance(300s);
  EXPECT_THAT(bench.closed_peers, IsEmpty());
}

// RFC 6062 §4.3: the same credentials as on the control connection.
TEST_F(Rfc6062Server, Section5_4_NobodyElseMayBindAConnection) {
  Allocate();
  const PeerConnectionId id = MakeConnection();
  EXPECT_EQ(data.Exchange(data.Bare(Method::kConnectionBind,
                                    [&](MessageBuilder& m) { m.Add(ConnectionId{static_cast<std::uint32_t>(id)}); }))
                .code(),
            401);
  RawClient bob(bench, kDataTuple, "bob", "builder");
  EXPECT_EQ(Bind(bob, id), 441);
  EXPECT_THAT(bench.joins, IsEmpty());
}

// RFC 6062 §4.3: "the same method and credentials", the control connection's nonce among them, though for the same
// machine only.
TEST_F(Rfc6062Server, Section5_4_TheNonceOfTheControlConnectionCounts) {
  Allocate();
  const PeerConnectionId id = MakeConnection();
  for (const char* where : {"203.0.113.6:40001", "203.0.113.5:40001"}) {
    RawClient same(bench, {Addr(where), kTuple.server, Transport::kTcp});
    same.realm = client.realm;
    same.nonce = client.nonce;
    EXPECT_EQ(Bind(same, id), Ip("203.0.113.5") == Addr(where).address() ? 0 : 438) << where;
  }
  EXPECT_THAT(bench.joins, SizeIs(1));
}

// RFC 6062 §3: a control connection carries no application data.
TEST_F(Rfc6062Server, Section5_4_AControlConnectionDoesNotBecomeADataConnection) {
  Allocate();
  const PeerConnectionId id = MakeConnection();
  EXPECT_EQ(Bind(client, id), 400);
}

TEST_F(Rfc6062Server, Section5_5_DataConnectionsEndWithTheirAllocation) {
  Allocate();
  const PeerConnectionId bound = MakeConnection(kPeer);
  ASSERT_EQ(Bind(bound), 0);
  bench.Advance(580s);
  const PeerConnectionId pending = MakeConnection(kPeer.WithPort(1));
  EXPECT_EQ(Connect(kPeer.WithPort(2)), std::nullopt);
  const PeerConnectionId connecting = bench.connects.at(0).connection;
  bench.Advance(20s);
  EXPECT_THAT(bench.closed_peers, ::testing::UnorderedElementsAre(bound, pending, connecting));
  EXPECT_THAT(bench.closed, SizeIs(1));
  EXPECT_EQ(bench.server().NextTimer(), net::kNever);
}

TEST_F(Rfc6062Server, Section5_5_DataConnectionsEndWithTheControlConnectionAndWithARefreshOfZero) {
  Allocate();
  const PeerConnectionId id = MakeConnection();
  ASSERT_EQ(Bind(id), 0);
  bench.Do([&] { bench.server().OnConnectionClosed(bench.now(), kControl); });
  EXPECT_THAT(bench.closed_peers, ElementsAre(id));

  Allocate();
  const PeerConnectionId again = MakeConnection();
  ASSERT_EQ(client.Refresh(0).code(), 0);
  EXPECT_THAT(bench.closed_peers, ElementsAre(again));
}

TEST_F(Rfc6062Server, Section5_5_AClosedClientDataConnectionClosesThePeers) {
  Allocate();
  const PeerConnectionId id = MakeConnection();
  ASSERT_EQ(Bind(id), 0);
  bench.Do([&] { bench.server().OnConnectionClosed(bench.now(), kDataTuple); });
  EXPECT_THAT(bench.closed_peers, ElementsAre(id));
  EXPECT_EQ(bench.server().allocations(), 1u);
}

TEST_F(Rfc6062Server, AClosedPeerFreesItsId) {
  Allocate();
  const PeerConnectionId id = MakeConnection();
  PeerCloses(id);
  EXPECT_THAT(bench.to_client, IsEmpty());
  EXPECT_EQ(Bind(id), 400);
}

// A TCP allocation has neither channels nor datagrams.
TEST_F(Rfc6062Server, ChannelsAndSendIndicationsAreOfUdpAllocations) {
  Allocate();
  ASSERT_EQ(client.Permit(kPeer).code(), 0);
  EXPECT_EQ(client.Bind(0x4000, kPeer).code(), 400);
  client.SendTo(kPeer, "data");
  EXPECT_THAT(bench.from_relay, IsEmpty());
}

class Rfc6062FewConnections : public Rfc6062Server {
 protected:
  Rfc6062FewConnections() : Rfc6062Server({.relay_tcp = true, .peer_connections_max = 2}) {}
};

// RFC 6062 §7: memory is bounded.
TEST_F(Rfc6062FewConnections, Section7_ConnectionsBeyondTheLimitAreRefusedAndClosed) {
  Allocate();
  ASSERT_EQ(client.Permit(kPeer).code(), 0);
  const PeerConnectionId id = MakeConnection(kPeer);
  EXPECT_TRUE(PeerConnects(kPeer.WithPort(1)).has_value());
  EXPECT_FALSE(PeerConnects(kPeer.WithPort(2)).has_value());
  EXPECT_EQ(Connect(kPeer.WithPort(3)), 508);
  PeerCloses(id);
  EXPECT_EQ(Connect(kPeer.WithPort(3)), std::nullopt);
}

TEST(Rfc6062ServerInAll, Section7_ConnectionsOfAllAllocationsAreBounded) {
  TurnServerBench bench({.relay_tcp = true, .peer_connections_in_all_max = 1});
  std::vector<int> codes;
  for (std::uint16_t port = 1; port <= 2; ++port) {
    RawClient one(bench, {net::SocketAddress(Ip("203.0.113.9"), port), kTuple.server, Transport::kTcp});
    one.Challenge();
    ASSERT_EQ(one.Ask(Method::kAllocate, [](MessageBuilder& m) { m.Add(RequestedTransport{6}); }).code(), 0);
    bench.Deliver({net::SocketAddress(Ip("203.0.113.9"), port), kTuple.server, Transport::kTcp},
                  one.Signed(Method::kConnect, [](MessageBuilder& m) { m.Add(XorPeerAddress{kPeer}); }));
    codes.push_back(bench.to_client.empty() ? 0 : bench.to_client[0].code());
  }
  EXPECT_THAT(codes, ElementsAre(0, 508));
}

}  // namespace
}  // namespace pinhole::stun
