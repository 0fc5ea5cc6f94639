// When pairs are nominated, in whole sessions: bounds from below and from above, by the round trip and by Ta.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "scenarios/run/session_trial.h"
#include "tests/scenarios/run_cells.h"

namespace pinhole::scenarios {
namespace {

using std::chrono::milliseconds;

// The times of one connected session of two_homes.
struct Session {
  net::Instant first_check;  // of the controlling side
  net::Instant first_valid;  // of the controlling side
  net::Instant valid_since;  // when the pair that it selected became valid
  net::Instant controlled_first_valid;
  net::Instant controlling_nominated;
  net::Instant controlled_nominated;
  net::Duration round_trip;  // of the selected path
  bool relayed = false;
};

// Measures a session. Any two external interfaces are 20 ms apart and LANs have no delay. So a round trip takes 40 ms,
// and twice that through the relay if it is crossed twice.
Session Measured(const CellRun& run, const TrialOutcome& outcome) {
  EXPECT_EQ(EndpointOf(run, 0, 0).agent().role(), ice::Role::kControlling);
  Session session;
  session.first_check = *EndpointOf(run, 0, 0).agent().times().first_check;
  session.first_valid = *outcome.a.first_valid;
  session.valid_since = *EndpointOf(run, 0, 0).agent().SelectedPair(0, 1)->valid_since;
  session.controlled_first_valid = *outcome.b.first_valid;
  session.controlling_nominated = *outcome.a.nominated;
  session.controlled_nominated = *outcome.b.nominated;
  session.relayed = outcome.outcome == Outcome::kRelayed;
  session.round_trip = milliseconds(session.relayed ? 80 : 40);
  return session;
}

// Runs every session of the file that uses UDP and has a relay, once, and calls `check`. All of them connect.
template <typename Check>
void ForEachConnected(const Scenario& scenario, const Check& check) {
  for (const Cell& cell : scenario.cells()) {
    if (!absl::EndsWith(cell.id, "turn=BOTH") || absl::StrContains(cell.id, "transport=TCP")) continue;
    const PreparedCell prepared = *PrepareCell(scenario, cell);
    CellRun run(prepared.plan, 1, {});
    ASSERT_TRUE(run.Run().ok());
    const TrialOutcome outcome = run.OutcomeOf(0);
    SCOPED_TRACE(cell.id);
    ASSERT_TRUE(outcome.outcome == Outcome::kDirect || outcome.outcome == Outcome::kRelayed);
    check(Measured(run, outcome));
  }
}

// `decided` is the time at which the policy chooses a pair. From then on the controlling side needs a slot of its pacer
// and a round trip. The controlled side learns it after half a round trip, and may need a round trip of its own. At
// most two slots are lost.
void ExpectNominatedFrom(net::Instant decided, const Session& session, net::Duration ta) {
  EXPECT_GE(session.controlling_nominated, decided + session.round_trip);
  EXPECT_LE(session.controlling_nominated, decided + session.round_trip + 2 * ta);
  EXPECT_GE(session.controlled_nominated, decided + session.round_trip / 2);
  EXPECT_LE(session.controlled_nominated, decided + 2 * session.round_trip + 2 * ta);
}

struct Marks {
  std::vector<std::string> sets;
  const char* file;
  net::Duration direct;
  net::Duration relayed;
  net::Duration ta;
};

// Between two homes the pairs of host candidates are better than any other, and stay silent.
TEST(Nomination, BestAfterWaitsForItsMarkWhileBetterPairsAreSilentAndNoLonger) {
  const Marks marks[] = {
      {{}, "nat_matrix", milliseconds(500), milliseconds(2000), milliseconds(50)},
      {{"session[call].agent.direct_mark_us=300000", "session[call].agent.relayed_mark_us=1234000",
        "session[call].agent.ta_us=20000"},
       "reachability_by_session",
       milliseconds(300),
       milliseconds(1234),
       milliseconds(20)},
  };
  for (const Marks& one : marks) {
    int direct = 0, relayed = 0;
    ForEachConnected(Library(one.file, one.sets), [&](const Session& session) {
      ++(session.relayed ? relayed : direct);
      const net::Instant mark = session.first_check + (session.relayed ? one.relayed : one.direct);
      EXPECT_LE(session.valid_since, mark);
      ExpectNominatedFrom(mark, session, one.ta);
    });
    EXPECT_GE(direct, 57) << one.file;
    EXPECT_GE(relayed, 24) << one.file;
  }
}

// With the host candidates withheld, reflexive ones are the best that can come: the mark is not waited for.
TEST(Nomination, BestAfterDoesNotWaitWhenNothingBetterCanCome) {
  int direct = 0;
  ForEachConnected(Library("reachability_by_session", {"session[call].agent.withhold_host=true"}),
                   [&](const Session& session) {
                     if (session.relayed) return;
                     ++direct;
                     ExpectNominatedFrom(session.first_valid, session, milliseconds(50));
                   });
  EXPECT_EQ(direct, 57);
}

TEST(Nomination, FirstValidIsNominatedWithinOneAndTwoRoundTripsAndTwoTa) {
  for (const int ta_ms : {50, 20}) {
    const milliseconds ta(ta_ms);
    const Scenario scenario = Library(
        ta_ms == 50 ? "nat_matrix" : "reachability_by_endpoint",
        {"session[call].agent.nomination=FIRST_VALID", absl::StrCat("session[call].agent.ta_us=", ta_ms, "000")});
    int connected = 0;
    ForEachConnected(scenario, [&](const Session& session) {
      ++connected;
      EXPECT_EQ(session.valid_since, session.first_valid);
      ExpectNominatedFrom(session.first_valid, session, ta);
      EXPECT_LE(session.controlled_nominated, session.controlled_first_valid + 2 * session.round_trip + 2 * ta);
    });
    EXPECT_GE(connected, 81);
  }
}

}  // namespace
}  // namespace pinhole::scenarios
