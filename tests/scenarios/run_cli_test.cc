// `pinhole run` and `pinhole sweep` from the command line: their outputs and exit codes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "tests/scenarios/command_line.h"

namespace pinhole::scenarios {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kHeader[] = "name: \"t\" base: \"topologies/two_homes.textproto\" ";
std::string Sweeping(const std::string& more) {
  return std::string(kHeader) +
         "sweep { axis { name: \"nat\" path: \"topology.nat[home_b].profile\" "
         "values: [\"full-cone\", \"symmetric\"] } } " +
         more;
}

TEST(RunCommand, PrintsTheLadderBothSidesAndTheVerdict) {
  const Said said = Pinhole({"run", "t"}, {{"t", kHeader}});
  EXPECT_EQ(said.exit_code, ExitCode::kOk) << said.err;
  EXPECT_THAT(said.out, HasSubstr("alice"));
  EXPECT_THAT(said.out, HasSubstr("|---------"));
  EXPECT_THAT(said.out, HasSubstr("signalling 192.168.1.10:"));
  EXPECT_THAT(said.out, HasSubstr("by interface eth0"));
  EXPECT_THAT(said.out, HasSubstr("srflx"));
  EXPECT_THAT(said.out, HasSubstr("private_in_core"));
  EXPECT_THAT(said.out, HasSubstr("session call: DIRECT"));
  EXPECT_THAT(said.out, HasSubstr("verdict: PASS"));
  EXPECT_THAT(said.out, HasSubstr("digests: wire "));
}

// A connection to the referral server takes 40 ms, a description 20 more; gathering takes 90.
TEST(RunCommand, TellsWhoWasIntroducedToWhom) {
  const Said said = Pinhole({"run", "t", "--no-ladder"}, {{"t", kHeader}});
  EXPECT_THAT(said.out, HasSubstr("\nintroduced for call:\n  alice from 198.51.100.1:"));
  EXPECT_THAT(said.out, HasSubstr(", with 3 addresses, handed on at "));
  EXPECT_THAT(said.out, HasSubstr("\n  bob from 198.51.100.2:"));
}

// Any two external interfaces of the two homes are 20 ms and four links apart, hosts to hosts.
TEST(RunCommand, TellsOfADirectPathItsStretchAndItsJudge) {
  const Said said = Pinhole({"run", "t", "--no-ladder"}, {{"t", kHeader}});
  EXPECT_THAT(said.out, HasSubstr("\nalice (controlling): connected\n"));
  EXPECT_THAT(said.out, HasSubstr("by STUN 203.0.113.10:3478\n"));
  EXPECT_THAT(said.out, HasSubstr("by TURN 203.0.113.10:3478\n"));
  EXPECT_THAT(said.out, HasSubstr("\nsession call: DIRECT, both sides agree\n"
                                  "  path: 20.000 ms over 4 links; best possible 20.000 ms over 4 links; stretch 1.00\n"
                                  "  oracle: DIRECT: "));
  EXPECT_THAT(said.out, HasSubstr("\nverdict: PASS, as the oracle foresees\n"));
}

TEST(RunCommand, TellsOfARelayedPathItsDetour) {
  const Said said = Pinhole({"run", "t", "--no-ladder", "--cell", "t/nat=symmetric"},
                            {{"t", Sweeping("expect { when { axis: \"nat\" is: \"symmetric\" } outcome: RELAYED }")}});
  EXPECT_THAT(said.out, HasSubstr("\nsession call: RELAYED through 1 relay, both sides agree\n"
                                  "  path: 40.000 ms over 6 links; best possible 20.000 ms over 4 links; stretch 2.00\n"
                                  "  oracle: RELAYED: "));
  EXPECT_THAT(said.out, HasSubstr("\nverdict: PASS, as the file expects\n"));
}

TEST(RunCommand, TellsOfAFailedSessionWhyAndWhatThereCouldHaveBeen) {
  const Said said =
      Pinhole({"run", "t", "--no-ladder", "--cell", "t/nat=symmetric", "--set", "session[call].turn=NONE"},
              {{"t", Sweeping("expect { outcome: DIRECT }")}});
  EXPECT_EQ(said.exit_code, ExitCode::kUnexpected);
  EXPECT_THAT(said.out, HasSubstr("\nalice (controlling): failed, checking: all_pairs_failed\n"));
  EXPECT_THAT(said.out, HasSubstr("          no answer; last lost: retransmitted_check "));
  EXPECT_THAT(said.out, HasSubstr("\nsession call: FAILED\n  why: alice: "));
  EXPECT_THAT(said.out, HasSubstr("\n  path: none; best possible 20.000 ms over 4 links\n  oracle: FAILED: "));
  EXPECT_THAT(said.out, HasSubstr("\nverdict: FAIL by the file's expectations: "));
}

TEST(RunCommand, TellsOfAServerThatGaveNoCandidateAndOfASideThatDidNotFinish) {
  const Said silent = Pinhole({"run", "t", "--no-ladder"},
                              {{"t", std::string(kHeader) + R"(topology { server { name: "relay" state: SILENT } }
                                                               limits { virtual_time_max_us: 2000000 })"}});
  EXPECT_THAT(silent.out, HasSubstr("\nalice (controlling): not finished\n"));
  EXPECT_THAT(silent.out, HasSubstr("    none by TURN 203.0.113.10:3478 from 192.168.1.10:"));
  EXPECT_THAT(silent.out, HasSubstr(": no answer\n"));
  const Said refused =
      Pinhole({"run", "t", "--no-ladder", "--set", "session[call].peer[alice].turn_password=wrong"}, {{"t", kHeader}});
  EXPECT_THAT(refused.out, HasSubstr(": error 401\n"));
}

TEST(RunCommand, TellsWhatAHoldTimeHasShown) {
  const Said said = Pinhole({"run", "t", "--no-ladder"},
                            {{"t", std::string(kHeader) + "session { name: \"call\" hold_us: 10000000 }"}});
  EXPECT_THAT(said.out, HasSubstr("\n  held: longest silence "));
  EXPECT_THAT(said.out, HasSubstr(" STUN packets a second"));
}

TEST(RunCommand, AFileOfManyCellsWithoutACellListsSomeAndExits2) {
  const Said said = Pinhole({"run", "t"}, {{"t", Sweeping("")}});
  EXPECT_EQ(said.exit_code, ExitCode::kBadScenario);
  EXPECT_THAT(said.err, HasSubstr("t/nat=symmetric"));
  EXPECT_THAT(said.out, IsEmpty());
}

TEST(RunCommand, AMisspeltCellIsAnsweredWithTheNearest) {
  const Said said = Pinhole({"run", "t", "--cell", "t/nat=symetric"}, {{"t", Sweeping("")}});
  EXPECT_EQ(said.exit_code, ExitCode::kBadScenario);
  EXPECT_THAT(said.err, HasSubstr("the nearest are:\n  t/nat=symmetric"));
}

TEST(RunCommand, RunsARepetitionThatOnlySweepWasToldToMake) {
  const std::map<std::string, std::string> files = {{"t", Sweeping("")}};
  const Said swept = Pinhole({"sweep", "t", "--json", "-", "--repeat", "3"}, files);
  const std::vector<std::string> lines = absl::StrSplit(swept.out, '\n', absl::SkipEmpty());
  ASSERT_EQ(lines.size(), 6u);
  EXPECT_THAT(lines[5], HasSubstr("\"cell\":\"t/nat=symmetric/2\""));
  const Said again = Pinhole({"run", "t", "--json", "-", "--cell", "t/nat=symmetric/2"}, files);
  EXPECT_EQ(again.exit_code, ExitCode::kOk) << again.err;
  EXPECT_EQ(again.out, lines[5] + "\n");
}

TEST(RunCommand, ARepetitionThatNoSweepCouldMakeExits2) {
  const Said said = Pinhole({"run", "t", "--cell", "t/nat=symmetric/1000000"}, {{"t", Sweeping("")}});
  EXPECT_EQ(said.exit_code, ExitCode::kBadScenario);
  EXPECT_EQ(said.err, "t: cell \"t/nat=symmetric\" has no repetition 1000000; they are 0 to 999999\n");
  EXPECT_EQ(Pinhole({"sweep", "t", "--repeat", "1000001"}, {{"t", Sweeping("")}}).exit_code, ExitCode::kBadScenario);
}

TEST(RunCommand, AnExpectationThatIsNotMetExits1) {
  const Said said = Pinhole({"run", "t", "--no-ladder"}, {{"t", std::string(kHeader) + "expect { outcome: RELAYED }"}});
  EXPECT_EQ(said.exit_code, ExitCode::kUnexpected);
  EXPECT_THAT(said.out, HasSubstr("verdict: FAIL"));
}

TEST(RunCommand, JsonOnStandardOutputIsAllThereIs) {
  const Said said = Pinhole({"run", "t", "--json", "-"}, {{"t", kHeader}});
  EXPECT_EQ(said.exit_code, ExitCode::kOk);
  EXPECT_THAT(said.out, StartsWith("{\"scenario\":\"t\""));
  EXPECT_EQ(std::count(said.out.begin(), said.out.end(), '\n'), 1);
}

TEST(RunCommand, WritesACaptureWithAPcapngHeader) {
  const std::string path = ::testing::TempDir() + "/pinhole_run_test.pcapng";
  EXPECT_EQ(Pinhole({"run", "t", "--no-ladder", "--pcapng", path}, {{"t", kHeader}}).exit_code, ExitCode::kOk);
  std::ifstream file(path, std::ios::binary);
  char magic[4] = {};
  file.read(magic, 4);
  EXPECT_EQ(std::string(magic, 4), "\x0a\x0d\x0d\x0a");
  std::remove(path.c_str());
}

TEST(SweepCommand, PrintsAListForOneAxisAndTheSummary) {
  const Said said = Pinhole({"sweep", "t"}, {{"t", Sweeping("session { name: \"call\" turn: NONE }")}});
  EXPECT_EQ(said.exit_code, ExitCode::kOk) << said.out;
  EXPECT_THAT(said.out, HasSubstr("\n"
                                  "\nnat"
                                  "\nfull-cone  D"
                                  "\nsymmetric  -"
                                  "\n\nD direct "));
  EXPECT_THAT(said.out, HasSubstr("2 runs: 1 direct, 0 relayed, 1 without a path"));
  EXPECT_THAT(said.out, HasSubstr("2 passed, 0 failed"));
}

constexpr char kAxisA[] = R"(axis { name: "a" path: "topology.nat[home_a].profile"
                                    values: ["full-cone", "symmetric", "pf"] })";

TEST(SweepCommand, NumbersTheRowsWhenColumnsHaveTheSameValues) {
  const Said said =
      Pinhole({"sweep", "t"}, {{"t", std::string(kHeader) + "session { name: \"call\" turn: NONE } sweep { " + kAxisA +
                                         R"(axis { name: "b" path: "topology.nat[home_b].profile"
                                                       values: ["full-cone", "symmetric", "pf"] } })"}});
  EXPECT_THAT(said.out, HasSubstr("\n"
                                  "\n              b"
                                  "\na             1  2  3"
                                  "\nfull-cone  1  D  D  D"
                                  "\nsymmetric  2  D  -  -"
                                  "\npf         3  D  -  -"
                                  "\n\nD direct "))
      << said.out;
}

// Below the matrix there is one count for each rule that ended cells.
TEST(SweepCommand, TellsWhatEndedTheCellsWithoutAPath) {
  const std::string file = std::string(kHeader) + R"(
      topology { server { name: "relay" tcp_port: 443 } }
      session { name: "call" turn: NONE }
      sweep {
        axis { name: "b" path: "topology.nat[home_b].profile" values: ["full-cone", "symmetric", "pf"] }
        axis { name: "a" path: "topology.nat[home_a].profile" values: ["restricted-cone", "linux-random-fully"] }
        axis {
          name: "over"
          choice { label: "UDP" }
          choice {
            label: "TCP"
            set { path: "session[call].agent.withhold_udp" value: "true" }
            set { path: "session[call].agent.tcp" value: "simultaneous_open: true" }
          }
        }
      })";
  const Said said = Pinhole({"sweep", "t"}, {{"t", file}});
  EXPECT_EQ(said.exit_code, ExitCode::kOk) << said.out;
  EXPECT_THAT(said.out, HasSubstr("\n\nWhat ended the 5 cells without a path:"
                                  "\nUDP  filtering  filtered_port at home_b 2"
                                  "\nTCP  filtering  filtered_port at home_b 2"
                                  "\nTCP  mapping    answers_from_another_port at home_b 1\n"));
  EXPECT_THAT(Pinhole({"sweep", "t", "--quiet"}, {{"t", file}}).out, Not(HasSubstr("What ended")));
}

