// The TURN client and server together, and with hostile senders.
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/stun/turn_bench.h"
#include "tests/stun/turn_client_bench.h"

namespace pinhole::stun {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

// A client and a server. Their messages are exchanged until neither has any left; no time passes.
class Pair {
 public:
  TurnClientBench client;
  TurnServerBench server;
  std::vector<std::string> at_peer;    // payloads that the peer received
  std::vector<std::string> at_client;  // payloads that the client received from the peer
  std::vector<TurnClient::Output> events;
  int to_server = 0;

  void Exchange() {
    std::vector<Message> up = std::exchange(client.sent, {});
    Keep();
    while (!up.empty()) {
      std::vector<Message> next;
      for (const Message& message : up) {
        ++to_server;
        server.Deliver(kTuple, message.bytes);
        for (const FromRelay& relayed : server.from_relay) at_peer.push_back(relayed.payload);
        for (const Message& answer : std::exchange(server.to_client, {})) {
          client.Deliver(answer.bytes);
          Keep();
          for (Message& more : client.sent) next.push_back(std::move(more));
        }
      }
      up = std::move(next);
    }
    client.sent.clear();
  }
  void FromPeer(absl::string_view payload) {
    server.DeliverFromPeer(kPeer, payload);
    for (const Message& message : std::exchange(server.to_client, {})) {
      client.Deliver(message.bytes);
      Keep();
    }
  }
  void Advance(net::Duration by) {
    for (net::Duration step = 1s; by > 0s; by -= step) {
      client.Advance(step);
      server.Advance(step);
      Exchange();
    }
  }
  void Send(absl::string_view payload) {
    client.Do([&] { client.client().Send(client.now(), kPeer, AsBytes(payload), net::PacketClass::kData); });
    Exchange();
  }

