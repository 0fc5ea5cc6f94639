// The library, end to end: every run of every cell comes to what its file expects, and where that says nothing to
// what the oracle predicts.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/scenarios/run_cells.h"

namespace pinhole::scenarios {
namespace {

std::vector<std::string> NamesInLibrary() {
  SystemFiles files;
  std::vector<std::string> names;
  for (const std::string& path : files.List("builtin:library")) {
    const std::size_t slash = path.rfind('/');
    names.push_back(path.substr(slash + 1, path.rfind(".textproto") - slash - 1));
  }
  return names;
}

class LibraryRun : public ::testing::TestWithParam<std::string> {};

TEST_P(LibraryRun, EveryCellIsAsExpected) {
  const Scenario scenario = Library(GetParam());
  const std::vector<JudgedRun> runs = SweepAll(scenario);
  EXPECT_EQ(runs.size(), scenario.cells().size() * scenario.repetitions());
  for (const JudgedRun& run : runs) {
    EXPECT_NE(run.verdict.kind, VerdictKind::kFail) << Told(scenario, run);
    EXPECT_NE(run.outcome, Outcome::kUndecided) << Told(scenario, run);
  }
}

INSTANTIATE_TEST_SUITE_P(All, LibraryRun, ::testing::ValuesIn(NamesInLibrary()),
                         [](const ::testing::TestParamInfo<std::string>& info) { return info.param; });

}  // namespace
}  // namespace pinhole::scenarios
