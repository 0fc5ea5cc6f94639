// RFC 8445 §6: roles, checklists, and which pair is checked next.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "ice/check_list_set.h"
#include "tests/ice/lone_agent.h"
#include "tests/ice/test_network.h"

namespace pinhole::ice {
namespace {

using namespace std::chrono_literals;
using net::PacketClass;
using testing::ElementsAre;

// A checklist set whose pairs are given by stream, component, foundation and priority. Every pair has a remote
// candidate of its own.
struct Lists {
  explicit Lists(std::vector<int> components) : set(components) {}
  int Add(int stream, std::uint32_t foundation, int component = 1, std::uint64_t priority = 100) {
    CandidatePair pair;
    pair.stream = stream;
    pair.component = component;
    pair.foundation = foundation;
    pair.priority = priority;
    pair.remote = set.pair_count();
    return set.Add(pair);
  }
  PairState State(int pair) const { return set.pair(pair).state; }
  // Takes the next pair and sets it In-Progress, as if its check were sent.
  std::optional<int> Check() {
    const std::optional<int> pair = set.TakeNext();
    if (pair) set.SetState(*pair, PairState::kInProgress);
    return pair;
  }
  CheckListSet set;
};

constexpr PairState kFrozen = PairState::kFrozen;
constexpr PairState kWaiting = PairState::kWaiting;

TEST(Rfc8445, Section6_1_1_AFullAgentTakesTheControllingRoleWithALitePeer) {
  AgentOptions options;
  options.role = Role::kControlled;
  LoneAgent lone(options);
  Description remote = LoneAgent::Remote({LoneAgent::Host("192.0.2.9:9000")});
  remote.lite = true;
  lone.SetRemote(remote);
  EXPECT_EQ(lone.agent().role(), Role::kControlling);
}

TEST(Rfc8445, Section6_1_2_2_PairsHaveOneComponentStreamAndFamily) {
  AgentOptions options;
  options.components = {2, 1};
  LoneAgent lone(options, {"192.0.2.1", "2001:db8::1"});
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000", "1", 1, 0), LoneAgent::Host("[2001:db8::9]:9000", "2", 2, 0),
                  LoneAgent::Host("192.0.2.9:9001", "1", 1, 1)});
  const std::vector<PairView> pairs = lone.agent().CheckListSnapshot();
  EXPECT_EQ(pairs.size(), 3u);
  for (const PairView& pair : pairs) {
    EXPECT_EQ(pair.local.stream, pair.remote.stream);
    EXPECT_EQ(pair.local.component, pair.remote.component);
    EXPECT_EQ(pair.local.address.family(), pair.remote.address.family());
  }
}

TEST(Rfc8445, Section6_1_2_2_LinkLocalIpv6AddressesPairOnlyWithEachOther) {
  LoneAgent lone({}, {"2001:db8::1", "fe80::1"});
  lone.SetRemote({LoneAgent::Host("[2001:db8::9]:9000"), LoneAgent::Host("[fe80::9]:9000", "2")});
  const std::vector<PairView> pairs = lone.agent().CheckListSnapshot();
  ASSERT_EQ(pairs.size(), 2u);
  for (const PairView& pair : pairs) {
    EXPECT_EQ(pair.local.address.address().IsLinkLocal(), pair.remote.address.address().IsLinkLocal());
  }
}

TEST(Rfc8445, Section6_1_2_2_ComponentsThatThePeerDoesNotHaveDoNotCount) {
  AgentOptions options;
  options.components = {2};
  LoneAgent lone(options);
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  lone.AnswerSuccess(lone.NextCheck());
  lone.AnswerSuccess(lone.NextCheck());
  EXPECT_EQ(lone.agent().check_list_state(0), CheckListState::kCompleted);
}

