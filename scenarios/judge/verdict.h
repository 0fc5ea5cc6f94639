#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "scenarios/oracle/outcome.h"
#include "scenarios/oracle/prediction.h"
#include "scenarios/scenario.pb.h"

// Holds the outcome of a trial against the expectations that select its cell, or against the oracle's prediction where
// no expectation does. Pure functions.
namespace pinhole::scenarios {

enum class VerdictKind : std::uint8_t {
  kPass,
  kFail,
  kXfail,        // did not meet an expectation of which the file says that it is not met yet
  kUnsupported,  // not run, as the file says
};

struct Verdict {
  VerdictKind kind = VerdictKind::kFail;
  // What was judged by and, unless passed, what was not met.
  std::string reason;
  bool by_oracle = false;
  // Passed where the oracle leaves several outcomes open; counted apart.
  bool depends = false;
  // Did not meet an expectation with share_min_ppm, which JudgeShare() judges over all repetitions. Otherwise in order.
  bool missed_share = false;
};

// The verdict on one trial of one run. `expectations`: those of ExpectationsOf().
//
// All expectations must be met. Where none of them says anything about outcome, types or hops, the oracle judges these;
// where they say an outcome but no types, the oracle still judges the types. Whatever they say, these have failed,
// unless an expectation says `outcome: UNDECIDED` or `agree: false`: a trial that is UNDECIDED, one that only one side
// takes for connected, and one whose sides do not agree. An expectation with share_min_ppm counts a trial that only one
// side takes for connected as one more that missed it. The tests of a trial that only tests are judged by the oracle
// alone.
Verdict Judge(const std::vector<const proto::Expect*>& expectations, const Prediction& prediction,
              const TrialOutcome& outcome);

// The verdict on all repetitions of a combination under an expectation with share_min_ppm.
Verdict JudgeShare(const proto::Expect& expectation, std::int64_t met, std::int64_t runs);

}  // namespace pinhole::scenarios
