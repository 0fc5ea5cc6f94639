// RFC 8445 §7.3: the checks that the peer sends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "ice/role_conflict.h"
#include "tests/ice/lone_agent.h"
#include "tests/ice/test_network.h"

namespace pinhole::ice {
namespace {

using namespace std::chrono_literals;
using net::PacketClass;
using stun::AttributeType;
using stun::MessageClass;

const SocketAddress kPeer = Addr("192.0.2.9:9000");
const SocketAddress kUnknown = Addr("198.51.100.9:4444");

AgentOptions As(Role role, std::uint64_t tie_breaker = 100) {
  AgentOptions options;
  options.role = role;
  options.tie_breaker = tie_breaker;
  return options;
}

// The one response to the check that was just received. The agent may have sent checks with it, but nothing else.
Sent AnswerOf(LoneAgent& lone) {
  const std::vector<Sent> answers = lone.TakeSent(PacketClass::kResponse);
  EXPECT_EQ(answers.size(), 1u);
  return answers.empty() ? Sent{} : answers[0];
}

int ErrorOf(const Sent& answer) {
  const auto error = answer.message().Get<stun::ErrorCode>();
  return error.has_value() ? error->code : 0;
}

TEST(Rfc8445, Section7_3_TheAnswerHasTheMappedAddressAndIsProtectedByOurPassword) {
  LoneAgent lone;
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  lone.TakeSent();
  const stun::TransactionId id = lone.ReceiveCheck(kUnknown);
  const Sent answer = AnswerOf(lone);
  EXPECT_EQ(answer.to, kUnknown);
  EXPECT_EQ(answer.message().transaction_id(), id);
  EXPECT_EQ(answer.message().Get<stun::XorMappedAddress>()->address, kUnknown);
  EXPECT_TRUE(
      answer.message().CheckIntegrity(stun::HmacSha1Key(absl::string_view(lone.agent().LocalDescription().password))));
  EXPECT_TRUE(answer.message().FingerprintOk());
  EXPECT_FALSE(answer.message().Has(AttributeType::kUsername));
}

TEST(Rfc8445, Section7_3_RequestsWithoutGoodIntegrityAreRefused) {
  LoneAgent lone;
  const std::string local = lone.agent().LocalDescription().ufrag;
  struct Row {
    PeerCheck check;
    int code;
  };
  PeerCheck wrong_password;
  wrong_password.password = "wrong password wrong password";
  PeerCheck wrong_user;
  wrong_user.username = "nobody:PEER";
  PeerCheck no_colon;
  no_colon.username = local;
  PeerCheck longer_user;
  longer_user.username = local + "x:PEER";
  PeerCheck no_user;
  no_user.with_username = false;
  PeerCheck no_integrity;
  no_integrity.with_integrity = false;
  for (const Row& row : {Row{wrong_password, 401}, Row{wrong_user, 401}, Row{no_colon, 401}, Row{longer_user, 401},
                         Row{no_user, 400}, Row{no_integrity, 400}}) {
    lone.ReceiveCheck(kUnknown, row.check);
    const Sent answer = AnswerOf(lone);
    EXPECT_EQ(ErrorOf(answer), row.code);
    EXPECT_FALSE(answer.message().HasIntegrity());
  }
  EXPECT_EQ(lone.agent().counters().requests_refused, 6);
}

TEST(Rfc8445, Section7_3_ARequestWithoutFingerprintIsNotACheck) {
  LoneAgent lone;
  PeerCheck check;
  check.with_fingerprint = false;
  lone.ReceiveCheck(kUnknown, check);
  EXPECT_TRUE(lone.TakeSent().empty());
}

TEST(Rfc8445, Section7_3_AnUnknownRequiredAttributeGets420) {
  LoneAgent lone;
  PeerCheck check;
  check.unknown_attribute = 0x7777;
  lone.ReceiveCheck(kUnknown, check);
  const Sent answer = AnswerOf(lone);
  EXPECT_EQ(ErrorOf(answer), 420);
  EXPECT_EQ(static_cast<int>(answer.message().Get<stun::UnknownAttributes>()->list()[0]), 0x7777);
}

TEST(Rfc8445, Section7_3_ACheckBeforeThePeersCandidatesIsAnsweredAtOnceAndActedOnLater) {
  LoneAgent lone(As(Role::kControlled));
  lone.ReceiveCheck(kUnknown, {.role = Role::kControlling});
  EXPECT_EQ(AnswerOf(lone).message().message_class(), MessageClass::kSuccess);
  EXPECT_TRUE(lone.agent().CheckListSnapshot().empty());
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  EXPECT_EQ(lone.NextCheck().to, kUnknown);  // triggered, so ahead of the ordinary one
  EXPECT_EQ(lone.NextCheck().to, kPeer);
}

TEST(Rfc8445, Section7_3_ANominationBeforeThePeersCandidatesIsActedOnLater) {
  LoneAgent lone(As(Role::kControlled));
  lone.ReceiveCheck(kPeer, {.use_candidate = true, .role = Role::kControlling});
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  lone.AnswerSuccess(lone.NextCheck());
  EXPECT_EQ(lone.Count<Connected>(), 1);
}

TEST(Rfc8445, Section7_3_AlternateServerIsNotUsed) {
  LoneAgent lone;
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  lone.AnswerError(lone.NextCheck(), 300);
  EXPECT_EQ(lone.PairTo(kPeer).end, PairEnd::kErrorResponse);
}

TEST(Rfc8445, Section7_3_1_1_TheTableOfRoleConflicts) {
  constexpr Role kCing = Role::kControlling, kCed = Role::kControlled;
  struct Row {
    Role own;
    std::uint64_t own_tie_breaker;
    Role claimed;
    std::uint64_t claimed_tie_breaker;
    ConflictAction action;
  };
  constexpr Row kRows[] = {
      {kCing, 5, kCing, 4, ConflictAction::kRefuse}, {kCing, 5, kCing, 5, ConflictAction::kRefuse},
      {kCing, 5, kCing, 6, ConflictAction::kSwitch}, {kCed, 5, kCed, 4, ConflictAction::kSwitch},
      {kCed, 5, kCed, 5, ConflictAction::kSwitch},   {kCed, 5, kCed, 6, ConflictAction::kRefuse},
      {kCing, 5, kCed, 9, ConflictAction::kNone},    {kCed, 5, kCing, 9, ConflictAction::kNone},
  };
  for (const Row& row : kRows) {
    EXPECT_EQ(ResolveRoleConflict(row.own, row.own_tie_breaker, row.claimed, row.claimed_tie_breaker), row.action);
    LoneAgent lone(As(row.own, row.own_tie_breaker));
    lone.ReceiveCheck(kUnknown, {.role = row.claimed, .tie_breaker = row.claimed_tie_breaker});
    EXPECT_EQ(ErrorOf(AnswerOf(lone)), row.action == ConflictAction::kRefuse ? 487 : 0);
    EXPECT_EQ(lone.agent().role(), row.action == ConflictAction::kSwitch ? Opposite(row.own) : row.own);
  }
}

TEST(Rfc8445, Section7_3_1_1_ASwitchRecomputesPairPriorities) {
  LoneAgent lone(As(Role::kControlling, 5));
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000", "1", 1, 0, 100)});
  const std::uint64_t before = lone.PairTo(kPeer).priority;
  lone.ReceiveCheck(kPeer, {.role = Role::kControlling, .tie_breaker = 6});
  EXPECT_EQ(lone.PairTo(kPeer).priority, before - 1);
}

// A copy of a request, retransmitted or duplicated by the network, that arrives after the agent has switched its role.
// The peer may act on either response (RFC 8489 §6.3.1).
TEST(Rfc8445, Section7_3_1_1_ADuplicatedRequestIsAnsweredTheSameAfterASwitchOfRoles) {
  {  // Refused by the controlling agent; the controlled one that it is now has no conflict with it.
    LoneAgent lone(As(Role::kControlling, 5));
    PeerCheck check{.role = Role::kControlling, .tie_breaker = 4};
    check.id = lone.ReceiveCheck(kUnknown, check);
    EXPECT_EQ(ErrorOf(AnswerOf(lone)), 487);
    lone.ReceiveCheck(kUnknown, {.role = Role::kControlling, .tie_breaker = 6});
    ASSERT_EQ(lone.agent().role(), Role::kControlled);
    lone.TakeSent();
    lone.ReceiveCheck(kUnknown, check);
    EXPECT_EQ(ErrorOf(AnswerOf(lone)), 487);
  }
  {  // Accepted by the controlled agent; the controlling one that it is now would refuse it.
    LoneAgent lone(As(Role::kControlled, 5));
    PeerCheck check{.role = Role::kControlling, .tie_breaker = 4};
    check.id = lone.ReceiveCheck(kUnknown, check);
    EXPECT_EQ(ErrorOf(AnswerOf(lone)), 0);
    lone.ReceiveCheck(kUnknown, {.role = Role::kControlled, .tie_breaker = 3});
    ASSERT_EQ(lone.agent().role(), Role::kControlling);
    lone.TakeSent();
    lone.ReceiveCheck(kUnknown, check);
    EXPECT_EQ(ErrorOf(AnswerOf(lone)), 0);
    EXPECT_EQ(lone.agent().counters().role_switches, 1);
  }
}

TEST(Rfc8445, Section7_3_1_1_ARefusedRequestHasNoFurtherEffect) {
  LoneAgent lone(As(Role::kControlling, 5));
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  lone.ReceiveCheck(kUnknown, {.role = Role::kControlling, .tie_breaker = 4});
  EXPECT_EQ(lone.agent().CheckListSnapshot().size(), 1u);
}

TEST(Rfc8445, Section7_3_1_2_ThroughARelayTheMappedAddressIsWhatTheTurnServerSaw) {
  TestNetwork net;
  const SocketAddress server = Addr("198.51.100.1:3478");
  net.AddServer(server);
  AgentOptions options;
  options.turn_servers = {{server, "user", "secret"}};
  const int a = net.Add("alice", options, {Local("192.0.2.1")});
  const int b = net.Add("bob", As(Role::kControlled), {Local("192.0.2.2")});
  // All packets between the agents are lost, except those through the server.
  net.set_link([server](const WirePacket& packet) -> std::optional<Duration> {
    const bool by_server = packet.sender < 0 || packet.to.address() == server.address();
    if (!by_server) return std::nullopt;
    return 10ms;
  });
  net.Introduce(a, b);
  net.Start(a);
  net.Start(b);
  net.RunUntilConcluded(a, b, At(60s));
  ASSERT_TRUE(net.agent(b).SelectedPair(0, 1).has_value());
  // Bob's mapped address came from Alice's answer to a check that reached her relayed candidate.
  EXPECT_EQ(net.agent(b).SelectedPair(0, 1)->mapped->address, net.agent(b).SelectedPair(0, 1)->base);
  EXPECT_EQ(net.agent(a).SelectedPair(0, 1)->remote.address, net.agent(b).SelectedPair(0, 1)->base);
}

TEST(Rfc8445, Section7_3_1_3_AnUnknownSourceIsANewPeerReflexiveCandidate) {
  LoneAgent lone;
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  lone.ReceiveCheck(kUnknown, {.priority = 123456});
  const std::vector<Candidate> remotes = lone.agent().RemoteCandidates();
  ASSERT_EQ(remotes.size(), 2u);
  EXPECT_EQ(remotes[1].type, CandidateType::kPeerReflexive);
  EXPECT_EQ(remotes[1].priority, 123456u);
  EXPECT_EQ(remotes[1].address, kUnknown);
  EXPECT_EQ(remotes[1].component, 1);
}

TEST(Rfc8445, Section7_3_1_3_ItIsPairedWithNoOtherLocalCandidate) {
  LoneAgent lone({}, {"192.0.2.1", "192.0.2.2"});
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  lone.ReceiveCheck(kUnknown, {}, SocketTag(1));
  int pairs = 0;
  for (const PairView& pair : lone.agent().CheckListSnapshot()) {
    if (pair.remote.address != kUnknown) continue;
    ++pairs;
    EXPECT_EQ(pair.base, lone.address(SocketTag(1)));
  }
  EXPECT_EQ(pairs, 1);
}

TEST(Rfc8445, Section7_3_1_4_ANewPairIsInsertedWaitingAndCheckedNext) {
  LoneAgent lone;
  lone.SetRemote(
      {LoneAgent::Host("192.0.2.9:9000", "1", 1, 0, 300), LoneAgent::Host("192.0.2.8:9000", "2", 1, 0, 200)});
  lone.NextCheck();
  lone.ReceiveCheck(kUnknown);
  EXPECT_EQ(lone.PairTo(kUnknown).state, PairState::kWaiting);
  EXPECT_EQ(lone.NextCheck().to, kUnknown);
}

TEST(Rfc8445, Section7_3_1_4_ASucceededPairIsNotCheckedAgain) {
  LoneAgent lone(As(Role::kControlled));
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  lone.AnswerSuccess(lone.NextCheck());
  lone.TakeSent();
  for (int i = 0; i < 10; ++i) lone.ReceiveCheck(kPeer, {.role = Role::kControlling});
  lone.RunFor(10s);
  EXPECT_TRUE(lone.TakeSent(PacketClass::kCheck).empty());
}

TEST(Rfc8445, Section7_3_1_4_AnInProgressPairIsCheckedAfreshAndTheOldCheckIsNotRetransmitted) {
  LoneAgent lone;
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  const Sent old = lone.NextCheck();
  lone.RunFor(100ms);
  lone.ReceiveCheck(kPeer);
  const Sent fresh = lone.NextCheck();
  EXPECT_NE(fresh.message().transaction_id(), old.message().transaction_id());
  EXPECT_EQ(fresh.at, At(100ms));
  lone.RunFor(20s);
  for (const Sent& again : lone.TakeSent(PacketClass::kRetransmittedCheck)) EXPECT_EQ(again.bytes, fresh.bytes);
}

TEST(Rfc8445, Section7_3_1_4_AnInProgressPairIsEnqueuedAheadOfOrdinaryChecks) {
  LoneAgent lone;
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000", "1", 1, 0, 300), LoneAgent::Host("192.0.2.8:9000", "2", 1, 0, 200),
                  LoneAgent::Host("192.0.2.7:9000", "3", 1, 0, 100)});
  lone.NextCheck();
  lone.ReceiveCheck(Addr("192.0.2.7:9000"));
  EXPECT_EQ(lone.NextCheck().to, Addr("192.0.2.7:9000"));  // In-Progress from now on
  lone.ReceiveCheck(Addr("192.0.2.7:9000"));
  EXPECT_EQ(lone.NextCheck().to, Addr("192.0.2.7:9000"));  // again, before the higher one that is Waiting
  EXPECT_EQ(lone.NextCheck().to, Addr("192.0.2.8:9000"));
}