 private:
  void Keep() {
    for (const std::string& payload : client.payloads) at_client.push_back(payload);
    for (const TurnClient::Output& event : client.events) events.push_back(event);
    client.payloads.clear();
    client.events.clear();
  }
};

TEST(Turn, AllocatesRelaysBothWaysBindsAChannelAndReleases) {
  Pair pair;
  pair.client.Start();
  pair.Exchange();
  EXPECT_EQ(pair.to_server, 2);  // without, then with credentials
  ASSERT_EQ(pair.client.client().state(), TurnClient::State::kAllocated);
  EXPECT_EQ(pair.client.client().relayed(), Addr("192.0.2.2:49152"));
  EXPECT_EQ(pair.client.client().mapped(), kTuple.client);

  pair.Send("one");
  EXPECT_THAT(pair.at_peer, ElementsAre("one"));
  pair.FromPeer("two");
  EXPECT_THAT(pair.at_client, ElementsAre("two"));

  pair.client.Do([&] { pair.client.client().BindChannel(pair.client.now(), kPeer); });
  pair.Exchange();
  EXPECT_TRUE(pair.client.client().HasChannel(pair.client.now(), kPeer));
  pair.Send("three");
  pair.FromPeer("four");
  EXPECT_THAT(pair.at_peer, ElementsAre("one", "three"));
  EXPECT_THAT(pair.at_client, ElementsAre("two", "four"));

  pair.client.Do([&] { pair.client.client().Release(pair.client.now()); });
  pair.Exchange();
  EXPECT_EQ(pair.client.client().state(), TurnClient::State::kClosed);
  EXPECT_EQ(pair.server.server().allocations(), 0u);
}

// Four hours: the nonce goes stale, and everything is refreshed many times.
TEST(Turn, StaysUpThroughStaleNonces) {
  Pair pair;
  pair.client.Start();
  pair.Exchange();
  pair.client.Do([&] { pair.client.client().BindChannel(pair.client.now(), kPeer); });
  pair.Exchange();
  for (int i = 0; i < 48; ++i) {
    pair.Advance(300s);
    pair.Send("up");
    pair.FromPeer("down");
  }
  EXPECT_EQ(pair.at_peer.size(), 48u);
  EXPECT_EQ(pair.at_client.size(), 48u);
  for (const TurnClient::Output& event : pair.events) {
    EXPECT_FALSE(std::holds_alternative<TurnClient::AllocationLost>(event));
    EXPECT_FALSE(std::holds_alternative<TurnClient::PermissionFailed>(event));
    EXPECT_FALSE(std::holds_alternative<TurnClient::ChannelFailed>(event));
  }
}

TEST(Turn, ForgottenPeersAreNotRefreshed) {
  Pair pair;
  pair.client.Start();
  pair.Exchange();
  pair.Send("hello");
  pair.client.client().Forget(kPeer.address());
  const int before = pair.to_server;
  pair.Advance(301s);
  EXPECT_EQ(pair.to_server, before);
  EXPECT_FALSE(pair.client.client().HasPermission(pair.client.now(), kPeer.address()));
  pair.Send("again");  // asks anew
  EXPECT_THAT(pair.at_peer, ElementsAre("hello", "again"));
}

TEST(TurnClient, SpoofedResponsesAreDiscarded) {
  TurnClientBench bench;
  bench.Start();
  bench.Challenge();
  const Message request = bench.sent.at(0);
  const auto forged = bench.AnswerTo(
      request, MessageClass::kSuccess,
      [](MessageBuilder& m) {
        m.Add(XorRelayedAddress{Addr("198.51.100.66:1")}).Add(XorMappedAddress{Addr("198.51.100.66:2")});
      },
      nullptr);
  EXPECT_TRUE(bench.Deliver(forged));
  EXPECT_FALSE(bench.DeliverFrom(Addr("198.51.100.66:3478"), forged));
  EXPECT_EQ(bench.client().state(), TurnClient::State::kAllocating);
}

TEST(TurnClient, BoundsItsPeersAndWhatWaits) {
  TurnClientBench bench;
  bench.Allocate();
  int permissions = 0, dropped = 0;
  for (int i = 0; i < 1000; ++i) {
    const net::SocketAddress peer(net::IpAddress::V4(0x0A000001 + static_cast<std::uint32_t>(i)), 1);
    bench.Do([&] {
      const auto result = bench.client().Send(bench.now(), peer, AsBytes("x"), net::PacketClass::kData);
      if (result == TurnClient::SendResult::kDropped) ++dropped;
    });
    permissions += static_cast<int>(bench.sent.size());
  }
  EXPECT_EQ(permissions, static_cast<int>(TurnClient::kWaitingMax));
  EXPECT_EQ(dropped, 1000 - static_cast<int>(TurnClient::kWaitingMax));
  for (int i = 0; i < 1000; ++i) {
    const net::IpAddress peer = net::IpAddress::V4(0x0B000001 + static_cast<std::uint32_t>(i));
    bench.Do([&] { bench.client().CreatePermission(bench.now(), peer); });
    permissions += static_cast<int>(bench.sent.size());
  }
  EXPECT_EQ(permissions, static_cast<int>(TurnClient::kPeersMax));
}

TEST(TurnClient, ReleaseBeforeStartJustCloses) {
  TurnClientBench bench;
  bench.Do([&] { bench.client().Release(bench.now()); });
  EXPECT_EQ(bench.Events<TurnClient::Released>().size(), 1u);
  EXPECT_EQ(bench.client().NextTimer(), net::kNever);
}

TEST(TurnClient, AnAllocationGrantedAfterItsReleaseIsGivenBackAtOnce) {
  for (bool challenged : {false, true}) {  // A server may do without credentials.
    TurnClientBench bench;
    bench.Start();
    if (challenged) bench.Challenge();
    const auto granted = bench.Answer(
        MessageClass::kSuccess, [](MessageBuilder& m) { TurnClientBench::AddAllocated(m); },
        challenged ? &bench.key : nullptr);
    bench.Do([&] { bench.client().Release(bench.now()); });
    EXPECT_TRUE(bench.sent.empty());
    bench.Deliver(granted);
    EXPECT_TRUE(bench.Events<TurnClient::Allocated>().empty());
    ASSERT_EQ(bench.sent.size(), 1u);
    EXPECT_EQ(bench.SentMethod(), Method::kRefresh);
    EXPECT_EQ(bench.sent[0].view().Get<Lifetime>().value().value, 0u);
    if (!challenged) bench.Challenge();
    bench.Succeed();
    EXPECT_EQ(bench.Events<TurnClient::Released>().size(), 1u);
    EXPECT_EQ(bench.client().NextTimer(), net::kNever);
  }
}

TEST(TurnClient, AReleasedAllocateIsResentOnlyToAServerThatHasChallengedIt) {
  for (bool challenged : {false, true}) {
    TurnClientBench bench;
    bench.Start();
    if (challenged) bench.Challenge();
    bench.Do([&] { bench.client().Release(bench.now()); });
    bench.Advance(39499ms);
    EXPECT_EQ(bench.sent.size(), challenged ? 6u : 0u);
    EXPECT_TRUE(bench.Events<TurnClient::Released>().empty());
    bench.Advance(1ms);
    EXPECT_EQ(bench.Events<TurnClient::Released>().size(), 1u);
    EXPECT_EQ(bench.client().NextTimer(), net::kNever);
  }
}

TEST(TurnClient, AReleasedAllocateIsNotTriedAgainWhenChallenged) {
  TurnClientBench bench;
  bench.Start();
  const auto challenge = bench.Answer(
      MessageClass::kError,
      [](MessageBuilder& m) {
        m.Add(ErrorCode{401, ""}).Add(Realm{"realm"}).Add(Nonce{"nonce1"});
      },
      nullptr);
  bench.Do([&] { bench.client().Release(bench.now()); });
  bench.Deliver(challenge);
  EXPECT_TRUE(bench.sent.empty());
  EXPECT_EQ(bench.Events<TurnClient::Released>().size(), 1u);
  EXPECT_TRUE(bench.Events<TurnClient::AllocationFailed>().empty());
}

TEST(TurnClient, CredentialsThatDoNotFitARequestFailAtOnce) {
  TurnClientBench bench;
  bench.Start();
  std::vector<std::uint8_t> buffer(2000);
  const std::string realm(500, 'r');
  MessageBuilder m(buffer, MessageClass::kError, Method::kAllocate, bench.sent.at(0).view().transaction_id());
  m.Add(errors::kUnauthenticated).Add(Nonce{"n"});
  m.AppendBytes(AttributeType::kRealm, AsBytes(realm));
  bench.Deliver(*m.Finish());
  EXPECT_EQ(bench.Events<TurnClient::AllocationFailed>().at(0).reason, TurnClient::Reason::kRequestTooLong);
}

TEST(TurnClient, HardIcmpErrorEndsTheAllocation) {
  TurnClientBench bench;
  bench.Start();
  bench.Do([&] { bench.client().OnHardIcmpError(bench.now()); });
  EXPECT_EQ(bench.Events<TurnClient::AllocationFailed>().at(0).reason, TurnClient::Reason::kHardIcmpError);
}

// A nonce recorded on one path is of no use from another address, nor after its end.
TEST(TurnServer, ReplayedRequestsFromElsewhereAreRefused) {
  TurnServerBench bench;
  RawClient victim(bench);
  victim.Challenge();
  const auto request = victim.Signed(Method::kAllocate, [](MessageBuilder& m) { m.Add(RequestedTransport{}); });
  RawClient attacker(bench, kOtherTuple);
  EXPECT_EQ(attacker.Exchange(request).code(), 438);
  EXPECT_EQ(bench.server().allocations(), 0u);
}

TEST(TurnServer, AFloodWithoutCredentialsLeavesNothing) {
  TurnServerBench bench;
  for (int i = 0; i < 10000; ++i) {
    RawClient one(
        bench, {net::SocketAddress(net::IpAddress::V4(0x0A000000 + static_cast<std::uint32_t>(i)), 1), kTuple.server});
    EXPECT_EQ(one.Challenge().code(), 401);
  }
  EXPECT_EQ(bench.server().allocations(), 0u);
  EXPECT_EQ(bench.server().NextTimer(), net::kNever);
}

TEST(TurnServer, EveryTruncationOfARequestIsHarmless) {
  TurnServerBench bench;
  RawClient client(bench);
  client.Challenge();
  const auto request = client.Signed(Method::kAllocate, [](MessageBuilder& m) { m.Add(RequestedTransport{}); });
  for (std::size_t size = 0; size < request.size(); ++size) {
    bench.Deliver(kTuple, net::ByteView(request).first(size));
    EXPECT_TRUE(bench.to_client.empty()) << size;
  }
  EXPECT_EQ(bench.server().allocations(), 0u);
}

TEST(TurnServer, AnswersBindingToEverybody) {
  TurnServerBench bench;
  RawClient client(bench);
  const Message answer = client.Exchange(client.Bare(Method::kBinding, [](MessageBuilder&) {}), net::PacketTag{7});
  EXPECT_EQ(answer.view().Get<XorMappedAddress>().value().address, kTuple.client);
  EXPECT_EQ(answer.packet_class, net::PacketClass::kDiscovery);
  EXPECT_EQ(answer.cause.value, 7u);
}

TEST(TurnServer, ARelayThatOpensAfterItsAllocationHasGoneIsClosed) {
  TurnServerBench bench;
  bench.answer_open_relay = false;
  RawClient client(bench);
  client.Challenge();
  bench.Deliver(kTuple, client.Signed(Method::kAllocate, [](MessageBuilder& m) { m.Add(RequestedTransport{}); }));
  const RelayId relay = bench.opened.at(0);
  bench.Advance(600s);
  EXPECT_EQ(bench.server().allocations(), 0u);
  bench.server().OnRelayOpened(bench.now(), relay, Addr("192.0.2.2:50000"));
  EXPECT_EQ(std::get<TurnServer::CloseRelay>(*bench.server().PollOutput()).relay, relay);
}

}  // namespace
}  // namespace pinhole::stun
