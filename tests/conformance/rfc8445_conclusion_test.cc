// RFC 8445 §8, §11, §12 and §14: concluding, keepalives, data, and pacing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/ice/lone_agent.h"
#include "tests/ice/test_network.h"

namespace pinhole::ice {
namespace {

using namespace std::chrono_literals;
using net::PacketClass;
using stun::AttributeType;
using testing::ElementsAre;

const SocketAddress kPeer = Addr("192.0.2.9:9000");

AgentOptions As(Role role) {
  AgentOptions options;
  options.role = role;
  return options;
}

// Connects a controlling agent: its only pair is nominated.
void Connect(LoneAgent& lone) {
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  lone.AnswerSuccess(lone.NextCheck());
  lone.AnswerSuccess(lone.NextCheck());
  ASSERT_EQ(lone.Count<Connected>(), 1);
  lone.TakeSent();
}

TEST(Rfc8445, Section8_1_1_OneAndOnlyOnePairOfAComponentIsNominated) {
  for (NominationPolicy policy :
       {NominationPolicy::kFirstValid, NominationPolicy::kExhaustive, NominationPolicy::kBestAfter}) {
    AgentOptions options;
    options.nomination = policy;
    LoneAgent lone(options);
    lone.SetRemote(
        {LoneAgent::Host("192.0.2.9:9000", "1", 1, 0, 300), LoneAgent::Host("192.0.2.8:9000", "2", 1, 0, 200)});
    int nominations = 0;
    for (int i = 0; i < 600; ++i) {
      for (const Sent& check : lone.TakeSent(PacketClass::kCheck)) {
        nominations += check.message().Has(AttributeType::kUseCandidate);
        lone.AnswerSuccess(check);
      }
      lone.RunFor(10ms);
    }
    EXPECT_EQ(nominations, 1) << ToString(policy);
    EXPECT_EQ(lone.Count<PairNominated>(), 1) << ToString(policy);
  }
}

TEST(Rfc8445, Section8_1_1_NominationRepeatsTheCheckThatMadeTheValidPair) {
  LoneAgent lone;
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  const Sent first = lone.NextCheck();
  lone.AnswerSuccess(first, Addr("203.0.113.7:7777"));
  const Sent nomination = lone.NextCheck();
  EXPECT_EQ(nomination.to, first.to);
  EXPECT_EQ(nomination.tag, first.tag);
  EXPECT_NE(nomination.message().transaction_id(), first.message().transaction_id());
}

TEST(Rfc8445, Section8_1_1_AfterANominationNoOtherPairIsNominated) {
  LoneAgent lone;
  lone.SetRemote(
      {LoneAgent::Host("192.0.2.9:9000", "1", 1, 0, 200), LoneAgent::Host("192.0.2.8:9000", "2", 1, 0, 100)});
  const Sent first = lone.NextCheck();
  const Sent second = lone.NextCheck();
  lone.AnswerSuccess(first);
  lone.AnswerSuccess(lone.NextCheck());
  lone.AnswerSuccess(second);
  lone.RunFor(30s);
  EXPECT_EQ(lone.Count<PairNominated>(), 1);
}

TEST(Rfc8445, Section8_1_2_NominationRemovesTheOtherPairsOfTheComponentAndStopsTheirRetransmissions) {
  LoneAgent lone;
  lone.SetRemote(
      {LoneAgent::Host("192.0.2.9:9000", "1", 1, 0, 200), LoneAgent::Host("192.0.2.8:9000", "2", 1, 0, 100)});
  const Sent first = lone.NextCheck();
  lone.NextCheck();
  lone.AnswerSuccess(first);
  lone.AnswerSuccess(lone.NextCheck());
  EXPECT_EQ(lone.PairTo(Addr("192.0.2.8:9000")).end, PairEnd::kConcluded);
  lone.TakeSent();
  lone.RunFor(20s);
  for (const Sent& sent : lone.TakeSent()) EXPECT_EQ(sent.to, kPeer);
}

TEST(Rfc8445, Section8_1_2_TheOtherComponentGoesOn) {
  AgentOptions options;
  options.components = {2};
  LoneAgent lone(options);
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000", "1", 1), LoneAgent::Host("192.0.2.9:9001", "1", 2)});
  lone.AnswerSuccess(lone.NextCheck());
  Sent next = lone.NextCheck();  // the nomination of the first
  EXPECT_EQ(next.to.port(), 9000);
  lone.AnswerSuccess(next);
  EXPECT_EQ(lone.Count<PairNominated>(), 1);
  EXPECT_EQ(lone.agent().check_list_state(0), CheckListState::kRunning);
  lone.AnswerSuccess(lone.NextCheck());
  lone.AnswerSuccess(lone.NextCheck());
  EXPECT_EQ(lone.agent().check_list_state(0), CheckListState::kCompleted);
  EXPECT_EQ(lone.Count<Connected>(), 1);
}

TEST(Rfc8445, Section8_1_2_ChecksOnTheNominatedPairAreStillAnswered) {
  LoneAgent lone;
  Connect(lone);
  lone.RunFor(10s);
  lone.TakeSent();
  lone.ReceiveCheck(kPeer);
  const std::vector<Sent> sent = lone.TakeSent();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].message().message_class(), stun::MessageClass::kSuccess);
}

