#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "scenarios/language/load.h"
#include "scenarios/sweep/judged_run.h"
#include "scenarios/sweep/sweep.h"

namespace pinhole::scenarios {

// A scenario of the library, with the settings `sets` applied before the sweep.
inline Scenario Library(const std::string& name, const std::vector<std::string>& sets = {}) {
  SystemFiles files;
  LoadOptions options;
  options.sets = sets;
  absl::StatusOr<Scenario> scenario =
      LoadScenario(absl::StrCat("builtin:library/", name, ".textproto"), files, options);
  EXPECT_TRUE(scenario.ok()) << scenario.status().message();
  return *std::move(scenario);
}

inline Scenario FromText(const std::string& text) {
  MemoryFiles files({{"test.textproto", text}});
  absl::StatusOr<Scenario> scenario = LoadScenario("test.textproto", files);
  EXPECT_TRUE(scenario.ok()) << scenario.status().message();
  return *std::move(scenario);
}

// alice - home_a - internet - home_b - bob, with 10 ms between the outside of each home and the core. The text
// `topology` is added to the topology, the text `more` after it.
inline Scenario Homes(const std::string& nat_a, const std::string& nat_b, const std::string& more = "",
                      const std::string& topology = "") {
  return FromText(absl::StrCat("name: \"homes\" base: \"topologies/two_homes.textproto\" topology { ", topology,
                               " nat { name: \"home_a\" profile: \"", nat_a, "\" } nat { name: \"home_b\" profile: \"",
                               nat_b, "\" } } ", more));
}

// Runs and judges all cells of the scenario.
inline std::vector<JudgedRun> SweepAll(const Scenario& scenario, int jobs = 2) {
  SweepPlan plan;
  plan.scenario = &scenario;
  for (const Cell& cell : scenario.cells()) plan.cells.push_back(&cell);
  plan.repetitions = scenario.repetitions();
  plan.base_seed = scenario.file().seed().base();
  plan.jobs = jobs;
  std::vector<JudgedRun> runs;
  const absl::Status status = RunSweep(
      plan, [&runs](JudgedRun run) { runs.push_back(std::move(run)); }, [](std::uint64_t) {});
  EXPECT_TRUE(status.ok()) << status.message();
  JudgeShares(scenario, runs);
  return runs;
}

// The reason and the explanation of a failed run, for messages of tests.
inline std::string Told(const Scenario& scenario, const JudgedRun& run) {
  return absl::StrCat(RunId(scenario.cells()[run.cell], run.repetition), ": ", run.verdict.reason, "; ",
                      run.explanation);
}

// One run of one cell, with its results and its records.
struct WatchedRun {
  WatchedRun(const Scenario& scenario, const std::string& id, std::uint64_t seed = 1,
             const sim::WorldOptions& world = {}) {
    const Cell* cell = scenario.Find(id);
    EXPECT_NE(cell, nullptr) << id;
    absl::StatusOr<PreparedCell> made = PrepareCell(scenario, *cell);
    EXPECT_TRUE(made.ok()) << made.status().message();
    prepared = std::make_unique<PreparedCell>(*std::move(made));
    book = std::make_unique<PacketBook>();
    run = std::make_unique<CellRun>(prepared->plan, seed,
                                    CellRun::Options{.tracer = book.get(), .measure_peaks = true, .world = world});
    const absl::Status status = run->Run();
    EXPECT_TRUE(status.ok()) << status.message();
    result = MakeRunResult({.scenario = &scenario, .cell = cell, .repetition = 0, .seed = seed}, *run, *book,
                           prepared->predictions, JudgeTrials(*prepared, OutcomesOf(*run)));
  }

  std::unique_ptr<PreparedCell> prepared;
  std::unique_ptr<PacketBook> book;
  std::unique_ptr<CellRun> run;
  proto::RunResult result;
};

}  // namespace pinhole::scenarios
