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
#include "scenarios/results/trial_results.h"
#include "scenarios/run/cell_run.h"
#include "scenarios/run/packet_book.h"

namespace pinhole::scenarios {

// Everything about one cell that its repetitions share: the resolved file, the plan made from it, what is expected of
// each session. Made once, used by one thread.
struct PreparedCell {
  const Scenario* scenario = nullptr;
  const Cell* cell = nullptr;
  proto::Scenario resolved;
  CellPlan plan;
  std::vector<std::vector<const proto::Expect*>> expectations;           // by session
  std::vector<Prediction> predictions;                                   // by session
  std::vector<std::vector<const proto::Expect*>> punching_expectations;  // by punching
  std::vector<Prediction> punching_predictions;                          // by punching
  std::vector<NatCheckPrediction> nat_check_predictions;                 // by NAT check
  std::string unsupported;                                               // why it is not to be run; empty if it is
};

// Internal: the cell is one that cannot be, which the loader should have said.
absl::StatusOr<PreparedCell> PrepareCell(const Scenario& scenario, const Cell& cell);

// What a sweep remembers of one run. Plain: a sweep makes tens of thousands.
struct JudgedRun {
  std::uint32_t cell = 0;  // index in Scenario::cells()
  std::uint32_t repetition = 0;
  std::uint64_t seed = 0;
  Outcome outcome = Outcome::kUndecided;  // of the worst session
  Verdict verdict;                        // the worst session's
  std::uint64_t wire_digest = 0;
  std::uint64_t full_digest = 0;
  std::uint64_t events = 0;
  bool ran = false;           // false: unsupported
  bool consent_lost = false;  // by a side that had connected, while the session was held
  std::vector<NatCheckVerdicts> nat_checks;
  std::string explanation;  // of a failed verdict: why the sessions did not connect, if they did not
  std::string json;         // when asked for
  // Of a failed outcome, when asked for: what ended the first session or punching that came to nothing.
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

// Verdicts on the sessions of a finished run, then on its punchings and NAT checks.
std::vector<Verdict> JudgeSessions(const PreparedCell& prepared, const CellRun& run);

}  // namespace pinhole::scenarios
