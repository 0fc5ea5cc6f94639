// The scenario library from end to end: every cell of every file has the outcome that its expectations or the oracle
// demand.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "scenarios/oracle/extract.h"
#include "tests/library/swept.h"

namespace pinhole::scenarios {
namespace {

class LibraryFile : public testing::TestWithParam<std::string> {};

TEST_P(LibraryFile, EveryCellIsJudgedAndNoneFails) {
  const Scenario scenario = LoadLibrary(GetParam());
  int shown = 0;
  for (const JudgedRun& run : SweepAll(scenario, 2)) {
    if (run.verdict.kind != VerdictKind::kFail || ++shown > 10) continue;
    ADD_FAILURE() << IdOf(scenario, run) << ": " << run.verdict.reason << "\n" << run.explanation;
  }
  EXPECT_LE(shown, 10) << "and more";
}

INSTANTIATE_TEST_SUITE_P(, LibraryFile, testing::ValuesIn(LibraryNames()),
                         [](const testing::TestParamInfo<std::string>& name) { return name.param; });

// The cells whose outcome the oracle leaves open. There are none, because the descriptions reach both sides at the same
// time, and then neither order nor chance decides any pair of profiles. A new cell of this kind must be named here.
const std::vector<std::string> kDepends = {};

class NatPairs : public testing::TestWithParam<const char*> {};

// If the NATs are swapped while roles and seeds stay, no outcome changes, except where the oracle says that it depends.
TEST_P(NatPairs, SwappedGiveTheSameOutcomeUnlessTheOracleSaysDepends) {
  const Scenario scenario = LoadLibrary(GetParam());
  const std::vector<JudgedRun> runs = SweepAll(scenario, 2);
  std::map<std::string, const JudgedRun*> by_id;
  for (const JudgedRun& run : runs) by_id[scenario.cells()[run.cell].id] = &run;
  ASSERT_EQ(by_id.size(), scenario.cells().size()) << "one run of each cell";
  std::vector<std::string> depends;
  int swaps = 0;
  for (const JudgedRun& run : runs) {
    const Cell& cell = scenario.cells()[run.cell];
    const std::vector<AxisValue>& values = cell.values;
    ASSERT_GE(values.size(), 3u);
    ASSERT_EQ(values[0].axis + " " + values[1].axis, "nat_a nat_b");
    const absl::StatusOr<Prediction> prediction = Predict(scenario.Resolve(cell).file(), 0);
    ASSERT_TRUE(prediction.ok()) << prediction.status().message();
    if (prediction->depends()) {
      depends.push_back(cell.id);
      continue;
    }
    std::string swapped_id = scenario.name() + "/nat_a=" + values[1].value + ",nat_b=" + values[0].value;
    for (std::size_t i = 2; i < values.size(); ++i) swapped_id += "," + values[i].axis + "=" + values[i].value;
    ASSERT_TRUE(by_id.contains(swapped_id)) << swapped_id;
    const JudgedRun& swapped = *by_id[swapped_id];
    EXPECT_EQ(run.seed, swapped.seed);
    EXPECT_EQ(run.outcome, swapped.outcome)
        << cell.id << " " << ToString(run.outcome) << ", swapped " << ToString(swapped.outcome);
    swaps += run.cell != swapped.cell;
  }
  EXPECT_EQ(depends, kDepends);
  // All but those of equal NATs.
  std::set<std::string> nats;
  for (const Cell& cell : scenario.cells()) nats.insert(cell.values[0].value);
  EXPECT_EQ(static_cast<std::size_t>(swaps), scenario.cells().size() - scenario.cells().size() / nats.size());
}

INSTANTIATE_TEST_SUITE_P(, NatPairs,
                         testing::Values("nat_matrix", "nat_matrix_two_turn", "reachability_by_endpoint",
                                         "reachability_by_session"),
                         [](const testing::TestParamInfo<const char*>& file) { return std::string(file.param); });

}  // namespace
}  // namespace pinhole::scenarios