TEST(Rfc8445, Section6_1_2_3_PairsAreOrderedByPriorityWhicheverRole) {
  for (Role role : {Role::kControlling, Role::kControlled}) {
    AgentOptions options;
    options.role = role;
    LoneAgent lone(options);
    lone.SetRemote({LoneAgent::Host("192.0.2.7:9000", "1", 1, 0, 100),
                    LoneAgent::Host("192.0.2.8:9000", "2", 1, 0, 300),
                    LoneAgent::Host("192.0.2.9:9000", "3", 1, 0, 200)});
    EXPECT_EQ(lone.NextCheck().to, Addr("192.0.2.8:9000"));
    EXPECT_EQ(lone.NextCheck().to, Addr("192.0.2.9:9000"));
    EXPECT_EQ(lone.NextCheck().to, Addr("192.0.2.7:9000"));
    const std::uint64_t local = 2130706431;
    EXPECT_EQ(lone.PairTo(Addr("192.0.2.9:9000")).priority,
              (std::uint64_t{200} << 32) + 2 * local + (role == Role::kControlling ? 1 : 0));
  }
}

TEST(Rfc8445, Section6_1_2_4_ReflexiveLocalCandidatesAreReplacedByTheirBasesAndPruned) {
  AgentOptions options;
  options.stun_servers = {Addr("198.51.100.1:3478")};
  LoneAgent lone(options, {"10.0.0.1"});
  lone.AnswerSuccess(lone.TakeSent(PacketClass::kDiscovery)[0], Addr("203.0.113.7:7777"));
  ASSERT_EQ(lone.agent().LocalCandidates().size(), 2u);
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  const std::vector<PairView> pairs = lone.agent().CheckListSnapshot();
  ASSERT_EQ(pairs.size(), 1u);
  EXPECT_EQ(pairs[0].local.type, CandidateType::kHost);
}

TEST(Rfc8445, Section6_1_2_4_AReflexivePairWithoutItsHostPairIsCheckedFromTheBase) {
  AgentOptions options;
  options.stun_servers = {Addr("198.51.100.1:3478")};
  options.host_candidates = false;
  LoneAgent lone(options, {"10.0.0.1"});
  lone.AnswerSuccess(lone.TakeSent(PacketClass::kDiscovery)[0], Addr("203.0.113.7:7777"));
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  const std::vector<PairView> pairs = lone.agent().CheckListSnapshot();
  ASSERT_EQ(pairs.size(), 1u);
  EXPECT_EQ(pairs[0].base, lone.address(SocketTag(0)));
  EXPECT_EQ(lone.NextCheck().tag, SocketTag(0));
}

TEST(Rfc8445, Section6_1_2_5_TheLimitHoldsForTheSetAndIsConfigurable) {
  for (int limit : {100, 7}) {
    AgentOptions options;
    options.pair_limit = limit;
    options.components = {1, 1};
    LoneAgent lone(options);
    std::vector<Candidate> told;
    for (int i = 0; i < 80; ++i) {
      for (int stream : {0, 1}) {
        told.push_back(
            LoneAgent::Host("192.0.2.9:" + std::to_string(9000 + i), "1", 1, stream, 1000u - static_cast<unsigned>(i)));
      }
    }
    lone.SetRemote(told);
    EXPECT_EQ(lone.agent().CheckListSnapshot().size(), static_cast<std::size_t>(limit));
  }
}

TEST(Rfc8445, Section6_1_2_5_TheLowestGoAndTheSameNumberFromEachList) {
  AgentOptions options;
  options.pair_limit = 10;
  options.components = {1, 1};
  LoneAgent lone(options);
  std::vector<Candidate> told;
  for (int i = 0; i < 10; ++i) {
    for (int stream : {0, 1}) {
      told.push_back(
          LoneAgent::Host("192.0.2.9:" + std::to_string(9000 + i), "1", 1, stream, 1000u - static_cast<unsigned>(i)));
    }
  }
  lone.SetRemote(told);
  int of_first = 0;
  for (const PairView& pair : lone.agent().CheckListSnapshot()) {
    of_first += pair.stream == 0;
    EXPECT_GE(pair.remote.priority, 996u);
  }
  EXPECT_EQ(of_first, 5);
}