TEST(Rfc8445, Section7_3_1_4_ALateAnswerToTheCancelledCheckStillCounts) {
  LoneAgent lone;
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  const Sent old = lone.NextCheck();
  lone.ReceiveCheck(kPeer);
  lone.NextCheck();
  lone.AnswerSuccess(old);
  EXPECT_EQ(lone.PairTo(kPeer).state, PairState::kSucceeded);
}

TEST(Rfc8445, Section7_3_1_4_SilenceToACancelledCheckIsNotAFailure) {
  LoneAgent lone;
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  lone.NextCheck();
  lone.RunUntil(At(10s));
  lone.ReceiveCheck(kPeer);
  lone.RunUntil(At(39600ms));  // The first check's time is over.
  EXPECT_EQ(lone.PairTo(kPeer).state, PairState::kInProgress);
}

TEST(Rfc8445, Section7_3_1_4_FrozenAndFailedPairsAreCheckedAgain) {
  LoneAgent lone;
  lone.SetRemote(
      {LoneAgent::Host("192.0.2.9:9000", "1", 1, 0, 300), LoneAgent::Host("192.0.2.8:9000", "1", 1, 0, 200)});
  const Sent first = lone.NextCheck();
  EXPECT_EQ(lone.PairTo(Addr("192.0.2.8:9000")).state, PairState::kFrozen);
  lone.ReceiveCheck(Addr("192.0.2.8:9000"));
  EXPECT_EQ(lone.NextCheck().to, Addr("192.0.2.8:9000"));
  lone.AnswerError(first, 500);
  EXPECT_EQ(lone.PairTo(kPeer).state, PairState::kFailed);
  lone.ReceiveCheck(kPeer);
  EXPECT_EQ(lone.PairTo(kPeer).state, PairState::kWaiting);
  EXPECT_EQ(lone.NextCheck().to, kPeer);
}

