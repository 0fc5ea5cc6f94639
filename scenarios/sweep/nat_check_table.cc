#include "scenarios/sweep/nat_check_table.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "scenarios/oracle/nat_check.h"

namespace pinhole::scenarios {
namespace {

void Count(const std::optional<bool>& verdict, Tally& tally) {
  if (!verdict) return;
  ++tally.taken;
  if (*verdict) ++tally.passed;
}

void Count(const TestRow& verdicts, NatCheckTable::Row& row) {
  const auto of = [&verdicts](NatCheckTest test) { return verdicts.tests.at(static_cast<std::size_t>(test)).passed; };
  Count(of(NatCheckTest::kUdp), row.udp);
  Count(of(NatCheckTest::kUdpHairpin), row.udp_hairpin);
  Count(of(NatCheckTest::kTcp), row.tcp);
  Count(of(NatCheckTest::kTcpHairpin), row.tcp_hairpin);
}

std::string Shown(const Tally& tally) {
  if (tally.taken == 0) return "-";
  const std::uint32_t percent = (200 * tally.passed + tally.taken) / (2 * tally.taken);
  return absl::StrFormat("%d/%d (%d %%)", tally.passed, tally.taken, percent);
}

void PrintRow(const NatCheckTable::Row& row, std::ostream& out) {
  out << absl::StrFormat("%-12s %16s %16s %16s %16s\n", row.name, Shown(row.udp), Shown(row.udp_hairpin),
                         Shown(row.tcp), Shown(row.tcp_hairpin));
}

// The share of ordered pairs of NATs in which both pass, in percent with one decimal, rounded.
std::string PairShare(const Tally& tally) {
  if (tally.taken == 0) return "-";
  const std::uint64_t all = std::uint64_t{tally.taken} * tally.taken;
  const std::uint64_t both = std::uint64_t{tally.passed} * tally.passed;
  const std::uint64_t tenths = (2000 * both + all) / (2 * all);
  return absl::StrFormat("%d.%d %%", tenths / 10, tenths % 10);
}

}  // namespace

NatCheckTable TableOf(const std::vector<JudgedRun>& runs) {
  NatCheckTable table;
  table.all.name = "All";
  for (const JudgedRun& run : runs) {
    for (const TestRow& verdicts : run.tests) {
      auto row = std::find_if(table.rows.begin(), table.rows.end(),
                              [&](const NatCheckTable::Row& one) { return one.name == verdicts.row; });
      if (row == table.rows.end()) {
        table.rows.emplace_back().name = verdicts.row;
        row = table.rows.end() - 1;
      }
      Count(verdicts, *row);
      Count(verdicts, table.all);
    }
  }
  return table;
}

void PrintNatCheckTable(const NatCheckTable& table, std::ostream& out) {
  if (table.rows.empty()) return;
  out << absl::StrFormat("\n%-12s %16s %16s %16s %16s\n", "NAT Check", "UDP", "UDP hairpin", "TCP", "TCP hairpin");
  for (const NatCheckTable::Row& row : table.rows) PrintRow(row, out);
  PrintRow(table.all, out);
  out << "both of a pair pass: UDP " << PairShare(table.all.udp) << ", TCP " << PairShare(table.all.tcp) << "\n";
}

}  // namespace pinhole::scenarios
