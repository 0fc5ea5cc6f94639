// Ford, Srisuresh and Kegel, "Peer-to-Peer Communication Across Network Address Translators", USENIX ATC 2005: Table 1,
// from simulated packets. The numbers below are those of the paper. The scenario has only the NATs and the tests that
// each of them took.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "scenarios/sweep/nat_check_table.h"
#include "tests/library/punched_cell.h"
#include "tests/scenarios/scenario_files.h"

namespace pinhole::scenarios {

void PrintTo(const Tally& tally, std::ostream* out) { *out << tally.passed << "/" << tally.taken; }

namespace {

using ::testing::HasSubstr;

struct PublishedRow {
  const char* vendor;
  Tally udp, udp_hairpin, tcp, tcp_hairpin;
};
// The last row is the difference between the paper's line "All" and the vendors that it lists. Its TCP hairpins would
// be -3 of 96, because those of the listed vendors sum up to 40, not to 37.
const PublishedRow kTable1[] = {
    {"Linksys", {45, 46}, {5, 42}, {33, 38}, {3, 38}},
    {"Netgear", {31, 37}, {3, 35}, {19, 30}, {0, 30}},
    {"D-Link", {16, 21}, {11, 21}, {9, 19}, {2, 19}},
    {"Draytek", {2, 17}, {3, 12}, {2, 7}, {0, 7}},
    {"Belkin", {14, 14}, {1, 14}, {11, 11}, {0, 11}},
    {"Cisco", {12, 12}, {3, 9}, {6, 7}, {2, 7}},
    {"SMC", {12, 12}, {3, 10}, {8, 9}, {2, 9}},
    {"ZyXEL", {7, 9}, {1, 8}, {0, 7}, {0, 7}},
    {"3Com", {7, 7}, {1, 7}, {5, 6}, {0, 6}},
    {"Windows", {31, 33}, {11, 32}, {16, 31}, {28, 31}},
    {"Linux", {26, 32}, {3, 25}, {16, 24}, {2, 24}},
    {"FreeBSD", {7, 9}, {3, 6}, {2, 3}, {1, 1}},
    {"unlisted", {100, 131}, {32, 114}, {57, 94}, {0, 96}},
};

std::vector<std::pair<std::string, std::vector<Tally>>> Flat(const NatCheckTable& table) {
  std::vector<std::pair<std::string, std::vector<Tally>>> flat;
  for (const NatCheckTable::Row& row : table.rows) {
    flat.push_back({row.name, {row.udp, row.udp_hairpin, row.tcp, row.tcp_hairpin}});
  }
  flat.push_back({"All", {table.all.udp, table.all.udp_hairpin, table.all.tcp, table.all.tcp_hairpin}});
  return flat;
}

TEST(Ford2005, Table1ComesOutRowByRow) {
  const Scenario scenario = LoadLibrary("ford2005");
  const std::vector<JudgedRun> runs = SweepAll(scenario, 2);
  ASSERT_EQ(runs.size(), 380u);
  for (const JudgedRun& run : runs) EXPECT_EQ(run.verdict.kind, VerdictKind::kPass) << run.verdict.reason;
  const NatCheckTable table = TableOf(runs);
  ASSERT_EQ(table.rows.size(), std::size(kTable1));
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    SCOPED_TRACE(kTable1[i].vendor);
    EXPECT_EQ(table.rows[i].name, kTable1[i].vendor);
    EXPECT_EQ(table.rows[i].udp, kTable1[i].udp);
    EXPECT_EQ(table.rows[i].udp_hairpin, kTable1[i].udp_hairpin);
    EXPECT_EQ(table.rows[i].tcp, kTable1[i].tcp);
    EXPECT_EQ(table.rows[i].tcp_hairpin, kTable1[i].tcp_hairpin);
  }
  EXPECT_EQ(table.all.udp, (Tally{310, 380}));
  EXPECT_EQ(table.all.udp_hairpin, (Tally{80, 335}));
  EXPECT_EQ(table.all.tcp, (Tally{184, 286}));
  EXPECT_EQ(table.all.tcp_hairpin, (Tally{40, 286})) << "the paper prints 37";

