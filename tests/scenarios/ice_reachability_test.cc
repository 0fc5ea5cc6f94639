// The two reachability matrices of nine RFC 4787 behaviors per side, with real agents, in every order of starting.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "tests/scenarios/run_cells.h"

namespace pinhole::scenarios {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Matrix {
  const char* file;
  int direct;
};
constexpr Matrix kMatrices[] = {{"reachability_by_endpoint", 45}, {"reachability_by_session", 57}};

// The orders of starting: both at once, either side earlier by more than a round trip, either side late by seconds.
const std::vector<std::vector<std::string>> kOrders = {
    {},
    {"session[call].peer[alice].start_offset_us=170000"},
    {"session[call].peer[bob].start_offset_us=170000"},
    {"session[call].peer[alice].start_offset_us=5000000"},
    {"session[call].peer[bob].start_offset_us=5000000"},
    {"session[call].peer[alice].agent.role=CONTROLLED", "session[call].peer[bob].agent.role=CONTROLLING"},
};

TEST(IceReachability, FortyFiveAndFiftySevenOf81AreDirectInEveryOrder) {
  for (const Matrix& matrix : kMatrices) {
    for (const std::vector<std::string>& order : kOrders) {
      SCOPED_TRACE(absl::StrCat(matrix.file, " ", order.empty() ? "" : order[0]));
      const Scenario scenario = Library(matrix.file, order);
      int direct = 0;
      std::map<std::vector<std::string>, Outcome> outcomes;  // by the values of nat_a, nat_b, turn
      for (const JudgedRun& run : SweepAll(scenario)) {
        EXPECT_EQ(run.verdict.kind, VerdictKind::kPass) << Told(scenario, run);
        const Cell& cell = scenario.cells()[run.cell];
        if (absl::StrContains(cell.id, "turn=NONE") && run.outcome == Outcome::kDirect) ++direct;
        outcomes[{cell.values[0].value, cell.values[1].value, cell.values[2].value}] = run.outcome;
        // Both sides retry, so the oracle leaves nothing open either.
        const PreparedCell prepared = *PrepareCell(scenario, cell);
        EXPECT_THAT(prepared.predictions[0].outcomes, ElementsAre(run.outcome)) << cell.id;
      }
      EXPECT_EQ(outcomes.size(), 162u);
      for (const auto& [nats, outcome] : outcomes) {
        EXPECT_EQ(outcome, (outcomes[{nats[1], nats[0], nats[2]}])) << nats[0] << " and " << nats[1] << ", swapped";
      }
      EXPECT_EQ(direct, matrix.direct);
    }
  }
}

// With a relay, the cells without a direct path cross exactly one relay, and one end of each side's selected pair is
// relayed.
TEST(IceReachability, WithoutADirectPathTheRelayIsCrossedOnce) {
  for (const Matrix& matrix : kMatrices) {
    const Scenario scenario = Library(matrix.file);
    int relayed = 0;
    for (const Cell& cell : scenario.cells()) {
      const PreparedCell prepared = *PrepareCell(scenario, cell);
      CellRun run(prepared.plan, 1, {});
      ASSERT_TRUE(run.Run().ok());
      const TrialOutcome outcome = run.OutcomeOf(0);
      if (outcome.outcome != Outcome::kRelayed) continue;
      ++relayed;
      EXPECT_EQ(outcome.relay_hops, 1) << cell.id;
      EXPECT_TRUE(outcome.agree) << cell.id;
      for (const SideOutcome* side : {&outcome.a, &outcome.b}) {
        EXPECT_EQ((side->local_type == CandidateType::kRelayed) + (side->remote_type == CandidateType::kRelayed), 1)
            << cell.id;
      }
      // One allocation: what is local to one side is remote to the other.
      EXPECT_EQ(outcome.a.local_type == CandidateType::kRelayed, outcome.b.remote_type == CandidateType::kRelayed)
          << cell.id;
    }
    EXPECT_EQ(relayed, 81 - matrix.direct);
  }
}

// Without a relay these cells fail. The reason names the node and the rule that ended the last possible pair: a filter,
// or, where the filters are open but both ports keep changing, an agent whose response came from another port
// (RFC 8445 §7.2.5.2.1).
TEST(IceReachability, WithoutARelayTheReasonNamesTheNodeAndTheRule) {
  for (const Matrix& matrix : kMatrices) {
    const Scenario scenario = Library(matrix.file);
    int failed = 0;
    for (const Cell& cell : scenario.cells()) {
      const PreparedCell prepared = *PrepareCell(scenario, cell);
      PacketBook book;
      CellRun run(prepared.plan, 1, {.tracer = &book});
      ASSERT_TRUE(run.Run().ok());
      if (run.OutcomeOf(0).outcome != Outcome::kFailed) continue;
      ++failed;
      const std::string why = run.trial(0).Explain(run, &book);
      EXPECT_THAT(why, HasSubstr("alice: checking: all_pairs_failed")) << cell.id;
      EXPECT_THAT(why, HasSubstr("bob: checking: all_pairs_failed")) << cell.id;
      const bool by_filter = absl::StrContains(why, "dropped at home_a: filtered_") ||
                             absl::StrContains(why, "dropped at home_b: filtered_");
      const bool by_agent = absl::StrContains(why, "ended at alice: not_symmetric") ||
                            absl::StrContains(why, "ended at bob: not_symmetric");
      const bool open_filters = !absl::StrContains(cell.id, "-apdf");
      EXPECT_TRUE(by_filter || (open_filters && by_agent)) << cell.id << ": " << why;
    }
    EXPECT_EQ(failed, 81 - matrix.direct);
  }
}

}  // namespace
}  // namespace pinhole::scenarios
