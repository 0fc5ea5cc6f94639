// RFC 8445 §7.1 and §7.2: the checks that an agent sends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "tests/ice/lone_agent.h"
#include "tests/ice/test_network.h"

namespace pinhole::ice {
namespace {

using namespace std::chrono_literals;
using net::PacketClass;
using stun::AttributeType;

const SocketAddress kPeer = Addr("192.0.2.9:9000");

AgentOptions As(Role role) {
  AgentOptions options;
  options.role = role;
  return options;
}

TEST(Rfc8445, Section7_1_1_PriorityIsThatOfAPeerReflexiveCandidate) {
  LoneAgent lone;
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  // (110 << 24) + (65535 << 8) + 255
  EXPECT_EQ(lone.NextCheck().message().Get<stun::Priority>()->value, 1862270975u);
}

TEST(Rfc8445, Section7_1_2_OnlyTheControllingAgentSendsUseCandidateAndOnlyToNominate) {
  LoneAgent controlling;
  controlling.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  const Sent first = controlling.NextCheck();
  EXPECT_FALSE(first.message().Has(AttributeType::kUseCandidate));
  controlling.AnswerSuccess(first);
  EXPECT_TRUE(controlling.NextCheck().message().Has(AttributeType::kUseCandidate));

  LoneAgent controlled(As(Role::kControlled));
  controlled.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  controlled.AnswerSuccess(controlled.NextCheck());
  controlled.ReceiveCheck(kPeer, {.use_candidate = true, .role = Role::kControlling});
  controlled.RunFor(20s);
  for (const Sent& sent : controlled.all_sent()) EXPECT_FALSE(sent.message().Has(AttributeType::kUseCandidate));
}

TEST(Rfc8445, Section7_1_3_EachCheckSaysTheRoleWithTheTieBreaker) {
  LoneAgent controlling;
  controlling.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  const Sent a = controlling.NextCheck();
  EXPECT_EQ(a.message().Get<stun::IceControlling>()->value, controlling.agent().tie_breaker());
  EXPECT_FALSE(a.message().Has(AttributeType::kIceControlled));

  LoneAgent controlled(As(Role::kControlled));
  controlled.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  const Sent b = controlled.NextCheck();
  EXPECT_EQ(b.message().Get<stun::IceControlled>()->value, controlled.agent().tie_breaker());
  EXPECT_FALSE(b.message().Has(AttributeType::kIceControlling));
}

TEST(Rfc8445, Section16_1_TheTieBreakerIsTheSameInAllRequestsOfASession) {
  AgentOptions options;
  options.components = {1, 1};
  LoneAgent lone(options);
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000"), LoneAgent::Host("192.0.2.9:9001", "2", 1, 1)});
  EXPECT_EQ(lone.NextCheck().message().Get<stun::IceControlling>()->value,
            lone.NextCheck().message().Get<stun::IceControlling>()->value);
}

// An agent with a relayed candidate, its TURN server, and the network between them.
struct RelayedSide {
  RelayedSide() {
    net.AddServer(server);
    AgentOptions options;
    options.turn_servers = {{server, "user", "secret"}};
    a = net.Add("alice", options, {Local("192.0.2.1")});
    net.set_delay(20ms);
    net.Start(a);
    net.RunUntil(At(900ms));
    net.agent(a).SetRemote(net.now(), LoneAgent::Remote({LoneAgent::Host("203.0.113.9:9000")}));
    net.Drain(a);
  }
  TestNetwork net;
  SocketAddress server = Addr("198.51.100.1:3478");
  int a = 0;
};

TEST(Rfc8445, Section7_2_1_APermissionTowardsThePeersAddressPrecedesTheFirstCheckThroughARelay) {
  RelayedSide side;
  side.net.RunUntil(side.net.now() + 1s);
  const std::vector<WirePacket> turn = side.net.Sent(side.a, PacketClass::kTurn);
  ASSERT_FALSE(turn.empty());
  const WirePacket& permission = turn.back();
  const stun::MessageView request = *stun::MessageView::Parse(permission.bytes);
  EXPECT_EQ(request.method(), stun::Method::kCreatePermission);
  EXPECT_EQ(request.Get<stun::XorPeerAddress>()->address.address(), Addr("203.0.113.9:9000").address());
  std::vector<WirePacket> relayed;
  for (const WirePacket& check : side.net.Sent(side.a, PacketClass::kCheck)) {
    if (check.to == side.server) relayed.push_back(check);
  }
  ASSERT_EQ(relayed.size(), 1u);
  EXPECT_GE(relayed[0].sent, permission.sent + 40ms);  // when the server has answered
}

TEST(Rfc8445, Section7_2_2_UsernameIsThePeersUfragThenOursAndTheKeyIsThePeersPassword) {
  LoneAgent lone;
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  const Sent check = lone.NextCheck();
  EXPECT_EQ(std::string(check.message().Get<stun::Username>()->text),
            std::string(LoneAgent::kPeerUfrag) + ":" + lone.agent().LocalDescription().ufrag);
  EXPECT_TRUE(check.message().CheckIntegrity(stun::HmacSha1Key(absl::string_view(LoneAgent::kPeerPassword))));
}

TEST(Rfc8445, Section7_2_4_ChecksHaveAFingerprintAndLeaveFromTheBase) {
  LoneAgent lone({}, {"192.0.2.1", "192.0.2.2"});
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  for (std::uint32_t tag : {0u, 1u}) {
    const Sent check = lone.NextCheck();
    EXPECT_TRUE(check.message().FingerprintOk());
    EXPECT_EQ(check.tag, SocketTag(tag));
  }
}

TEST(Rfc8445, Section7_2_5_1_A487SwitchesTheRoleThatTheRequestClaimed) {
  for (Role role : {Role::kControlling, Role::kControlled}) {
    LoneAgent lone(As(role));
    lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
    const std::uint64_t before = lone.agent().tie_breaker();
    lone.AnswerError(lone.NextCheck(), 487);
    EXPECT_EQ(lone.agent().role(), Opposite(role));
    EXPECT_NE(lone.agent().tie_breaker(), before);  // MUST change it.
    EXPECT_EQ(lone.PairTo(kPeer).state, PairState::kWaiting);
    const Sent again = lone.NextCheck();  // MUST be enqueued.
    EXPECT_EQ(again.to, kPeer);
    EXPECT_EQ(again.message().Has(AttributeType::kIceControlling), role == Role::kControlled);
  }
}

TEST(Rfc8445, Section7_2_5_1_ASecond487ForRequestsOfTheOldRoleDoesNotSwitchBack) {
  LoneAgent lone;
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000"), LoneAgent::Host("192.0.2.8:9000", "2")});
  const Sent first = lone.NextCheck(), second = lone.NextCheck();
  lone.AnswerError(first, 487);
  lone.AnswerError(second, 487);
  EXPECT_EQ(lone.agent().role(), Role::kControlled);
}

// An agent that switches its role and then nominates. As the controlled agent it has sent checks to a host and to a
// reflexive candidate. A 487 has made it the controlling agent, and it is now nominating the host pair, because no pair
// can be better.
struct NominatingAfterASwitch {
  NominatingAfterASwitch() : lone(As(Role::kControlled)) {
    Candidate reflexive = LoneAgent::Host("203.0.113.9:9000", "2", 1, 0, 1694498815);
    reflexive.type = CandidateType::kServerReflexive;
    lone.SetRemote({LoneAgent::Host("192.0.2.9:9000"), reflexive});
    const Sent first = lone.NextCheck();
    old = lone.NextCheck();
    lone.AnswerError(first, 487);
    lone.AnswerSuccess(lone.NextCheck());
    nomination = lone.NextCheck();
    EXPECT_TRUE(nomination.message().Has(AttributeType::kUseCandidate));
    EXPECT_EQ(nomination.to, kPeer);
  }
  LoneAgent lone;
  Sent old;         // the check of the other pair, sent in the old role
  Sent nomination;  // the check that nominates, not answered yet
};

TEST(Rfc8445, Section7_2_5_1_A487ToAnOldRequestLetsNoOtherCheckOutBesideANomination) {
  for (bool refused : {false, true}) {  // Otherwise it is the old check's turn to be resent, which it may not be.
    NominatingAfterASwitch agent;
    if (refused) agent.lone.AnswerError(agent.old, 487);
    agent.lone.RunFor(3s);
    EXPECT_TRUE(agent.lone.TakeSent(PacketClass::kCheck).empty());
    for (const Sent& sent : agent.lone.all_sent()) {
      if (sent.at > agent.nomination.at) {
        EXPECT_EQ(sent.bytes, agent.nomination.bytes);
      }
    }
    EXPECT_EQ(agent.lone.agent().role(), Role::kControlling);
    agent.lone.AnswerSuccess(agent.nomination);
    EXPECT_EQ(agent.lone.Count<Connected>(), 1);
  }
}

TEST(Rfc8445, Section7_2_5_1_A487ToACheckThatWasReplacedDoesNotCancelTheNomination) {
  LoneAgent lone(As(Role::kControlled));
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000"), LoneAgent::Host("192.0.2.8:9000", "2", 1, 0, 7)});
  const Sent old = lone.NextCheck();
  lone.AnswerError(lone.NextCheck(), 487);
  lone.ReceiveCheck(kPeer);  // replaces the check under way
  for (Sent check = lone.NextCheck(); check.to != kPeer; check = lone.NextCheck()) {
  }
  ASSERT_EQ(lone.PairTo(kPeer).checks, 2);
  lone.AnswerSuccess(lone.all_sent().back());
  Sent nomination = lone.NextCheck();
  ASSERT_TRUE(nomination.message().Has(AttributeType::kUseCandidate));
  lone.AnswerError(old, 487);
  EXPECT_EQ(lone.PairTo(kPeer).state, PairState::kInProgress);
  EXPECT_EQ(lone.PairTo(kPeer).nomination, Nomination::kChosen);
  lone.RunFor(499ms);
  EXPECT_TRUE(lone.TakeSent(PacketClass::kCheck).empty());
}

// RFC 8445 §8.1.1: the pair was in the triggered-check queue only to be nominated, and this agent may no longer
// nominate.
TEST(Rfc8445, Section7_2_5_1_ANominationNotYetSentIsDroppedWithTheRole) {
  LoneAgent lone;
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000"), LoneAgent::Host("192.0.2.8:9000", "2", 1, 0, 7)});
  const Sent first = lone.NextCheck(), second = lone.NextCheck();
  lone.AnswerSuccess(first);
  ASSERT_EQ(lone.PairTo(kPeer).nomination, Nomination::kChosen);  // and in the queue, until the pacer has a slot
  lone.AnswerError(second, 487);
  EXPECT_EQ(lone.agent().role(), Role::kControlled);
  EXPECT_EQ(lone.NextCheck().to, Addr("192.0.2.8:9000"));
  lone.RunFor(5s);
  EXPECT_TRUE(lone.TakeSent(PacketClass::kCheck).empty());
  EXPECT_EQ(lone.PairTo(kPeer).state, PairState::kSucceeded);
}

// The role changes and changes back while the nominating check is open: the pair is nominated by a new check, and the
// one that it replaces is not retransmitted any more, as with a triggered check (RFC 8445 §7.3.1.4).
TEST(Rfc8445, Section8_1_1_ANominationAfterTheRoleCameBackReplacesTheOpenCheck) {
  const SocketAddress other = Addr("192.0.2.8:9000");
  LoneAgent lone;
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000"), LoneAgent::Host("192.0.2.8:9000", "2", 1, 0, 7)});
  const Sent first = lone.NextCheck(), second = lone.NextCheck();
  lone.AnswerSuccess(first);
  const Sent replaced = lone.NextCheck();
  ASSERT_TRUE(replaced.message().Has(AttributeType::kUseCandidate));
  lone.AnswerError(second, 487);
  ASSERT_EQ(lone.agent().role(), Role::kControlled);
  lone.ReceiveCheck(other, {.role = Role::kControlled, .tie_breaker = 0});
  ASSERT_EQ(lone.agent().role(), Role::kControlling);
  Sent nomination = lone.NextCheck();
  while (!nomination.message().Has(AttributeType::kUseCandidate)) nomination = lone.NextCheck();
  ASSERT_EQ(nomination.to, kPeer);
  EXPECT_NE(nomination.message().transaction_id(), replaced.message().transaction_id());
  EXPECT_EQ(lone.agent().BrokenInvariant(), nullptr);
  lone.TakeSent();
  lone.RunFor(3s);
  for (const Sent& sent : lone.TakeSent(PacketClass::kRetransmittedCheck)) EXPECT_NE(sent.bytes, replaced.bytes);
  lone.AnswerSuccess(nomination);
  EXPECT_EQ(lone.agent().SelectedPair(0, 1)->remote.address, kPeer);
}

// The peer has answered the agent's nomination with success, and an earlier check with 487.
TEST(Rfc8445, Section7_2_5_1_A487ThatOvertakesTheSuccessOfOurNominationTakesNothingOfItBack) {
  for (bool refused_first : {true, false}) {
    LoneAgent lone;
    lone.SetRemote({LoneAgent::Host("192.0.2.9:9000"), LoneAgent::Host("192.0.2.8:9000", "2", 1, 0, 7)});
    const Sent first = lone.NextCheck(), second = lone.NextCheck();
    lone.AnswerSuccess(first);
    const Sent nomination = lone.NextCheck();
    ASSERT_TRUE(nomination.message().Has(AttributeType::kUseCandidate));
    if (refused_first) lone.AnswerError(second, 487);
    lone.AnswerSuccess(nomination);
    if (!refused_first) lone.AnswerError(second, 487);
    EXPECT_EQ(lone.Count<PairNominated>(), 1);
    EXPECT_EQ(lone.agent().SelectedPair(0, 1)->remote.address, kPeer);
    EXPECT_EQ(lone.agent().SelectedPair(0, 1)->nomination, Nomination::kNominated);
    lone.RunFor(5s);
    EXPECT_TRUE(lone.TakeSent(PacketClass::kCheck).empty());
  }
}

// The agent has answered the peer's nomination with success. The triggered check is open when a 487 makes the agent
// controlling. The peer regards the pair as nominated.
TEST(Rfc8445, Section7_2_5_1_A487ThatOvertakesTheSuccessOfThePeersNominationTakesNothingOfItBack) {
  LoneAgent lone(As(Role::kControlled));
  lone.SetRemote({LoneAgent::Host("192.0.2.8:9000", "2"), LoneAgent::Host("192.0.2.9:9000", "1", 1, 0, 7)});
  const Sent other = lone.NextCheck();
  lone.NextCheck();
  lone.ReceiveCheck(kPeer, {.use_candidate = true, .role = Role::kControlling});
  Sent triggered = lone.NextCheck();
  ASSERT_EQ(triggered.to, kPeer);
  lone.AnswerError(other, 487);
  ASSERT_EQ(lone.agent().role(), Role::kControlling);
  const Sent again = lone.NextCheck();
  ASSERT_EQ(again.to, other.to);
  lone.AnswerSuccess(again);  // A better pair, and ours to nominate, were the peer's nomination not accepted.
  lone.RunFor(200ms);
  lone.AnswerSuccess(triggered);
  EXPECT_EQ(lone.Count<PairNominated>(), 1);
  EXPECT_EQ(lone.agent().SelectedPair(0, 1)->remote.address, kPeer);
  lone.RunFor(5s);
  for (const Sent& sent : lone.all_sent()) EXPECT_FALSE(sent.message().Has(AttributeType::kUseCandidate));
}

TEST(Rfc8445, Section7_2_5_1_PairPrioritiesFollowTheRole) {
  LoneAgent lone;
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000", "1", 1, 0, 100)});
  const std::uint64_t before = lone.PairTo(kPeer).priority;
  lone.AnswerError(lone.NextCheck(), 487);
  EXPECT_EQ(lone.PairTo(kPeer).priority, before - 1);  // G is no longer the larger.
}

TEST(Rfc8445, Section7_2_5_2_FailureDoesNotChangeOtherPairsOfTheFoundation) {
  LoneAgent lone;
  lone.SetRemote(
      {LoneAgent::Host("192.0.2.9:9000", "1", 1, 0, 200), LoneAgent::Host("192.0.2.8:9000", "1", 1, 0, 100)});
  lone.AnswerError(lone.NextCheck(), 500);
  EXPECT_EQ(lone.PairTo(Addr("192.0.2.8:9000")).state, PairState::kFrozen);
}

TEST(Rfc8445, Section7_2_5_2_1_AResponseFromAnotherAddressFailsThePair) {
  LoneAgent lone;
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  lone.AnswerSuccess(lone.NextCheck(), {}, Addr("192.0.2.9:9001"));
  EXPECT_EQ(lone.PairTo(kPeer).state, PairState::kFailed);
  EXPECT_EQ(lone.PairTo(kPeer).end, PairEnd::kNotSymmetric);
  EXPECT_EQ(lone.Count<PairValid>(), 0);
}

TEST(Rfc8445, Section7_2_5_2_1_AResponseToAnotherLocalAddressFailsThePair) {
  LoneAgent lone({}, {"192.0.2.1", "192.0.2.2"});
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  Sent check = lone.NextCheck();
  check.tag = SocketTag(1);
  lone.AnswerSuccess(check);
  EXPECT_EQ(lone.PairTo(kPeer).end, PairEnd::kNotSymmetric);
}

TEST(Rfc8445, Section7_2_5_2_2_IcmpErrorsAreIgnoredByDefaultAndHonouredByOption) {
  for (bool honoured : {false, true}) {
    AgentOptions options;
    options.icmp_fails_pairs = honoured;
    LoneAgent lone(options);
    lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
    lone.NextCheck();
    lone.agent().OnIcmp(lone.now(), SocketTag(0), kPeer, net::IcmpError::Kind::kHostUnreachable);  // soft
    EXPECT_EQ(lone.PairTo(kPeer).state, PairState::kInProgress);
    lone.agent().OnIcmp(lone.now(), SocketTag(0), kPeer, net::IcmpError::Kind::kPortUnreachable);
    EXPECT_EQ(lone.PairTo(kPeer).end, honoured ? PairEnd::kIcmpError : PairEnd::kNone);
    EXPECT_EQ(lone.PairTo(kPeer).icmp_errors, 2);
  }
}

TEST(Rfc8445, Section7_2_5_2_3_ATimeoutFailsThePair) {
  LoneAgent lone;
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  lone.RunFor(39499ms);
  EXPECT_EQ(lone.PairTo(kPeer).state, PairState::kInProgress);
  lone.RunFor(1ms);
  EXPECT_EQ(lone.PairTo(kPeer).state, PairState::kFailed);
  EXPECT_EQ(lone.PairTo(kPeer).end, PairEnd::kTimeout);
}

// RFC 8489 §9.1.4: "instead of signaling a timeout".
TEST(Rfc8445, Section7_2_5_2_3_ATimeoutAfterAnswersWithoutThePeersIntegritySaysThatItWasViolated) {
  LoneAgent lone;
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  const Sent check = lone.NextCheck();
  lone.AnswerSuccess(check, {}, {}, "anotherpasswordanotherpass");
  EXPECT_EQ(lone.PairTo(kPeer).state, PairState::kInProgress);
  lone.RunFor(39500ms);
  EXPECT_EQ(lone.PairTo(kPeer).state, PairState::kFailed);
  EXPECT_EQ(lone.PairTo(kPeer).end, PairEnd::kIntegrityViolated);
  EXPECT_GT(lone.PairTo(kPeer).sends, 1);
}

// A message that does not answer the check is no violation: a wrong fingerprint (RFC 8489 §6.3), another hash
// (RFC 8489 §9.1.4).
TEST(Rfc8445, Section7_2_5_2_3_WhatIsNoAnswerLeavesItATimeout) {
  LoneAgent lone;
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  const Sent check = lone.NextCheck();
  std::array<std::uint8_t, stun::kMessageBytesMax> buffer;
  const auto begin = [&] {
    return stun::MessageBuilder(buffer, stun::MessageClass::kSuccess, stun::Method::kBinding,
                                check.message().transaction_id());
  };
  stun::MessageBuilder unprinted = begin();
  lone.Receive(kPeer, unprinted.Finish().value());
  stun::MessageBuilder sha256 = begin();
  sha256.AddIntegritySha256(stun::HmacSha256Key(absl::string_view("anotherpassword"))).AddFingerprint();
  lone.Receive(kPeer, sha256.Finish().value());
  lone.RunFor(39500ms);
  EXPECT_EQ(lone.PairTo(kPeer).end, PairEnd::kTimeout);
}

TEST(Rfc8445, Section7_2_5_2_4_AnErrorResponseFailsThePair) {
  LoneAgent lone;
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  lone.AnswerError(lone.NextCheck(), 400);
  EXPECT_EQ(lone.PairTo(kPeer).end, PairEnd::kErrorResponse);
  EXPECT_EQ(lone.PairTo(kPeer).error_code, 400);
}

TEST(Rfc8445, Section7_2_5_3_1_AnUnknownMappedAddressIsANewPeerReflexiveCandidate) {
  LoneAgent lone;
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  const Sent check = lone.NextCheck();
  lone.AnswerSuccess(check, Addr("203.0.113.7:7777"));
  const std::vector<Candidate>& candidates = lone.agent().LocalCandidates();
  ASSERT_EQ(candidates.size(), 2u);
  EXPECT_EQ(candidates[1].type, CandidateType::kPeerReflexive);
  EXPECT_EQ(candidates[1].address, Addr("203.0.113.7:7777"));
  EXPECT_EQ(candidates[1].base, lone.address(SocketTag(0)));
  EXPECT_EQ(candidates[1].priority, check.message().Get<stun::Priority>()->value);
  EXPECT_FALSE(candidates[1].foundation == candidates[0].foundation);
  EXPECT_EQ(lone.agent().CheckListSnapshot().size(), 1u);  // It is not paired with anything else.
}

TEST(Rfc8445, Section7_2_5_3_2_TheValidPairsLocalCandidateIsTheMappedAddress) {
  AgentOptions options;
  options.stun_servers = {Addr("198.51.100.1:3478")};
  LoneAgent lone(options, {"10.0.0.1"});
  lone.AnswerSuccess(lone.TakeSent(PacketClass::kDiscovery)[0], Addr("203.0.113.7:7777"));
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  lone.AnswerSuccess(lone.NextCheck(), Addr("203.0.113.7:7777"));
  const PairView pair = lone.PairTo(kPeer);
  EXPECT_TRUE(pair.valid);
  EXPECT_EQ(pair.mapped->type, CandidateType::kServerReflexive);
  EXPECT_EQ(pair.local.type, CandidateType::kHost);
}

TEST(Rfc8445, Section7_2_5_3_2_Case2_AnotherPairOfTheListMayBecomeValid) {
  LoneAgent lone({}, {"192.0.2.1", "192.0.2.2"});
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  // Sent from the first address, seen as the second.
  lone.AnswerSuccess(lone.NextCheck(), lone.address(SocketTag(1)));
  const std::vector<PairView> pairs = lone.agent().CheckListSnapshot();
  ASSERT_EQ(pairs.size(), 2u);
  for (const PairView& pair : pairs) {
    EXPECT_EQ(pair.state, PairState::kSucceeded);
    EXPECT_EQ(pair.valid, pair.base == lone.address(SocketTag(1)));
  }
}

TEST(Rfc8445, Section7_2_5_3_4_SuccessOfTheNominatingCheckNominatesThePair) {
  LoneAgent lone;
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  lone.AnswerSuccess(lone.NextCheck());
  const Sent nomination = lone.NextCheck();
  EXPECT_EQ(lone.PairTo(kPeer).nomination, Nomination::kChosen);
  lone.AnswerSuccess(nomination);
  EXPECT_EQ(lone.PairTo(kPeer).nomination, Nomination::kNominated);
}

TEST(Rfc8445, Section7_2_5_3_4_AFailedNominationFailsPairAndChecklist) {
  AgentOptions options;
  options.pac_timer = 0ms;
  LoneAgent lone(options);
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  lone.AnswerSuccess(lone.NextCheck());
  lone.NextCheck();
  lone.RunFor(39500ms);
  EXPECT_EQ(lone.PairTo(kPeer).state, PairState::kFailed);
  EXPECT_FALSE(lone.PairTo(kPeer).valid);  // MUST leave the valid list.
  EXPECT_EQ(lone.agent().check_list_state(0), CheckListState::kFailed);
  ASSERT_TRUE(lone.agent().failure().has_value());
  EXPECT_EQ(lone.agent().failure()->phase, Phase::kNominating);
  EXPECT_EQ(lone.agent().failure()->reason, FailureReason::kNominationFailed);
}

TEST(Rfc8445, Section7_2_5_3_4_AFailedTriggeredCheckOfANominationFailsTheControlledSide) {
  AgentOptions options = As(Role::kControlled);
  options.pac_timer = 0ms;
  LoneAgent lone(options);
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  lone.NextCheck();
  lone.ReceiveCheck(kPeer, {.use_candidate = true, .role = Role::kControlling});
  lone.RunFor(40s);
  EXPECT_EQ(lone.agent().check_list_state(0), CheckListState::kFailed);
  EXPECT_EQ(lone.agent().failure()->reason, FailureReason::kNominationFailed);
}

TEST(Rfc8445, Section7_2_5_4_AChecklistFailsWhenAllPairsHaveEndedAndAComponentHasNoValidPair) {
  AgentOptions options;
  options.components = {2};
  options.pac_timer = 0ms;
  LoneAgent lone(options);
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000", "1", 1), LoneAgent::Host("192.0.2.9:9001", "2", 2)});
  lone.NextCheck();
  lone.AnswerError(lone.NextCheck(), 500);
  EXPECT_EQ(lone.agent().check_list_state(0), CheckListState::kRunning);
  lone.RunFor(40s);
  EXPECT_EQ(lone.agent().check_list_state(0), CheckListState::kFailed);
}

}  // namespace
}  // namespace pinhole::ice
