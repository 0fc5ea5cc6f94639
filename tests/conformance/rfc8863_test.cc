// RFC 8863 §4: patiently awaiting connectivity.
#include <gtest/gtest.h>

#include "tests/ice/lone_agent.h"
#include "tests/ice/test_network.h"

namespace pinhole::ice {
namespace {

using namespace std::chrono_literals;

const SocketAddress kPeer = Addr("192.0.2.9:9000");

TEST(Rfc8863, Section4_TheTimerIs39500MsByDefault) {
  EXPECT_EQ(AgentOptions().pac_timer, net::Duration(39500ms));
  LoneAgent lone;
  lone.RunUntil(At(5s));                                // Not from gathering, ...
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});  // ... but from having both descriptions.
  lone.AnswerError(lone.NextCheck(), 500);
  lone.RunUntil(At(5s + 39499ms));
  EXPECT_EQ(lone.agent().check_list_state(0), CheckListState::kRunning);
  lone.RunUntil(At(5s + 39500ms));
  EXPECT_EQ(lone.agent().check_list_state(0), CheckListState::kFailed);
}

TEST(Rfc8863, Section4_ItRunsWithoutAnyCandidate) {
  LoneAgent lone;
  lone.SetRemote(LoneAgent::Remote({}));
  lone.RunFor(39499ms);
  EXPECT_FALSE(lone.agent().failure().has_value());
  lone.RunFor(1ms);
  ASSERT_TRUE(lone.agent().failure().has_value());
  EXPECT_EQ(lone.agent().failure()->reason, FailureReason::kNoRemoteCandidates);
}

TEST(Rfc8863, Section4_WhileItRunsAPeerReflexiveCandidateStillConnects) {
  LoneAgent lone;
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  lone.AnswerError(lone.NextCheck(), 500);
  lone.RunFor(30s);
  lone.ReceiveCheck(Addr("198.51.100.9:4444"));
  lone.AnswerSuccess(lone.NextCheck());
  lone.AnswerSuccess(lone.NextCheck());
  EXPECT_EQ(lone.Count<Connected>(), 1);
}

TEST(Rfc8863, Section4_WhileItRunsAFailedNominationDoesNotFailTheChecklist) {
  LoneAgent lone;
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  lone.AnswerSuccess(lone.NextCheck());
  lone.AnswerError(lone.NextCheck(), 500);
  EXPECT_EQ(lone.agent().check_list_state(0), CheckListState::kRunning);
  lone.RunUntil(At(39500ms));
  EXPECT_EQ(lone.agent().check_list_state(0), CheckListState::kFailed);
}

TEST(Rfc8863, Section4_ItDoesNotHoldANominationBack) {
  LoneAgent lone;
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  lone.AnswerSuccess(lone.NextCheck());
  EXPECT_LT(lone.NextCheck().at, At(1s));
}

TEST(Rfc8863, Section4_ItsEndWithoutSuchAChecklistChangesNothing) {
  AgentOptions options;
  options.pac_timer = 1s;
  LoneAgent lone(options);
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  lone.RunFor(2s);
  EXPECT_EQ(lone.agent().check_list_state(0), CheckListState::kRunning);
  EXPECT_EQ(lone.PairTo(kPeer).state, PairState::kInProgress);
}

TEST(Rfc8863, Section5_ItStandsInForAnEndOfCandidatesThatNeverComes) {
  LoneAgent lone;
  Description remote = LoneAgent::Remote({LoneAgent::Host("192.0.2.9:9000")});
  remote.complete = false;
  lone.SetRemote(remote);
  lone.AnswerError(lone.NextCheck(), 500);
  lone.RunUntil(At(39500ms));
  EXPECT_TRUE(lone.agent().failure().has_value());
}

}  // namespace
}  // namespace pinhole::ice