TEST(Rfc8445, Section7_3_1_4_ACheckFromAnotherUfragIsAnsweredButTriggersNothing) {
  LoneAgent lone;
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  PeerCheck forked;
  forked.username = lone.agent().LocalDescription().ufrag + ":FORK";
  lone.TakeSent();
  lone.ReceiveCheck(kUnknown, forked);
  EXPECT_EQ(AnswerOf(lone).message().message_class(), MessageClass::kSuccess);
  EXPECT_EQ(lone.agent().CheckListSnapshot().size(), 1u);
}

TEST(Rfc8445, Section7_3_1_5_UseCandidateOnASucceededPairNominatesIt) {
  LoneAgent lone(As(Role::kControlled));
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  lone.AnswerSuccess(lone.NextCheck());
  EXPECT_EQ(lone.Count<PairNominated>(), 0);
  lone.ReceiveCheck(kPeer, {.use_candidate = true, .role = Role::kControlling});
  EXPECT_EQ(lone.Count<PairNominated>(), 1);
}

// The check was sent from the first address, and the peer saw it come from the second, so the pair of the second
// address is the valid pair (RFC 8445 §7.2.5.3.2, case 2). Both pairs have Succeeded, and the peer may nominate on
// either.
TEST(Rfc8445, Section7_3_1_5_UseCandidateOnAPairMadeValidByAnotherPairsCheckNominatesIt) {
  for (std::uint32_t asked_on : {0u, 1u}) {
    LoneAgent lone(As(Role::kControlled), {"192.0.2.1", "192.0.2.2"});
    lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
    lone.AnswerSuccess(lone.NextCheck(), lone.address(SocketTag(1)));
    const PeerCheck nomination{.use_candidate = true, .role = Role::kControlling};
    lone.ReceiveCheck(kPeer, nomination, SocketTag(asked_on));
    ASSERT_EQ(lone.Count<PairNominated>(), 1);
    EXPECT_EQ(lone.agent().SelectedPair(0, 1)->base, lone.address(SocketTag(1)));
    // Asked again it is a repetition, and not refused as another nomination would be.
    lone.TakeSent();
    lone.ReceiveCheck(kPeer, nomination, SocketTag(asked_on));
    ASSERT_EQ(lone.TakeSent(PacketClass::kConsent).size(), 1u);
    EXPECT_EQ(lone.Count<PairNominated>(), 1);
  }
}