// Table 1: three lists, five foundations.
TEST(Rfc8445, Section6_1_2_6_Table1) {
  Lists lists({1, 1, 1});
  const int m1[] = {lists.Add(0, 1), lists.Add(0, 2), lists.Add(0, 3)};
  const int m2[] = {lists.Add(1, 1), lists.Add(1, 2), lists.Add(1, 3), lists.Add(1, 4)};
  const int m3[] = {lists.Add(2, 1), lists.Add(2, 5)};
  lists.set.ComputeInitialStates();
  for (int pair : m1) EXPECT_EQ(lists.State(pair), kWaiting);
  EXPECT_EQ(lists.State(m2[0]), kFrozen);
  EXPECT_EQ(lists.State(m2[1]), kFrozen);
  EXPECT_EQ(lists.State(m2[2]), kFrozen);
  EXPECT_EQ(lists.State(m2[3]), kWaiting);
  EXPECT_EQ(lists.State(m3[0]), kFrozen);
  EXPECT_EQ(lists.State(m3[1]), kWaiting);
}

TEST(Rfc8445, Section6_1_2_6_ExactlyOnePairAFoundationIsWaiting_LowestComponentThenHighestPriority) {
  Lists lists({2});
  const int high_component = lists.Add(0, 1, 2, 900);
  const int low = lists.Add(0, 1, 1, 100);
  const int high = lists.Add(0, 1, 1, 500);
  lists.set.ComputeInitialStates();
  EXPECT_EQ(lists.State(high_component), kFrozen);
  EXPECT_EQ(lists.State(low), kFrozen);
  EXPECT_EQ(lists.State(high), kWaiting);
}

TEST(Rfc8445, Section6_1_3_TheSessionIsConnectedOnlyWhenEveryListIsCompleted) {
  AgentOptions options;
  options.components = {1, 1};
  options.nomination = NominationPolicy::kFirstValid;
  LoneAgent lone(options);
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000", "1", 1, 0), LoneAgent::Host("192.0.2.9:9001", "2", 1, 1)});
  const Sent first = lone.NextCheck();
  const Sent second = lone.NextCheck();
  lone.AnswerSuccess(first);
  lone.AnswerSuccess(lone.NextCheck());
  EXPECT_EQ(lone.agent().check_list_state(0), CheckListState::kCompleted);
  EXPECT_EQ(lone.agent().check_list_state(1), CheckListState::kRunning);
  EXPECT_EQ(lone.Count<Connected>(), 0);
  lone.AnswerSuccess(second);
  lone.AnswerSuccess(lone.NextCheck());
  EXPECT_EQ(lone.Count<Connected>(), 1);
}

TEST(Rfc8445, Section6_1_4_2_TheFirstCheckGoesAtOnceAndListsTakeTurns) {
  AgentOptions options;
  options.components = {1, 1};
  LoneAgent lone(options);
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000", "1", 1, 0, 300), LoneAgent::Host("192.0.2.9:9001", "2", 1, 0, 200),
                  LoneAgent::Host("192.0.2.9:9100", "3", 1, 1, 900),
                  LoneAgent::Host("192.0.2.9:9101", "4", 1, 1, 800)});
  std::vector<int> ports;
  std::vector<std::int64_t> at_ms;
  for (int i = 0; i < 4; ++i) {
    const Sent check = lone.NextCheck();
    ports.push_back(check.to.port());
    at_ms.push_back((check.at - net::Instant()) / 1ms);
  }
  EXPECT_THAT(ports, ElementsAre(9000, 9100, 9001, 9101));
  EXPECT_THAT(at_ms, ElementsAre(0, 50, 100, 150));
}

TEST(Rfc8445, Section6_1_4_2_Step1_TriggeredChecksGoFirstInOrder) {
  Lists lists({1});
  const int a = lists.Add(0, 1, 1, 300);
  const int b = lists.Add(0, 2, 1, 200);
  const int c = lists.Add(0, 3, 1, 100);
  lists.set.ComputeInitialStates();
  lists.set.Trigger(c);
  lists.set.Trigger(b);
  lists.set.Trigger(c);  // is there already
  EXPECT_EQ(lists.Check(), c);
  EXPECT_EQ(lists.Check(), b);
  EXPECT_EQ(lists.Check(), a);
  EXPECT_EQ(lists.Check(), std::nullopt);
}

