// The program as called from the command line: its outputs and its exit code.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "tests/scenarios/command_line.h"
#include "tests/source_dir.h"

namespace pinhole::scenarios {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kGood[] = "name: \"good\" base: \"topologies/two_homes.textproto\"";

TEST(Cli, WithoutACommandItIsBadUsage) {
  const Said said = Pinhole({});
  EXPECT_EQ(said.exit_code, ExitCode::kBadScenario);
  EXPECT_THAT(said.err, HasSubstr("subcommand"));
}

TEST(Cli, UnknownFlagsAndCommandsAreBadUsage) {
  EXPECT_EQ(Pinhole({"check", "--bogus"}).exit_code, ExitCode::kBadScenario);
  EXPECT_EQ(Pinhole({"bogus"}).exit_code, ExitCode::kBadScenario);
  EXPECT_EQ(Pinhole({"check"}).exit_code, ExitCode::kBadScenario);
}

TEST(Cli, HelpAndVersionAreAskedFor) {
  const Said help = Pinhole({"--help"});
  EXPECT_EQ(help.exit_code, ExitCode::kOk);
  EXPECT_THAT(help.out, HasSubstr("check"));
  EXPECT_THAT(help.out, HasSubstr("Exit codes"));
  EXPECT_THAT(Pinhole({"--version"}).out, StartsWith("pinhole 0."));
  EXPECT_EQ(Pinhole({"check", "--help"}).exit_code, ExitCode::kOk);
}

TEST(Check, GoodFilesExit0) {
  const Said said = Pinhole({"check", "good.textproto"}, {{"good.textproto", kGood}});
  EXPECT_EQ(said.exit_code, ExitCode::kOk);
  EXPECT_EQ(said.out, "good.textproto: ok, 1 cell, 1 judged by the oracle\n");
  EXPECT_EQ(said.err, "");
}

TEST(Check, SetTakesOneValueAndLeavesTheFile) {
  const Said said =
      Pinhole({"check", "--set", "topology.nat[home_a].profile=pf", "good.textproto"}, {{"good.textproto", kGood}});
  EXPECT_EQ(said.exit_code, ExitCode::kOk) << said.err;
}

TEST(Sweep, NothingIsWrittenBeforeEveryFilterIsRight) {
  const std::string path = ::testing::TempDir() + "/results_of_before.json";
  std::ofstream(path) << "old";
  const Said said =
      Pinhole({"sweep", "good.textproto", "--json", path, "--filter", "nope=1"}, {{"good.textproto", kGood}});
  EXPECT_EQ(said.exit_code, ExitCode::kBadScenario);
  std::stringstream left;
  left << std::ifstream(path).rdbuf();
  EXPECT_EQ(left.str(), "old");
  EXPECT_EQ(Pinhole({"sweep", path, "--json", path}, {{path, kGood}}).exit_code, ExitCode::kBadScenario);
  EXPECT_EQ(Pinhole({"run", path, "--pcapng", path}, {{path, kGood}}).exit_code, ExitCode::kBadScenario);
}

TEST(Check, GoesOnToTheNextFileAndExits2) {
  const Said said = Pinhole({"check", "empty.textproto", "gone.textproto", "good.textproto"},
                            {{"good.textproto", kGood}, {"empty.textproto", ""}});
  EXPECT_EQ(said.exit_code, ExitCode::kBadScenario);
  EXPECT_EQ(said.err,
            "empty.textproto:1:1: the file is empty; a scenario has a name, a topology and a session\n"
            "gone.textproto: no such file\n");
  EXPECT_THAT(said.out, HasSubstr("good.textproto: ok"));
}

TEST(Check, AMisspeltFileOfTheLibraryIsAnsweredWithTheNearest) {
  EXPECT_EQ(Pinhole({"check", "nat_matrx"}).err, "nat_matrx: no such file; did you mean \"nat_matrix\"?\n");
  EXPECT_EQ(Pinhole({"check", "library/nat_matrx.textproto"}).err,
            "library/nat_matrx.textproto: no such file; did you mean \"library/nat_matrix.textproto\"?\n");
  EXPECT_EQ(Pinhole({"check", "scenarios/library/late_strat.textproto"}).err,
            "scenarios/library/late_strat.textproto: no such file; did you mean \"library/late_start.textproto\"?\n");
}

TEST(Check, ListPrintsTheIdOfEveryCell) {
  const Said said = Pinhole({"check", "--list", "library/one_lan.textproto"});
  EXPECT_EQ(said.exit_code, ExitCode::kOk);
  EXPECT_EQ(said.out, "one_lan/stun=UP\none_lan/stun=SILENT\none_lan/stun=CLOSED\n");
  EXPECT_EQ(Pinhole({"check", "--list", "one_lan", "--filter", "stun=UP"}).out, "one_lan/stun=UP\n");
}

TEST(Check, AFilterThatSelectsNothingExits2) {
  const Said said = Pinhole({"check", "--list", "one_lan", "--filter", "stun=DOWN"});
  EXPECT_EQ(said.exit_code, ExitCode::kBadScenario);
  EXPECT_THAT(said.err, HasSubstr("axis \"stun\" has no value \"DOWN\""));
}

TEST(Check, ADirectoryIsNoFile) {
  SystemFiles files;
  std::ostringstream out;
  std::ostringstream err;
  EXPECT_EQ(RunCommandLine({"check", PINHOLE_SOURCE_DIR}, files, out, err), ExitCode::kBadScenario);
  EXPECT_EQ(err.str(), PINHOLE_SOURCE_DIR ": is a directory, not a file\n");
}

TEST(Check, DataComesFromADirectoryInsteadOfTheBuiltIn) {
  const Said said =
      Pinhole({"check", "--data", "mine", "x.textproto"},
              {{"x.textproto", "name: \"x\" base: \"topologies/home.textproto\""},
               {"mine/topologies/home.textproto",
                "name: \"home\" base: \"builtin:topologies/two_homes.textproto\"\n"
                "topology { nat { name: \"home_a\" profile: \"own\" } nat { name: \"home_b\" profile: \"own\" } }"},
               {"mine/nats/own.textproto", "name: \"own\" summary: \"s\" trust: DEFINITION source: \"here\""}});
  EXPECT_EQ(said.err, "");
  EXPECT_EQ(said.exit_code, ExitCode::kOk);
}

TEST(Nats, ListsAllOrOneByNameOrAlias) {
  EXPECT_THAT(Pinhole({"nats"}).out, HasSubstr("\nlinux-masquerade      Linux masquerade"));
  const Said one = Pinhole({"nats", "pfsense"});
  EXPECT_EQ(one.exit_code, ExitCode::kOk);
  EXPECT_THAT(one.out, StartsWith("pf: "));
  EXPECT_THAT(one.out, HasSubstr("  mapping       address and port\n"));
}

TEST(Nats, UnknownNameExits2WithTheNearest) {
  const Said said = Pinhole({"nats", "full-cune"});
  EXPECT_EQ(said.exit_code, ExitCode::kBadScenario);
  EXPECT_EQ(said.err, "nats: no profile \"full-cune\"; did you mean \"full-cone\"?\n");
}

}  // namespace
}  // namespace pinhole::scenarios
