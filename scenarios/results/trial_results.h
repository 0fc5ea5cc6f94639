#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/judge/verdict.h"
#include "scenarios/oracle/nat_check.h"
#include "scenarios/oracle/outcome.h"
#include "scenarios/results.pb.h"
#include "scenarios/run/cell_run.h"

// What came of a run's punchings, in the terms that sessions are judged in.
namespace pinhole::scenarios {

// Outcome, times, and of one that failed what ended it: the first segment of the last try that was dropped and that the
// technique needed, or, once a side's handshake was over, the last one. Low-TTL SYNs are meant to end on the way, and
// so is the SYN of one that only listens then: they count where nothing else was dropped.
SessionOutcome PunchingOutcome(const CellRun& run, std::size_t index);

// "a: ...; b: ...; last hope: check SYN ... dropped at ...". Empty: it connected.
std::string ExplainPunching(const CellRun& run, std::size_t index);

// The verdicts, by the words of NatCheckResult; absent where the test was not run.
struct NatCheckVerdicts {
  std::string row;
  std::optional<bool> udp;
  std::optional<bool> udp_hairpin;
  std::optional<bool> tcp;
  std::optional<bool> tcp_hairpin;
};
NatCheckVerdicts NatCheckOutcome(const CellRun& run, std::size_t index);
// Passes if they are what `foreseen` says, which has all four.
Verdict JudgeNatCheck(const NatCheckPrediction& foreseen, const NatCheckVerdicts& verdicts);

void FillTrials(const CellRun& run, proto::RunResult* result);

}  // namespace pinhole::scenarios
