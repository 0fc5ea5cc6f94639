// RFC 8445 §5: gathering and exchanging candidates.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "ice/foundation.h"
#include "ice/priority.h"
#include "tests/ice/lone_agent.h"
#include "tests/ice/test_network.h"

namespace pinhole::ice {
namespace {

using namespace std::chrono_literals;
using net::PacketClass;
using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> Gathered(std::vector<LocalAddress> addresses, bool include_loopback = false) {
  std::vector<std::string> found;
  for (const LocalAddress& local : RankAddresses(addresses, include_loopback)) {
    found.push_back(local.address.ToString());
  }
  return found;
}

LocalAddress Temporary(const std::string& address, std::uint32_t interface) {
  LocalAddress local = Local(address);
  local.temporary = true;
  local.prefix_length = 64;
  local.interface = static_cast<net::InterfaceId>(interface);
  return local;
}
LocalAddress On(const std::string& address, std::uint32_t interface) {
  LocalAddress local = Local(address);
  local.prefix_length = 64;
  local.interface = static_cast<net::InterfaceId>(interface);
  return local;
}

TEST(Rfc8445, Section5_1_1_1_EachComponentHasACandidateOfItsOwn) {
  AgentOptions options;
  options.components = {2};
  LoneAgent lone(options);
  const std::vector<Candidate>& candidates = lone.agent().LocalCandidates();
  ASSERT_EQ(candidates.size(), 2u);
  EXPECT_EQ(candidates[0].component, 1);
  EXPECT_EQ(candidates[1].component, 2);
  EXPECT_NE(candidates[0].address, candidates[1].address);
}

TEST(Rfc8445, Section5_1_1_1_ACandidateOnEachAddress) {
  LoneAgent lone({}, {"192.0.2.1", "198.51.100.1", "2001:db8::1"});
  EXPECT_EQ(lone.agent().LocalCandidates().size(), 3u);
}

TEST(Rfc8445, Section5_1_1_1_LoopbackAddressesAreNotCandidates) {
  EXPECT_THAT(Gathered({Local("127.0.0.1"), Local("::1"), Local("192.0.2.1", net::InterfaceKind::kLoopback)}),
              IsEmpty());
  EXPECT_THAT(Gathered({Local("127.0.0.1")}, true), ElementsAre("127.0.0.1"));
}

TEST(Rfc8445, Section5_1_1_1_Ipv4CompatibleAndSiteLocalIpv6AddressesAreNotCandidates) {
  EXPECT_THAT(Gathered({Local("::192.0.2.1"), Local("fec0::1")}), IsEmpty());
}

TEST(Rfc8445, Section5_1_1_1_Ipv4MappedIpv6AddressesAreNotCandidates) {
  EXPECT_THAT(Gathered({Local("::ffff:192.0.2.1")}), IsEmpty());
}

TEST(Rfc8445, Section5_1_1_1_APermanentAddressBesideATemporaryOneOfItsPrefixIsNotGathered) {
  EXPECT_THAT(Gathered({On("2001:db8:1::1", 1), Temporary("2001:db8:1::dead", 1)}), ElementsAre("2001:db8:1::dead"));
  // Another prefix or interface gives nothing away.
  EXPECT_THAT(Gathered({On("2001:db8:2::1", 1), Temporary("2001:db8:1::dead", 1)}).size(), 2u);
  EXPECT_THAT(Gathered({On("2001:db8:1::1", 2), Temporary("2001:db8:1::dead", 1)}).size(), 2u);
}

TEST(Rfc8445, Section5_1_1_1_LinkLocalAddressesBesideATemporaryOneAreNotGathered) {
  EXPECT_THAT(Gathered({On("fe80::1", 2), Temporary("2001:db8:1::dead", 1)}), ElementsAre("2001:db8:1::dead"));
  EXPECT_THAT(Gathered({On("fe80::1", 2), On("2001:db8:1::1", 1)}).size(), 2u);
}

TEST(Rfc8445, Section5_1_1_2_TheBaseOfAReflexiveCandidateIsTheHostCandidateItWasAskedFrom) {
  AgentOptions options;
  options.stun_servers = {Addr("198.51.100.1:3478")};
  LoneAgent lone(options);
  lone.AnswerSuccess(lone.TakeSent(PacketClass::kDiscovery)[0], Addr("203.0.113.7:7777"));
  const Candidate reflexive = lone.agent().LocalCandidates()[1];
  EXPECT_EQ(reflexive.type, CandidateType::kServerReflexive);
  EXPECT_EQ(reflexive.base, lone.address(SocketTag(0)));
  EXPECT_EQ(reflexive.related, lone.address(SocketTag(0)));
}

TEST(Rfc8445, Section5_1_1_2_AnOlderServersMappedAddressIsUnderstood) {
  AgentOptions options;
  options.stun_servers = {Addr("198.51.100.1:3478")};
  LoneAgent lone(options);
  const Sent request = lone.TakeSent(PacketClass::kDiscovery)[0];
  std::array<std::uint8_t, 548> buffer;
  stun::MessageBuilder message(buffer, stun::MessageClass::kSuccess, stun::Method::kBinding,
                               request.message().transaction_id());
  message.Add(stun::MappedAddress{Addr("203.0.113.7:7777")});
  lone.Receive(request.to, message.Finish().value());
  ASSERT_EQ(lone.agent().LocalCandidates().size(), 2u);
  EXPECT_EQ(lone.agent().LocalCandidates()[1].address, Addr("203.0.113.7:7777"));
}

TEST(Rfc8445, Section5_1_1_2_AlternateServerInAResponseIsIgnored) {
  AgentOptions options;
  options.stun_servers = {Addr("198.51.100.1:3478")};
  LoneAgent lone(options);
  const Sent request = lone.TakeSent(PacketClass::kDiscovery)[0];
  std::array<std::uint8_t, 548> buffer;
  stun::MessageBuilder message(buffer, stun::MessageClass::kError, stun::Method::kBinding,
                               request.message().transaction_id());
  message.Add(stun::errors::kTryAlternate).Add(stun::AlternateServer{Addr("198.51.100.2:3478")});
  lone.Receive(request.to, message.Finish().value());
  lone.RunFor(60s);
  for (const Sent& sent : lone.all_sent()) EXPECT_NE(sent.to, Addr("198.51.100.2:3478"));
}

TEST(Rfc8445, Section5_1_1_2_TransactionsAreStartedNoMoreOftenThanEachTa) {
  AgentOptions options;
  options.ta = 30ms;
  for (int i = 1; i <= 4; ++i) options.stun_servers.push_back(Addr("198.51.100." + std::to_string(i) + ":3478"));
  LoneAgent lone(options);
  lone.RunFor(400ms);
  std::vector<std::int64_t> at_ms;
  for (const Sent& sent : lone.TakeSent(PacketClass::kDiscovery)) at_ms.push_back((sent.at - net::Instant()) / 1ms);
  EXPECT_THAT(at_ms, ElementsAre(0, 30, 60, 90));
}

TEST(Rfc8445, Section5_1_1_2_TheSecondTryOfAnAllocateWaitsForTaToo) {
  TestNetwork net;
  net.AddServer(Addr("198.51.100.1:3478"));
  net.set_delay(1ms);
  AgentOptions options;
  options.turn_servers = {{Addr("198.51.100.1:3478"), "user", "secret"}};
  const int a = net.Add("alice", options, {Local("192.0.2.1")});
  net.Start(a);
  net.RunUntil(At(900ms));
  const std::vector<WirePacket> sent = net.Sent(a, PacketClass::kTurn);
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[1].sent, sent[0].sent + 50ms);
}

TEST(Rfc8445, Section5_1_1_2_ARelayedCandidateIsItsOwnBaseAndRelatedToTheMappedAddress) {
  TestNetwork net;
  net.AddServer(Addr("198.51.100.1:3478"));
  AgentOptions options;
  options.turn_servers = {{Addr("198.51.100.1:3478"), "user", "secret"}};
  const int a = net.Add("alice", options, {Local("10.0.0.1")});
  net[a].nat = TestNat(Addr("203.0.113.7:7777"));
  net.Start(a);
  net.RunUntil(At(900ms));
  const std::vector<Candidate>& candidates = net.agent(a).LocalCandidates();
  ASSERT_EQ(candidates.size(), 3u);
  EXPECT_EQ(candidates[1].type, CandidateType::kServerReflexive);
  EXPECT_EQ(candidates[2].type, CandidateType::kRelayed);
  EXPECT_EQ(candidates[2].base, candidates[2].address);
  EXPECT_EQ(candidates[2].related, Addr("203.0.113.7:7777"));
}

TEST(Rfc8445, Section5_1_1_2_ARelayedCandidateThatEqualsAHostCandidateIsDiscarded) {
  TestNetwork net;
  net.AddServer(Addr("198.51.100.1:3478"));
  AgentOptions options;
  options.turn_servers = {{Addr("198.51.100.1:3478"), "user", "secret"}};
  const int a = net.Add("alice", options, {Local("198.51.100.1")});
  net[a].next_port = 60000;  // what the server will relay from
  net.Start(a);
  net.RunUntil(At(900ms));
  for (const Candidate& candidate : net.agent(a).LocalCandidates()) EXPECT_NE(candidate.type, CandidateType::kRelayed);
}

TEST(Rfc8445, Section5_1_1_2_AServerThatGivesNoRelayIsAskedForTheMapping) {
  TestNetwork net;
  net.AddServer(Addr("198.51.100.1:3478"));
  AgentOptions options;
  options.turn_servers = {{Addr("198.51.100.1:3478"), "user", "not the password"}};
  const int a = net.Add("alice", options, {Local("10.0.0.1")});
  net[a].nat = TestNat(Addr("203.0.113.7:7777"));
  net.Start(a);
  net.RunUntil(At(2s));
  ASSERT_EQ(net.agent(a).LocalCandidates().size(), 2u);
  EXPECT_EQ(net.agent(a).LocalCandidates()[1].type, CandidateType::kServerReflexive);
  ASSERT_EQ(net.agent(a).UnansweredRequests().size(), 1u);
  EXPECT_EQ(net.agent(a).UnansweredRequests()[0].error_code, 401);
}

TEST(Rfc8445, Section5_1_1_3_FoundationsAreEqualExactlyForEqualTypeBaseAddressAndServerAddress) {
  LocalFoundations foundations;
  const auto ip = [](const char* text) { return *net::IpAddress::Parse(text); };
  const FoundationId first = foundations.Of(CandidateType::kServerReflexive, ip("192.0.2.1"), ip("198.51.100.1"));
  EXPECT_EQ(first, foundations.Of(CandidateType::kServerReflexive, ip("192.0.2.1"), ip("198.51.100.1")));
  EXPECT_NE(first, foundations.Of(CandidateType::kRelayed, ip("192.0.2.1"), ip("198.51.100.1")));
  EXPECT_NE(first, foundations.Of(CandidateType::kServerReflexive, ip("192.0.2.2"), ip("198.51.100.1")));
  EXPECT_NE(first, foundations.Of(CandidateType::kServerReflexive, ip("192.0.2.1"), ip("198.51.100.2")));
}

TEST(Rfc8445, Section5_1_1_3_TwoComponentsOnOneAddressShareTheirFoundation) {
  AgentOptions options;
  options.components = {2};
  LoneAgent lone(options, {"192.0.2.1", "192.0.2.2"});
  const std::vector<Candidate>& candidates = lone.agent().LocalCandidates();
  ASSERT_EQ(candidates.size(), 4u);
  EXPECT_EQ(candidates[0].foundation, candidates[2].foundation);
  EXPECT_EQ(candidates[1].foundation, candidates[3].foundation);
  EXPECT_FALSE(candidates[0].foundation == candidates[1].foundation);
}

TEST(Rfc8445, Section5_1_1_4_BindingsAreKeptAliveUntilTheSessionConcludes) {
  AgentOptions options;
  options.stun_servers = {Addr("198.51.100.1:3478")};
  LoneAgent lone(options);
  lone.AnswerSuccess(lone.TakeSent(PacketClass::kDiscovery)[0], Addr("203.0.113.7:7777"));
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  lone.RunUntil(At(38s));
  std::vector<std::int64_t> at_s;
  for (const Sent& sent : lone.TakeSent(PacketClass::kDiscovery)) at_s.push_back((sent.at - net::Instant()) / 1s);
  EXPECT_THAT(at_s, ElementsAre(15, 30));
  lone.RunUntil(At(200s));  // Failed meanwhile.
  EXPECT_THAT(lone.TakeSent(PacketClass::kDiscovery), IsEmpty());
}

TEST(Rfc8445, Section5_1_2_PrioritiesAreUniqueWithinAStreamAndBetween1And2To31) {
  AgentOptions options;
  options.components = {2};
  options.stun_servers = {Addr("198.51.100.1:3478"), Addr("198.51.100.2:3478")};
  LoneAgent lone(options, {"192.0.2.1", "192.0.2.2", "192.0.2.3"});
  std::uint16_t port = 1;
  for (int i = 0; i < 100; ++i) {
    for (const Sent& request : lone.TakeSent(PacketClass::kDiscovery)) {
      lone.AnswerSuccess(request, SocketAddress(net::IpAddress::V4(203, 0, 113, 7), port++));
    }
    lone.RunFor(10ms);
  }
  std::set<std::uint32_t> priorities;
  const std::vector<Candidate>& candidates = lone.agent().LocalCandidates();
  for (const Candidate& candidate : candidates) {
    EXPECT_GE(candidate.priority, 1u);
    EXPECT_LE(candidate.priority, 0x7FFFFFFFu);
    priorities.insert(candidate.priority);
  }
  EXPECT_EQ(candidates.size(), 6u + 12u);
  EXPECT_EQ(priorities.size(), candidates.size());
}

TEST(Rfc8445, Section5_1_2_1_TypePreferencesAre0To126DifferByTypeAndPreferPeerReflexiveToServerReflexive) {
  std::set<std::uint32_t> preferences;
  for (CandidateType type : {CandidateType::kHost, CandidateType::kPeerReflexive, CandidateType::kServerReflexive,
                             CandidateType::kRelayed}) {
    EXPECT_LE(TypePreference(type), 126u);
    preferences.insert(TypePreference(type));
  }
  EXPECT_EQ(preferences.size(), 4u);
  EXPECT_GT(TypePreference(CandidateType::kPeerReflexive), TypePreference(CandidateType::kServerReflexive));
}

TEST(Rfc8445, Section5_1_2_1_TheFormula) {
  for (std::uint32_t local : {0u, 1u, 65535u}) {
    for (int component : {1, 2, 256}) {
      EXPECT_EQ(CandidatePriority(CandidateType::kHost, local, component),
                126u * 16777216u + local * 256u + 256u - static_cast<std::uint32_t>(component));
    }
  }
}

TEST(Rfc8445, Section5_1_2_2_RecommendedTypePreferences) {
  EXPECT_EQ(TypePreference(CandidateType::kHost), 126u);
  EXPECT_EQ(TypePreference(CandidateType::kPeerReflexive), 110u);
  EXPECT_EQ(TypePreference(CandidateType::kServerReflexive), 100u);
  EXPECT_EQ(TypePreference(CandidateType::kRelayed), 0u);
}

TEST(Rfc8445, Section5_1_2_2_EachTurnServerHasALocalPreferenceOfItsOwn) {
  EXPECT_NE(LocalPreference(0, 0, 2), LocalPreference(0, 1, 2));
  EXPECT_NE(LocalPreference(0, 1, 2), LocalPreference(1, 0, 2));
}

TEST(Rfc8445, Section5_1_3_AReflexiveCandidateThatEqualsItsBaseIsRedundant) {
  AgentOptions options;
  options.stun_servers = {Addr("198.51.100.1:3478")};
  LoneAgent lone(options);
  lone.AnswerSuccess(lone.TakeSent(PacketClass::kDiscovery)[0]);  // No NAT: mapped where it is.
  EXPECT_EQ(lone.agent().LocalCandidates().size(), 1u);
}

TEST(Rfc8445, Section5_1_3_OfTwoWithTheSameAddressAndBaseTheHigherPriorityStays) {
  AgentOptions options;
  options.stun_servers = {Addr("198.51.100.1:3478"), Addr("198.51.100.2:3478")};
  LoneAgent lone(options);
  lone.RunFor(60ms);
  const std::vector<Sent> requests = lone.TakeSent(PacketClass::kDiscovery);
  lone.AnswerSuccess(requests[1], Addr("203.0.113.7:7777"));
  lone.AnswerSuccess(requests[0], Addr("203.0.113.7:7777"));
  ASSERT_EQ(lone.agent().LocalCandidates().size(), 2u);
  EXPECT_EQ(lone.agent().LocalCandidates()[1].priority, 1694498815u);
}

TEST(Rfc8445, Section5_1_3_TheSameAddressOnAnotherBaseIsNotRedundant) {
  AgentOptions options;
  options.stun_servers = {Addr("198.51.100.1:3478")};
  LoneAgent lone(options, {"10.0.0.1", "10.0.0.2"});
  lone.RunFor(60ms);
  for (const Sent& request : lone.TakeSent(PacketClass::kDiscovery)) {
    lone.AnswerSuccess(request, Addr("203.0.113.7:7777"));
  }
  EXPECT_EQ(lone.agent().LocalCandidates().size(), 4u);
}

// Counts the random numbers that are used: 6 bits for each character.
TEST(Rfc8445, Section5_3_UfragHas24RandomBitsAndPasswordHas128) {
  std::set<std::string> ufrags, passwords;
  net::SeededRandom random(1, "credentials");
  for (int i = 0; i < 1000; ++i) {
    Agent agent({}, random, nullptr);
    const Description description = agent.LocalDescription();
    EXPECT_GE(description.ufrag.size() * 6, 24u);
    EXPECT_GE(description.password.size() * 6, 128u);
    ufrags.insert(description.ufrag);
    passwords.insert(description.password);
  }
  EXPECT_GE(ufrags.size(), 998u);  // 1000 draws out of 2^24
  EXPECT_EQ(passwords.size(), 1000u);
}

TEST(Rfc8445, Section5_3_OnceGatheredAnAgentAnswersOnEachCandidate) {
  LoneAgent lone({}, {"192.0.2.1", "192.0.2.2"});
  for (std::uint32_t tag : {0u, 1u}) {
    lone.ReceiveCheck(Addr("192.0.2.9:9000"), {}, SocketTag(tag));
    const std::vector<Sent> answers = lone.TakeSent(PacketClass::kResponse);
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(answers[0].tag, SocketTag(tag));
    EXPECT_EQ(answers[0].message().message_class(), stun::MessageClass::kSuccess);
  }
}

TEST(Rfc8445, Section10_TheDescriptionSaysIce2) {
  LoneAgent lone;
  EXPECT_THAT(Serialize(lone.agent().LocalDescription()), testing::HasSubstr("a=ice-options:ice2\n"));
}

}  // namespace
}  // namespace pinhole::ice
