#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "scenarios/oracle/outcome.h"
#include "scenarios/oracle/prediction.h"
#include "scenarios/scenario.pb.h"

// Holds what came of a session against what was to come of it: the expectations that select its cell, or the
// oracle's prediction where none does. Pure functions; the runner calls them and counts.
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

// The verdict on one run of one session. `expectations`: those of ExpectationsOf(). All must be met; where none of them
// says anything of outcome, types or hops, the oracle judges these; where they say an outcome but no types, it still
// judges the types. Whatever they say, a session that is
// UNDECIDED, one that only one side takes for connected, and one whose sides do not agree has failed, unless an
// expectation says `outcome: UNDECIDED` or `agree: false`. An expectation with share_min_ppm counts a session that
// only one side takes for connected as one more that missed it.
Verdict Judge(const std::vector<const proto::Expect*>& expectations, const proto::Session& session,
              const Prediction& prediction, const SessionOutcome& outcome);

// The verdict on all repetitions of a combination under an expectation with share_min_ppm.
Verdict JudgeShare(const proto::Expect& expectation, std::int64_t met, std::int64_t runs);

}  // namespace pinhole::scenarios
