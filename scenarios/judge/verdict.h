#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "scenarios/oracle/outcome.h"
#include "scenarios/oracle/prediction.h"
#include "scenarios/scenario.pb.h"

// Judges the outcome of one trial, and says why in a sentence. A sweep has too many runs to read, so every run needs a
// verdict, also in a cell for which the scenario file expects nothing.
//
// The rule: the expectations that select the cell (proto::Expect) decide first, and all of them must be met. The oracle
// (oracle/prediction.h) decides what the expectations leave out. Three results are failures by themselves: the trial is
// undecided; only one side has connected; the two sides have selected different paths. An expectation can allow the
// first and the last of these.
//
// The judge reads no RFC and no topology. The rules of the RFCs are in the expectation and in the prediction. All
// functions are pure: the same arguments give the same verdict.
namespace pinhole::scenarios {

enum class VerdictKind : std::uint8_t {
  kPass,
  kFail,
  kXfail,        // an expectation is not met, and the file says that this is known (`xfail`)
  kUnsupported,  // the cell was not run, because the file says so (`unsupported`)
};

struct Verdict {
  VerdictKind kind = VerdictKind::kFail;
  // For people. After a pass: "as expected", or the prediction and its reason. Otherwise: what was not met.
  std::string reason;
  // True: the oracle's prediction decided. False: the expectations decided.
  bool by_oracle = false;
  // Only with kPass: the oracle allows several outcomes in this cell. Such a pass shows less, so it is counted apart.
  bool depends = false;
  // The trial did not meet an expectation with share_min_ppm. JudgeShare() judges such an expectation over all
  // repetitions, so `kind` here is the verdict on everything else.
  bool missed_share = false;
};

// Returns the verdict on one trial of one run. `expectations` are those that ExpectationsOf() selects for the trial.
//
// If no expectation has an outcome, a peer or relay_hops, the oracle judges the outcome and the kind of path. If an
// expectation has an outcome but none has candidate types, the oracle still judges the kind of path.
//
// A trial that is undecided fails unless an expectation has `outcome: UNDECIDED`. A trial whose two sides selected
// different paths fails unless an expectation has `agree: false`. A trial in which only one side connected fails; if an
// expectation has share_min_ppm, the trial counts as one of the repetitions that miss this expectation.
//
// A trial that only tests (a NAT check) is judged by the oracle alone.
Verdict Judge(const std::vector<const proto::Expect*>& expectations, const Prediction& prediction,
              const TrialOutcome& outcome);

// Returns the verdict on all repetitions of a cell under one expectation with share_min_ppm: `met` of `runs`
// repetitions meet it.
Verdict JudgeShare(const proto::Expect& expectation, std::int64_t met, std::int64_t runs);

}  // namespace pinhole::scenarios
