#include "scenarios/cli/sweep.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "scenarios/cli/same_file.h"
#include "scenarios/sweep/matrix.h"
#include "scenarios/sweep/nat_check_table.h"
#include "scenarios/sweep/shell_word.h"
#include "scenarios/sweep/sweep.h"

namespace pinhole::scenarios {
namespace {

constexpr std::size_t kFailuresShown = 20;

// The progress line "1200/8100 runs, 3 failed, about 4 s left". Each update overwrites the line on the terminal.
class ProgressLine {
 public:
  ProgressLine(bool enabled, std::uint64_t runs, std::ostream& err) : enabled_(enabled), runs_(runs), err_(err) {}

  void Update(std::uint64_t finished, std::uint64_t failed) {
    if (!enabled_) return;
    const auto now = std::chrono::steady_clock::now();
    if (shown_ && now - last_ < std::chrono::milliseconds(100)) return;
    last_ = now;
    shown_ = true;
    const double elapsed = std::chrono::duration<double>(now - start_).count();
    err_ << "\r\033[K" << finished << "/" << runs_ << " runs";
    if (failed > 0) err_ << ", " << failed << " failed";
    if (finished > 0) {
      err_ << absl::StrFormat(", about %.0f s left",
                              elapsed * static_cast<double>(runs_ - finished) / static_cast<double>(finished));
    }
    err_ << std::flush;
  }
  void Clear() {
    if (shown_) err_ << "\r\033[K" << std::flush;
  }

 private:
  const bool enabled_;
  const std::uint64_t runs_;
  std::ostream& err_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point last_;
  bool shown_ = false;
};

// The options that `pinhole run` needs, besides file and cell, to repeat a run of this sweep.
std::string CommandOptions(const SweepFlags& flags) {
  std::string options;
  for (const std::string& set : flags.load.sets) absl::StrAppend(&options, " --set ", ShellQuoted(set));
  if (flags.load.data_directory != kBuiltinPrefix)
    absl::StrAppend(&options, " --data ", ShellWord(flags.load.data_directory));
  if (flags.seed) absl::StrAppend(&options, " --seed ", *flags.seed);
  return options;
}

ExitCode SweepOne(const SweepFlags& flags, const Scenario& scenario, std::vector<const Cell*> cells, std::ostream* json,
                  std::ostream& out, std::ostream& err) {
  SweepPlan plan;
  plan.scenario = &scenario;
  plan.cells = std::move(cells);
  plan.repetitions = flags.repeat.value_or(scenario.repetitions());
  plan.base_seed = flags.seed.value_or(scenario.file().seed().base());
  plan.jobs = flags.jobs > 0 ? flags.jobs : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  plan.json = json != nullptr;
  plan.killers = !flags.quiet;

  ProgressLine progress(flags.progress, static_cast<std::uint64_t>(plan.cells.size()) * plan.repetitions, err);
  std::vector<JudgedRun> runs;
  runs.reserve(plan.cells.size() * plan.repetitions);
  std::uint64_t failed = 0;
  const auto start = std::chrono::steady_clock::now();
  const absl::Status status = RunSweep(
      plan,
      [&](JudgedRun run) {
        if (run.verdict.kind == VerdictKind::kFail) ++failed;
        if (json != nullptr) *json << std::exchange(run.json, {}) << "\n";
        runs.push_back(std::move(run));
      },
      [&](std::uint64_t finished) { progress.Update(finished, failed); });
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  progress.Clear();
  // After an error, the runs that finished before it are reported too.
  if (!status.ok()) err << scenario.path() << ": " << status.message() << "\n";
  JudgeShares(scenario, runs);
  const SweepCounts counts = CountRuns(runs);
  out << scenario.path() << "\n";
  const NatCheckTable table = TableOf(runs);
  if (!flags.quiet && table.rows.empty() && status.ok()) {
    PrintMatrix(scenario, runs, out);
    PrintKillers(runs, out);
  }
  if (!flags.quiet) PrintNatCheckTable(table, out);
  if (!flags.quiet && scenario.file().remark_size() > 0) {
    out << "\n";
    for (const std::string& remark : scenario.file().remark()) out << remark << "\n";
  }
  PrintFailures(scenario, runs, CommandOptions(flags), kFailuresShown, out);
  out << "\n";
  PrintSummary(counts, out);
  out << absl::StrFormat("in %.2f s on %d %s\n", seconds, plan.jobs, plan.jobs == 1 ? "thread" : "threads");
  if (!status.ok()) return ExitCode::kInternal;
  return counts.fail == 0 ? ExitCode::kOk : ExitCode::kUnexpected;
}

}  // namespace

ExitCode Sweep(const SweepFlags& flags, FileReader& files, std::ostream& out, std::ostream& err) {
  std::vector<Scenario> scenarios;
  ExitCode exit_code = ExitCode::kOk;
  for (const std::string& path : flags.paths) {
    absl::StatusOr<Scenario> scenario = LoadScenario(path, files, flags.load);
    if (!scenario.ok()) {
      err << scenario.status().message() << "\n";
      exit_code = ExitCode::kBadScenario;  // Continue, so that the mistakes of every file are printed.
      continue;
    }
    scenarios.push_back(*std::move(scenario));
  }
  // All filters are checked before anything is written or run.
  std::vector<std::vector<const Cell*>> chosen;
  for (const Scenario& scenario : scenarios) {
    if (absl::StatusOr<std::vector<const Cell*>> cells = scenario.Filter(flags.filter); cells.ok()) {
      chosen.push_back(*std::move(cells));
    } else {
      err << scenario.path() << ": " << cells.status().message() << "\n";
      exit_code = ExitCode::kBadScenario;
    }
  }
  for (const std::string& path : flags.paths) {
    if (!IsSameFile(flags.json, path)) continue;
    err << "--json would overwrite the scenario " << path << "\n";
    exit_code = ExitCode::kBadScenario;
  }
  if (exit_code != ExitCode::kOk) return exit_code;

  std::ofstream file;
  std::ostream* json = nullptr;
  if (flags.json == "-") {
    json = &out;
  } else if (!flags.json.empty()) {
    file.open(flags.json, std::ios::trunc);
    if (!file) {
      err << "cannot write " << flags.json << "\n";
      return ExitCode::kBadScenario;
    }
    json = &file;
  }
  // If the RunResults are printed to standard output, everything else is printed to standard error.
  std::ostream& report = flags.json == "-" ? err : out;
  for (std::size_t i = 0; i < scenarios.size(); ++i) {
    exit_code = std::max(exit_code, SweepOne(flags, scenarios[i], std::move(chosen[i]), json, report, err));
  }
  if (json != nullptr && !json->flush()) {
    err << "cannot write " << flags.json << "\n";
    return ExitCode::kInternal;
  }
  return exit_code;
}

}  // namespace pinhole::scenarios
