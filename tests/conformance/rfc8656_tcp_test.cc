// RFC 8656 where the client reaches the server over TCP: the differences from UDP, by section (rfc8656.md lists the
// MUSTs that have no test).
#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "stun/channel_data.h"
#include "tests/stun/turn_client_bench.h"

namespace pinhole::stun {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using Reason = TurnClient::Reason;
using State = TurnClient::State;

const FiveTuple kTcp = {kTuple.client, kTuple.server, Transport::kTcp};

class Rfc8656ServerOverTcp : public ::testing::Test {
 protected:
  TurnServerBench bench;
  RawClient client{bench, kTcp};

  void Close(const FiveTuple& five_tuple) {
    bench.Do([&] { bench.server().OnConnectionClosed(bench.now(), five_tuple); });
  }
};

TEST_F(Rfc8656ServerOverTcp, Section2_TheTransportIsPartOfTheFiveTuple) {
  ASSERT_EQ(client.Allocate().code(), 0);
  EXPECT_EQ(bench.to_client.at(0).five_tuple, kTcp);
  // The same addresses over UDP are another 5-tuple: without an allocation, and free to make one.
  RawClient over_udp(bench, kTuple);
  over_udp.Challenge();
  EXPECT_EQ(over_udp.Refresh(600).code(), 437);
  EXPECT_EQ(over_udp.Allocate().code(), 0);
  EXPECT_EQ(bench.to_client.at(0).five_tuple, kTuple);
  EXPECT_EQ(bench.server().allocations(), 2u);
}

TEST_F(Rfc8656ServerOverTcp, Section3_1_DataIsConvertedBetweenTcpAndUdp) {
  ASSERT_EQ(client.Allocate().code(), 0);
  ASSERT_EQ(client.Permit(kPeer).code(), 0);
  client.SendTo(kPeer, "out");
  ASSERT_EQ(bench.from_relay.size(), 1u);
  EXPECT_EQ(bench.from_relay[0].payload, "out");
  bench.DeliverFromPeer(kPeer, "in");
  ASSERT_EQ(bench.to_client.size(), 1u);
  EXPECT_EQ(bench.to_client[0].five_tuple, kTcp);
  EXPECT_EQ(bench.to_client[0].view().method(), Method::kData);
}

TEST_F(Rfc8656ServerOverTcp, Section12_5_ChannelDataToTheClientIsPaddedAndItsLengthIsNot) {
  ASSERT_EQ(client.Allocate().code(), 0);
  ASSERT_EQ(client.Bind(0x4001, kPeer).code(), 0);
  bench.DeliverFromPeer(kPeer, "abcde");
  ASSERT_EQ(bench.to_client.size(), 1u);
  EXPECT_THAT(bench.to_client[0].bytes, ElementsAre(0x40, 0x01, 0, 5, 'a', 'b', 'c', 'd', 'e', 0, 0, 0));

  RawClient over_udp(bench, kOtherTuple);
  ASSERT_EQ(over_udp.Allocate().code(), 0);
  ASSERT_EQ(over_udp.Bind(0x4001, kPeer).code(), 0);
  bench.Do(
      [&] { bench.server().OnRelayedDatagram(bench.now(), bench.relays().rbegin()->first, kPeer, AsBytes("abcde")); });
  ASSERT_EQ(bench.to_client.size(), 1u);
  EXPECT_EQ(bench.to_client[0].bytes.size(), 9u);
}

TEST_F(Rfc8656ServerOverTcp, Section12_6_ChannelDataFromTheClientIsRelayedWithoutItsPadding) {
  ASSERT_EQ(client.Allocate().code(), 0);
  ASSERT_EQ(client.Bind(0x4001, kPeer).code(), 0);
  std::vector<std::uint8_t> padded(PaddedChannelDataBytes(5));
  WriteChannelData(padded, 0x4001, AsBytes("abcde"));
  bench.Deliver(kTcp, padded);
  ASSERT_EQ(bench.from_relay.size(), 1u);
  EXPECT_EQ(bench.from_relay[0].payload, "abcde");
}

TEST_F(Rfc8656ServerOverTcp, Section15_DontFragmentOfASendIndicationIsHonoured) {
  ASSERT_EQ(client.Allocate().code(), 0);
  ASSERT_EQ(client.Permit(kPeer).code(), 0);
  client.Indicate(Method::kSend,
                  [](MessageBuilder& m) { m.Add(XorPeerAddress{kPeer}).Add(Data{AsBytes("x")}).Add(DontFragment{}); });
  EXPECT_TRUE(bench.from_relay.at(0).dont_fragment);
  client.SendTo(kPeer, "y");
  EXPECT_FALSE(bench.from_relay.at(0).dont_fragment);
}

// RFC 8489 §6.2.2: information that was learned over a connection is valid only as long as the connection exists.
TEST_F(Rfc8656ServerOverTcp, ABrokenConnectionEndsItsAllocationAndNoOther) {
  ASSERT_EQ(client.Allocate().code(), 0);
  const RelayId relay = bench.relays().begin()->first;
  RawClient over_udp(bench, kTuple);
  ASSERT_EQ(over_udp.Allocate().code(), 0);
  Close({kTcp.client.WithPort(1), kTcp.server, Transport::kTcp});
  EXPECT_TRUE(bench.closed.empty());
  Close(kTcp);
  EXPECT_THAT(bench.closed, ElementsAre(relay));
  EXPECT_EQ(bench.server().allocations(), 1u);
  EXPECT_FALSE(bench.server().HasAllocation(kTcp));
  EXPECT_EQ(over_udp.Refresh(600).code(), 0);
  // A new connection from the same port begins anew.
  EXPECT_EQ(client.Refresh(600).code(), 437);
  EXPECT_EQ(client.Allocate().code(), 0);
}

TEST_F(Rfc8656ServerOverTcp, AConnectionThatBreaksBeforeItsRelayIsOpenLeavesNothing) {
  client.Challenge();
  bench.answer_open_relay = false;
  bench.Deliver(kTcp, client.Signed(Method::kAllocate, [](MessageBuilder& m) { m.Add(RequestedTransport{}); }));
  ASSERT_EQ(bench.opened.size(), 1u);
  const RelayId relay = bench.opened[0];
  Close(kTcp);
  bench.Do([&] { bench.server().OnRelayOpened(bench.now(), relay, Addr("192.0.2.2:49152")); });
  EXPECT_THAT(bench.closed, ElementsAre(relay));
  EXPECT_TRUE(bench.to_client.empty());
  EXPECT_EQ(bench.server().allocations(), 0u);
  EXPECT_EQ(bench.server().NextTimer(), net::kNever);
}

class Rfc8656ClientOverTcp : public ::testing::Test {
 protected:
  TurnClientBench bench{{.transport = Transport::kTcp}};
};

TEST_F(Rfc8656ClientOverTcp, Rfc8489Section6_2_2RequestsAreSentOnceAndFailAfterTi) {
  bench.Start();
  EXPECT_EQ(bench.sent.size(), 1u);
  bench.Advance(39500ms - 1ns);
  EXPECT_TRUE(bench.sent.empty() && bench.events.empty());
  bench.Advance(1ns);
  EXPECT_TRUE(bench.sent.empty());
  EXPECT_EQ(bench.Events<TurnClient::AllocationFailed>().at(0).reason, Reason::kTimedOut);

  TurnClientBench patient({.transport = Transport::kTcp, .ti = 60s});
  patient.Start();
  patient.Advance(60s - 1ns);
  EXPECT_TRUE(patient.events.empty());
}

TEST_F(Rfc8656ClientOverTcp, Rfc8489Section9_2_5AResponseWithoutRightIntegrityEndsItsRequestAtOnce) {
  const HmacSha1Key wrong(absl::string_view("wrong"));
  bench.Start();
  bench.Challenge();
  bench.Deliver(bench.Answer(
      MessageClass::kSuccess, [](MessageBuilder& m) { TurnClientBench::AddAllocated(m); }, &wrong));
  ASSERT_EQ(bench.events.size(), 1u);
  EXPECT_EQ(bench.Events<TurnClient::AllocationFailed>().at(0).reason, Reason::kIntegrityViolated);
  EXPECT_EQ(bench.client().state(), State::kClosed);

  // If several requests are open, only the answered request fails.
  TurnClientBench permitting({.transport = Transport::kTcp});
  permitting.Allocate();
  permitting.Do([&] { permitting.client().BindChannel(permitting.now(), kPeer); });
  const Message first = permitting.sent.at(0);
  permitting.Do([&] { permitting.client().CreatePermission(permitting.now(), Addr("192.0.2.77:1").address()); });
  permitting.Deliver(permitting.Answer(
      MessageClass::kError,
      [](MessageBuilder& m) {
        m.Add(ErrorCode{403, ""});
      },
      nullptr));
  ASSERT_EQ(permitting.events.size(), 1u);
  EXPECT_EQ(permitting.Events<TurnClient::PermissionFailed>().at(0).reason, Reason::kIntegrityViolated);
  permitting.Deliver(TurnClientBench::AnswerTo(
      first, MessageClass::kSuccess, [](MessageBuilder&) {}, &permitting.key));
  EXPECT_EQ(permitting.Events<TurnClient::ChannelReady>().size(), 1u);
}

TEST_F(Rfc8656ClientOverTcp, Rfc8489Section9_2_5A400WithoutIntegrityIsAsIfItHadNotCome) {
  bench.Start();
  bench.Challenge();
  bench.Deliver(bench.Answer(
      MessageClass::kError, [](MessageBuilder& m) { m.Add(errors::kBadRequest); }, nullptr));
  EXPECT_TRUE(bench.events.empty());
  bench.Advance(39500ms);
  EXPECT_EQ(bench.Events<TurnClient::AllocationFailed>().at(0).reason, Reason::kTimedOut);
}

TEST_F(Rfc8656ClientOverTcp, Section7_1_AUdpAllocationIsAskedFor) {
  bench.Start();
  EXPECT_EQ(bench.sent.at(0).view().Get<RequestedTransport>().value().protocol, RequestedTransport::kUdp);
}

TEST_F(Rfc8656ClientOverTcp, Section12_5_ChannelDataIsPadded) {
  bench.Allocate();
  bench.Do([&] { bench.client().BindChannel(bench.now(), kPeer); });
  bench.Succeed();
  bench.Do([&] { bench.client().Send(bench.now(), kPeer, AsBytes("abcdef"), net::PacketClass::kData); });
  EXPECT_THAT(bench.sent.at(0).bytes, ElementsAre(0x40, 0x00, 0, 6, 'a', 'b', 'c', 'd', 'e', 'f', 0, 0));
}

TEST_F(Rfc8656ClientOverTcp, Rfc8489Section6_2_2ALostConnectionEndsEverythingInEveryState) {
  TurnClientBench idle({.transport = Transport::kTcp});
  idle.Do([&] { idle.client().OnConnectionLost(); });
  EXPECT_EQ(idle.Events<TurnClient::AllocationFailed>().at(0).reason, Reason::kConnectionLost);

  TurnClientBench allocating({.transport = Transport::kTcp});
  allocating.Start();
  allocating.Do([&] { allocating.client().OnConnectionLost(); });
  EXPECT_EQ(allocating.Events<TurnClient::AllocationFailed>().at(0).reason, Reason::kConnectionLost);

  bench.Allocate();
  bench.Permit(kPeer);
  bench.Do([&] { bench.client().BindChannel(bench.now(), kPeer); });
  bench.Do([&] { bench.client().OnConnectionLost(); });
  ASSERT_EQ(bench.events.size(), 1u);
  EXPECT_EQ(bench.Events<TurnClient::AllocationLost>().at(0).reason, Reason::kConnectionLost);
  EXPECT_EQ(bench.client().state(), State::kClosed);
  EXPECT_EQ(bench.client().NextTimer(), net::kNever);
  EXPECT_FALSE(bench.client().HasPermission(bench.now(), kPeer.address()));
  bench.Do([&] { bench.client().OnConnectionLost(); });
  EXPECT_TRUE(bench.events.empty());

  TurnClientBench releasing({.transport = Transport::kTcp});
  releasing.Allocate();
  releasing.Do([&] { releasing.client().Release(releasing.now()); });
  releasing.Do([&] { releasing.client().OnConnectionLost(); });
  EXPECT_EQ(releasing.Events<TurnClient::Released>().size(), 1u);
}

}  // namespace
}  // namespace pinhole::stun
