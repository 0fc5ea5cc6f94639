// From axes to cells: the combinations, their ids and seeds, and the changes of a file that must not change them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "scenarios/language/nat_profiles.h"
#include "tests/scenarios/scenario_files.h"

namespace pinhole::scenarios {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Scenario Load(const std::string& more) {
  absl::StatusOr<Scenario> scenario = LoadText(Homes(more));
  EXPECT_TRUE(scenario.ok()) << scenario.status().message();
  return *std::move(scenario);
}

std::vector<std::string> Ids(const Scenario& scenario) {
  std::vector<std::string> ids;
  for (const Cell& cell : scenario.cells()) ids.push_back(cell.id);
  return ids;
}

constexpr char kTurn[] = "axis { name: \"turn\" path: \"session[call].turn\" values: [\"NONE\", \"BOTH\"] }\n";
constexpr char kNatB[] = "axis { name: \"nat_b\" path: \"topology.nat[home_b].profile\" values: [\"pf\", \"cgn\"] }\n";

TEST(Cells, AScenarioWithoutAxesIsOneCell) {
  const Scenario scenario = Load("");
  EXPECT_THAT(Ids(scenario), ElementsAre("test"));
  EXPECT_EQ(RunId(scenario.cells()[0], 0), "test/0");
}

TEST(Cells, AxesCrossAndIdsAreSortedByAxis) {
  EXPECT_THAT(Ids(Load(std::string("sweep {\n") + kTurn + kNatB + "}")),
              ElementsAre("test/nat_b=pf,turn=NONE", "test/nat_b=cgn,turn=NONE", "test/nat_b=pf,turn=BOTH",
                          "test/nat_b=cgn,turn=BOTH"));
}

TEST(Cells, ZippedAxesAdvanceTogether) {
  EXPECT_THAT(Ids(Load(std::string("sweep {\n") + kTurn + kNatB + "zip { axis: [\"turn\", \"nat_b\"] } }")),
              ElementsAre("test/nat_b=pf,turn=NONE", "test/nat_b=cgn,turn=BOTH"));
}

TEST(Cells, ARangeHasBothEnds) {
  EXPECT_THAT(
      Ids(Load("sweep { axis { name: \"h\" path: \"session[call].hold_us\" range { from: 5 to: 25 step: 10 } } }")),
      ElementsAre("test/h=5", "test/h=15", "test/h=25"));
}

TEST(Cells, AnAxisMayHaveTheValuesOfAnother) {
  // In either order, and through a third.
  const std::string nat_a = "axis { name: \"nat_a\" path: \"topology.nat[home_a].profile\" values_of: \"nat_b\" }\n";
  EXPECT_THAT(Ids(Load("sweep {\n" + nat_a + kNatB + "}")),
              ElementsAre("test/nat_a=pf,nat_b=pf", "test/nat_a=pf,nat_b=cgn", "test/nat_a=cgn,nat_b=pf",
                          "test/nat_a=cgn,nat_b=cgn"));
  EXPECT_THAT(Ids(Load("sweep {\n" + nat_a + kNatB +
                       "axis { name: \"h\" path: \"session[call].hold_us\" range { from: 1 to: 2 } }"
                       "axis { name: \"t\" path: \"session[call].peer[alice].start_offset_us\" values_of: \"h2\" }"
                       "axis { name: \"h2\" path: \"session[call].peer[bob].start_offset_us\" values_of: \"h\" }"
                       "zip { axis: [\"nat_a\", \"nat_b\", \"h\", \"t\", \"h2\"] } }")),
              ElementsAre("test/h=1,h2=1,nat_a=pf,nat_b=pf,t=1", "test/h=2,h2=2,nat_a=cgn,nat_b=cgn,t=2"));
}

TEST(Cells, AnAxisMayHaveAllProfilesSortedByName) {
  const auto values = [](const std::string& all) {
    const Scenario scenario = Load("sweep { axis { name: \"n\" path: \"topology.nat[home_a].profile\" " + all + " } }");
    std::vector<std::string> names;
    for (const Cell& cell : scenario.cells()) names.push_back(cell.values[0].value);
    return names;
  };
  SystemFiles files;
  Problems problems;
  std::vector<std::string> names;
  const NatProfiles profiles = NatProfiles::Load(files, kBuiltinPrefix, &problems);
  for (const proto::NatProfile& profile : profiles.all()) names.push_back(profile.name());
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
  EXPECT_EQ(values("all_profiles {}"), names);
  // By name or alias.
  names.erase(std::find(names.begin(), names.end(), "cgn"));
  names.erase(std::find(names.begin(), names.end(), "linux-masquerade"));
  EXPECT_EQ(values("all_profiles { except: \"cgn\" except: \"linux\" }"), names);
}

TEST(Cells, ValuesThatAreSaidInAnotherFormReplaceThoseOfTheBase) {
  const std::string base =
      Homes("sweep { axis { name: \"n\" path: \"topology.nat[home_a].profile\" all_profiles {} } }");
  const auto ids = [&](const std::string& over, const std::vector<std::string>& sets = {}) {
    LoadOptions options;
    options.sets = sets;
    const absl::StatusOr<Scenario> scenario =
        LoadText("base: \"other.textproto\" " + over, {{"other.textproto", base}}, options);
    EXPECT_TRUE(scenario.ok()) << scenario.status().message();
    return scenario.ok() ? Ids(*scenario) : std::vector<std::string>();
  };
  EXPECT_THAT(ids("sweep { axis { name: \"n\" values: [\"pf\", \"cgn\"] } }"), ElementsAre("test/n=pf", "test/n=cgn"));
  EXPECT_THAT(ids("", {"sweep.axis[n].values=cgn,pf"}), ElementsAre("test/n=cgn", "test/n=pf"));
}

TEST(Cells, ConstraintsDropCombinations) {
  const std::string axes = std::string("sweep {\n") + kTurn + kNatB;
  EXPECT_THAT(Ids(Load(axes + "only { any { axis: \"turn\" is: \"BOTH\" } any { axis: \"nat_b\" is_not: \"pf\" } } }")),
              ElementsAre("test/nat_b=cgn,turn=NONE", "test/nat_b=pf,turn=BOTH", "test/nat_b=cgn,turn=BOTH"));
  EXPECT_THAT(Ids(Load(axes + "only { none { axis: \"turn\" in: [\"BOTH\"] } } }")),
              ElementsAre("test/nat_b=pf,turn=NONE", "test/nat_b=cgn,turn=NONE"));
}

TEST(Cells, ConstraintsMayAskFieldsOfTheFinishedCell) {
  EXPECT_THAT(Ids(Load(std::string("sweep {\n") + kNatB +
                       "only { field: \"topology.nat[home_b].udp.filtering\" is: \"ENDPOINT_INDEPENDENT\" } }")),
              ElementsAre("test/nat_b=cgn"));
  EXPECT_THAT(Ids(Load(std::string("sweep {\n") + kNatB +
                       "only { field: \"topology.nat[home_b].udp.idle_timeout_us\" gt: 35000000 } }")),
              ElementsAre("test/nat_b=pf"));
}

TEST(Cells, AxisAgainstAxis) {
  EXPECT_THAT(Ids(Load("sweep {\n"
                       "axis { name: \"a\" path: \"session[call].peer[alice].start_offset_us\" range { to: 2 } }\n"
                       "axis { name: \"b\" path: \"session[call].peer[bob].start_offset_us\" range { to: 2 } }\n"
                       "only { axis: \"a\" same_as: \"b\" } only { axis: \"a\" ge: 1 } }")),
              ElementsAre("test/a=1,b=1", "test/a=2,b=2"));
}

TEST(Cells, AnAddedValueChangesNoOtherRun) {
  const Scenario few = Load(std::string("sweep {\n") + kTurn +
                            "axis { name: \"h\" path: \"session[call].hold_us\" "
                            "values: [\"1\", \"3\"] } }");
  const Scenario more = Load(std::string("sweep {\n") + kTurn +
                             "axis { name: \"h\" path: \"session[call].hold_us\" "
                             "values: [\"2\", \"1\", \"3\"] } repetitions: 9 }");
  for (const Cell& cell : few.cells()) {
    const Cell* same = more.Find(cell.id);
    ASSERT_NE(same, nullptr) << cell.id;
    for (const auto by : {proto::SeedPolicy::REPETITION, proto::SeedPolicy::ID}) {
      EXPECT_EQ(SeedOf(cell, by, 1, 0), SeedOf(*same, by, 1, 0));
    }
  }
}

TEST(Seeds, ByRepetitionAllCellsShareThemAndByIdNoneDo) {
  const Scenario scenario = Load(std::string("sweep {\n") + kTurn + kNatB + "repetitions: 2 }");
  std::set<std::uint64_t> by_repetition;
  std::set<std::uint64_t> by_id;
  for (const Cell& cell : scenario.cells()) {
    for (std::uint32_t repetition = 0; repetition < 2; ++repetition) {
      by_repetition.insert(SeedOf(cell, proto::SeedPolicy::REPETITION, 1, repetition));
      by_id.insert(SeedOf(cell, proto::SeedPolicy::ID, 1, repetition));
    }
  }
  EXPECT_EQ(by_repetition.size(), 2u);
  EXPECT_EQ(by_id.size(), 8u);
  const Cell& cell = scenario.cells()[0];
  EXPECT_NE(SeedOf(cell, proto::SeedPolicy::REPETITION, 1, 0), SeedOf(cell, proto::SeedPolicy::REPETITION, 2, 0));
}

TEST(FindRun, TakesACellAndAnyRepetitionThatASweepCouldMake) {
  const Scenario scenario = Load(std::string("sweep {\n") + kTurn + "repetitions: 2 }");
  const Cell& both = scenario.cells()[1];
  EXPECT_EQ(scenario.Find("test/turn=BOTH"), &both);
  EXPECT_EQ(scenario.Find("test/turn=ALL"), nullptr);
  for (const std::uint32_t repetition : {0u, 1u, 2u, 999999u}) {
    const absl::StatusOr<NamedRun> run = scenario.FindRun(RunId(both, repetition));
    ASSERT_TRUE(run.ok()) << run.status().message();
    EXPECT_EQ(run->cell, &both);
    EXPECT_EQ(run->repetition, repetition);
  }
  ASSERT_TRUE(scenario.FindRun("test/turn=BOTH").ok());
  EXPECT_EQ(scenario.FindRun("test/turn=BOTH")->repetition, 0u);
  EXPECT_THAT(scenario.NearestIds("test/turn=BOHT", 1), ElementsAre("test/turn=BOTH"));
}

TEST(FindRun, SaysWhatIsWrongWithTheId) {
  const Scenario scenario = Load(std::string("sweep {\n") + kTurn + "}");
  for (const char* id : {"", "/", "test", "test/turn=ALL", "test/turn=ALL/0", "test/turn=BOTH/", "test/turn=BOTH/-1",
                         "test/turn=BOTH/+1", "test/turn=BOTH/x", "test/turn=BOTH/0/0"}) {
    EXPECT_EQ(scenario.FindRun(id).status(), absl::NotFoundError(absl::StrCat("no cell \"", id, "\""))) << id;
  }
  for (const char* repetition : {"1000000", "4294967296", "99999999999999999999"}) {
    EXPECT_EQ(scenario.FindRun(absl::StrCat("test/turn=BOTH/", repetition)).status(),
              absl::OutOfRangeError(
                  absl::StrCat("cell \"test/turn=BOTH\" has no repetition ", repetition, "; they are 0 to 999999")));
  }
}

TEST(Filter, KeepsCellsThatHaveOneOfTheValuesOfEachAxis) {
  const Scenario scenario = Load(std::string("sweep {\n") + kTurn + kNatB + "}");
  const auto ids = [&](const char* filter) {
    std::vector<std::string> kept;
    const auto cells = scenario.Filter(filter);
    if (!cells.ok()) return std::vector<std::string>{std::string(cells.status().message())};
    for (const Cell* cell : *cells) kept.push_back(cell->id);
    return kept;
  };
  EXPECT_THAT(ids("nat_b=pf,turn=BOTH"), ElementsAre("test/nat_b=pf,turn=BOTH"));
  EXPECT_THAT(ids("nat_b=pf,nat_b=cgn,turn=NONE"), ElementsAre("test/nat_b=pf,turn=NONE", "test/nat_b=cgn,turn=NONE"));
  EXPECT_EQ(ids("").size(), 4u);
  EXPECT_THAT(ids("nat_b=fp"),
              ElementsAre("filter \"nat_b=fp\": axis \"nat_b\" has no value \"fp\"; did you mean \"pf\"?"));
  EXPECT_THAT(ids("nat=pf"), ElementsAre("filter \"nat=pf\": no axis \"nat\"; did you mean \"nat_b\"?"));
  EXPECT_THAT(ids("pf"), ElementsAre("filter \"pf\": say axis=value"));
}

TEST(Filter, ThatSelectsNothingIsAnError) {
  const Scenario scenario = Load(std::string("sweep {\n") + kTurn + kNatB +
                                 "only { any { axis: \"turn\" is: \"BOTH\" } any { axis: \"nat_b\" is: \"cgn\" } } }");
  EXPECT_EQ(scenario.Filter("nat_b=pf,turn=NONE").status().message(),
            "filter \"nat_b=pf,turn=NONE\" selects no cell of test");
}

TEST(Choices, SetReplaceAppendAndClear) {
  const Scenario scenario = Load(R"(sweep { axis { name: "x"
    choice { label: "plain" }
    choice { label: "value" set { path: "topology.nat[home_a]" value: "udp { hairpin: EXTERNAL_SOURCE }" } }
    choice { label: "replace" set { path: "topology.host[bob].interface[eth0].address" replace: "192.168.2.99/24" } }
    choice { label: "append" set { path: "topology.host[bob].interface[eth0].address" append: "192.168.2.99/24" } }
    choice { label: "clear" set { path: "topology.nat[home_a].profile" clear: true } }
  } })");
  const auto resolve = [&](int i) { return proto::Scenario(scenario.Resolve(scenario.cells()[i]).file()); };
  const auto addresses = [&](int i) { return resolve(i).topology().host(1).interface(0).address(); };
  EXPECT_EQ(resolve(0).topology().nat(0).udp().hairpin(), proto::Hairpin::NONE);
  EXPECT_EQ(resolve(1).topology().nat(0).udp().hairpin(), proto::Hairpin::EXTERNAL_SOURCE);
  EXPECT_THAT(addresses(2), ElementsAre("192.168.2.99/24"));
  EXPECT_THAT(addresses(3), ElementsAre("192.168.2.10/24", "192.168.2.99/24"));
  EXPECT_TRUE(resolve(0).topology().nat(0).has_profile());
  EXPECT_FALSE(resolve(4).topology().nat(0).has_profile());
}

TEST(Expectations, ApplyWhereAllTheirConditionsHold) {
  const Scenario scenario = Load(std::string("sweep {\n") + kTurn + kNatB + "}\n" +
                                 "expect { when { axis: \"turn\" is: \"NONE\" } outcome: CONNECTED }\n"
                                 "expect { when { axis: \"nat_b\" is: \"cgn\" } outcome: DIRECT }\n");
  EXPECT_THAT(scenario.cells()[0].expectations, ElementsAre(0));     // pf, NONE
  EXPECT_THAT(scenario.cells()[1].expectations, ElementsAre(0, 1));  // cgn, NONE
  EXPECT_THAT(scenario.cells()[2].expectations, IsEmpty());          // pf, BOTH: the oracle's
  EXPECT_THAT(scenario.cells()[3].expectations, ElementsAre(1));     // cgn, BOTH
}

}  // namespace
}  // namespace pinhole::scenarios
