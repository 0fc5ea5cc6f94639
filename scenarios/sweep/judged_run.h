#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "scenarios/judge/verdict.h"
#include "scenarios/language/scenario.h"
#include "scenarios/oracle/prediction.h"
#include "scenarios/results/run_result.h"
#include "scenarios/run/cell_run.h"
#include "scenarios/run/packet_book.h"

namespace pinhole::scenarios {

// Everything about one cell that its repetitions share: the resolved cell, the plan made from it, and for each trial
// what is expected and what the oracle predicts. Made once, used by one thread.
struct PreparedCell {
  const Scenario* scenario = nullptr;
  const Cell* cell = nullptr;
  std::optional<ResolvedCell> resolved;  // absent where `unsupported` is not empty
  CellPlan plan;
  std::vector<std::vector<const proto::Expect*>> expectations;  // by trial
  std::vector<Prediction> predictions;                          // by trial
  std::string unsupported;                                      // why the cell is not to be run; empty if it is
};

// Internal: the cell is one that cannot be, which the loader should have said.
absl::StatusOr<PreparedCell> PrepareCell(const Scenario& scenario, const Cell& cell);

// The tests of one trial that only tests.
struct TestRow {
  std::string row;
  std::vector<TestOutcome> tests;
};

// What a sweep remembers of one run. Plain: a sweep makes tens of thousands.
struct JudgedRun {
  std::uint32_t cell = 0;  // index in Scenario::cells()
  std::uint32_t repetition = 0;
  std::uint64_t seed = 0;
  Outcome outcome = Outcome::kUndecided;  // the worst of its trials
  Verdict verdict;                        // the worst of its trials
  std::uint64_t wire_digest = 0;
  std::uint64_t full_digest = 0;
  std::uint64_t events = 0;
  bool ran = false;            // false: unsupported
  bool consent_lost = false;   // by a side that had connected, while the session was held
  std::vector<TestRow> tests;  // of each trial that only tests
  std::string explanation;     // of a failed verdict: why the trials did not connect, if they did not
  std::string json;            // when asked for
  // Of a failed outcome, when asked for: what ended the first trial that failed.
  std::optional<KilledBy> killed;
};

// What more is wanted of a run than its verdict.
struct Wanted {
  bool json = false;
  bool killer = false;  // JudgedRun::killed
};

// Runs a prepared cell once and judges it. With `json`, when the verdict is a fail, and for a killer, the run is
// watched closely, which changes nothing in it but takes longer.
absl::StatusOr<JudgedRun> RunAndJudge(const PreparedCell& prepared, std::uint32_t repetition, std::uint64_t seed,
                                      const Wanted& wanted);

// The outcomes of a finished run, by trial.
std::vector<TrialOutcome> OutcomesOf(const CellRun& run);
// A verdict on each.
std::vector<Verdict> JudgeTrials(const PreparedCell& prepared, const std::vector<TrialOutcome>& outcomes);

}  // namespace pinhole::scenarios