TEST(RunCommand, NamesWhatEndedASessionAsNodeRuleAndKind) {
  const Said said = Pinhole({"run", "nat_matrix", "--json", "-", "--cell",
                             "nat_matrix/nat_a=restricted-cone,nat_b=symmetric,transport=TCP,turn=NONE"},
                            {});
  EXPECT_THAT(said.out, HasSubstr(R"("killed":{"node":"home_b","rule":"answers_from_another_port","kind":"mapping",)"
                                  R"("packet":"SYN,ACK 198.51.100.2:)"));
  EXPECT_THAT(said.out, HasSubstr(R"("died_at":"alice")"));
}

TEST(SweepCommand, NumbersTheColumnsInALegendWhenTheyHaveOtherValues) {
  const Said said =
      Pinhole({"sweep", "t"},
              {{"t", std::string(kHeader) + "sweep { " + kAxisA +
                         "axis { name: \"turn\" path: \"session[call].turn\" values: [\"NONE\", \"BOTH\"] } } " +
                         "session { name: \"call\" } topology { nat { name: \"home_b\" profile: \"symmetric\" } } "
                         "expect { when { axis: \"a\" is: \"pf\" } outcome: DIRECT }"}});
  EXPECT_EQ(said.exit_code, ExitCode::kUnexpected);
  EXPECT_THAT(said.out, HasSubstr("\n"
                                  "\n           turn"
                                  "\na          1  2"
                                  "\nfull-cone  D  D"
                                  "\nsymmetric  -  R"
                                  "\npf         -! R!"
                                  "\nturn: 1 NONE, 2 BOTH"
                                  "\n\nD direct "))
      << said.out;
}

TEST(SweepCommand, AFailedCellSaysWhyAndHowToRunItAgain) {
  const Said said = Pinhole({"sweep", "t", "--seed", "7", "--set", "session[call].turn=NONE"},
                            {{"t", Sweeping("expect { outcome: DIRECT }")}});
  EXPECT_EQ(said.exit_code, ExitCode::kUnexpected);
  EXPECT_THAT(said.out, HasSubstr("FAIL t/nat=symmetric"));
  EXPECT_THAT(said.out, HasSubstr("dropped at home_a: filtered_port"));
  EXPECT_THAT(said.out,
              HasSubstr("pinhole run t --cell 't/nat=symmetric/0' --set 'session[call].turn=NONE' --seed 7\n"));
  EXPECT_THAT(said.out, HasSubstr("1 failed"));
}

// The first 20 failed cells have their reason. For every other failed cell there is still the command.
TEST(SweepCommand, EveryFailedCellHasTheCommandThatRunsItAgain) {
  std::vector<std::string> values;
  for (int i = 0; i < 23; ++i) values.push_back(absl::StrCat("\"", i, "\""));
  const std::string sweep = absl::StrCat("sweep { axis { name: \"hold\" path: \"session[call].hold_us\" values: [",
                                         absl::StrJoin(values, ", "), "] } } expect { outcome: FAILED }");
  const Said said = Pinhole({"sweep", "t", "--seed", "7"}, {{"t", kHeader + sweep}});
  EXPECT_EQ(said.exit_code, ExitCode::kUnexpected);
  std::vector<std::string> why, commands;
  for (absl::string_view line : absl::StrSplit(said.out, '\n')) {
    if (absl::StartsWith(line, "FAIL ")) why.push_back(std::string(line));
    if (absl::StartsWith(line, "  pinhole run ")) commands.push_back(std::string(line));
  }
  EXPECT_EQ(why.size(), 20u);
  ASSERT_EQ(commands.size(), 23u);
  for (int i = 0; i < 23; ++i) {
    EXPECT_EQ(commands[static_cast<std::size_t>(i)],
              absl::StrCat("  pinhole run t --cell 't/hold=", i, "/0' --seed 7"));
  }
  EXPECT_THAT(said.out, HasSubstr("\nand 3 more failed cells:\n  pinhole run t --cell 't/hold=20/0' --seed 7\n"));
}

TEST(SweepCommand, AFilterThatSelectsNothingExits2) {
  const Said said = Pinhole({"sweep", "t", "--filter", "nat=pf"}, {{"t", Sweeping("")}});
  EXPECT_EQ(said.exit_code, ExitCode::kBadScenario);
  EXPECT_THAT(said.err, Not(IsEmpty()));
}

TEST(SweepCommand, JsonHasOneResultALineInTheFilesOrder) {
  const Said said = Pinhole({"sweep", "t", "--json", "-", "--repeat", "2"}, {{"t", Sweeping("")}});
  EXPECT_EQ(said.exit_code, ExitCode::kOk);
  const std::vector<std::string> lines = absl::StrSplit(said.out, '\n', absl::SkipEmpty());
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_THAT(lines[0], HasSubstr("\"cell\":\"t/nat=full-cone/0\""));
  EXPECT_THAT(lines[1], HasSubstr("\"cell\":\"t/nat=full-cone/1\""));
  EXPECT_THAT(lines[2], HasSubstr("\"cell\":\"t/nat=symmetric/0\""));
  EXPECT_THAT(lines[3], HasSubstr("\"cell\":\"t/nat=symmetric/1\""));
}

TEST(SweepCommand, XfailAndUnsupportedAreNoFailures) {
  const Said said = Pinhole({"sweep", "t"}, {{"t", Sweeping(R"(
      expect { when { axis: "nat" is: "full-cone" } outcome: FAILED xfail: "not yet" }
      expect { when { axis: "nat" is: "symmetric" } unsupported: "never" })")}});
  EXPECT_EQ(said.exit_code, ExitCode::kOk) << said.out;
  EXPECT_THAT(said.out, HasSubstr("1 expected to fail"));
  EXPECT_THAT(said.out, HasSubstr("1 unsupported"));
}

}  // namespace
}  // namespace pinhole::scenarios
