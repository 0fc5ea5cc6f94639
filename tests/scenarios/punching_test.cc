// Punchings and NAT checks in scenario files: mistakes that are refused, and the judging.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "scenarios/sweep/sweep.h"
#include "tests/scenarios/scenario_files.h"

namespace pinhole::scenarios {
namespace {

using ::testing::HasSubstr;

std::string Punched(const std::string& more) {
  return "name: \"test\"\nbase: \"topologies/two_homes_punching.textproto\"\n" + more;
}

std::string WhyRefused(const std::string& text) {
  const absl::StatusOr<Scenario> scenario = LoadText(text);
  return scenario.ok() ? "" : std::string(scenario.status().message());
}

Verdict VerdictOn(const std::string& text) {
  const absl::StatusOr<Scenario> scenario = LoadText(text);
  EXPECT_TRUE(scenario.ok()) << scenario.status();
  const absl::StatusOr<PreparedCell> prepared = PrepareCell(*scenario, scenario->cells()[0]);
  EXPECT_TRUE(prepared.ok()) << prepared.status();
  return RunAndJudge(*prepared, 0, 1, {})->verdict;
}

TEST(PunchingFile, WhatCannotBeIsRefusedWithItsPlace) {
  EXPECT_EQ(WhyRefused(Punched("")), "");
  EXPECT_THAT(WhyRefused(Punched("punching { name: \"punch\" peer { name: \"carol\" } }")),
              HasSubstr("punching \"punch\" has 3 peers; it takes two"));
  EXPECT_THAT(WhyRefused(Punched("punching { name: \"punch\" peer { name: \"bob\" host: \"nobody\" } }")),
              HasSubstr("no host \"nobody\""));
  const std::string then_listen = "punching { name: \"punch\" technique: SYN_THEN_LISTEN ";
  EXPECT_THAT(WhyRefused(Punched(then_listen + "timing_error_us: -1 }")),
              HasSubstr("B cannot act before A has told it to"));
  EXPECT_THAT(WhyRefused(Punched(then_listen + "timing_error_ppm: 1 }")), HasSubstr("say timing_error_us"));
  EXPECT_THAT(WhyRefused(Punched("punching { name: \"punch\" rendezvous: \"nowhere\" }")),
              HasSubstr("no host \"nowhere\""));
  EXPECT_THAT(WhyRefused(Punched("topology { network { name: \"lan_a\" core_address: \"192.0.2.1\" } }")),
              HasSubstr("network \"lan_a\" is a LAN, which has no core"));
  EXPECT_THAT(WhyRefused(Punched("topology { network { name: \"internet\" core_address: \"198.51.100.1\" } }")),
              HasSubstr("nat \"home_a\" has address 198.51.100.1 too"));
  EXPECT_THAT(WhyRefused(Punched("nat_check { name: \"check\" client: \"alice\" server: \"bob\" }")),
              HasSubstr("has 1 server; it takes three"));
}

TEST(PunchingFile, TheOracleJudgesACellOfWhichNothingIsExpected) {
  const Verdict direct = VerdictOn(Punched(""));
  EXPECT_EQ(direct.kind, VerdictKind::kPass) << direct.reason;
  EXPECT_TRUE(direct.by_oracle);
  EXPECT_EQ(direct.reason, "DIRECT: the SYNs cross, and both NATs let them pass");
  const Verdict failed = VerdictOn(Punched("punching { name: \"punch\" technique: CONNECT }"));
  EXPECT_EQ(failed.kind, VerdictKind::kPass) << failed.reason;
  EXPECT_EQ(failed.reason, "FAILED: bob only listens, and home_b lets no stranger in");
}

TEST(PunchingFile, ACellThatTheOracleCannotJudgeNeedsAnExpectation) {
  const std::string late = "punching { name: \"punch\" technique: LOW_TTL_SYN timing_error_us: 1 }\n";
  EXPECT_EQ(WhyRefused(Punched(late)),
            "test.textproto:3:26: punching \"punch\": what comes of LOW_TTL_SYN depends (timing_error_us), and no "
            "expectation says it; add expect { outcome: ... } for such cells");
  EXPECT_EQ(WhyRefused(Punched(late + "expect { outcome: DIRECT }")), "");
  EXPECT_EQ(WhyRefused(Punched(late + "expect { unsupported: \"no clocks\" }")), "");
  // An expectation about another punching, or only about the killer, is not enough.
  EXPECT_THAT(WhyRefused(Punched(late + "expect { killed { node: \"home_b\" } }")),
              HasSubstr("no expectation says it"));
  EXPECT_THAT(WhyRefused(Punched(late + "punching { name: \"again\" peer { name: \"alice\" } peer { name: \"bob\" } "
                                        "rendezvous: \"rendezvous\" }\n"
                                        "expect { session: \"again\" outcome: DIRECT }")),
              HasSubstr("punching \"punch\": what comes of LOW_TTL_SYN depends"));
}

// The message is at the value of the axis that causes it, once, with the first cell.
TEST(PunchingFile, ASweepIsToldWhichOfItsCellsNeedAnExpectation) {
  const std::string axes =
      "sweep {\n"
      "  axis { name: \"technique\" path: \"punching[punch].technique\" values: [\"CONNECT\", \"SIMULTANEOUS_OPEN\"] "
      "}\n"
      "  axis { name: \"late\" path: \"punching[punch].timing_error_us\" values: [\"0\", \"1\", \"2\"] }\n"
      "}\n";
  const std::string why = WhyRefused(Punched(axes));
  EXPECT_THAT(why, HasSubstr("test.textproto:4:"));
  EXPECT_THAT(why, HasSubstr("what comes of SIMULTANEOUS_OPEN depends (timing_error_us)"));
  EXPECT_THAT(why, HasSubstr("in test/late=1,technique=SIMULTANEOUS_OPEN"));
  EXPECT_EQ(std::count(why.begin(), why.end(), '\n'), 0) << why;
  EXPECT_EQ(WhyRefused(Punched(axes + "expect { when { axis: \"late\" is_not: \"0\" } when { axis: \"technique\" is: "
                                      "\"SIMULTANEOUS_OPEN\" } outcome: DIRECT }")),
            "");
}

TEST(PunchingFile, OutcomeAndKillerAreHeldAgainstTheExpectation) {
  const std::string connect = "punching { name: \"punch\" technique: CONNECT }\n";
  EXPECT_EQ(
      VerdictOn(Punched(connect + "expect { outcome: FAILED killed { node: \"home_b\" rule: \"filtered_port\" } }"))
          .kind,
      VerdictKind::kPass);
  EXPECT_EQ(
      VerdictOn(Punched(connect + "expect { session: \"punch\" outcome: FAILED killed { node: \"home_b\" } }")).kind,
      VerdictKind::kPass);
  for (const char* other : {"killed { node: \"home_a\" }", "killed { rule: \"no_mapping\" }"}) {
    const Verdict verdict = VerdictOn(Punched(connect + "expect { outcome: FAILED " + other + " }"));
    EXPECT_EQ(verdict.kind, VerdictKind::kFail);
    EXPECT_THAT(verdict.reason, HasSubstr("killed at home_b by filtered_port"));
  }
  const Verdict direct = VerdictOn(Punched(connect + "expect { outcome: DIRECT }"));
  EXPECT_EQ(direct.kind, VerdictKind::kFail);
  EXPECT_THAT(direct.reason, HasSubstr("connect: no answer in time"));
}

}  // namespace
}  // namespace pinhole::scenarios
