// The scenario library, end to end: every cell of every file comes out as its expectations or the oracle say.
#include <gtest/gtest.h>

#include <map>

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

// Swapping the NATs, while roles and seeds stay, changes no outcome but where the oracle says that it depends.
TEST(NatMatrix, SwappedNatsGiveTheSameOutcomeUnlessTheOracleSaysDepends) {
  const Scenario scenario = LoadLibrary("nat_matrix");
  const std::vector<JudgedRun> runs = SweepAll(scenario, 2);
  std::map<std::string, const JudgedRun*> by_id;
  for (const JudgedRun& run : runs) by_id[scenario.cells()[run.cell].id] = &run;
  int compared = 0;
  for (const JudgedRun& run : runs) {
    const std::vector<AxisValue>& values = scenario.cells()[run.cell].values;
    ASSERT_EQ(values.size(), 3u);
    const std::string swapped_id =
        "nat_matrix/nat_a=" + values[1].value + ",nat_b=" + values[0].value + ",turn=" + values[2].value;
    ASSERT_TRUE(by_id.contains(swapped_id)) << swapped_id;
    const JudgedRun& swapped = *by_id[swapped_id];
    if (run.outcome == swapped.outcome) {
      ++compared;
      continue;
    }
    const absl::StatusOr<PreparedCell> prepared = PrepareCell(scenario, scenario.cells()[run.cell]);
    ASSERT_TRUE(prepared.ok()) << prepared.status().message();
    EXPECT_TRUE(prepared->predictions[0].depends())
        << scenario.cells()[run.cell].id << " " << ToString(run.outcome) << ", swapped " << ToString(swapped.outcome);
  }
  EXPECT_GT(compared, 1400);
}

}  // namespace
}  // namespace pinhole::scenarios
