#include "scenarios/sweep/judged_run.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "net/contract.h"
#include "scenarios/language/expectations.h"
#include "scenarios/run/killer.h"
#include "scenarios/run/trial_kinds.h"

namespace pinhole::scenarios {
namespace {

int Badness(Outcome outcome) {
  switch (outcome) {
    case Outcome::kDirect:
      return 0;
    case Outcome::kRelayed:
      return 1;
    case Outcome::kFailed:
      return 2;
    case Outcome::kUndecided:
      return 3;
  }
  net::CannotHappen();
}

Outcome WorstOf(const std::vector<TrialOutcome>& outcomes) {
  Outcome worst = Outcome::kDirect;
  for (const TrialOutcome& outcome : outcomes) {
    const bool only_tests = !outcome.tests.empty();
    if (!only_tests && Badness(outcome.outcome) > Badness(worst)) worst = outcome.outcome;
  }
  return worst;
}

std::optional<KilledBy> FirstKiller(const CellRun& run, const PacketBook& book,
                                    const std::vector<TrialOutcome>& outcomes) {
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    if (outcomes[i].outcome != Outcome::kFailed) continue;
    if (const std::optional<Killer> killer = FindKiller(run, &book, run.trial(i))) return killer->by;
  }
  return std::nullopt;
}

// The reasons of all trials that failed, joined.
std::string Explain(const CellRun& run, const PacketBook& book) {
  std::string explanation;
  for (const std::unique_ptr<Trial>& trial : run.trials()) {
    const std::string why = trial->Explain(run, &book);
    if (!why.empty()) absl::StrAppend(&explanation, explanation.empty() ? "" : "; ", why);
  }
  return explanation;
}

absl::Status WithCell(const absl::Status& status, const Cell& cell) {
  return absl::InternalError(absl::StrCat(cell.id, ": ", status.message()));
}

}  // namespace

absl::StatusOr<PreparedCell> PrepareCell(const Scenario& scenario, const Cell& cell) {
  PreparedCell prepared;
  prepared.scenario = &scenario;
  prepared.cell = &cell;
  std::vector<const proto::Expect*> expectations;
  for (const int index : cell.expectations) expectations.push_back(&scenario.file().expect(index));
  prepared.unsupported = UnsupportedReason(expectations);
  if (!prepared.unsupported.empty()) return prepared;
  prepared.resolved = scenario.Resolve(cell);
  prepared.plan = PlanCell(*prepared.resolved);
  for (const std::shared_ptr<const PlannedTrial>& trial : prepared.plan.trials) {
    prepared.expectations.push_back(ExpectationsOf(expectations, trial->name()));
    absl::StatusOr<Prediction> prediction = trial->Predict(prepared.resolved->file());
    if (!prediction.ok()) return WithCell(prediction.status(), cell);
    prepared.predictions.push_back(*std::move(prediction));
  }
  return prepared;
}

std::vector<TrialOutcome> OutcomesOf(const CellRun& run) {
  std::vector<TrialOutcome> outcomes;
  outcomes.reserve(run.trials().size());
  for (std::size_t i = 0; i < run.trials().size(); ++i) outcomes.push_back(run.OutcomeOf(i));
  return outcomes;
}

std::vector<Verdict> JudgeTrials(const PreparedCell& prepared, const std::vector<TrialOutcome>& outcomes) {
  std::vector<Verdict> verdicts;
  verdicts.reserve(outcomes.size());
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    verdicts.push_back(Judge(prepared.expectations[i], prepared.predictions[i], outcomes[i]));
  }
  return verdicts;
}

absl::StatusOr<JudgedRun> RunAndJudge(const PreparedCell& prepared, std::uint32_t repetition, std::uint64_t seed,
                                      const Wanted& wanted) {
  JudgedRun judged;
  judged.cell = static_cast<std::uint32_t>(prepared.cell - prepared.scenario->cells().data());
  judged.repetition = repetition;
  judged.seed = seed;
  if (!prepared.unsupported.empty()) {
    judged.verdict.kind = VerdictKind::kUnsupported;
    judged.verdict.reason = prepared.unsupported;
    if (wanted.json) {
      proto::RunResult result;
      result.set_scenario(prepared.scenario->name());
      result.set_file(prepared.scenario->path());
      result.set_cell(RunId(*prepared.cell, repetition));
      result.set_verdict(proto::UNSUPPORTED);
      result.set_verdict_reason(prepared.unsupported);
      judged.json = ToJson(result);
    }
    return judged;
  }
  bool watch = wanted.json;
  while (true) {
    PacketBook book;
    CellRun run(prepared.plan, seed, {.tracer = watch ? &book : nullptr, .measure_peaks = watch});
    if (absl::Status status = run.Run(); !status.ok()) return WithCell(status, *prepared.cell);
    const std::vector<TrialOutcome> outcomes = OutcomesOf(run);
    const std::vector<Verdict> verdicts = JudgeTrials(prepared, outcomes);
    judged.verdict = WorstOf(verdicts);
    judged.outcome = WorstOf(outcomes);
    // A run that failed is repeated with a PacketBook, which records why. The repetition is the same run.
    const bool killer = wanted.killer && judged.outcome == Outcome::kFailed;
    if ((judged.verdict.kind == VerdictKind::kFail || killer) && !watch) {
      watch = true;
      continue;
    }
    judged.ran = true;
    judged.consent_lost = std::any_of(run.trials().begin(), run.trials().end(),
                                      [](const std::unique_ptr<Trial>& trial) { return trial->consent_lost(); });
    if (killer) judged.killed = FirstKiller(run, book, outcomes);
    for (const TrialOutcome& outcome : outcomes) {
      if (!outcome.tests.empty()) judged.tests.push_back({outcome.row, outcome.tests});
    }
    judged.wire_digest = run.world().wire_digest();
    judged.full_digest = run.world().full_digest();
    judged.events = run.world().events_run();
    if (watch && judged.verdict.kind == VerdictKind::kFail) judged.explanation = Explain(run, book);
    if (wanted.json) {
      judged.json = ToJson(
          MakeRunResult({.scenario = prepared.scenario, .cell = prepared.cell, .repetition = repetition, .seed = seed},
                        run, book, prepared.predictions, verdicts));
    }
    return judged;
  }
}

}  // namespace pinhole::scenarios
