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

// Everything about one cell that its repetitions share: the resolved cell, its plan, and for each trial the
// expectations and the oracle's prediction. It is used by one thread.
struct PreparedCell {
  const Scenario* scenario = nullptr;
  const Cell* cell = nullptr;
  std::optional<ResolvedCell> resolved;  // absent where `unsupported` is not empty
  CellPlan plan;
  std::vector<std::vector<const proto::Expect*>> expectations;  // by trial
  std::vector<Prediction> predictions;                          // by trial
  std::string unsupported;                                      // why the cell is not run; empty if it is run
};

// Resolves, plans and predicts a cell. `scenario` and `cell` must outlive the result. Returns Internal if the oracle
// finds a reference to an element that does not exist, which the loader should have refused.
absl::StatusOr<PreparedCell> PrepareCell(const Scenario& scenario, const Cell& cell);

// The test results of one trial that only tests (a NAT check), and the row of the table in which they are counted.
struct TestRow {
  std::string row;
  std::vector<TestOutcome> tests;
};

// The part of a run's result that a sweep keeps. It is small, because a sweep makes tens of thousands of runs.
struct JudgedRun {
  std::uint32_t cell = 0;  // index in Scenario::cells()
  std::uint32_t repetition = 0;
  std::uint64_t seed = 0;
  Outcome outcome = Outcome::kUndecided;  // the worst outcome of its trials; NAT checks do not count
  Verdict verdict;                        // the worst verdict on its trials
  std::uint64_t wire_digest = 0;
  std::uint64_t full_digest = 0;
  std::uint64_t events = 0;
  bool ran = false;            // false: the cell is unsupported and was not run
  bool consent_lost = false;   // a side that had connected lost consent while the session was held (RFC 7675)
  std::vector<TestRow> tests;  // one for each trial that only tests
  std::string explanation;     // only if the verdict is a fail: why the trials that did not connect failed
  std::string json;            // the RunResult, if Wanted::json is set
  // Only if Wanted::killer is set and the outcome is FAILED: the node and rule that ended the first failed trial.
  std::optional<KilledBy> killed;
};

// The parts of a JudgedRun that are filled only on request.
struct Wanted {
  bool json = false;    // JudgedRun::json
  bool killer = false;  // JudgedRun::killed
};

// Runs a prepared cell once and judges it. The run is recorded in a PacketBook if `wanted` asks for JSON, if the
// verdict is a fail, or if the outcome is FAILED and a killer is wanted. A PacketBook changes nothing in the run, but
// costs time. Returns Internal if the simulator refuses the plan.
absl::StatusOr<JudgedRun> RunAndJudge(const PreparedCell& prepared, std::uint32_t repetition, std::uint64_t seed,
                                      const Wanted& wanted);

// The outcomes of a finished run, one for each trial.
std::vector<TrialOutcome> OutcomesOf(const CellRun& run);
// The verdicts on these outcomes, in the same order.
std::vector<Verdict> JudgeTrials(const PreparedCell& prepared, const std::vector<TrialOutcome>& outcomes);

}  // namespace pinhole::scenarios
