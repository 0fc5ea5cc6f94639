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

namespace pinhole::scenarios {

// Which run it was.
struct RunIdentity {
  const Scenario* scenario = nullptr;
  const Cell* cell = nullptr;
  std::uint32_t repetition = 0;
  std::uint64_t seed = 0;  // the run's own
};

// Everything that was measured, as RunResult says it. `predictions` and `verdicts`: one for each trial; `predictions`
// may be empty where the oracle was not asked.
proto::RunResult MakeRunResult(const RunIdentity& identity, const CellRun& run, const PacketBook& book,
                               const std::vector<Prediction>& predictions, const std::vector<Verdict>& verdicts);

// One line of JSON without a line end; field names as in results.proto.
std::string ToJson(const proto::RunResult& result);

// The verdict on a run: the worst of its trials' verdicts.
const Verdict& WorstOf(const std::vector<Verdict>& verdicts);

// "0123456789abcdef".
std::string DigestText(std::uint64_t digest);

}  // namespace pinhole::scenarios
