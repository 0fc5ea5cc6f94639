// What TCP candidates change for sessions that UDP alone decides, and what connects them where it cannot.
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "tests/scenarios/run_cells.h"

namespace pinhole::scenarios {
namespace {

constexpr const char* kAllTypes = "active: true passive: true simultaneous_open: true";

struct Came {
  SessionOutcome outcome;
  std::optional<ice::PairView> selected;  // A's
  ice::AgentCounters counters;            // A's
};

Came RunHomes(const std::string& nat_a, const std::string& nat_b, const std::string& agent,
              const std::string& topology = "") {
  const Scenario scenario =
      Homes(nat_a, nat_b, absl::StrCat("session { name: \"call\" agent { ", agent, " } }"), topology);
  absl::StatusOr<PreparedCell> prepared = PrepareCell(scenario, scenario.cells().at(0));
  EXPECT_TRUE(prepared.ok()) << prepared.status().message();
  CellRun run(prepared->plan, 1, CellRun::Options{});
  EXPECT_TRUE(run.Run().ok());
  const ice::Agent& agent_a = run.endpoint(0, 0).agent();
  return {run.OutcomeOf(0), agent_a.SelectedPair(0, 1), agent_a.counters()};
}

class WithTcpToo : public testing::TestWithParam<const char*> {};

TEST_P(WithTcpToo, APairOverUdpThatConnectsDirectlyWithoutTcpStaysTheOne) {
  int direct = 0, relayed = 0;
  for (const char* nat_a : {"eim-eif", "port-restricted-cone", "linux-masquerade", "symmetric", "adm-adf-session"}) {
    for (const char* nat_b : {"eim-eif", "port-restricted-cone", "linux-masquerade", "symmetric", "adm-adf-session"}) {
      SCOPED_TRACE(absl::StrCat(nat_a, " ", nat_b));
      const std::string policy = absl::StrCat("nomination: ", GetParam());
      const Came without = RunHomes(nat_a, nat_b, policy);
      const Came with = RunHomes(nat_a, nat_b, absl::StrCat(policy, " tcp { ", kAllTypes, " }"));
      if (without.outcome.outcome == Outcome::kDirect) {
        ++direct;
        ASSERT_EQ(with.outcome.outcome, Outcome::kDirect);
        EXPECT_FALSE(with.outcome.a.tcp);
        EXPECT_EQ(with.selected->remote.address.address(), without.selected->remote.address.address());
        EXPECT_EQ(with.selected->mapped->address.address(), without.selected->mapped->address.address());
      } else if (without.outcome.outcome == Outcome::kRelayed) {
        ++relayed;
        // What was relayed, and works, is replaced by nothing but direct TCP.
        EXPECT_TRUE(with.outcome.outcome == Outcome::kRelayed ||
                    (with.outcome.outcome == Outcome::kDirect && with.outcome.a.tcp));
      }
    }
  }
  EXPECT_GE(direct, 10);
  EXPECT_GE(relayed, 2);
}

INSTANTIATE_TEST_SUITE_P(, WithTcpToo, testing::Values("EXHAUSTIVE", "BEST_AFTER"),
                         [](const testing::TestParamInfo<const char*>& policy) { return std::string(policy.param); });

TEST(IceTcp, AHeadStartOfUdpThatIsLongEnoughCostsNoSyn) {
  const std::string tcp = absl::StrCat("tcp { ", kAllTypes, " head_start_us: 2000000 }");
  const Came came = RunHomes("port-restricted-cone", "port-restricted-cone", tcp);
  EXPECT_EQ(came.outcome.outcome, Outcome::kDirect);
  EXPECT_EQ(came.counters.connections_opened, 0);
  const Came eager = RunHomes("port-restricted-cone", "port-restricted-cone", absl::StrCat("tcp { ", kAllTypes, " }"));
  EXPECT_GT(eager.counters.connections_opened, 0);
}

// Both sides passive: nobody opens (RFC 6544 §6.2).
TEST(IceTcp, TwoPassiveSidesDoNotConnect) {
  const Came came = RunHomes("eim-eif", "eim-eif", "withhold_udp: true withhold_relay: true tcp { passive: true }",
                             "server { name: \"relay\" tcp_port: 443 }");
  EXPECT_EQ(came.outcome.outcome, Outcome::kFailed);
}

TEST(IceTcp, SimultaneousOpenPassesTwoNatsThatFilterByPort) {
  const Came came = RunHomes("port-restricted-cone", "port-restricted-cone",
                             "withhold_udp: true withhold_relay: true tcp { simultaneous_open: true }",
                             "server { name: \"relay\" tcp_port: 443 }");
  EXPECT_EQ(came.outcome.outcome, Outcome::kDirect);
  EXPECT_TRUE(came.outcome.agree);
  EXPECT_EQ(came.selected->local.transport, ice::Transport::kTcpSimultaneousOpen);
}

TEST(IceTcp, ActiveAndPassiveAloneNeedANatThatLetsStrangersIn) {
  const std::string agent = "withhold_udp: true withhold_relay: true tcp { active: true passive: true }";
  const std::string server = "server { name: \"relay\" tcp_port: 443 }";
  EXPECT_EQ(RunHomes("eim-eif", "symmetric", agent, server).outcome.outcome, Outcome::kDirect);
  EXPECT_EQ(RunHomes("port-restricted-cone", "port-restricted-cone", agent, server).outcome.outcome, Outcome::kFailed);
}

}  // namespace
}  // namespace pinhole::scenarios
