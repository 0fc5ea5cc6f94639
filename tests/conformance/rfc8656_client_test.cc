// One test per MUST of RFC 8656 that the TURN client has to keep (rfc8656.md lists the others).
#include <chrono>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/stun/turn_client_bench.h"

namespace pinhole::stun {
namespace {

using namespace std::chrono_literals;
using Reason = TurnClient::Reason;
using State = TurnClient::State;

class Rfc8656Client : public ::testing::Test {
 protected:
  TurnClientBench bench;
  TurnClient::SendResult Send(const net::SocketAddress& peer, absl::string_view payload) {
    TurnClient::SendResult result{};
    bench.Do([&] {
      result = bench.client().Send(bench.now(), peer, AsBytes(payload), net::PacketClass::kCheck, net::PacketTag{9});
    });
    return result;
  }
  void Bind(const net::SocketAddress& peer) {
    bench.Do([&] { bench.client().BindChannel(bench.now(), peer); });
  }
  std::vector<std::uint8_t> DataIndication(const net::SocketAddress& peer, absl::string_view payload) {
    std::vector<std::uint8_t> buffer(500);
    MessageBuilder m(buffer, MessageClass::kIndication, Method::kData, TransactionId{});
    const net::ByteView bytes = m.Add(XorPeerAddress{peer}).Add(Data{AsBytes(payload)}).Finish().value();
    return std::vector<std::uint8_t>(bytes.begin(), bytes.end());
  }
};

TEST_F(Rfc8656Client, Section7_1_AllocateAsksForUdpAndAtMostOneFamily) {
  bench.Start();
  const MessageView plain = bench.sent.at(0).view();
  EXPECT_EQ(plain.Get<RequestedTransport>().value().protocol, 17);
  EXPECT_FALSE(plain.Has(AttributeType::kRequestedAddressFamily));

  TurnClientBench v6({.family = net::Family::kIpv6, .lifetime_seconds = 1200, .software = "test"});
  v6.Start();
  const MessageView with = v6.sent.at(0).view();
  int families = 0;
  with.ForEach<RequestedAddressFamily>([&](const auto& family) {
    ++families;
    EXPECT_EQ(family->family, net::Family::kIpv6);
  });
  EXPECT_EQ(families, 1);
  for (AttributeType type :
       {AttributeType::kAdditionalAddressFamily, AttributeType::kReservationToken, AttributeType::kEvenPort}) {
    EXPECT_FALSE(with.Has(type));
  }
  EXPECT_EQ(with.Get<Lifetime>().value().value, 1200u);
  EXPECT_EQ(with.Get<Software>().value().text, "test");
}

TEST_F(Rfc8656Client, Section7_3_SuccessGivesTheAddressesAndTheLifetimeGranted) {
  bench.Allocate(900);
  const auto allocated = bench.Events<TurnClient::Allocated>();
  ASSERT_EQ(allocated.size(), 1u);
  EXPECT_EQ(allocated[0].relayed, Addr("192.0.2.2:49152"));
  EXPECT_EQ(allocated[0].mapped, kTuple.client);
  EXPECT_EQ(allocated[0].lifetime, 900s);
  EXPECT_EQ(bench.client().state(), State::kAllocated);
}

TEST_F(Rfc8656Client, Section7_3_AnAddressOfAnotherFamilyIsGivenBackAndNotTriedAgain) {
  bench.Start();
  bench.Challenge();
  bench.Deliver(bench.Answer(
      MessageClass::kSuccess,
      [](MessageBuilder& m) {
        m.Add(XorRelayedAddress{Addr("[2001:db8::2]:49152")}).Add(Lifetime{600}).Add(XorMappedAddress{kTuple.client});
      },
      &bench.key));
  ASSERT_EQ(bench.Events<TurnClient::AllocationFailed>().size(), 1u);
  EXPECT_EQ(bench.Events<TurnClient::AllocationFailed>()[0].reason, Reason::kBadResponse);
  EXPECT_EQ(bench.SentMethod(), Method::kRefresh);
  EXPECT_EQ(bench.sent.back().view().Get<Lifetime>().value().value, 0u);
  bench.Succeed();
  EXPECT_EQ(bench.client().state(), State::kClosed);
  bench.Advance(3600s);
  EXPECT_TRUE(bench.sent.empty());
}

TEST_F(Rfc8656Client, Section7_4_RefusalsAreFinalWhateverTheCode) {
  for (int code : {300, 400, 403, 420, 437, 440, 441, 442, 486, 500, 508, 699}) {
    TurnClientBench one;
    one.Start();
    one.Challenge();
    one.Refuse(code);
    ASSERT_EQ(one.Events<TurnClient::AllocationFailed>().size(), 1u) << code;
    EXPECT_EQ(one.Events<TurnClient::AllocationFailed>()[0].reason, Reason::kRefused);
    EXPECT_EQ(one.Events<TurnClient::AllocationFailed>()[0].code, code);
    one.Advance(3600s);
    EXPECT_TRUE(one.sent.empty());  // 440: "the client MUST NOT retry the request"
  }
}

TEST_F(Rfc8656Client, Section5_Answer437MeansThatTheAllocationIsGone) {
  bench.Allocate();
  bench.Do([&] { bench.client().CreatePermission(bench.now(), kPeer.address()); });
  bench.Refuse(437);
  ASSERT_EQ(bench.Events<TurnClient::AllocationLost>().size(), 1u);
  EXPECT_EQ(bench.Events<TurnClient::AllocationLost>()[0].code, 437);
  EXPECT_EQ(bench.client().state(), State::kClosed);
  EXPECT_EQ(bench.client().NextTimer(), net::kNever);
}

TEST_F(Rfc8656Client, Section8_AllocationIsRefreshedBeforeItExpires) {
  bench.Allocate(600);
  bench.Advance(540s - 1ns);
  EXPECT_TRUE(bench.sent.empty());
  bench.Advance(1ns);
  ASSERT_EQ(bench.sent.size(), 1u);
  EXPECT_EQ(bench.SentMethod(), Method::kRefresh);
  bench.Deliver(bench.Answer(
      MessageClass::kSuccess, [](MessageBuilder& m) { m.Add(Lifetime{1000}); }, &bench.key));
  bench.Advance(940s - 1ns);
  EXPECT_TRUE(bench.sent.empty());
  bench.Advance(1ns);
  EXPECT_EQ(bench.SentMethod(), Method::kRefresh);
}

TEST_F(Rfc8656Client, Section8_UnansweredRefreshLosesTheAllocationBeforeItsEnd) {
  bench.Allocate(600);
  bench.Advance(600s);
  ASSERT_EQ(bench.Events<TurnClient::AllocationLost>().size(), 1u);
  EXPECT_EQ(bench.Events<TurnClient::AllocationLost>()[0].reason, Reason::kTimedOut);
  EXPECT_EQ(bench.sent.size(), 7u);
}

TEST_F(Rfc8656Client, Section8_ReleaseAsksForLifetimeZeroAnd437IsAsGood) {
  for (bool refuse : {false, true}) {
    TurnClientBench one;
    one.Allocate();
    one.Do([&] { one.client().Release(one.now()); });
    ASSERT_EQ(one.sent.size(), 1u);
    EXPECT_EQ(one.sent[0].view().Get<Lifetime>().value().value, 0u);
    EXPECT_EQ(one.client().state(), State::kReleasing);
    if (refuse) {
      one.Refuse(437);
    } else {
      one.Succeed();
    }
    EXPECT_EQ(one.Events<TurnClient::Released>().size(), 1u);
    EXPECT_EQ(one.client().state(), State::kClosed);
  }
}

TEST_F(Rfc8656Client, Section9_PermissionIsRefreshedBeforeItExpires) {
  bench.Allocate(3600);
  bench.Permit(kPeer);
  ASSERT_EQ(bench.Events<TurnClient::PermissionReady>().size(), 1u);
  bench.Advance(240s - 1ns);
  EXPECT_TRUE(bench.sent.empty());
  bench.Advance(1ns);
  ASSERT_EQ(bench.sent.size(), 1u);
  EXPECT_EQ(bench.SentMethod(), Method::kCreatePermission);
  bench.Succeed();
  EXPECT_TRUE(bench.Events<TurnClient::PermissionReady>().empty());  // Told once.
  EXPECT_TRUE(bench.client().HasPermission(bench.now() + 300s - 1ns, kPeer.address()));
  EXPECT_FALSE(bench.client().HasPermission(bench.now() + 300s, kPeer.address()));
}

TEST_F(Rfc8656Client, Section10_1_CreatePermissionCarriesThePeerAddress) {
  bench.Allocate();
  bench.Do([&] { bench.client().CreatePermission(bench.now(), kPeer.address()); });
  ASSERT_EQ(bench.sent.size(), 1u);
  EXPECT_EQ(bench.sent[0].view().Get<XorPeerAddress>().value().address.address(), kPeer.address());
  bench.Do([&] { bench.client().CreatePermission(bench.now(), kPeer.address()); });
  EXPECT_TRUE(bench.sent.empty());  // It has been asked for.
}

TEST_F(Rfc8656Client, Section10_1And12_1_NoPeerOfAnotherFamilyIsAskedFor) {
  bench.Allocate();
  const net::SocketAddress v6 = Addr("[2001:db8::7]:5000");
  bench.Do([&] { bench.client().CreatePermission(bench.now(), v6.address()); });
  EXPECT_TRUE(bench.sent.empty());
  EXPECT_EQ(bench.Events<TurnClient::PermissionFailed>().at(0).code, 443);
  Bind(v6);
  EXPECT_TRUE(bench.sent.empty());
  EXPECT_EQ(bench.Events<TurnClient::ChannelFailed>().at(0).code, 443);
  EXPECT_EQ(Send(v6, "data"), TurnClient::SendResult::kDropped);
  EXPECT_TRUE(bench.sent.empty());
}

TEST_F(Rfc8656Client, Section11_1_DataWaitsForItsPermission) {
  bench.Allocate();
  EXPECT_EQ(Send(kPeer, "one"), TurnClient::SendResult::kWaiting);
  ASSERT_EQ(bench.sent.size(), 1u);
  EXPECT_EQ(bench.SentMethod(), Method::kCreatePermission);
  const Message request = bench.sent[0];
  EXPECT_EQ(Send(kPeer.WithPort(6000), "two"), TurnClient::SendResult::kWaiting);
  EXPECT_TRUE(bench.sent.empty());
  bench.Deliver(bench.AnswerTo(
      request, MessageClass::kSuccess, [](MessageBuilder&) {}, &bench.key));
  ASSERT_EQ(bench.sent.size(), 2u);
  EXPECT_EQ(AsText(bench.sent[0].view().Get<Data>().value().bytes), "one");
  EXPECT_EQ(AsText(bench.sent[1].view().Get<Data>().value().bytes), "two");
  EXPECT_EQ(bench.sent[1].view().Get<XorPeerAddress>().value().address, kPeer.WithPort(6000));
  EXPECT_EQ(bench.sent[0].packet_class, net::PacketClass::kCheck);
  EXPECT_EQ(bench.sent[0].cause.value, 9u);
}

TEST_F(Rfc8656Client, Section11_1_RefusedPermissionDropsWhatWaited) {
  bench.Allocate();
  EXPECT_EQ(Send(kPeer, "one"), TurnClient::SendResult::kWaiting);
  bench.Refuse(403);
  EXPECT_EQ(bench.Events<TurnClient::PermissionFailed>().at(0).code, 403);
  EXPECT_TRUE(bench.sent.empty());
  EXPECT_EQ(bench.client().state(), State::kAllocated);
}

TEST_F(Rfc8656Client, Section11_1_SendIndicationHasPeerAddressAndData) {
  bench.Allocate();
  bench.Permit(kPeer);
  EXPECT_EQ(Send(kPeer, "hello"), TurnClient::SendResult::kSent);
  ASSERT_EQ(bench.sent.size(), 1u);
  const MessageView indication = bench.sent[0].view();
  EXPECT_EQ(indication.message_class(), MessageClass::kIndication);
  EXPECT_EQ(indication.method(), Method::kSend);
  EXPECT_EQ(indication.Get<XorPeerAddress>().value().address, kPeer);
  EXPECT_EQ(AsText(indication.Get<Data>().value().bytes), "hello");
}

TEST_F(Rfc8656Client, Section11_4_DataIndicationIsTakenFromPermittedPeersOnly) {
  bench.Allocate();
  EXPECT_TRUE(bench.Deliver(DataIndication(kPeer, "early")));
  EXPECT_TRUE(bench.payloads.empty());
  bench.Permit(kPeer);
  EXPECT_TRUE(bench.Deliver(DataIndication(kPeer.WithPort(1), "hello")));
  ASSERT_EQ(bench.payloads, std::vector<std::string>{"hello"});
  EXPECT_EQ(bench.Events<TurnClient::DataFromPeer>()[0].peer, kPeer.WithPort(1));
  EXPECT_FALSE(bench.DeliverFrom(Addr("192.0.2.9:3478"), DataIndication(kPeer, "not from the server")));
  EXPECT_TRUE(bench.payloads.empty());
}

TEST_F(Rfc8656Client, Section11_6_IcmpAttributeIsSignalled) {
  bench.Allocate();
  bench.Permit(kPeer);
  std::vector<std::uint8_t> buffer(500);
  MessageBuilder m(buffer, MessageClass::kIndication, Method::kData, TransactionId{});
  EXPECT_TRUE(bench.Deliver(*m.Add(XorPeerAddress{kPeer}).Add(Icmp{3, 4, 1400}).Finish()));
  ASSERT_EQ(bench.Events<TurnClient::IcmpFromPeer>().size(), 1u);
  EXPECT_EQ(bench.Events<TurnClient::IcmpFromPeer>()[0].mtu_bytes, 1400u);
}

TEST_F(Rfc8656Client, Section12_SendIndicationsUntilTheChannelIsBoundThenChannelData) {
  bench.Allocate();
  bench.Permit(kPeer);
  Bind(kPeer);
  ASSERT_EQ(bench.sent.size(), 1u);
  const Message request = bench.sent[0];
  EXPECT_EQ(request.view().Get<ChannelNumber>().value().number, 0x4000);
  EXPECT_EQ(request.view().Get<XorPeerAddress>().value().address, kPeer);
  EXPECT_EQ(Send(kPeer, "before"), TurnClient::SendResult::kSent);
  EXPECT_EQ(bench.SentMethod(), Method::kSend);
  bench.Deliver(bench.AnswerTo(
      request, MessageClass::kSuccess, [](MessageBuilder&) {}, &bench.key));
  ASSERT_EQ(bench.Events<TurnClient::ChannelReady>().size(), 1u);
  EXPECT_EQ(Send(kPeer, "hi"), TurnClient::SendResult::kSent);
  const std::vector<std::uint8_t> expected = {0x40, 0x00, 0x00, 0x02, 'h', 'i'};
  EXPECT_EQ(bench.sent.at(0).bytes, expected);
  EXPECT_EQ(bench.sent.at(0).packet_class, net::PacketClass::kCheck);
  EXPECT_EQ(Send(kPeer.WithPort(1), "hi"), TurnClient::SendResult::kSent);
  EXPECT_EQ(bench.SentMethod(), Method::kSend);  // another port: not on the channel
}

TEST_F(Rfc8656Client, Section12_ChannelDataMayComeBeforeTheAnswerToChannelBind) {
  bench.Allocate();
  Bind(kPeer);
  const Message request = bench.sent[0];
  EXPECT_TRUE(bench.Deliver(std::vector<std::uint8_t>{0x40, 0x00, 0x00, 0x02, 'h', 'i'}));
  ASSERT_EQ(bench.payloads, std::vector<std::string>{"hi"});
  EXPECT_EQ(bench.Events<TurnClient::DataFromPeer>()[0].peer, kPeer);
  EXPECT_TRUE(bench.Deliver(std::vector<std::uint8_t>{0x40, 0x01, 0x00, 0x02, 'h', 'i'}));  // not bound
  EXPECT_TRUE(bench.payloads.empty());
}

TEST_F(Rfc8656Client, Section12_ChannelNumbersAreNeverGivenToAnotherPeer) {
  bench.Allocate(3600);
  std::vector<std::uint16_t> numbers;
  for (std::uint16_t port : {1, 2, 1, 3}) {
    Bind(kPeer.WithPort(port));
    if (bench.sent.empty()) continue;  // bound already
    numbers.push_back(bench.sent[0].view().Get<ChannelNumber>().value().number);
    bench.Succeed();
  }
  EXPECT_EQ(numbers, (std::vector<std::uint16_t>{0x4000, 0x4001, 0x4002}));
  // After its end, too, a peer keeps its number: no wait of five minutes is needed.
  bench.client().Forget(kPeer.address());
  bench.Advance(700s);
  EXPECT_FALSE(bench.client().HasChannel(bench.now(), kPeer.WithPort(2)));
  Bind(kPeer.WithPort(2));
  ASSERT_EQ(bench.sent.size(), 1u);
  EXPECT_EQ(bench.sent[0].view().Get<ChannelNumber>().value().number, 0x4001);
}

TEST_F(Rfc8656Client, Section12_ChannelIsReboundBeforeItExpires) {
  bench.Allocate(3600);
  Bind(kPeer);
  bench.Succeed();
  int binds = 0;
  for (int i = 0; i < 540; ++i) {
    bench.Advance(1s);
    if (bench.sent.empty()) continue;
    if (bench.SentMethod() == Method::kChannelBind) {
      ++binds;
      EXPECT_EQ(i, 539);
    }
    bench.Succeed();
  }
  EXPECT_EQ(binds, 1);
  EXPECT_TRUE(bench.client().HasChannel(bench.now() + 599s, kPeer));
}

TEST_F(Rfc8656Client, Section12_3_RefusedChannelLeavesSendIndications) {
  bench.Allocate();
  bench.Permit(kPeer);
  Bind(kPeer);
  bench.Refuse(508);
  EXPECT_EQ(bench.Events<TurnClient::ChannelFailed>().at(0).code, 508);
  EXPECT_EQ(Send(kPeer, "data"), TurnClient::SendResult::kSent);
  EXPECT_EQ(bench.SentMethod(), Method::kSend);
}

}  // namespace
}  // namespace pinhole::stun