TEST(Rfc8445, Section8_1_2_TheSessionFailsWhenEveryListHasEndedAndOneHasFailed) {
  AgentOptions options;
  options.components = {1, 1};
  LoneAgent lone(options);
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000", "1", 1, 0), LoneAgent::Host("192.0.2.9:9001", "2", 1, 1)});
  const Sent first = lone.NextCheck();
  lone.NextCheck();
  lone.AnswerSuccess(first);
  lone.AnswerSuccess(lone.NextCheck());
  lone.RunFor(60s);
  EXPECT_EQ(lone.agent().check_list_state(0), CheckListState::kCompleted);
  EXPECT_EQ(lone.agent().check_list_state(1), CheckListState::kFailed);
  ASSERT_TRUE(lone.agent().failure().has_value());
  EXPECT_EQ(lone.agent().failure()->stream, 1);
  EXPECT_EQ(lone.Count<Connected>(), 0);
}

TEST(Rfc8445, Section8_3_1_UnselectedCandidatesAreFreedThreeSecondsAfterCompletion) {
  LoneAgent lone({}, {"192.0.2.1", "192.0.2.2"});
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  lone.AnswerSuccess(lone.NextCheck());
  lone.AnswerSuccess(lone.NextCheck());
  ASSERT_EQ(lone.Count<Connected>(), 1);
  lone.RunFor(2999ms);
  EXPECT_TRUE(lone.closed().empty());
  lone.RunFor(1ms);
  EXPECT_THAT(lone.closed(), ElementsAre(SocketTag(1)));
}

AgentOptions WithoutConsent() {
  AgentOptions options;
  options.consent.enabled = false;
  return options;
}

TEST(Rfc8445, Section11_AKeepaliveFollows15SecondsOfSilenceOnTheSelectedPair) {
  LoneAgent lone(WithoutConsent());
  Connect(lone);
  const net::Instant last = lone.all_sent().back().at;
  lone.RunFor(50s);
  const std::vector<Sent> sent = lone.TakeSent();
  ASSERT_EQ(sent.size(), 3u);
  for (std::size_t i = 0; i < sent.size(); ++i) {
    EXPECT_EQ(sent[i].at, last + 15s * static_cast<int>(i + 1));
    EXPECT_EQ(sent[i].to, kPeer);
  }
}

TEST(Rfc8445, Section11_DataMakesAKeepaliveUnnecessary) {
  LoneAgent lone(WithoutConsent());
  Connect(lone);
  for (int i = 0; i < 10; ++i) {
    lone.RunFor(10s);
    EXPECT_TRUE(lone.agent().SendData(lone.now(), 0, 1, std::vector<std::uint8_t>{200}));
    lone.Drain();
  }
  EXPECT_EQ(lone.agent().counters().keepalives, 0);
}

// While the other checks go on, nothing else is sent on the valid pair, and NATs may forget a binding after 30 s
// (RFC 4787 allows 2 min).
TEST(Rfc8445, Section11_AValidPairIsKeptAliveAsLongAsItMayBeNominated) {
  for (Role role : {Role::kControlling, Role::kControlled}) {
    AgentOptions options = As(role);
    options.nomination = NominationPolicy::kExhaustive;
    LoneAgent lone(options);
    lone.SetRemote({LoneAgent::Host("192.0.2.9:9000", "1"), LoneAgent::Host("192.0.2.8:9000", "2")});
    const Sent check = lone.NextCheck();
    lone.NextCheck();
    lone.AnswerSuccess(check);
    lone.RunUntil(At(39s));
    std::vector<Sent> keepalives;
    for (const Sent& sent : lone.TakeSent()) {
      if (sent.message().message_class() == stun::MessageClass::kIndication) keepalives.push_back(sent);
    }
    ASSERT_EQ(keepalives.size(), 2u);
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_EQ(keepalives[i].to, check.to);
      EXPECT_EQ(keepalives[i].at, check.at + 15s * static_cast<int>(i + 1));
    }
  }
}

