#include "scenarios/matrix.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace pinhole::scenarios {
namespace {

const std::string& ValueOf(const Cell& cell, const std::string& axis) {
  static const std::string kNone;
  for (const AxisValue& value : cell.values) {
    if (value.axis == axis) return value.value;
  }
  return kNone;
}

// An axis and its values among the cells that ran, in order of appearance.
struct Dimension {
  std::string axis;
  std::vector<std::string> values;
};

std::vector<Dimension> DimensionsOf(const Scenario& scenario, const std::vector<JudgedRun>& runs) {
  std::vector<Dimension> dimensions;
  for (const proto::Axis& axis : scenario.file().sweep().axis()) {
    Dimension dimension = {.axis = axis.name(), .values = {}};
    std::uint32_t last = 0xffffffff;
    for (const JudgedRun& run : runs) {
      if (run.cell == last) continue;
      last = run.cell;
      const std::string& value = ValueOf(scenario.cells()[run.cell], axis.name());
      if (std::find(dimension.values.begin(), dimension.values.end(), value) == dimension.values.end()) {
        dimension.values.push_back(value);
      }
    }
    if (dimension.values.size() > 1) dimensions.push_back(std::move(dimension));
  }
  return dimensions;
}

char LetterOf(const JudgedRun& run) {
  if (!run.ran) return '.';
  switch (run.outcome) {
    case Outcome::kDirect:
      return 'D';
    case Outcome::kRelayed:
      return 'R';
    case Outcome::kFailed:
      return '-';
    case Outcome::kUndecided:
      return '?';
  }
  return '?';
}

// One cell, all its repetitions.
struct Entry {
  char letter = ' ';  // 'm': repetitions differ
  char mark = ' ';
};

void Merge(const JudgedRun& run, Entry& entry) {
  const char letter = LetterOf(run);
  entry.letter = entry.letter == ' ' || entry.letter == letter ? letter : 'm';
  // The worst mark stays.
  const auto rank = [](char mark) { return mark == '!' ? 3 : mark == 'x' ? 2 : mark == '*' ? 1 : 0; };
  const char mark = run.verdict.kind == VerdictKind::kFail    ? '!'
                    : run.verdict.kind == VerdictKind::kXfail ? 'x'
                    : run.verdict.depends                     ? '*'
                                                              : ' ';
  if (rank(mark) > rank(entry.mark)) entry.mark = mark;
}

void PrintTable(const Scenario& scenario, const std::vector<JudgedRun>& runs, const Dimension& rows,
                const Dimension& columns, const std::vector<std::pair<std::string, std::string>>& fixed,
                std::ostream& out) {
  std::vector<std::vector<Entry>> table(rows.values.size(), std::vector<Entry>(columns.values.size()));
  bool any = false;
  for (const JudgedRun& run : runs) {
    const Cell& cell = scenario.cells()[run.cell];
    const bool here = std::all_of(fixed.begin(), fixed.end(),
                                  [&cell](const auto& one) { return ValueOf(cell, one.first) == one.second; });
    if (!here) continue;
    any = true;
    const auto row = std::find(rows.values.begin(), rows.values.end(), ValueOf(cell, rows.axis));
    const auto column = std::find(columns.values.begin(), columns.values.end(), ValueOf(cell, columns.axis));
    Merge(run, table[static_cast<std::size_t>(row - rows.values.begin())]
                    [static_cast<std::size_t>(column - columns.values.begin())]);
  }
  if (!any) return;
  out << "\n";
  for (std::size_t i = 0; i < fixed.size(); ++i) {
    out << (i == 0 ? "" : ", ") << fixed[i].first << "=" << fixed[i].second;
  }
  if (!fixed.empty()) out << "\n";
  std::size_t width = rows.axis.size();
  for (const std::string& value : rows.values) width = std::max(width, value.size());
  // Columns bear the numbers of the legend beside the rows, or their own below.
  const bool same = rows.values == columns.values;
  out << std::string(width + 4, ' ') << " " << columns.axis << "\n";
  out << absl::StrFormat("%-*s     ", static_cast<int>(width), rows.axis);
  for (std::size_t c = 0; c < columns.values.size(); ++c) out << absl::StrFormat("%3d", c + 1);
  out << "\n";
  for (std::size_t r = 0; r < rows.values.size(); ++r) {
    out << absl::StrFormat("%-*s  %2d ", static_cast<int>(width), rows.values[r], r + 1);
    for (const Entry& entry : table[r]) out << "  " << entry.letter << entry.mark;
    out << "\n";
  }
  if (!same) {
    out << columns.axis << ":";
    for (std::size_t c = 0; c < columns.values.size(); ++c)
      out << (c == 0 ? " " : ", ") << c + 1 << " " << columns.values[c];
    out << "\n";
  }
}

std::string Counted(std::uint64_t count, const char* noun) {
  return absl::StrCat(count, " ", noun, count == 1 ? "" : "s");
}

}  // namespace

