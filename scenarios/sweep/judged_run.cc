#include "scenarios/sweep/judged_run.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "net/contract.h"
#include "scenarios/language/expectations.h"
#include "scenarios/oracle/extract.h"
#include "scenarios/plan/plan.h"
#include "scenarios/results/explain.h"
#include "scenarios/results/killer.h"

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

Outcome WorstOutcome(const CellRun& run) {
  Outcome worst = Outcome::kDirect;
  for (std::size_t s = 0; s < run.plan().sessions.size(); ++s) {
    const Outcome outcome = run.OutcomeOf(s).outcome;
    if (Badness(outcome) > Badness(worst)) worst = outcome;
  }
  for (std::size_t i = 0; i < run.plan().punchings.size(); ++i) {
    const Outcome outcome = PunchingOutcome(run, i).outcome;
    if (Badness(outcome) > Badness(worst)) worst = outcome;
  }
  return worst;
}

std::optional<KilledBy> FirstKiller(const CellRun& run, const PacketBook& book) {
  for (std::size_t s = 0; s < run.plan().sessions.size(); ++s) {
    if (run.OutcomeOf(s).outcome != Outcome::kFailed) continue;
    if (const std::optional<SessionKiller> killer = KillerOf(run, book, s)) return killer->by;
  }
  for (std::size_t i = 0; i < run.plan().punchings.size(); ++i) {
    const SessionOutcome outcome = PunchingOutcome(run, i);
    if (outcome.outcome == Outcome::kFailed && outcome.killed) return outcome.killed;
  }
  return std::nullopt;
}

absl::Status WithCell(const absl::Status& status, const Cell& cell) {
  return absl::InternalError(absl::StrCat(cell.id, ": ", status.message()));
}

// What was judged when it was reached is not undone by it.
bool ConsentLost(const CellRun& run) {
  for (std::size_t s = 0; s < run.plan().sessions.size(); ++s) {
    for (int side = 0; side < 2; ++side) {
      const apps::IceEndpoint& endpoint = run.endpoint(s, side);
      if (endpoint.times().connected && endpoint.times().consent_lost) return true;
    }
  }
  return false;
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
  absl::StatusOr<CellPlan> plan = PlanCell(prepared.resolved);
  if (!plan.ok()) return WithCell(plan.status(), cell);
  prepared.plan = *std::move(plan);
  for (int s = 0; s < prepared.resolved.session_size(); ++s) {
    prepared.expectations.push_back(ExpectationsOf(expectations, prepared.resolved.session(s).name()));
    absl::StatusOr<Prediction> prediction = Predict(prepared.resolved, s);
    if (!prediction.ok()) return WithCell(prediction.status(), cell);
    prepared.predictions.push_back(*std::move(prediction));
  }
  for (const proto::Punching& punching : prepared.resolved.punching()) {
    prepared.punching_expectations.push_back(ExpectationsOf(expectations, punching.name()));
    absl::StatusOr<Prediction> prediction = Predict(prepared.resolved, punching);
    if (!prediction.ok()) return WithCell(prediction.status(), cell);
    prepared.punching_predictions.push_back(*std::move(prediction));
  }
  for (const proto::NatCheck& check : prepared.resolved.nat_check()) {
    prepared.nat_check_predictions.push_back(PredictNatCheck(prepared.resolved, check));
  }
  return prepared;
}

std::vector<Verdict> JudgeSessions(const PreparedCell& prepared, const CellRun& run) {
  std::vector<Verdict> verdicts;
  for (std::size_t s = 0; s < prepared.expectations.size(); ++s) {
    verdicts.push_back(Judge(prepared.expectations[s], prepared.resolved.session(static_cast<int>(s)),
                             prepared.predictions[s], run.OutcomeOf(s)));
  }
  for (std::size_t i = 0; i < prepared.punching_expectations.size(); ++i) {
    verdicts.push_back(Judge(prepared.punching_expectations[i], proto::Session(), prepared.punching_predictions[i],
                             PunchingOutcome(run, i)));
  }
  for (std::size_t i = 0; i < prepared.nat_check_predictions.size(); ++i) {
    verdicts.push_back(JudgeNatCheck(prepared.nat_check_predictions[i], NatCheckOutcome(run, i)));
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
    const std::vector<Verdict> verdicts = JudgeSessions(prepared, run);
    judged.verdict = WorstOf(verdicts);
    judged.outcome = WorstOutcome(run);
    // A run that failed is run again, the same, under the eyes of the book: it says why.
    const bool killer = wanted.killer && judged.outcome == Outcome::kFailed;
    if ((judged.verdict.kind == VerdictKind::kFail || killer) && !watch) {
      watch = true;
      continue;
    }
    judged.ran = true;
    judged.consent_lost = ConsentLost(run);
    if (killer) judged.killed = FirstKiller(run, book);
    for (std::size_t i = 0; i < prepared.plan.nat_checks.size(); ++i) {
      judged.nat_checks.push_back(NatCheckOutcome(run, i));
    }
    judged.wire_digest = run.world().wire_digest();
    judged.full_digest = run.world().full_digest();
    judged.events = run.world().events_run();
    if (watch && judged.verdict.kind == VerdictKind::kFail) {
      for (std::size_t s = 0; s < prepared.plan.sessions.size(); ++s) {
        const std::string why = ExplainSession(run, book, s);
        if (!why.empty()) absl::StrAppend(&judged.explanation, judged.explanation.empty() ? "" : "; ", why);
      }
      for (std::size_t i = 0; i < prepared.plan.punchings.size(); ++i) {
        const std::string why = ExplainPunching(run, i);
        if (!why.empty()) absl::StrAppend(&judged.explanation, judged.explanation.empty() ? "" : "; ", why);
      }
    }
    if (wanted.json) {
      judged.json = ToJson(
          MakeRunResult({.scenario = prepared.scenario, .cell = prepared.cell, .repetition = repetition, .seed = seed},
                        run, book, prepared.predictions, verdicts));
    }
    return judged;
  }
}

}  // namespace pinhole::scenarios
