// One test per MUST of RFC 8656 that the TURN server has to keep (rfc8656.md lists the others).
#include <array>
#include <chrono>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/stun/turn_bench.h"

namespace pinhole::stun {
namespace {

using namespace std::chrono_literals;

class Rfc8656Server : public ::testing::Test {
 protected:
  TurnServerBench bench;
  RawClient client{bench};

  void Allocate() { ASSERT_EQ(client.Allocate().code(), 0); }
  void AllocateAndPermit() {
    Allocate();
    ASSERT_EQ(client.Permit(kPeer).code(), 0);
  }
  bool PeerReaches() {
    bench.DeliverFromPeer(kPeer, "data");
    return !bench.to_client.empty();
  }
};

TEST_F(Rfc8656Server, Section5_RequestsAreAuthenticatedByTheLongTermMechanism) {
  const Message challenge = client.Challenge();
  EXPECT_EQ(challenge.code(), 401);
  EXPECT_TRUE(challenge.view().Has(AttributeType::kRealm));
  EXPECT_TRUE(challenge.view().Has(AttributeType::kNonce));
  EXPECT_EQ(client.Allocate().code(), 0);
}

TEST_F(Rfc8656Server, Section5_AnotherUsersRequestGets441) {
  Allocate();
  RawClient bob(bench, kTuple, "bob", "builder");
  bob.Challenge();
  EXPECT_EQ(bob.Refresh(600).code(), 441);
  EXPECT_EQ(bob.Permit(kPeer).code(), 441);
  EXPECT_EQ(bob.Bind(0x4000, kPeer).code(), 441);
}

TEST_F(Rfc8656Server, Section5_RequestWithoutAllocationGets437) {
  client.Challenge();
  EXPECT_EQ(client.Refresh(600).code(), 437);
  EXPECT_EQ(client.Permit(kPeer).code(), 437);
  EXPECT_EQ(client.Bind(0x4000, kPeer).code(), 437);
}

TEST_F(Rfc8656Server, Section5_AllocationIsFoundByTheWholeFiveTuple) {
  AllocateAndPermit();
  for (const FiveTuple& other : {FiveTuple{Addr("203.0.113.5:40001"), kTuple.server}, kOtherTuple,
                                 FiveTuple{kTuple.client, Addr("192.0.2.1:3479")}}) {
    RawClient stranger(bench, other);
    stranger.Challenge();
    EXPECT_EQ(stranger.Refresh(600).code(), 437);
    stranger.SendTo(kPeer, "data");
    EXPECT_TRUE(bench.from_relay.empty());
  }
}

TEST_F(Rfc8656Server, Section5_IndicationAndChannelDataWithoutAllocationAreIgnored) {
  client.SendTo(kPeer, "data");
  EXPECT_TRUE(bench.to_client.empty() && bench.from_relay.empty());
  client.SendOn(0x4000, "data");
  EXPECT_TRUE(bench.to_client.empty() && bench.from_relay.empty());
}

TEST_F(Rfc8656Server, Section6_RelayedAddressesAreUnique) {
  std::set<net::SocketAddress> relayed;
  for (std::uint16_t port = 1; port <= 20; ++port) {
    RawClient one(bench, {net::SocketAddress(Ip("203.0.113.9"), port), kTuple.server});
    const Message response = one.Allocate();
    relayed.insert(response.view().Get<XorRelayedAddress>().value().address);
  }
  EXPECT_EQ(relayed.size(), 20u);
}

TEST_F(Rfc8656Server, Section6_AllocationLastsTenMinutesUnlessRefreshed) {
  const Message response = client.Allocate();
  EXPECT_EQ(response.view().Get<Lifetime>().value().value, 600u);
  bench.Advance(599s);
  EXPECT_EQ(client.Refresh(std::nullopt).view().Get<Lifetime>().value().value, 600u);
  bench.Advance(600s - 1ns);
  EXPECT_TRUE(bench.closed.empty());
  bench.Advance(1ns);
  EXPECT_EQ(bench.closed.size(), 1u);
  EXPECT_EQ(client.Refresh(std::nullopt).code(), 437);
}

TEST_F(Rfc8656Server, Section6_SendingDataDoesNotRefreshTheAllocation) {
  AllocateAndPermit();
  bench.Advance(299s);
  client.SendTo(kPeer, "data");
  EXPECT_EQ(bench.from_relay.size(), 1u);
  bench.Advance(301s);
  EXPECT_EQ(bench.closed.size(), 1u);
}

TEST_F(Rfc8656Server, Section7_2_AllocateMustBeAuthenticated) {
  const Message bare =
      client.Exchange(client.Bare(Method::kAllocate, [](MessageBuilder& m) { m.Add(RequestedTransport{}); }));
  EXPECT_EQ(bare.code(), 401);
  client.Challenge();
  client.password = "wrong";
  EXPECT_EQ(client.Allocate().code(), 401);
  EXPECT_TRUE(bench.opened.empty());
}

TEST_F(Rfc8656Server, Section7_2_SuccessCarriesRelayedAddressLifetimeAndMappedAddress) {
  const Message response = client.Allocate();
  EXPECT_EQ(response.view().message_class(), MessageClass::kSuccess);
  EXPECT_EQ(response.view().Get<XorRelayedAddress>().value().address, Addr("192.0.2.2:49152"));
  EXPECT_EQ(response.view().Get<XorMappedAddress>().value().address, kTuple.client);
  EXPECT_TRUE(response.view().CheckIntegrity(client.key()));
  EXPECT_EQ(response.five_tuple, kTuple);
}

TEST_F(Rfc8656Server, Section7_2_RetransmittedAllocateGetsTheSameAnswerAndNoSecondAllocation) {
  client.Challenge();
  const auto request = client.Signed(Method::kAllocate, [](MessageBuilder& m) { m.Add(RequestedTransport{}); });
  const Message first = client.Exchange(request);
  bench.Advance(500ms);
  const Message second = client.Exchange(request);
  EXPECT_EQ(first.bytes, second.bytes);
  EXPECT_EQ(bench.relays().size(), 1u);
  EXPECT_TRUE(bench.opened.empty());
}

TEST_F(Rfc8656Server, Section7_2_RetransmissionWhileTheRelayOpensIsAnsweredOnce) {
  client.Challenge();
  bench.answer_open_relay = false;
  const auto request = client.Signed(Method::kAllocate, [](MessageBuilder& m) { m.Add(RequestedTransport{}); });
  bench.Deliver(kTuple, request);
  ASSERT_EQ(bench.opened.size(), 1u);
  const RelayId relay = bench.opened[0];
  bench.Deliver(kTuple, request);
  EXPECT_TRUE(bench.opened.empty() && bench.to_client.empty());
  bench.server().OnRelayOpened(bench.now(), relay, Addr("192.0.2.2:50000"));
  EXPECT_TRUE(std::holds_alternative<TurnServer::SendToClient>(*bench.server().PollOutput()));
  EXPECT_FALSE(bench.server().PollOutput().has_value());
}

TEST_F(Rfc8656Server, Section7_2_SecondAllocateOnTheFiveTupleGets437) {
  Allocate();
  EXPECT_EQ(client.Allocate().code(), 437);
}

TEST_F(Rfc8656Server, Section7_2_RequestedTransportMissingGets400OtherThanUdp442) {
  client.Challenge();
  EXPECT_EQ(client.Ask(Method::kAllocate, [](MessageBuilder&) {}).code(), 400);
  EXPECT_EQ(client.Ask(Method::kAllocate, [](MessageBuilder& m) { m.Add(RequestedTransport{6}); }).code(), 442);
}

TEST_F(Rfc8656Server, Section7_2_DontFragmentIsAnUnknownAttributeToAServerThatCannotSetIt) {
  TurnServerBench plain({.can_set_dont_fragment = false});
  RawClient asking(plain);
  asking.Challenge();
  const Message refused =
      asking.Ask(Method::kAllocate, [](MessageBuilder& m) { m.Add(RequestedTransport{}).Add(DontFragment{}); });
  EXPECT_EQ(refused.code(), 420);
  ASSERT_EQ(refused.view().Get<UnknownAttributes>().value().count, 1u);
  EXPECT_EQ(refused.view().Get<UnknownAttributes>().value().types[0], AttributeType::kDontFragment);

  client.Challenge();
  EXPECT_EQ(
      client.Ask(Method::kAllocate, [](MessageBuilder& m) { m.Add(RequestedTransport{}).Add(DontFragment{}); }).code(),
      0);
}

TEST_F(Rfc8656Server, Section7_2_ReservationTokenExcludesItsRivalsAndIsNeverValid) {
  client.Challenge();
  const ReservationToken token{};
  const auto ask = [&](auto more) {
    return client
        .Ask(Method::kAllocate,
             [&](MessageBuilder& m) {
               m.Add(RequestedTransport{}).Add(token);
               more(m);
             })
        .code();
  };
  EXPECT_EQ(ask([](MessageBuilder&) {}), 508);
  EXPECT_EQ(ask([](MessageBuilder& m) { m.Add(EvenPort{}); }), 400);
  EXPECT_EQ(ask([](MessageBuilder& m) { m.Add(RequestedAddressFamily{}); }), 400);
  EXPECT_EQ(ask([](MessageBuilder& m) { m.Add(AdditionalAddressFamily{net::Family::kIpv6}); }), 400);
}

TEST_F(Rfc8656Server, Section7_2_UnsupportedAddressFamilyGets440) {
  client.Challenge();
  const auto ask_v6 = [](MessageBuilder& m) {
    m.Add(RequestedTransport{}).Add(RequestedAddressFamily{net::Family::kIpv6});
  };
  EXPECT_EQ(client.Ask(Method::kAllocate, ask_v6).code(), 440);

  TurnServerBench only_v6({.relay_ipv4 = false, .relay_ipv6 = true});
  RawClient other(only_v6);
  EXPECT_EQ(other.Allocate().code(), 440);  // Without the attribute it is IPv4 that is asked for.
  const Message v6 = other.Ask(Method::kAllocate, ask_v6);
  EXPECT_EQ(v6.view().Get<XorRelayedAddress>().value().address.family(), net::Family::kIpv6);
}

TEST_F(Rfc8656Server, Section7_2_WithoutRequestedAddressFamilyTheAddressIsIpv4) {
  TurnServerBench both({.relay_ipv4 = true, .relay_ipv6 = true});
  RawClient asking(both);
  EXPECT_EQ(asking.Allocate().view().Get<XorRelayedAddress>().value().address.family(), net::Family::kIpv4);
}

TEST_F(Rfc8656Server, Section7_2_BothFamilyAttributesGet400) {
  client.Challenge();
  const Message refused = client.Ask(Method::kAllocate, [](MessageBuilder& m) {
    m.Add(RequestedTransport{}).Add(RequestedAddressFamily{}).Add(AdditionalAddressFamily{net::Family::kIpv6});
  });
  EXPECT_EQ(refused.code(), 400);
}

TEST_F(Rfc8656Server, Section7_2_EvenPortIsOpenedButReservingTheNextGets508AndWithASecondFamily400) {
  client.Challenge();
  const auto ask = [&](auto add) {
    return client
        .Ask(Method::kAllocate,
             [&](MessageBuilder& m) {
               m.Add(RequestedTransport{});
               add(m);
             })
        .code();
  };
  EXPECT_EQ(ask([](MessageBuilder& m) { m.Add(EvenPort{true}); }), 508);
  EXPECT_EQ(ask([](MessageBuilder& m) { m.Add(EvenPort{true}).Add(AdditionalAddressFamily{net::Family::kIpv6}); }),
            400);
  EXPECT_TRUE(bench.opened.empty());
  EXPECT_EQ(ask([](MessageBuilder& m) { m.Add(EvenPort{false}); }), 0);
  EXPECT_TRUE(bench.opened_even_port);
}

TEST_F(Rfc8656Server, Section7_2_AdditionalFamilyIsRefusedInTheSuccessResponseAndAsIpv4Gets400) {
  client.Challenge();
  const auto ask = [](net::Family family) {
    return [family](MessageBuilder& m) { m.Add(RequestedTransport{}).Add(AdditionalAddressFamily{family}); };
  };
  EXPECT_EQ(client.Ask(Method::kAllocate, ask(net::Family::kIpv4)).code(), 400);
  const Message partial = client.Ask(Method::kAllocate, ask(net::Family::kIpv6));
  EXPECT_EQ(partial.code(), 0);
  EXPECT_EQ(partial.view().Get<AddressErrorCode>().value().code, 440);
  EXPECT_EQ(partial.view().Get<AddressErrorCode>().value().family, net::Family::kIpv6);
}

TEST_F(Rfc8656Server, Section18_12_TheReasonPhraseOfAnAddressErrorCodeIsShorterThan128Characters) {
  client.Challenge();
  const Message partial = client.Ask(Method::kAllocate, [](MessageBuilder& m) {
    m.Add(RequestedTransport{}).Add(AdditionalAddressFamily{net::Family::kIpv6});
  });
  const std::string reason(partial.view().Get<AddressErrorCode>().value().reason);
  EXPECT_EQ(reason, "Address Family not Supported");  // RFC 8656 §19
  EXPECT_LT(reason.size(), 128u);
}

TEST_F(Rfc8656Server, Section7_2_QuotaOfTheUserNameGets486) {
  TurnServerBench small({.allocations_per_user_max = 1});
  RawClient first(small), second(small, kOtherTuple);
  EXPECT_EQ(first.Allocate().code(), 0);
  EXPECT_EQ(second.Allocate().code(), 486);
  RawClient bob(small, kOtherTuple, "bob", "builder");
  EXPECT_EQ(bob.Allocate().code(), 0);
  EXPECT_EQ(first.Refresh(0).code(), 0);
  RawClient third(small, {Addr("203.0.113.7:1"), kTuple.server});
  EXPECT_EQ(third.Allocate().code(), 0);
}

TEST_F(Rfc8656Server, Section7_2_NoPortOrTooManyAllocationsGet508) {
  bench.ports_left = false;
  const Message refused = client.Allocate();
  EXPECT_EQ(refused.code(), 508);
  EXPECT_TRUE(refused.view().CheckIntegrity(client.key()));
  bench.ports_left = true;
  EXPECT_EQ(client.Allocate().code(), 0);  // Nothing is left of the failed one.

  TurnServerBench small({.allocations_max = 1});
  RawClient first(small), second(small, kOtherTuple);
  EXPECT_EQ(first.Allocate().code(), 0);
  EXPECT_EQ(second.Allocate().code(), 508);
}

TEST_F(Rfc8656Server, Section7_2_LifetimeIsBetweenDefaultAndMaximum) {
  client.Challenge();
  const auto lifetime = [&](std::uint32_t asked) {
    const Message response =
        client.Ask(Method::kAllocate, [&](MessageBuilder& m) { m.Add(RequestedTransport{}).Add(Lifetime{asked}); });
    const std::uint32_t granted = response.view().Get<Lifetime>().value().value;
    EXPECT_EQ(client.Refresh(0).code(), 0);
    return granted;
  };
  EXPECT_EQ(lifetime(1), 600u);
  EXPECT_EQ(lifetime(1800), 1800u);
  EXPECT_EQ(lifetime(0xFFFFFFFF), 3600u);
}

TEST_F(Rfc8656Server, Section8_2_RefreshOfAnotherFamilyGets443) {
  Allocate();
  const Message refused =
      client.Ask(Method::kRefresh, [](MessageBuilder& m) { m.Add(RequestedAddressFamily{net::Family::kIpv6}); });
  EXPECT_EQ(refused.code(), 443);
  const Message fine =
      client.Ask(Method::kRefresh, [](MessageBuilder& m) { m.Add(RequestedAddressFamily{net::Family::kIpv4}); });
  EXPECT_EQ(fine.code(), 0);
}

TEST_F(Rfc8656Server, Section8_2_LifetimeZeroDeletesTheAllocationAtOnce) {
  AllocateAndPermit();
  const Message response = client.Refresh(0);
  EXPECT_EQ(response.code(), 0);
  EXPECT_EQ(response.view().Get<Lifetime>().value().value, 0u);
  EXPECT_EQ(bench.closed.size(), 1u);
  EXPECT_EQ(client.Refresh(0).code(), 437);
  EXPECT_EQ(client.Allocate().code(), 0);
}

TEST_F(Rfc8656Server, Section9_PermissionLasts300Seconds) {
  AllocateAndPermit();
  bench.Advance(300s - 1ns);
  EXPECT_TRUE(PeerReaches());
  bench.Advance(1ns);
  EXPECT_FALSE(PeerReaches());
  client.SendTo(kPeer, "data");
  EXPECT_TRUE(bench.from_relay.empty());
}

TEST_F(Rfc8656Server, Section9_CreatePermissionResetsTheTime) {
  AllocateAndPermit();
  bench.Advance(200s);
  EXPECT_EQ(client.Permit(kPeer).code(), 0);
  bench.Advance(299s);
  EXPECT_TRUE(PeerReaches());
}

TEST_F(Rfc8656Server, Section9_PermissionIsByAddressWhateverThePort) {
  AllocateAndPermit();
  bench.DeliverFromPeer(kPeer.WithPort(1), "data");
  EXPECT_EQ(bench.to_client.size(), 1u);
  client.SendTo(kPeer.WithPort(2), "data");
  EXPECT_EQ(bench.from_relay.size(), 1u);
  bench.DeliverFromPeer(Addr("198.51.100.8:5000"), "data");
  EXPECT_TRUE(bench.to_client.empty());
}

TEST_F(Rfc8656Server, Section10_2_CreatePermissionWithoutOrWithBadPeerAddressGets400) {
  Allocate();
  EXPECT_EQ(client.Ask(Method::kCreatePermission, [](MessageBuilder&) {}).code(), 400);
  const std::array<std::uint8_t, 3> bad = {0, 1, 0};
  const Message refused = client.Ask(Method::kCreatePermission, [&](MessageBuilder& m) {
    m.Add(XorPeerAddress{kPeer});
    m.AppendBytes(AttributeType::kXorPeerAddress, bad);
  });
  EXPECT_EQ(refused.code(), 400);
  EXPECT_FALSE(PeerReaches());  // All or none.
}

TEST_F(Rfc8656Server, Section10_2_SeveralPeersInOneRequest) {
  Allocate();
  const Message response = client.Ask(Method::kCreatePermission, [](MessageBuilder& m) {
    m.Add(XorPeerAddress{kPeer}).Add(XorPeerAddress{Addr("198.51.100.8:0")});
  });
  EXPECT_EQ(response.code(), 0);
  EXPECT_TRUE(PeerReaches());
  bench.DeliverFromPeer(Addr("198.51.100.8:77"), "data");
  EXPECT_EQ(bench.to_client.size(), 1u);
}

TEST_F(Rfc8656Server, Section10_2_PeerOfAnotherFamilyGets443) {
  Allocate();
  EXPECT_EQ(client.Permit(Addr("[2001:db8::7]:5000")).code(), 443);
}

TEST_F(Rfc8656Server, Section10_2_AddressesThatAreNobodysPeerGet403) {
  Allocate();
  for (const char* peer : {"127.0.0.1:80", "224.0.0.1:80", "0.0.0.0:80"}) {
    EXPECT_EQ(client.Permit(Addr(peer)).code(), 403) << peer;
    EXPECT_EQ(client.Bind(0x4000, Addr(peer)).code(), 403) << peer;
  }
}

TEST_F(Rfc8656Server, Section11_2_SendIndicationNeedsPeerAddressAndData) {
  AllocateAndPermit();
  client.Indicate(Method::kSend, [](MessageBuilder& m) { m.Add(XorPeerAddress{kPeer}); });
  EXPECT_TRUE(bench.from_relay.empty());
  client.Indicate(Method::kSend, [](MessageBuilder& m) { m.Add(Data{AsBytes("data")}); });
  EXPECT_TRUE(bench.from_relay.empty());
  client.SendTo(kPeer, "");  // DATA may be empty.
  ASSERT_EQ(bench.from_relay.size(), 1u);
  EXPECT_EQ(bench.from_relay[0].payload, "");
}

TEST_F(Rfc8656Server, Section11_2_SendIndicationIsRelayedFromTheRelayedAddress) {
  AllocateAndPermit();
  client.SendTo(kPeer, "hello", net::PacketTag{42});
  ASSERT_EQ(bench.from_relay.size(), 1u);
  EXPECT_EQ(bench.from_relay[0].peer, kPeer);
  EXPECT_EQ(bench.from_relay[0].payload, "hello");
  EXPECT_EQ(bench.from_relay[0].relay, bench.relays().begin()->first);
  EXPECT_EQ(bench.from_relay[0].cause.value, 42u);
  EXPECT_TRUE(bench.to_client.empty());
}

TEST_F(Rfc8656Server, Section11_2_SendIndicationWithoutPermissionIsDiscarded) {
  Allocate();
  client.SendTo(kPeer, "data");
  EXPECT_TRUE(bench.from_relay.empty() && bench.to_client.empty());
}

TEST_F(Rfc8656Server, Section11_2_SendIndicationDoesNotRefreshThePermission) {
  AllocateAndPermit();
  bench.Advance(299s);
  client.SendTo(kPeer, "data");
  bench.Advance(1s);
  EXPECT_FALSE(PeerReaches());
}

TEST_F(Rfc8656Server, Section11_2_SendIndicationWithUnknownRequiredAttributeIsDiscarded) {
  AllocateAndPermit();
  client.Indicate(Method::kSend, [](MessageBuilder& m) {
    m.Add(XorPeerAddress{kPeer}).Add(Data{AsBytes("data")}).Add(ChangeRequest{});
  });
  EXPECT_TRUE(bench.from_relay.empty() && bench.to_client.empty());
}

TEST_F(Rfc8656Server, Section11_2_DontFragmentIsPassedOn) {
  AllocateAndPermit();
  client.Indicate(Method::kSend, [](MessageBuilder& m) {
    m.Add(XorPeerAddress{kPeer}).Add(DontFragment{}).Add(Data{AsBytes("data")});
  });
  ASSERT_EQ(bench.from_relay.size(), 1u);
  EXPECT_TRUE(bench.from_relay[0].dont_fragment);
  client.SendTo(kPeer, "data");
  EXPECT_FALSE(bench.from_relay[0].dont_fragment);
}

TEST_F(Rfc8656Server, Section11_3_DataIndicationHasPeerAddressAndData) {
  AllocateAndPermit();
  bench.DeliverFromPeer(kPeer, "hello", net::PacketTag{43});
  ASSERT_EQ(bench.to_client.size(), 1u);
  const MessageView indication = bench.to_client[0].view();
  EXPECT_EQ(indication.message_class(), MessageClass::kIndication);
  EXPECT_EQ(indication.method(), Method::kData);
  EXPECT_EQ(indication.Get<XorPeerAddress>().value().address, kPeer);
  EXPECT_EQ(AsText(indication.Get<Data>().value().bytes), "hello");
  EXPECT_EQ(bench.to_client[0].five_tuple, kTuple);
  EXPECT_EQ(bench.to_client[0].cause.value, 43u);
}

TEST_F(Rfc8656Server, Section11_3_DatagramWithoutPermissionIsDiscarded) {
  Allocate();
  EXPECT_FALSE(PeerReaches());
}

TEST_F(Rfc8656Server, Section11_5_IcmpIsRelayedByTheAddressThatTheErrorIsAbout) {
  AllocateAndPermit();
  bench.DeliverIcmp(kPeer, 3, 4, 1400);
  ASSERT_EQ(bench.to_client.size(), 1u);
  EXPECT_EQ(bench.to_client[0].view().Get<XorPeerAddress>().value().address, kPeer);
  EXPECT_EQ(*bench.to_client[0].view().Get<Icmp>(), (Icmp{3, 4, 1400}));
  EXPECT_FALSE(bench.to_client[0].view().Has(AttributeType::kData));
  bench.DeliverIcmp(Addr("198.51.100.8:5000"), 3, 3, 0);  // no permission
  EXPECT_TRUE(bench.to_client.empty());
  bench.DeliverIcmp(kPeer, 5, 0, 0);  // a redirect is no error
  EXPECT_TRUE(bench.to_client.empty());
}

TEST_F(Rfc8656Server, Section18_13_ErrorDataIsZeroUnlessTooBig) {
  AllocateAndPermit();
  bench.DeliverIcmp(kPeer, 3, 3, 1400);
  ASSERT_EQ(bench.to_client.size(), 1u);
  EXPECT_EQ(bench.to_client[0].view().Get<Icmp>().value().error_data, 0u);
}

TEST_F(Rfc8656Server, Section12_2_ChannelBindMalformedOrOutOfRangeGets400) {
  Allocate();
  EXPECT_EQ(client.Ask(Method::kChannelBind, [](MessageBuilder& m) { m.Add(XorPeerAddress{kPeer}); }).code(), 400);
  EXPECT_EQ(client.Ask(Method::kChannelBind, [](MessageBuilder& m) { m.Add(ChannelNumber{0x4000}); }).code(), 400);
  EXPECT_EQ(client.Bind(0x3FFF, kPeer).code(), 400);
  EXPECT_EQ(client.Bind(0x5000, kPeer).code(), 400);
  EXPECT_EQ(client.Bind(0x4000, kPeer).code(), 0);
  EXPECT_EQ(client.Bind(0x4FFF, kPeer.WithPort(1)).code(), 0);
}

TEST_F(Rfc8656Server, Section12_2_ChannelAndPeerAreBoundToEachOtherOnly) {
  Allocate();
  EXPECT_EQ(client.Bind(0x4000, kPeer).code(), 0);
  EXPECT_EQ(client.Bind(0x4000, kPeer).code(), 0);  // refreshed
  EXPECT_EQ(client.Bind(0x4000, kPeer.WithPort(1)).code(), 400);
  EXPECT_EQ(client.Bind(0x4001, kPeer).code(), 400);
}

TEST_F(Rfc8656Server, Section12_2_PeerOfAnotherFamilyGets443) {
  Allocate();
  EXPECT_EQ(client.Bind(0x4000, Addr("[2001:db8::7]:5000")).code(), 443);
}

TEST_F(Rfc8656Server, Section12_2_ChannelBindInstallsAPermission) {
  Allocate();
  EXPECT_EQ(client.Bind(0x4000, kPeer).code(), 0);
  bench.DeliverFromPeer(kPeer.WithPort(9), "data");
  EXPECT_EQ(bench.to_client.size(), 1u);
  EXPECT_TRUE(MessageView::Parse(bench.to_client[0].bytes).has_value());  // another port: not on the channel
}

TEST_F(Rfc8656Server, Section12_ChannelLastsTenMinutesUnlessRebound) {
  Allocate();
  EXPECT_EQ(client.Bind(0x4000, kPeer).code(), 0);
  EXPECT_EQ(client.Refresh(3600).code(), 0);
  bench.Advance(599s);
  EXPECT_EQ(client.Permit(kPeer).code(), 0);
  client.SendOn(0x4000, "data");
  EXPECT_EQ(bench.from_relay.size(), 1u);
  bench.Advance(1s);
  client.SendOn(0x4000, "data");
  EXPECT_TRUE(bench.from_relay.empty());
  EXPECT_EQ(client.Bind(0x4001, kPeer).code(), 0);  // free again
}

TEST_F(Rfc8656Server, Section12_5_WithABoundChannelTheServerUsesChannelData) {
  Allocate();
  EXPECT_EQ(client.Bind(0x4000, kPeer).code(), 0);
  bench.DeliverFromPeer(kPeer, "hello", net::PacketTag{44});
  ASSERT_EQ(bench.to_client.size(), 1u);
  const std::vector<std::uint8_t> expected = {0x40, 0x00, 0x00, 0x05, 'h', 'e', 'l', 'l', 'o'};
  EXPECT_EQ(bench.to_client[0].bytes, expected);
  EXPECT_EQ(bench.to_client[0].cause.value, 44u);
}

TEST_F(Rfc8656Server, Section12_6_ChannelDataIsRelayedToTheBoundPeer) {
  Allocate();
  EXPECT_EQ(client.Bind(0x4000, kPeer).code(), 0);
  client.SendOn(0x4000, "hello", net::PacketTag{45});
  ASSERT_EQ(bench.from_relay.size(), 1u);
  EXPECT_EQ(bench.from_relay[0].peer, kPeer);
  EXPECT_EQ(bench.from_relay[0].payload, "hello");
  EXPECT_EQ(bench.from_relay[0].cause.value, 45u);
  client.SendOn(0x4000, "");
  EXPECT_EQ(bench.from_relay.size(), 1u);  // An empty datagram is one too.
  client.SendOn(0x4001, "hello");
  EXPECT_TRUE(bench.from_relay.empty());
}

TEST_F(Rfc8656Server, Section12_6_ChannelDataShorterThanItClaimsIsDiscardedPaddingIsNot) {
  Allocate();
  EXPECT_EQ(client.Bind(0x4000, kPeer).code(), 0);
  bench.Deliver(kTuple, std::vector<std::uint8_t>{0x40, 0x00, 0x00, 0x05, 'h', 'e', 'l', 'l'});
  EXPECT_TRUE(bench.from_relay.empty());
  bench.Deliver(kTuple, std::vector<std::uint8_t>{0x40, 0x00, 0x00, 0x02, 'h', 'i', 0, 0});
  ASSERT_EQ(bench.from_relay.size(), 1u);
  EXPECT_EQ(bench.from_relay[0].payload, "hi");
}

TEST_F(Rfc8656Server, Section12_6_ChannelDataRefreshesNeitherChannelNorPermission) {
  Allocate();
  EXPECT_EQ(client.Bind(0x4000, kPeer).code(), 0);
  bench.Advance(299s);
  client.SendOn(0x4000, "data");
  EXPECT_EQ(bench.from_relay.size(), 1u);
  bench.Advance(1s);
  client.SendOn(0x4000, "data");
  EXPECT_TRUE(bench.from_relay.empty());  // The permission has ended.
  EXPECT_EQ(client.Permit(kPeer).code(), 0);
  EXPECT_EQ(client.Refresh(3600).code(), 0);
  bench.Advance(299s);
  client.SendOn(0x4000, "data");
  bench.Advance(1s);
  EXPECT_EQ(client.Permit(kPeer).code(), 0);
  client.SendOn(0x4000, "data");
  EXPECT_TRUE(bench.from_relay.empty());  // And now the channel.
}

TEST_F(Rfc8656Server, Section12_ReservedChannelNumbersAreDropped) {
  Allocate();
  EXPECT_EQ(client.Bind(0x4000, kPeer).code(), 0);
  for (std::uint16_t channel : {0x5000, 0x7FFF, 0x8000, 0xFFFF}) {
    client.SendOn(channel, "data");
    EXPECT_TRUE(bench.from_relay.empty() && bench.to_client.empty());
  }
}

TEST_F(Rfc8656Server, Section10_2And12_2_BeyondItsCapacityTheServerAnswers508) {
  TurnServerBench small({.permissions_max = 2, .channels_max = 1});
  RawClient one(small);
  EXPECT_EQ(one.Allocate().code(), 0);
  EXPECT_EQ(one.Bind(0x4000, Addr("198.51.100.1:1")).code(), 0);
  EXPECT_EQ(one.Bind(0x4001, Addr("198.51.100.2:1")).code(), 508);
  EXPECT_EQ(one.Permit(Addr("198.51.100.3:1")).code(), 0);
  EXPECT_EQ(one.Permit(Addr("198.51.100.4:1")).code(), 508);
  EXPECT_EQ(one.Permit(Addr("198.51.100.3:1")).code(), 0);
  small.Advance(300s);
  EXPECT_EQ(one.Permit(Addr("198.51.100.4:1")).code(), 0);  // The old ones have made room.
}

}  // namespace
}  // namespace pinhole::stun