TEST(Rfc8445, Section11_OnceAPairIsSelectedNoOtherIsKeptAlive) {
  LoneAgent lone(WithoutConsent());
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000", "1"), LoneAgent::Host("192.0.2.8:9000", "2")});
  const Sent first = lone.NextCheck(), second = lone.NextCheck();
  lone.AnswerSuccess(first);
  lone.AnswerSuccess(second);
  lone.AnswerSuccess(lone.NextCheck());
  const PairView selected = lone.agent().SelectedPair(0, 1).value();
  lone.RunFor(50s);
  for (const Sent& sent : lone.TakeSent()) EXPECT_EQ(sent.to, selected.remote.address);
  EXPECT_EQ(lone.agent().counters().keepalives, 3);
}

TEST(Rfc8445, Section11_AKeepaliveIsABindingIndicationWithFingerprintOnly) {
  LoneAgent lone(WithoutConsent());
  Connect(lone);
  lone.RunFor(20s);
  const std::vector<Sent> sent = lone.TakeSent();
  ASSERT_EQ(sent.size(), 1u);
  const stun::MessageView message = sent[0].message();
  EXPECT_EQ(message.message_class(), stun::MessageClass::kIndication);
  EXPECT_EQ(message.method(), stun::Method::kBinding);
  EXPECT_TRUE(message.FingerprintOk());
  EXPECT_EQ(sent[0].bytes.size(), 20u + 8u);  // no authentication, nothing else
}

TEST(Rfc8445, Section11_ReceivedKeepalivesAreNotAnswered) {
  LoneAgent lone(WithoutConsent());
  Connect(lone);
  std::array<std::uint8_t, 548> buffer;
  stun::MessageBuilder message(buffer, stun::MessageClass::kIndication, stun::Method::kBinding, {});
  message.AddFingerprint();
  lone.Receive(kPeer, message.Finish().value());
  EXPECT_TRUE(lone.TakeSent().empty());
}

TEST(Rfc8445, Section11_AClosedSessionSendsNoKeepalives) {
  LoneAgent lone(WithoutConsent());
  Connect(lone);
  lone.agent().Close(lone.now());
  lone.Drain();
  lone.RunFor(100s);
  EXPECT_TRUE(lone.TakeSent().empty());
}

TEST(Rfc8445, Section11_ACheckAfterConcludingIsAnsweredWithoutFurtherEffect) {
  LoneAgent lone;
  Connect(lone);
  lone.ReceiveCheck(Addr("198.51.100.9:4444"));
  EXPECT_EQ(lone.TakeSent().size(), 1u);
  EXPECT_EQ(lone.agent().CheckListSnapshot().size(), 1u);
  EXPECT_EQ(lone.agent().SelectedPair(0, 1)->remote.address, kPeer);
}

TEST(Rfc8445, Section12_1_DataGoesOnAValidPairAndThenOnTheSelectedOneOnly) {
  AgentOptions options = As(Role::kControlled);
  LoneAgent lone(options);
  lone.SetRemote(
      {LoneAgent::Host("192.0.2.9:9000", "1", 1, 0, 200), LoneAgent::Host("192.0.2.8:9000", "2", 1, 0, 100)});
  const std::vector<std::uint8_t> data = {200};
  const Sent first = lone.NextCheck(), second = lone.NextCheck();
  EXPECT_FALSE(lone.agent().SendData(lone.now(), 0, 1, data));
  lone.AnswerSuccess(first);
  lone.AnswerSuccess(second);
  EXPECT_TRUE(lone.agent().SendData(lone.now(), 0, 1, data));
  lone.Drain();
  EXPECT_EQ(lone.TakeSent(PacketClass::kData)[0].to, kPeer);  // the better one
  lone.ReceiveCheck(second.to, {.use_candidate = true, .role = Role::kControlling});
  EXPECT_TRUE(lone.agent().SendData(lone.now(), 0, 1, data));
  lone.Drain();
  EXPECT_EQ(lone.TakeSent(PacketClass::kData)[0].to, second.to);
}