  std::ostringstream printed;
  PrintNatCheckTable(table, printed);
  EXPECT_THAT(printed.str(), HasSubstr("310/380 (82 %)"));
  EXPECT_THAT(printed.str(), HasSubstr("184/286 (64 %)"));
  EXPECT_THAT(printed.str(), HasSubstr("both of a pair pass: UDP 66.6 %, TCP 41.4 %"));
}

TEST(Ford2005, OneNatThatIsOtherwiseChangesItsRowAndTheTotalsAlone) {
  SystemFiles files;
  const std::string text = *files.Read("builtin:library/ford2005.textproto");
  const auto table_of = [](const std::string& file) {
    const absl::StatusOr<Scenario> scenario = LoadText(file);
    EXPECT_TRUE(scenario.ok()) << scenario.status();
    return Flat(TableOf(SweepAll(*scenario, 2)));
  };
  // The second Belkin passes both punching tests and hairpins nothing; give it another TCP endpoint for each
  // destination.
  const std::string label = "label: \"belkin_02\"";
  const std::size_t begin = text.find(label);
  ASSERT_NE(begin, std::string::npos);
  const std::size_t end = text.find("    }\n", begin);
  std::string flipped = text;
  flipped.insert(end, "      set { path: \"topology.nat[home].tcp.mapping\" value: \"ADDRESS_AND_PORT_DEPENDENT\" }\n");
  const auto before = table_of(text);
  const auto after = table_of(flipped);
  ASSERT_EQ(before.size(), after.size());
  for (std::size_t i = 0; i < before.size(); ++i) {
    std::vector<Tally> expected = before[i].second;
    if (before[i].first == "Belkin" || before[i].first == "All") --expected[2].passed;
    EXPECT_EQ(after[i].second, expected) << before[i].first;
  }
}

// The kind of a NAT of ford2005, in the names of ford2005_pairs.
template <typename Behavior>
std::string KindOf(const Behavior& nat, bool answers) {
  std::string kind = nat.mapping() == proto::Mapping::ENDPOINT_INDEPENDENT ? "stays" : "moves";
  if (answers) return "answers";
  return nat.filtering() == proto::Filtering::ENDPOINT_INDEPENDENT ? kind + "_open" : kind;
}

TEST(Ford2005, SimulatedPunchingConnectsMoreThanTheProductOfVerdicts) {
  const Scenario population = LoadLibrary("ford2005");
  std::map<std::string, std::uint64_t> udp, tcp;
  for (const Cell& cell : population.cells()) {
    const proto::Scenario resolved = population.Resolve(cell).file();
    const proto::Nat& nat = resolved.topology().nat(0);
    ++udp[KindOf(nat.udp(), false)];
    const auto& tests = resolved.nat_check(0).test();
    if (std::find(tests.begin(), tests.end(), proto::NatCheck::TCP) == tests.end()) continue;
    ++tcp[KindOf(nat.tcp(), nat.tcp().unsolicited() == proto::Unsolicited::TCP_RST)];
  }
  const Scenario pairs = LoadLibrary("ford2005_pairs");
  std::uint64_t udp_connected = 0, tcp_connected = 0;
  for (const JudgedRun& run : SweepAll(pairs, 2)) {
    std::map<std::string, std::string> at;
    for (const AxisValue& value : pairs.cells()[run.cell].values) at[value.axis] = value.value;
    if (run.outcome != Outcome::kDirect) continue;
    if (at["transport"] == "UDP") {
      udp_connected += udp[at["nat_a"]] * udp[at["nat_b"]];
    } else {
      tcp_connected += tcp[at["nat_a"]] * tcp[at["nat_b"]];
    }
  }
  // Both verdicts good: 310 * 310 of 380 * 380, 184 * 184 of 286 * 286.
  EXPECT_GT(udp_connected, 310u * 310u);
  EXPECT_GT(tcp_connected, 184u * 184u);
  // The scenario file states these results for its users.
  const std::string told =
      absl::StrFormat("UDP %.1f %%, TCP %.1f %%", 100.0 * static_cast<double>(udp_connected) / (380.0 * 380.0),
                      100.0 * static_cast<double>(tcp_connected) / (286.0 * 286.0));
  EXPECT_THAT(population.file().remark(), testing::Contains(HasSubstr(told)));
}

}  // namespace
}  // namespace pinhole::scenarios
