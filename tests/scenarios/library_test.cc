// Every file of the library loads, and the NAT matrix leaves out no profile.
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "scenarios/language/load.h"
#include "scenarios/language/nat_profiles.h"
#include "tests/source_dir.h"

namespace pinhole::scenarios {
namespace {

Scenario LoadLibrary(const std::string& name) {
  SystemFiles files;
  absl::StatusOr<Scenario> scenario = LoadScenario(absl::StrCat("builtin:library/", name, ".textproto"), files);
  EXPECT_TRUE(scenario.ok()) << scenario.status().message();
  return *std::move(scenario);
}

TEST(Library, EveryFileLoadsAndIsNamedAfterItsScenario) {
  SystemFiles files;
  int count = 0;
  for (const char* directory : {"builtin:library", "builtin:topologies"}) {
    for (const std::string& path : files.List(directory)) {
      ++count;
      const absl::StatusOr<Scenario> scenario = LoadScenario(path, files);
      ASSERT_TRUE(scenario.ok()) << scenario.status().message();
      EXPECT_EQ(path, absl::StrCat(directory, "/", scenario->name(), ".textproto"));
    }
  }
  EXPECT_GE(count, 20);
}

TEST(Library, EveryFileSaysWhatItAsksAndHowEditorsReadIt) {
  SystemFiles files;
  for (const std::string& path : files.List("builtin:library")) {
    const std::string text = *files.Read(path);
    EXPECT_TRUE(absl::StartsWith(text, "# proto-file: scenarios/scenario.proto\n# proto-message: Scenario\n# "))
        << path;
  }
}

TEST(Docs, TheGuidesScenarioLoads) {
  std::ifstream page(PINHOLE_SOURCE_DIR "/docs/scenarios.md");
  std::stringstream text;
  text << page.rdbuf();
  const std::vector<std::string> blocks = absl::StrSplit(text.str(), "```");
  ASSERT_GT(blocks.size(), 1u);
  MemoryFiles files({{"guide.textproto", blocks[1]}});
  const absl::StatusOr<Scenario> scenario = LoadScenario("guide.textproto", files);
  ASSERT_TRUE(scenario.ok()) << scenario.status().message();
  EXPECT_EQ(scenario->cells().size(), 6u);
  for (const Cell& cell : scenario->cells()) EXPECT_EQ(cell.expectations.size(), 1u) << cell.id;
}

TEST(NatMatrix, SweepsEveryProfileAgainstEveryOtherOverUdpAndTcpWithAndWithoutTurn) {
  SystemFiles files;
  Problems problems;
  std::set<std::string> names;
  const NatProfiles profiles = NatProfiles::Load(files, kBuiltinPrefix, &problems);
  for (const proto::NatProfile& profile : profiles.all()) {
    names.insert(profile.name());
  }
  for (const char* file : {"nat_matrix", "nat_matrix_two_turn"}) {
    const Scenario matrix = LoadLibrary(file);
    std::set<std::string> seen;
    for (const Cell& cell : matrix.cells()) seen.insert(cell.values[0].value);
    EXPECT_EQ(seen, names);
    EXPECT_EQ(matrix.cells().size(), names.size() * names.size() * 2 * 2);
  }
  // Both transports, with a relay at hand.
  EXPECT_EQ(LoadLibrary("nat_matrix_udp_and_tcp").cells().size(), names.size() * names.size());
}

TEST(NatMatrix, AnyTwoExternalInterfacesAre20MillisecondsApart) {
  for (const char* file : {"nat_matrix", "nat_matrix_two_turn"}) {
    const Scenario matrix = LoadLibrary(file);
    const proto::Scenario cell = matrix.Resolve(matrix.cells()[0]).file();
    int external = 0;
    const auto check = [&](const proto::Interface& interface) {
      if (interface.network() != "internet") return;
      ++external;
      EXPECT_EQ(interface.up().delay_us() + interface.down().delay_us(), 20000u);
    };
    for (const proto::Nat& nat : cell.topology().nat()) check(nat.outside());
    for (const proto::Host& host : cell.topology().host()) check(host.interface(0));
    EXPECT_GE(external, 4);
  }
}

TEST(NatMatrix, TwoTurnServersHaveDifferentAddresses) {
  const Scenario matrix = LoadLibrary("nat_matrix_two_turn");
  const Cell* cell = matrix.Find("nat_matrix_two_turn/nat_a=pf,nat_b=pf,transport=UDP,turn=BOTH");
  ASSERT_NE(cell, nullptr);
  const proto::Scenario resolved = matrix.Resolve(*cell).file();
  EXPECT_EQ(resolved.session(0).peer(0).turn_server(0), "relay");
  EXPECT_EQ(resolved.session(0).peer(1).turn_server(0), "relay_b");
  EXPECT_NE(resolved.topology().server(0).relay_address(0), resolved.topology().server(1).relay_address(0));
}

// Published numbers: 45 of the 81 ordered pairs connect directly where filters remember per endpoint, 57 with sessions.
TEST(Reachability, ExpectationsCountTheTwoPublishedMatrices) {
  for (const auto& [file, direct_pairs] :
       {std::pair("reachability_by_endpoint", 45), std::pair("reachability_by_session", 57)}) {
    SCOPED_TRACE(file);
    const Scenario scenario = LoadLibrary(file);
    int direct = 0;
    int relayed = 0;
    int failed = 0;
    for (const Cell& cell : scenario.cells()) {
      ASSERT_EQ(cell.expectations.size(), 1u) << cell.id;
      const proto::Outcome::Kind outcome = scenario.file().expect(cell.expectations[0]).outcome();
      direct += outcome == proto::Outcome::DIRECT;
      relayed += outcome == proto::Outcome::RELAYED;
      failed += outcome == proto::Outcome::FAILED;
    }
    EXPECT_EQ(direct, 2 * direct_pairs);
    EXPECT_EQ(relayed, 81 - direct_pairs);
    EXPECT_EQ(failed, 81 - direct_pairs);
  }
}

}  // namespace
}  // namespace pinhole::scenarios
