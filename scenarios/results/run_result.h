#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "scenarios/judge/verdict.h"
#include "scenarios/language/scenario.h"
#include "scenarios/oracle/prediction.h"
#include "scenarios/results.pb.h"
#include "scenarios/run/cell_run.h"
#include "scenarios/run/packet_book.h"

// Makes the RunResult of a finished run: the one record from which JSON, the terminal's text and the tests read. A run
// itself fills only plain structs, because a sweep makes tens of thousands of runs and most of them need no RunResult.
//
// The rule: results.proto says what each field is, with its unit. A measure of the whole run is filled here; each trial
// fills its own part by Trial::Fill(). A field that was not measured, or whose event did not happen, stays absent.
// Every field is the same for the same plan and seed on every machine; the wall clock is not read.
namespace pinhole::scenarios {

// The run that a result is about.
struct RunIdentity {
  const Scenario* scenario = nullptr;
  const Cell* cell = nullptr;
  std::uint32_t repetition = 0;
  std::uint64_t seed = 0;  // the seed of this run, not the base seed
};

// Returns the result of a finished run that `book` watched. `predictions` and `verdicts` have one element for each
// trial. Either may be empty: then the result has no prediction, or no verdict.
proto::RunResult MakeRunResult(const RunIdentity& identity, const CellRun& run, const PacketBook& book,
                               const std::vector<Prediction>& predictions, const std::vector<Verdict>& verdicts);

// Returns the result as one line of JSON, without a line end. The names of fields are those of results.proto.
std::string ToJson(const proto::RunResult& result);

// Returns the worst of the trials' verdicts, which is the verdict on the run. `verdicts` must not be empty.
const Verdict& WorstOf(const std::vector<Verdict>& verdicts);

// Returns the digest as 16 hexadecimal digits: "0123456789abcdef".
std::string DigestText(std::uint64_t digest);

}  // namespace pinhole::scenarios
