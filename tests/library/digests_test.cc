// Each run has one digest, which is the same for every compiler, optimization level, sanitizer and number of threads.
// The golden files hold the wire digest of every run of the library (of long files only the first runs). Each build of
// the continuous integration compares its digests with these files.
//
// After a change that is meant to move packets: run ./dev golden, and say in the commit why the packets moved.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/str_format.h"
#include "scenarios/results/ladder.h"
#include "tests/library/swept.h"
#include "tests/source_dir.h"

namespace pinhole::scenarios {
namespace {

// The golden files keep only this many repetitions of each cell, because more repetitions would test nothing new.
constexpr std::uint32_t kRepetitionsKept = 20;

class LibraryDigests : public testing::TestWithParam<std::string> {};

TEST_P(LibraryDigests, WireDigestsAreTheGoldenOnes) {
  const Scenario scenario = LoadLibrary(GetParam());
  std::ostringstream lines;
  for (const JudgedRun& run : SweepAll(scenario, 2)) {
    if (run.repetition >= kRepetitionsKept) continue;
    lines << absl::StrFormat("%016x %s\n", run.wire_digest, IdOf(scenario, run));
  }
  const std::string path = std::string(PINHOLE_SOURCE_DIR "/tests/library/golden/") + GetParam() + ".wire";
  if (std::getenv("PINHOLE_WRITE_GOLDEN") != nullptr) {
    std::ofstream(path, std::ios::trunc) << lines.str();
    return;
  }
  std::ifstream golden(path);
  ASSERT_TRUE(golden) << path << " is missing; ./dev golden writes it";
  std::istringstream got(lines.str());
  std::string golden_line, got_line;
  while (true) {
    const bool more_golden = static_cast<bool>(std::getline(golden, golden_line));
    const bool more_got = static_cast<bool>(std::getline(got, got_line));
    if (!more_golden && !more_got) return;
    ASSERT_EQ(more_golden ? golden_line : "", more_got ? got_line : "")
        << "the first run that differs; `pinhole run` prints its packets, and those of a build from before the change "
           "are what to compare them with";
  }
}

INSTANTIATE_TEST_SUITE_P(, LibraryDigests, testing::ValuesIn(LibraryNames()),
                         [](const testing::TestParamInfo<std::string>& name) { return name.param; });

// The full digest also covers facts that the wire digest does not: where packets ended and by which rule, and the data
// that programs received. One relayed session has all of these.
TEST(Digests, FullDigestOfARelayedSessionIsTheGoldenOne) {
  const Scenario scenario = LoadLibrary("nat_matrix");
  const std::string id = "nat_matrix/nat_a=symmetric,nat_b=symmetric,transport=UDP,turn=BOTH";
  const Cell* cell = scenario.Find(id);
  ASSERT_NE(cell, nullptr);
  const absl::StatusOr<PreparedCell> prepared = PrepareCell(scenario, *cell);
  ASSERT_TRUE(prepared.ok());
  CellRun run(prepared->plan, 1, {});
  ASSERT_TRUE(run.Run().ok());
  EXPECT_EQ(run.OutcomeOf(0).outcome, Outcome::kRelayed);
  const std::string line = absl::StrFormat("%016x %s\n", run.world().full_digest(), id);
  const std::string path = PINHOLE_SOURCE_DIR "/tests/library/golden/nat_matrix_relayed.full";
  if (std::getenv("PINHOLE_WRITE_GOLDEN") != nullptr) {
    std::ofstream(path, std::ios::trunc) << line;
    return;
  }
  std::ifstream golden(path);
  ASSERT_TRUE(golden) << path << " is missing; ./dev golden writes it";
  std::stringstream kept;
  kept << golden.rdbuf();
  EXPECT_EQ(line, kept.str());
}

// The ladder of one run, packet by packet. If a wire digest differs, the first line that differs from the golden ladder
// shows where.
TEST(Digests, LadderShowsWhereWireDigestsPart) {
  const Scenario scenario = LoadLibrary("late_start");
  const absl::StatusOr<PreparedCell> prepared = PrepareCell(scenario, scenario.cells().back());
  ASSERT_TRUE(prepared.ok());
  std::ostringstream drawn;
  Ladder ladder(prepared->plan, drawn);
  CellRun run(prepared->plan, 1, {.tracer = &ladder});
  ASSERT_TRUE(run.Run().ok());
  const std::string path = PINHOLE_SOURCE_DIR "/tests/library/golden/late_start.ladder";
  if (std::getenv("PINHOLE_WRITE_GOLDEN") != nullptr) {
    std::ofstream(path, std::ios::trunc) << drawn.str();
    return;
  }
  std::ifstream golden(path);
  ASSERT_TRUE(golden) << path << " is missing; ./dev golden writes it";
  std::istringstream got(drawn.str());
  std::string golden_line, got_line;
  for (int line = 1; std::getline(golden, golden_line); ++line) {
    ASSERT_TRUE(std::getline(got, got_line)) << "the run ends before line " << line;
    ASSERT_EQ(got_line, golden_line) << "first divergence: line " << line;
  }
  EXPECT_FALSE(std::getline(got, got_line)) << "the run goes on: " << got_line;
}

TEST(Digests, AreTheSameForOneAndTwoJobsAndTwiceInOneProcess) {
  const Scenario scenario = LoadLibrary("reachability_by_session");
  const std::vector<JudgedRun> first = SweepAll(scenario, 1);
  const std::vector<JudgedRun> two_jobs = SweepAll(scenario, 2);
  const std::vector<JudgedRun> again = SweepAll(scenario, 1);
  ASSERT_EQ(first.size(), two_jobs.size());
  ASSERT_EQ(first.size(), again.size());
  for (std::size_t i = 0; i < first.size(); ++i) {
    const std::string id = IdOf(scenario, first[i]);
    EXPECT_EQ(id, IdOf(scenario, two_jobs[i]));
    EXPECT_EQ(first[i].wire_digest, two_jobs[i].wire_digest) << id;
    EXPECT_EQ(first[i].full_digest, two_jobs[i].full_digest) << id;
    EXPECT_EQ(first[i].wire_digest, again[i].wire_digest) << id;
    EXPECT_EQ(first[i].full_digest, again[i].full_digest) << id;
  }
}

// Runs that differ only in the seed, or only by one nanosecond of one link, have different digests.
TEST(Digests, ChangeWhenOnePacketMovesByOneNanosecond) {
  const Scenario scenario = LoadLibrary("one_lan");
  absl::StatusOr<PreparedCell> prepared = PrepareCell(scenario, scenario.cells()[0]);
  ASSERT_TRUE(prepared.ok());
  const auto digests = [&] {
    CellRun run(prepared->plan, 1, {});
    EXPECT_TRUE(run.Run().ok());
    return std::pair(run.world().wire_digest(), run.world().full_digest());
  };
  const auto before = digests();
  EXPECT_EQ(before, digests());
  prepared->plan.links[0].a_to_b.delay += std::chrono::nanoseconds(1);
  const auto after = digests();
  EXPECT_NE(before.first, after.first);
  EXPECT_NE(before.second, after.second);
}

}  // namespace
}  // namespace pinhole::scenarios
