#include "scenarios/cli/check.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace pinhole::scenarios {
namespace {

std::string Counted(std::uint64_t count, absl::string_view noun) {
  return absl::StrCat(count, " ", noun, count == 1 ? "" : "s");
}

void PrintSummary(const Scenario& scenario, const std::string& path, std::ostream& out) {
  std::uint64_t judged_by_oracle = 0;
  for (const Cell& cell : scenario.cells()) {
    bool says_outcome = false;
    for (const int i : cell.expectations) says_outcome = says_outcome || scenario.file().expect(i).has_outcome();
    judged_by_oracle += says_outcome ? 0 : 1;
  }
  out << path << ": ok, " << Counted(scenario.cells().size(), "cell");
  if (scenario.repetitions() > 1) out << " of " << scenario.repetitions() << " repetitions";
  out << ", " << judged_by_oracle << " judged by the oracle\n";
}

}  // namespace

ExitCode Check(const CheckFlags& flags, FileReader& files, std::ostream& out, std::ostream& err) {
  ExitCode exit_code = ExitCode::kOk;
  for (const std::string& path : flags.paths) {
    const absl::StatusOr<Scenario> scenario = LoadScenario(path, files, flags.load);
    if (!scenario.ok()) {
      err << scenario.status().message() << "\n";
      exit_code = ExitCode::kBadScenario;  // Continue, so that the mistakes of every file are printed.
      continue;
    }
    if (!flags.list) {
      PrintSummary(*scenario, path, out);
      continue;
    }
    const absl::StatusOr<std::vector<const Cell*>> cells = scenario->Filter(flags.filter);
    if (!cells.ok()) {
      err << path << ": " << cells.status().message() << "\n";
      exit_code = ExitCode::kBadScenario;
      continue;
    }
    for (const Cell* cell : *cells) out << cell->id << "\n";
  }
  return exit_code;
}

}  // namespace pinhole::scenarios
