// One test per MUST of RFC 6062 that the client's engines have to keep (rfc6062.md lists the others).
#include <chrono>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "stun/turn_data_connection.h"
#include "tests/stun/turn_client_bench.h"

namespace pinhole::stun {
namespace {

using namespace std::chrono_literals;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Reason = TurnClient::Reason;

class Rfc6062Client : public ::testing::Test {
 protected:
  TurnClientBench bench{{.transport = Transport::kTcp, .relayed_transport = Transport::kTcp}};

  void Connect(const net::SocketAddress& peer) {
    bench.Do([&] { bench.client().Connect(bench.now(), peer); });
  }
  void SucceedWith(std::uint32_t id) {
    bench.Deliver(bench.Answer(
        MessageClass::kSuccess, [&](MessageBuilder& m) { m.Add(ConnectionId{id}); }, &bench.key));
  }
  void Attempt(const net::SocketAddress& peer, std::uint32_t id) {
    std::vector<std::uint8_t> buffer(200);
    MessageBuilder m(buffer, MessageClass::kIndication, Method::kConnectionAttempt, TransactionId{});
    bench.Deliver(m.Add(XorPeerAddress{peer}).Add(ConnectionId{id}).Finish().value());
  }
};

TEST_F(Rfc6062Client, Section4_1_TheAllocateRequestAsksForTcpAndForNothingOfUdp) {
  TurnClientBench full({.transport = Transport::kTcp,
                        .relayed_transport = Transport::kTcp,
                        .family = net::Family::kIpv4,
                        .lifetime_seconds = 1200});
  full.Start();
  const MessageView request = full.sent.at(0).view();
  EXPECT_EQ(request.method(), Method::kAllocate);
  EXPECT_EQ(request.Get<RequestedTransport>().value().protocol, 6);
  EXPECT_EQ(request.Get<Lifetime>().value().value, 1200u);
  for (AttributeType type :
       {AttributeType::kDontFragment, AttributeType::kReservationToken, AttributeType::kEvenPort}) {
    EXPECT_FALSE(request.Has(type));
  }
}

TEST_F(Rfc6062Client, Section4_1_ItIsNotAskedForOverUdp) {
  TurnClientBench over_udp({.relayed_transport = Transport::kTcp});
  over_udp.Start();
  EXPECT_THAT(over_udp.sent, IsEmpty());
  EXPECT_EQ(over_udp.Events<TurnClient::AllocationFailed>().at(0).reason, Reason::kNotForTransport);
}

TEST_F(Rfc6062Client, Section4_3_ConnectCarriesThePeerAndItsAnswerTheConnectionId) {
  bench.Allocate();
  Connect(kPeer);
  ASSERT_THAT(bench.sent, SizeIs(1));
  EXPECT_EQ(bench.SentMethod(), Method::kConnect);
  EXPECT_EQ(bench.sent[0].view().Get<XorPeerAddress>().value().address, kPeer);
  SucceedWith(77);
  const auto connected = bench.Events<TurnClient::PeerConnected>();
  ASSERT_THAT(connected, SizeIs(1));
  EXPECT_EQ(connected[0].peer, kPeer);
  EXPECT_EQ(connected[0].connection, PeerConnectionId{77});
}

TEST_F(Rfc6062Client, Section4_3_OnePeerIsNotAskedForTwiceAtATimeOthersAre) {
  bench.Allocate();
  Connect(kPeer);
  EXPECT_THAT(bench.sent, SizeIs(1));
  Connect(kPeer);
  EXPECT_THAT(bench.sent, IsEmpty());
  EXPECT_THAT(bench.events, IsEmpty());
  Connect(kPeer.WithPort(1));
  EXPECT_THAT(bench.sent, SizeIs(1));
}

TEST_F(Rfc6062Client, Section4_3_AfterA447ItWaitsTenSecondsForThatPeer) {
  bench.Allocate();
  Connect(kPeer);
  bench.Refuse(447);
  EXPECT_EQ(bench.Events<TurnClient::ConnectFailed>().at(0).code, 447);
  bench.Advance(10s - 1ns);
  Connect(kPeer);
  EXPECT_THAT(bench.sent, IsEmpty());
  EXPECT_EQ(bench.Events<TurnClient::ConnectFailed>().at(0).reason, Reason::kTooSoon);
  Connect(kPeer.WithPort(1));
  EXPECT_THAT(bench.sent, SizeIs(1));
  bench.Advance(1ns);
  Connect(kPeer);
  EXPECT_THAT(bench.sent, SizeIs(1));
}

TEST_F(Rfc6062Client, Section4_3_OtherErrorsAndUnusableAnswersAreTold) {
  bench.Allocate();
  Connect(kPeer);
  bench.Refuse(446);
  EXPECT_EQ(bench.Events<TurnClient::ConnectFailed>().at(0).code, 446);
  Connect(kPeer);  // Only a 447 makes it wait.
  ASSERT_THAT(bench.sent, SizeIs(1));
  bench.Succeed();  // without CONNECTION-ID
  EXPECT_EQ(bench.Events<TurnClient::ConnectFailed>().at(0).reason, Reason::kBadResponse);
  Connect(kPeer);
  bench.Advance(39500ms);
  EXPECT_EQ(bench.Events<TurnClient::ConnectFailed>().at(0).reason, Reason::kTimedOut);
  Connect(kPeer);
  bench.Refuse(437);  // The allocation itself has gone.
  EXPECT_THAT(bench.Events<TurnClient::AllocationLost>(), SizeIs(1));
  Connect(kPeer);
  EXPECT_EQ(bench.Events<TurnClient::ConnectFailed>().at(0).reason, Reason::kNoAllocation);
}

TEST_F(Rfc6062Client, Section4_4_AConnectionAttemptOfAPermittedPeerIsTold) {
  bench.Allocate();
  bench.Permit(kPeer);
  Attempt(kPeer.WithPort(9), 78);
  const auto attempts = bench.Events<TurnClient::ConnectionAttempt>();
  ASSERT_THAT(attempts, SizeIs(1));
  EXPECT_EQ(attempts[0].peer, kPeer.WithPort(9));
  EXPECT_EQ(attempts[0].connection, PeerConnectionId{78});
  Attempt(Addr("198.51.100.8:5000"), 79);  // Somebody tricked the server.
  EXPECT_THAT(bench.events, IsEmpty());
}

TEST_F(Rfc6062Client, ChannelsAndDataAreOfUdpAllocationsConnectionsOfTcpOnes) {
  bench.Allocate();
  bench.Permit(kPeer);
  bench.Do([&] { bench.client().BindChannel(bench.now(), kPeer); });
  EXPECT_EQ(bench.Events<TurnClient::ChannelFailed>().at(0).reason, Reason::kNotForTransport);
  bench.Do([&] {
    EXPECT_EQ(bench.client().Send(bench.now(), kPeer, AsBytes("x"), net::PacketClass::kData),
              TurnClient::SendResult::kDropped);
  });
  EXPECT_THAT(bench.sent, IsEmpty());

  TurnClientBench udp({.transport = Transport::kTcp});
  udp.Allocate();
  udp.Do([&] { udp.client().Connect(udp.now(), kPeer); });
  EXPECT_EQ(udp.Events<TurnClient::ConnectFailed>().at(0).reason, Reason::kNotForTransport);
}

// --- The data connection

class Rfc6062DataConnection : public ::testing::Test {
 protected:
  net::SeededRandom random{3, "data_connection"};
  TurnDataConnection connection{{.connection = PeerConnectionId{77}, .credential = LongTermClient(kUser, kPassword)},
                                random};
  net::Instant now{std::chrono::hours(3)};
  const HmacSha1Key key{net::ByteView(LongTermKeyMd5(kUser, "realm", kPassword))};

