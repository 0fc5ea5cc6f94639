#pragma once

#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "scenarios/language/load.h"
#include "scenarios/sweep/sweep.h"

namespace pinhole::scenarios {

// The names of the library's files, such as "nat_matrix", sorted.
inline std::vector<std::string> LibraryNames() {
  SystemFiles files;
  std::vector<std::string> names;
  for (const std::string& path : files.List("builtin:library")) {
    const std::size_t slash = path.rfind('/');
    names.push_back(path.substr(slash + 1, path.rfind('.') - slash - 1));
  }
  return names;
}

inline Scenario LoadLibrary(const std::string& name) {
  SystemFiles files;
  absl::StatusOr<Scenario> scenario = LoadScenario("builtin:library/" + name + ".textproto", files);
  if (!scenario.ok()) {
    std::cerr << scenario.status().message() << "\n";
    std::abort();
  }
  return *std::move(scenario);
}

// Runs and judges the whole file with its own seed. The results are in the order of cells and repetitions.
inline std::vector<JudgedRun> SweepAll(const Scenario& scenario, int jobs) {
  SweepPlan plan;
  plan.scenario = &scenario;
  for (const Cell& cell : scenario.cells()) plan.cells.push_back(&cell);
  plan.repetitions = scenario.repetitions();
  plan.base_seed = scenario.file().seed().base();
  plan.jobs = jobs;
  std::vector<JudgedRun> runs;
  const absl::Status status = RunSweep(
      plan, [&](JudgedRun run) { runs.push_back(std::move(run)); }, [](std::uint64_t) {});
  if (!status.ok()) {
    std::cerr << scenario.path() << ": " << status.message() << "\n";
    std::abort();
  }
  JudgeShares(scenario, runs);
  return runs;
}

inline std::string IdOf(const Scenario& scenario, const JudgedRun& run) {
  return RunId(scenario.cells()[run.cell], run.repetition);
}

}  // namespace pinhole::scenarios