void PrintMatrix(const Scenario& scenario, const std::vector<JudgedRun>& runs, std::ostream& out) {
  std::vector<Dimension> dimensions = DimensionsOf(scenario, runs);
  if (dimensions.empty()) return;
  const Dimension nothing = {.axis = "", .values = {""}};
  const Dimension rows = dimensions[0];
  const Dimension columns = dimensions.size() > 1 ? dimensions[1] : nothing;
  const std::vector<Dimension> others(dimensions.begin() + std::min<std::ptrdiff_t>(2, std::ssize(dimensions)),
                                      dimensions.end());
  // Counts through all combinations of the other axes, the last one fastest.
  std::vector<std::size_t> at(others.size(), 0);
  while (true) {
    std::vector<std::pair<std::string, std::string>> fixed;
    for (std::size_t i = 0; i < others.size(); ++i) fixed.emplace_back(others[i].axis, others[i].values[at[i]]);
    PrintTable(scenario, runs, rows, columns, fixed, out);
    std::size_t i = others.size();
    while (i > 0 && ++at[i - 1] == others[i - 1].values.size()) at[--i] = 0;
    if (i == 0) break;
  }
  out << "\nD direct   R relayed   - no path   ? undecided   m repetitions differ   . not run\n"
      << "* passes either way   x expected to fail   ! not as expected\n";
}

SweepCounts CountRuns(const std::vector<JudgedRun>& runs) {
  SweepCounts counts;
  for (const JudgedRun& run : runs) {
    ++counts.runs;
    switch (run.verdict.kind) {
      case VerdictKind::kPass:
        ++counts.pass;
        counts.depends += run.verdict.depends ? 1 : 0;
        break;
      case VerdictKind::kFail:
        ++counts.fail;
        break;
      case VerdictKind::kXfail:
        ++counts.xfail;
        break;
      case VerdictKind::kUnsupported:
        ++counts.unsupported;
        break;
    }
    if (!run.ran) continue;
    switch (run.outcome) {
      case Outcome::kDirect:
        ++counts.direct;
        break;
      case Outcome::kRelayed:
        ++counts.relayed;
        break;
      case Outcome::kFailed:
        ++counts.failed;
        break;
      case Outcome::kUndecided:
        ++counts.undecided;
        break;
    }
  }
  return counts;
}

void PrintSummary(const SweepCounts& counts, std::ostream& out) {
  out << Counted(counts.runs, "run") << ": " << counts.direct << " direct, " << counts.relayed << " relayed, "
      << counts.failed << " without a path";
  if (counts.undecided > 0) out << ", " << counts.undecided << " undecided";
  out << "\n" << counts.pass << " passed";
  if (counts.depends > 0) out << " (of them " << counts.depends << " where either outcome is right)";
  out << ", " << counts.fail << " failed";
  if (counts.xfail > 0) out << ", " << counts.xfail << " expected to fail";
  if (counts.unsupported > 0) out << ", " << counts.unsupported << " unsupported";
  out << "\n";
}

void PrintFailures(const Scenario& scenario, const std::vector<JudgedRun>& runs, const std::string& command_options,
                   std::size_t cells_max, std::ostream& out) {
  std::size_t cells = 0;
  for (std::size_t begin = 0; begin < runs.size();) {
    std::size_t end = begin;
    const JudgedRun* first = nullptr;
    std::uint64_t failed = 0;
    while (end < runs.size() && runs[end].cell == runs[begin].cell) {
      if (runs[end].verdict.kind == VerdictKind::kFail) {
        if (first == nullptr) first = &runs[end];
        ++failed;
      }
      ++end;
    }
    const std::size_t all = end - begin;
    begin = end;
    if (first == nullptr || ++cells > cells_max) continue;
    const Cell& cell = scenario.cells()[first->cell];
    out << "\nFAIL " << cell.id;
    if (all > 1) out << "  (" << failed << " of " << all << " repetitions)";
    out << "\n  " << first->verdict.reason << "\n";
    if (!first->explanation.empty()) out << "  " << first->explanation << "\n";
    out << "  pinhole run " << scenario.path() << " --cell '" << RunId(cell, first->repetition) << "'"
        << command_options << "\n";
  }
  if (cells > cells_max) out << "\nand " << Counted(cells - cells_max, "more failed cell") << "\n";
}

}  // namespace pinhole::scenarios