TEST(Rfc8445, Section6_1_4_2_Step2_AFrozenPairThawsWhenItsFoundationIsNeitherWaitingNorInProgress) {
  Lists lists({1});
  const int first = lists.Add(0, 1, 1, 300);
  const int second = lists.Add(0, 1, 1, 200);
  const int third = lists.Add(0, 1, 1, 100);
  lists.set.ComputeInitialStates();
  EXPECT_EQ(lists.Check(), first);
  EXPECT_FALSE(lists.set.HasNext());
  EXPECT_EQ(lists.Check(), std::nullopt);  // In-Progress holds the others back ...
  lists.set.SetState(first, PairState::kFailed);
  EXPECT_TRUE(lists.set.HasNext());
  EXPECT_EQ(lists.Check(), second);  // ... its failure does not, and one at a time.
  EXPECT_EQ(lists.State(third), kFrozen);
}

TEST(Rfc8445, Section6_1_4_2_Step2_AnotherListsPairHoldsTheFoundationBackToo) {
  Lists lists({1, 1});
  const int first = lists.Add(0, 1);
  const int other = lists.Add(1, 1);
  lists.set.ComputeInitialStates();
  EXPECT_EQ(lists.Check(), first);
  EXPECT_EQ(lists.Check(), std::nullopt);
  EXPECT_EQ(lists.State(other), kFrozen);
  lists.set.SetState(first, PairState::kFailed);
  EXPECT_EQ(lists.Check(), other);
}

TEST(Rfc8445, Section6_1_4_2_Step3_EqualPrioritiesGoByComponent) {
  Lists lists({2});
  const int second = lists.Add(0, 1, 2, 100);
  const int first = lists.Add(0, 2, 1, 100);
  lists.set.ComputeInitialStates();
  EXPECT_EQ(lists.Check(), first);
  EXPECT_EQ(lists.Check(), second);
}

TEST(Rfc8445, Section6_1_4_2_Step4_AListWithNothingToDoIsPassedOverAtOnce) {
  Lists lists({1, 1});
  const int only = lists.Add(1, 1);
  lists.set.ComputeInitialStates();
  EXPECT_EQ(lists.Check(), only);
}

TEST(Rfc8445, Section6_1_4_2_AListThatIsNotRunningIsNotChecked) {
  Lists lists({1});
  lists.Add(0, 1);
  lists.set.ComputeInitialStates();
  lists.set.list(0).state = CheckListState::kCompleted;
  EXPECT_FALSE(lists.set.HasNext());
  EXPECT_EQ(lists.Check(), std::nullopt);
}

// Two streams with one foundation. The check of the second stream follows at once after the success of the first.
TEST(Rfc8445, Section7_2_5_3_3_SuccessUnfreezesTheFoundationInAllLists) {
  AgentOptions options;
  options.components = {1, 1};
  options.nomination = NominationPolicy::kExhaustive;
  LoneAgent lone(options);
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000", "1", 1, 0), LoneAgent::Host("192.0.2.9:9001", "1", 1, 1),
                  LoneAgent::Host("192.0.2.8:9002", "2", 1, 1, 7)});
  const Sent first = lone.NextCheck();
  EXPECT_EQ(first.to.port(), 9000);
  EXPECT_EQ(lone.PairTo(Addr("192.0.2.9:9001")).state, kFrozen);
  EXPECT_EQ(lone.PairTo(Addr("192.0.2.8:9002")).state, kWaiting);
  lone.AnswerSuccess(first);
  EXPECT_EQ(lone.PairTo(Addr("192.0.2.9:9001")).state, kWaiting);
}

}  // namespace
}  // namespace pinhole::ice
