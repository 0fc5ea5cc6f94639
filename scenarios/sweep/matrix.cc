#include "scenarios/sweep/matrix.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "net/contract.h"
#include "scenarios/sweep/shell_word.h"

namespace pinhole::scenarios {
namespace {

const std::string& ValueOf(const Cell& cell, const std::string& axis) {
  static const std::string kNone;
  for (const AxisValue& value : cell.values) {
    if (value.axis == axis) return value.value;
  }
  return kNone;
}

// An axis that varies, and its values in the cells of the sweep, in the order in which they first appear.
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
  net::CannotHappen();
}

// The entry of one cell in the table. It stands for all repetitions of the cell.
struct Entry {
  char letter = ' ';  // the outcome; 'm' if the repetitions have different outcomes
  char mark = ' ';    // the worst verdict
};

void Merge(const JudgedRun& run, Entry& entry) {
  const char letter = LetterOf(run);
  entry.letter = entry.letter == ' ' || entry.letter == letter ? letter : 'm';
  // The worst mark of the repetitions is shown.
  const auto rank = [](char mark) { return mark == '!' ? 3 : mark == 'x' ? 2 : mark == '*' ? 1 : 0; };
  const char mark = run.verdict.kind == VerdictKind::kFail    ? '!'
                    : run.verdict.kind == VerdictKind::kXfail ? 'x'
                    : run.verdict.depends                     ? '*'
                                                              : ' ';
  if (rank(mark) > rank(entry.mark)) entry.mark = mark;
}

void PrintLine(const std::string& line, std::ostream& out) { out << absl::StripTrailingAsciiWhitespace(line) << "\n"; }

std::string Padded(const std::string& text, std::size_t width) {
  return text + std::string(width - std::min(width, text.size()), ' ');
}

// An entry as three characters. The letter stands below the last digit of the column's number.
std::string Shown(const Entry& entry) { return {' ', entry.letter, entry.mark}; }

// Prints one table of the cells that have the values `fixed`. If `columns` is null, the table has one column.
void PrintTable(const Scenario& scenario, const std::vector<JudgedRun>& runs, const Dimension& rows,
                const Dimension* columns, const std::vector<std::pair<std::string, std::string>>& fixed,
                std::ostream& out) {
  const std::size_t column_count = columns == nullptr ? 1 : columns->values.size();
  std::vector<std::vector<Entry>> table(rows.values.size(), std::vector<Entry>(column_count));
  const auto number_of = [](const Dimension& dimension, const Cell& cell) {
    const auto at = std::find(dimension.values.begin(), dimension.values.end(), ValueOf(cell, dimension.axis));
    return static_cast<std::size_t>(at - dimension.values.begin());
  };
  bool any = false;
  for (const JudgedRun& run : runs) {
    const Cell& cell = scenario.cells()[run.cell];
    const bool here = std::all_of(fixed.begin(), fixed.end(),
                                  [&cell](const auto& one) { return ValueOf(cell, one.first) == one.second; });
    if (!here) continue;
    any = true;
    Merge(run, table[number_of(rows, cell)][columns == nullptr ? 0 : number_of(*columns, cell)]);
  }
  if (!any) return;
  out << "\n";
  for (std::size_t i = 0; i < fixed.size(); ++i) {
    out << (i == 0 ? "" : ", ") << fixed[i].first << "=" << fixed[i].second;
  }
  if (!fixed.empty()) out << "\n";
  std::size_t width = rows.axis.size();
  for (const std::string& value : rows.values) width = std::max(width, value.size());
  // Columns are numbered. If both axes have the same values, the rows show the numbers; otherwise a legend does.
  const bool numbered = columns != nullptr && rows.values == columns->values;
  if (columns == nullptr) {
    out << rows.axis << "\n";
  } else {
    const std::size_t indent = width + (numbered ? 4 : 1);
    out << std::string(indent + 1, ' ') << columns->axis << "\n";
    std::string line = Padded(rows.axis, indent);
    for (std::size_t c = 0; c < column_count; ++c) absl::StrAppendFormat(&line, "%2d ", c + 1);
    PrintLine(line, out);
  }
  for (std::size_t r = 0; r < rows.values.size(); ++r) {
    std::string line = Padded(rows.values[r], width + 1);
    if (numbered) absl::StrAppendFormat(&line, "%2d ", r + 1);
    for (const Entry& entry : table[r]) absl::StrAppend(&line, Shown(entry));
    PrintLine(line, out);
  }
  if (columns != nullptr && !numbered) {
    out << columns->axis << ":";
    for (std::size_t c = 0; c < column_count; ++c) out << (c == 0 ? " " : ", ") << c + 1 << " " << columns->values[c];
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
  const Dimension& rows = dimensions[0];
  const Dimension* columns = dimensions.size() > 1 ? &dimensions[1] : nullptr;
  const std::vector<Dimension> others(dimensions.begin() + std::min<std::ptrdiff_t>(2, std::ssize(dimensions)),
                                      dimensions.end());
  // Goes through all combinations of the other axes; the last axis changes fastest.
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

void PrintKillers(const std::vector<JudgedRun>& runs, std::ostream& out) {
  using Rule = std::pair<std::string, std::string>;                     // rule and node
  std::map<std::pair<bool, std::string>, std::map<Rule, int>> by_kind;  // by transport (true: TCP) and kind
  std::size_t width = 0;
  std::uint64_t cells = 0;
  for (const JudgedRun& run : runs) {
    if (!run.killed) continue;
    ++cells;
    ++by_kind[{run.killed->tcp, run.killed->kind}][{run.killed->rule, run.killed->node}];
    width = std::max(width, run.killed->kind.size());
  }
  if (cells == 0) return;
  out << "\nWhat ended the " << Counted(cells, "cell") << " without a path:\n";
  for (const auto& [kind, rules] : by_kind) {
    std::string line = absl::StrCat(kind.first ? "TCP  " : "UDP  ", Padded(kind.second, width + 2));
    std::string rule;
    for (const auto& [key, count] : rules) {
      absl::StrAppend(&line, rule == key.first ? ", " : absl::StrCat(rule.empty() ? "" : "; ", key.first, " at "),
                      key.second, " ", count);
      rule = key.first;
    }
    PrintLine(line, out);
  }
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
    counts.consent_lost += run.consent_lost ? 1 : 0;
    if (!run.tests.empty()) {
      ++counts.nat_checks;
      continue;
    }
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
  out << Counted(counts.runs, "run") << ": ";
  if (counts.nat_checks > 0) out << Counted(counts.nat_checks, "NAT check");
  if (counts.nat_checks == 0 || counts.direct + counts.relayed + counts.failed > 0) {
    out << (counts.nat_checks > 0 ? ", " : "") << counts.direct << " direct, " << counts.relayed << " relayed, "
        << counts.failed << " without a path";
  }
  if (counts.undecided > 0) out << ", " << counts.undecided << " undecided";
  if (counts.consent_lost > 0) out << "; " << counts.consent_lost << " lost consent later";
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
  std::string more;  // the commands for the cells after the first `cells_max`
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
    if (first == nullptr) continue;
    const Cell& cell = scenario.cells()[first->cell];
    const std::string command = absl::StrCat("  pinhole run ", ShellWord(scenario.path()), " --cell '",
                                             RunId(cell, first->repetition), "'", command_options, "\n");
    if (++cells > cells_max) {
      absl::StrAppend(&more, command);
      continue;
    }
    out << "\nFAIL " << cell.id;
    if (all > 1) out << "  (" << failed << " of " << all << " repetitions)";
    out << "\n  " << first->verdict.reason << "\n";
    if (!first->explanation.empty()) out << "  " << first->explanation << "\n";
    out << command;
  }
  if (cells > cells_max) out << "\nand " << Counted(cells - cells_max, "more failed cell") << ":\n" << more;
}

}  // namespace pinhole::scenarios
