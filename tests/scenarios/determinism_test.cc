// The same run is the same to the last bit, whoever runs it, and a change of one nanosecond shows.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "scenarios/ladder.h"
#include "tests/scenarios/run_cells.h"

namespace pinhole::scenarios {
namespace {

// A little of everything: relays, loss, duplicates, several interfaces, both families.
constexpr const char* kScenarios[] = {"delays", "dual_stack", "late_start", "multihomed", "one_cgn", "role_conflict"};

struct Digests {
  std::uint64_t wire = 0;
  std::uint64_t full = 0;
};

Digests DigestsOf(const CellPlan& plan, std::uint64_t seed, sim::Tracer* tracer = nullptr) {
  CellRun run(plan, seed, {.tracer = tracer, .measure_peaks = tracer != nullptr});
  EXPECT_TRUE(run.Run().ok());
  return {run.world().wire_digest(), run.world().full_digest()};
}

TEST(Determinism, OneAndTwoJobsAndTwiceInOneProcessGiveTheSameDigests) {
  for (const char* name : kScenarios) {
    const Scenario scenario = Library(name);
    const std::vector<JudgedRun> one = SweepAll(scenario, 1);
    const std::vector<JudgedRun> two = SweepAll(scenario, 2);
    const std::vector<JudgedRun> again = SweepAll(scenario, 1);
    ASSERT_EQ(one.size(), two.size());
    for (std::size_t i = 0; i < one.size(); ++i) {
      EXPECT_EQ(one[i].wire_digest, two[i].wire_digest) << Told(scenario, one[i]);
      EXPECT_EQ(one[i].full_digest, two[i].full_digest) << Told(scenario, one[i]);
      EXPECT_EQ(one[i].full_digest, again[i].full_digest) << Told(scenario, one[i]);
    }
  }
}

TEST(Determinism, OneNanosecondAndOneSeedChangeBothDigests) {
  const Scenario scenario = Library("one_lan");
  const PreparedCell prepared = *PrepareCell(scenario, scenario.cells().front());
  const Digests before = DigestsOf(prepared.plan, 1);
  EXPECT_NE(before.wire, DigestsOf(prepared.plan, 2).wire);
  for (std::size_t i = 0; i < prepared.plan.links.size(); ++i) {
    CellPlan moved = prepared.plan;
    moved.links[i].a_to_b.delay += std::chrono::nanoseconds(1);
    const Digests after = DigestsOf(moved, 1);
    EXPECT_NE(after.wire, before.wire) << "link " << i;
    EXPECT_NE(after.full, before.full) << "link " << i;
  }
}

TEST(Determinism, BeingWatchedChangesNothing) {
  const Scenario scenario = Library("multihomed");
  for (const Cell& cell : scenario.cells()) {
    const PreparedCell prepared = *PrepareCell(scenario, cell);
    PacketBook book;
    const Digests watched = DigestsOf(prepared.plan, 3, &book);
    const Digests alone = DigestsOf(prepared.plan, 3);
    EXPECT_EQ(watched.wire, alone.wire);
    EXPECT_EQ(watched.full, alone.full);
  }
}

// The goldens: the wire digest of the first run of every cell of these files, and one ladder, so that a mismatch shows
// where the runs part. PINHOLE_UPDATE_GOLDENS=1 in the environment writes them anew.
constexpr char kGoldenDigests[] = PINHOLE_SOURCE_DIR "/tests/scenarios/golden/wire_digests.txt";
constexpr char kGoldenLadder[] = PINHOLE_SOURCE_DIR "/tests/scenarios/golden/ladder.txt";

bool Updating() { return std::getenv("PINHOLE_UPDATE_GOLDENS") != nullptr; }

std::string LadderText() {
  const Scenario scenario = Library("late_start");
  const PreparedCell prepared = *PrepareCell(scenario, scenario.cells().back());
  std::ostringstream text;
  text << scenario.cells().back().id << "\n";
  Ladder ladder(prepared.plan, text);
  DigestsOf(prepared.plan, 1, &ladder);
  return text.str();
}

TEST(Golden, TheLadderOfOneRunPartsNowhere) {
  const std::string ladder = LadderText();
  if (Updating()) std::ofstream(kGoldenLadder) << ladder;
  std::ifstream file(kGoldenLadder);
  std::istringstream now(ladder);
  std::string expected_line;
  std::string line;
  for (int number = 1; std::getline(file, expected_line); ++number) {
    ASSERT_TRUE(std::getline(now, line)) << "the run ends before line " << number << ": " << expected_line;
    ASSERT_EQ(line, expected_line) << "first divergence, line " << number << " of " << kGoldenLadder;
  }
  EXPECT_FALSE(std::getline(now, line)) << "the run goes on: " << line;
}

TEST(Golden, WireDigestsAreThoseOfEveryBuildAndMachine) {
  std::map<std::string, std::string> digests;
  for (const char* name : kScenarios) {
    const Scenario scenario = Library(name);
    for (const JudgedRun& run : SweepAll(scenario)) {
      if (run.repetition == 0) digests[scenario.cells()[run.cell].id] = DigestText(run.wire_digest);
    }
  }
  if (Updating()) {
    std::ofstream file(kGoldenDigests);
    for (const auto& [id, digest] : digests) file << digest << " " << id << "\n";
  }
  std::ifstream file(kGoldenDigests);
  std::map<std::string, std::string> expected;
  std::string digest;
  std::string id;
  while (file >> digest >> id) expected[id] = digest;
  EXPECT_EQ(digests, expected);
}

}  // namespace
}  // namespace pinhole::scenarios
