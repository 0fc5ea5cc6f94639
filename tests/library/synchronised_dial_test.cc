// DCUtR's synchronized dial (Trautwein et al. 2025; libp2p's specification): the success rate over a population of NATs
// of which a share r answers an early SYN with RST.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "scenarios/run/punching_trial.h"
#include "tests/library/punched_cell.h"

namespace pinhole::scenarios {
namespace {

struct Key {
  std::string transport;
  std::int64_t quarter_us;
  std::int64_t error_ppm;
  auto operator<=>(const Key&) const = default;
};
// The results for one transport, delay and error, by whether home_a and home_b answer.
struct Four {
  bool connected[2][2] = {};
  int tries[2][2] = {};
};

std::map<Key, Four> SweepDials() {
  const Scenario scenario = LoadLibrary("synchronised_dial");
  std::map<Key, Four> all;
  for (const Cell& cell : scenario.cells()) {
    std::map<std::string, std::string> at;
    for (const AxisValue& value : cell.values) at[value.axis] = value.value;
    Key key = {at["transport"], 0, 0};
    EXPECT_TRUE(absl::SimpleAtoi(at["rtt_quarter_us"], &key.quarter_us));
    EXPECT_TRUE(absl::SimpleAtoi(at["error_ppm"], &key.error_ppm));
    const PreparedCell prepared = *PrepareCell(scenario, cell);
    CellRun run(prepared.plan, 1, {});
    EXPECT_TRUE(run.Run().ok());
    Four& four = all[key];
    const bool a = at["nat_a"] == "answers", b = at["nat_b"] == "answers";
    four.connected[a][b] = run.OutcomeOf(0).outcome == Outcome::kDirect;
    four.tries[a][b] = PunchingOf(run, 0).peer(1).report().tries;
  }
  return all;
}

// The number of pairs in 10,000 that connect, if r percent of the population's NATs answer.
int Success(const Four& four, int r) {
  const int share[2] = {100 - r, r};
  int success = 0;
  for (int a = 0; a < 2; ++a) {
    for (int b = 0; b < 2; ++b) success += four.connected[a][b] ? share[a] * share[b] : 0;
  }
  return success;
}

TEST(SynchronisedDial, TcpFallsByTheShareThatAnswersOnceTheErrorExceedsTheOneWayDelay) {
  const std::map<Key, Four> all = SweepDials();
  ASSERT_EQ(all.size(), 2u * 5u * 15u);
  for (const auto& [key, four] : all) {
    const Four& udp = all.at({"UDP", key.quarter_us, key.error_ppm});
    for (const int r : {0, 10, 30, 50, 100}) {
      const bool tie = key.error_ppm == 1000000 || key.error_ppm == -1000000;
      if (tie && r > 0 && key.transport != "UDP") continue;  // decided by no behavior
      SCOPED_TRACE(absl::StrCat(key.transport, " quarter of RTT ", key.quarter_us, " us, error ", key.error_ppm,
                                " ppm, ", r, " % answer"));
      const bool late = key.error_ppm > 1000000 || key.error_ppm < -1000000;
      const bool tcp = key.transport != "UDP";
      // Only the NAT of the side that acts second is asked.
      EXPECT_EQ(Success(four, r), tcp && late ? 100 * (100 - r) : 10000);
      if (r == 0) {
        EXPECT_EQ(Success(four, r), Success(udp, r)) << "NATs that obey make TCP equal UDP";
      }
      // Flat in the round trip time.
      EXPECT_EQ(Success(four, r), Success(all.at({key.transport, 5000, key.error_ppm}), r));
    }
    // A pair that succeeds does so at the first attempt; no pair succeeds at a later one.
    for (int a = 0; a < 2; ++a) {
      for (int b = 0; b < 2; ++b) {
        if (four.tries[a][b] == 0) continue;  // left out
        EXPECT_EQ(four.tries[a][b], four.connected[a][b] ? 1 : 3);
      }
    }
  }
}

}  // namespace
}  // namespace pinhole::scenarios