TEST(Rfc8445, Section7_3_1_5_OtherwiseTheTriggeredChecksSuccessNominatesIt) {
  LoneAgent lone(As(Role::kControlled));
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  lone.NextCheck();
  lone.ReceiveCheck(kPeer, {.use_candidate = true, .role = Role::kControlling});
  EXPECT_EQ(lone.Count<PairNominated>(), 0);
  EXPECT_EQ(lone.PairTo(kPeer).nomination, Nomination::kRequested);
  lone.AnswerSuccess(lone.NextCheck());
  EXPECT_EQ(lone.Count<PairNominated>(), 1);
}

TEST(Rfc8445, Section7_3_1_5_ANominationThatIsNotAcceptedIsRefusedWith400) {
  LoneAgent lone(As(Role::kControlled));
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000"), LoneAgent::Host("192.0.2.8:9000", "2")});
  lone.AnswerSuccess(lone.NextCheck());
  lone.ReceiveCheck(kPeer, {.use_candidate = true, .role = Role::kControlling});
  lone.TakeSent();
  lone.ReceiveCheck(Addr("192.0.2.8:9000"), {.use_candidate = true, .role = Role::kControlling});
  EXPECT_EQ(ErrorOf(AnswerOf(lone)), 400);
  EXPECT_EQ(lone.agent().SelectedPair(0, 1)->remote.address, kPeer);
  // The same again is only a repetition.
  lone.ReceiveCheck(kPeer, {.use_candidate = true, .role = Role::kControlling});
  EXPECT_EQ(lone.TakeSent(PacketClass::kConsent).size(), 1u);
}

TEST(Rfc8445, Section7_3_1_5_UseCandidateFromAControlledPeerIsIgnored) {
  LoneAgent lone;  // controlling
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000"), LoneAgent::Host("192.0.2.8:9000", "2", 1, 0, 7)});
  lone.NextCheck();
  lone.ReceiveCheck(kPeer, {.use_candidate = true, .role = Role::kControlled});
  lone.AnswerSuccess(lone.NextCheck());
  EXPECT_EQ(lone.Count<PairNominated>(), 0);
}

}  // namespace
}  // namespace pinhole::ice