TEST(Rfc8445, Section14_2_BothAgentsUseTheHigherTa) {
  struct Row {
    Duration own;
    std::optional<Duration> peers;
    Duration used;
  };
  for (const Row& row : {Row{50ms, 80ms, 80ms}, Row{80ms, 20ms, 80ms}, Row{20ms, std::nullopt, 50ms}}) {
    AgentOptions options;
    options.ta = row.own;
    LoneAgent lone(options);
    Description remote = LoneAgent::Remote({LoneAgent::Host("192.0.2.9:9000"), LoneAgent::Host("192.0.2.8:9000", "2")});
    remote.ta = row.peers;
    lone.SetRemote(remote);
    const net::Instant first = lone.NextCheck().at;
    EXPECT_EQ(lone.NextCheck().at - first, row.used);
  }
}

TEST(Rfc8445, Section14_2_TheDescriptionSaysTheTa) {
  AgentOptions options;
  options.ta = 20ms;
  LoneAgent lone(options);
  EXPECT_THAT(Serialize(lone.agent().LocalDescription()), testing::HasSubstr("a=ice-pacing:20\n"));
}

TEST(Rfc8445, Section14_2_AllAgentsOfAMachineTogetherStartOneTransactionEach5Ms) {
  HostPacer pacer;
  net::SeededRandom random(1, "agents");
  std::vector<std::unique_ptr<Agent>> agents;
  std::vector<net::Instant> starts;
  const auto drain = [&](Agent& agent, net::Instant now) {
    std::vector<OpenSocket> opened;
    while (const auto output = agent.PollOutput()) {
      if (const auto* open = std::get_if<OpenSocket>(&*output)) opened.push_back(*open);
      const auto* send = std::get_if<SendDatagram>(&*output);
      if (send != nullptr && send->packet_class == PacketClass::kCheck) starts.push_back(now);
    }
    return opened;
  };
  const LocalAddress local = Local("192.0.2.1");
  for (int i = 0; i < 20; ++i) {
    agents.push_back(std::make_unique<Agent>(AgentOptions{}, random, &pacer));
    agents.back()->StartGathering({}, std::span(&local, 1));
    for (const OpenSocket& open : drain(*agents.back(), {})) {
      agents.back()->OnSocketOpened({}, open.tag, open.local.WithPort(static_cast<std::uint16_t>(5000 + i)));
    }
    std::vector<Candidate> told;
    for (int k = 0; k < 5; ++k)
      told.push_back(LoneAgent::Host("192.0.2.9:" + std::to_string(9000 + k), std::to_string(k)));
    drain(*agents.back(), {});
    agents.back()->SetRemote({}, LoneAgent::Remote(told));
    drain(*agents.back(), {});
  }
  for (net::Instant now; now < net::Instant() + 2s; now += 1ms) {
    for (auto& agent : agents) {
      if (agent->NextTimer() <= now) agent->OnTimer(now);
      drain(*agent, now);
    }
  }
  ASSERT_EQ(starts.size(), 100u);
  for (std::size_t i = 1; i < starts.size(); ++i) EXPECT_GE(starts[i] - starts[i - 1], 5ms);
}

TEST(Rfc8445, Section14_3_NoRtoIsBelow500Ms) {
  AgentOptions options;
  options.ta = 5ms;
  LoneAgent lone(options);
  Description remote = LoneAgent::Remote({LoneAgent::Host("192.0.2.9:9000")});
  remote.ta = 5ms;
  lone.SetRemote(remote);
  lone.RunFor(499ms);
  EXPECT_TRUE(lone.TakeSent(PacketClass::kRetransmittedCheck).empty());
  lone.RunFor(1ms);
  EXPECT_EQ(lone.TakeSent(PacketClass::kRetransmittedCheck).size(), 1u);
}

// Twelve requests at Ta 50 ms: MAX(500 ms, 50 ms * 12).
TEST(Rfc8445, Section14_3_GatheringRtoGrowsWithTheNumberOfCandidates) {
  AgentOptions options;
  options.gathering_deadline = 10s;
  for (int i = 1; i <= 12; ++i) options.stun_servers.push_back(Addr("198.51.100." + std::to_string(i) + ":3478"));
  LoneAgent lone(options);
  lone.RunFor(599ms);
  EXPECT_EQ(lone.TakeSent(PacketClass::kDiscovery).size(), 12u);
  lone.RunFor(1ms);
  const std::vector<Sent> again = lone.TakeSent(PacketClass::kDiscovery);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].to, Addr("198.51.100.1:3478"));
}

}  // namespace
}  // namespace pinhole::ice