  // The message that the connection sends, if this is its only output.
  std::optional<Message> Sent() {
    const std::optional<TurnDataConnection::Output> output = connection.PollOutput();
    if (!output.has_value() || !std::holds_alternative<TurnDataConnection::SendToServer>(*output)) return std::nullopt;
    const net::ByteView bytes = std::get<TurnDataConnection::SendToServer>(*output).bytes;
    return Message{{bytes.begin(), bytes.end()}, {}, {}, {}};
  }
  std::optional<TurnDataConnection::Failed> Failure() {
    const std::optional<TurnDataConnection::Output> output = connection.PollOutput();
    if (!output.has_value() || !std::holds_alternative<TurnDataConnection::Failed>(*output)) return std::nullopt;
    return std::get<TurnDataConnection::Failed>(*output);
  }
  Message Challenge() {
    connection.Start(now);
    const Message bare = Sent().value();
    connection.OnMessage(now, TurnClientBench::AnswerTo(
                                  bare, MessageClass::kError,
                                  [](MessageBuilder& m) {
                                    m.Add(ErrorCode{401, ""}).Add(Realm{"realm"}).Add(Nonce{"n"});
                                  },
                                  nullptr));
    return Sent().value();
  }
};

TEST_F(Rfc6062DataConnection, Section4_3_ConnectionBindEchoesTheIdWithTheControlConnectionsCredentials) {
  TurnClientBench control({.transport = Transport::kTcp, .relayed_transport = Transport::kTcp});
  control.Allocate();
  connection = TurnDataConnection({PeerConnectionId{77}, control.client().credential()}, random);
  connection.Start(now);
  const Message request = Sent().value();
  EXPECT_EQ(request.view().method(), Method::kConnectionBind);
  EXPECT_EQ(request.view().Get<ConnectionId>().value().value, 77u);
  EXPECT_EQ(request.view().Get<Nonce>().value().text, "nonce1");
  EXPECT_TRUE(request.view().CheckIntegrity(control.key));
}

TEST_F(Rfc6062DataConnection, Section4_3_ASuccessMakesItTheDataConnection) {
  const Message request = Challenge();
  EXPECT_EQ(request.view().Get<ConnectionId>().value().value, 77u);
  EXPECT_EQ(request.view().Get<Username>().value().text, kUser);
  EXPECT_TRUE(request.view().CheckIntegrity(key));
  connection.OnMessage(now, TurnClientBench::AnswerTo(
                                request, MessageClass::kSuccess, [](MessageBuilder&) {}, &key));
  EXPECT_TRUE(std::holds_alternative<TurnDataConnection::Bound>(connection.PollOutput().value()));
  EXPECT_EQ(connection.state(), TurnDataConnection::State::kBound);
  EXPECT_EQ(connection.NextTimer(), net::kNever);
}

TEST_F(Rfc6062DataConnection, Rfc8489Section9_2_5AnAnswerWithoutRightIntegrityEndsItAtOnce) {
  const Message request = Challenge();
  connection.OnMessage(now, TurnClientBench::AnswerTo(
                                request, MessageClass::kSuccess, [](MessageBuilder&) {}, nullptr));
  EXPECT_EQ(Failure().value().reason, Reason::kIntegrityViolated);
  EXPECT_EQ(connection.state(), TurnDataConnection::State::kFailed);
  EXPECT_EQ(connection.NextTimer(), net::kNever);
}

TEST_F(Rfc6062DataConnection, Rfc8489Section9_2_5A400WithoutIntegrityIsAsIfItHadNotCome) {
  const Message request = Challenge();
  connection.OnMessage(
      now, TurnClientBench::AnswerTo(
               request, MessageClass::kError, [](MessageBuilder& m) { m.Add(errors::kBadRequest); }, nullptr));
  EXPECT_FALSE(connection.PollOutput().has_value());
  connection.OnTimer(now + 39500ms);
  EXPECT_EQ(Failure().value().reason, Reason::kTimedOut);
}

TEST_F(Rfc6062DataConnection, ARefusalSilenceAndALostConnectionEndIt) {
  const Message request = Challenge();
  connection.OnMessage(now,
                       TurnClientBench::AnswerTo(
                           request, MessageClass::kError, [](MessageBuilder& m) { m.Add(errors::kBadRequest); }, &key));
  const TurnDataConnection::Failed refused = Failure().value();
  EXPECT_EQ(refused.reason, Reason::kRefused);
  EXPECT_EQ(refused.code, 400);
  connection.OnConnectionLost();
  EXPECT_FALSE(connection.PollOutput().has_value());

  TurnDataConnection silent({.connection = PeerConnectionId{1}}, random);
  silent.Start(now);
  silent.PollOutput();
  EXPECT_EQ(silent.NextTimer(), now + 39500ms);
  silent.OnTimer(now + 39500ms - 1ns);
  EXPECT_FALSE(silent.PollOutput().has_value());
  silent.OnTimer(now + 39500ms);
  EXPECT_EQ(std::get<TurnDataConnection::Failed>(silent.PollOutput().value()).reason, Reason::kTimedOut);

  TurnDataConnection lost({.connection = PeerConnectionId{1}}, random);
  lost.OnConnectionLost();
  EXPECT_EQ(std::get<TurnDataConnection::Failed>(lost.PollOutput().value()).reason, Reason::kConnectionLost);
}

}  // namespace
}  // namespace pinhole::stun
