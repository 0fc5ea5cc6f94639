#include "scenarios/cli/run.h"

#include <fstream>
#include <memory>
#include <optional>
#include <utility>

#include "scenarios/cli/print_result.h"
#include "scenarios/cli/same_file.h"
#include "scenarios/results/ladder.h"
#include "scenarios/sweep/judged_run.h"
#include "sim/capture.h"

namespace pinhole::scenarios {
namespace {

constexpr int kNearestIds = 5;

// Finds the run with this id. If there is none, prints the most similar ids to `err` and returns nullopt.
std::optional<NamedRun> FindRun(const Scenario& scenario, const std::string& id, std::ostream& err) {
  if (id.empty() && scenario.cells().size() == 1) return NamedRun{&scenario.cells().front(), 0};
  if (id.empty()) {
    err << scenario.path() << ": has many cells; say which with --cell\nsuch as:\n";
  } else {
    const absl::StatusOr<NamedRun> found = scenario.FindRun(id);
    if (found.ok()) return *found;
    err << scenario.path() << ": " << found.status().message() << "\n";
    if (!absl::IsNotFound(found.status())) return std::nullopt;
    err << "the nearest are:\n";
  }
  for (const std::string& nearest : scenario.NearestIds(id.empty() ? scenario.name() : id, kNearestIds)) {
    err << "  " << nearest << "\n";
  }
  return std::nullopt;
}

}  // namespace

ExitCode Run(const RunFlags& flags, FileReader& files, std::ostream& out, std::ostream& err) {
  const absl::StatusOr<Scenario> scenario = LoadScenario(flags.path, files, flags.load);
  if (!scenario.ok()) {
    err << scenario.status().message() << "\n";
    return ExitCode::kBadScenario;
  }
  const std::optional<NamedRun> found = FindRun(*scenario, flags.cell, err);
  if (!found) return ExitCode::kBadScenario;
  const Cell* const cell = found->cell;
  const std::uint32_t repetition = found->repetition;
  const absl::StatusOr<PreparedCell> prepared = PrepareCell(*scenario, *cell);
  if (!prepared.ok()) {
    err << flags.path << ": " << prepared.status().message() << "\n";
    return ExitCode::kInternal;
  }
  if (!prepared->unsupported.empty()) {
    out << cell->id << ": unsupported: " << prepared->unsupported << "\n";
    return ExitCode::kOk;
  }
  const std::uint64_t seed =
      SeedOf(*cell, scenario->file().seed().by(), flags.seed.value_or(scenario->file().seed().base()), repetition);

  if (IsSameFile(flags.json, flags.path) || IsSameFile(flags.pcapng, flags.path) ||
      (!flags.json.empty() && flags.json == flags.pcapng)) {
    err << "--json and --pcapng take a file each, and not the scenario's\n";
    return ExitCode::kBadScenario;
  }
  const bool alone = flags.json == "-";
  std::unique_ptr<Ladder> ladder;
  if (flags.ladder && !alone) ladder = std::make_unique<Ladder>(prepared->plan, out);
  // Each tracer passes every packet on to the next one: the book to the ladder, the ladder to the capture.
  PacketBook book(ladder.get());
  CellRun run(prepared->plan, seed, {.tracer = &book, .measure_peaks = true});
  std::ofstream capture_file;
  std::optional<sim::CaptureTracer> capture;
  if (!flags.pcapng.empty()) {
    capture_file.open(flags.pcapng, std::ios::binary | std::ios::trunc);
    if (!capture_file) {
      err << "cannot write " << flags.pcapng << "\n";
      return ExitCode::kBadScenario;
    }
    capture.emplace(run.world(), capture_file);
    if (ladder) {
      ladder->SetNext(&*capture);
    } else {
      book.SetNext(&*capture);
    }
  }
  if (absl::Status status = run.Run(); !status.ok()) {
    err << cell->id << ": " << status.message() << "\n";
    return ExitCode::kInternal;
  }
  if (capture) {
    capture->Flush();
    if (!capture_file.flush()) {
      err << "cannot write " << flags.pcapng << "\n";
      return ExitCode::kInternal;
    }
  }
  const std::vector<Verdict> verdicts = JudgeTrials(*prepared, OutcomesOf(run));
  const proto::RunResult result =
      MakeRunResult({.scenario = &*scenario, .cell = cell, .repetition = repetition, .seed = seed}, run, book,
                    prepared->predictions, verdicts);
  if (alone) {
    out << ToJson(result) << "\n";
  } else {
    out << "\n" << RunId(*cell, repetition) << "\n";
    PrintResult(result, out);
    if (!flags.json.empty()) {
      std::ofstream json(flags.json, std::ios::trunc);
      json << ToJson(result) << "\n";
      if (!json.flush()) {
        err << "cannot write " << flags.json << "\n";
        return ExitCode::kBadScenario;
      }
    }
  }
  return WorstOf(verdicts).kind == VerdictKind::kFail ? ExitCode::kUnexpected : ExitCode::kOk;
}

}  // namespace pinhole::scenarios
