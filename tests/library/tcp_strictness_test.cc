// TCP through NATs that track connections more and more closely: the techniques that pass, and the segment and rule
// that end the others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "scenarios/oracle/extract.h"
#include "sim/boxes/nat_box.h"
#include "tests/library/punched_cell.h"

namespace pinhole::scenarios {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kDepths[] = {"ADDRESSES", "FLAGS", "SYN_ACK_NUMBER", "WINDOW", "LINUX", "REWRITES_ISN"};

struct Place {
  const char* technique;
  int depth = 0;
  const char* nat = "silent";
  const char* icmp = "kept";
  const char* host = "soft";
  int late_us = 0;
  int tries = 1;
};
std::string IdOf(const Place& place) {
  return absl::StrCat("host=", place.host, ",icmp=", place.icmp, ",late=", place.late_us, ",nat=", place.nat,
                      ",technique=", place.technique, ",tracking=", kDepths[place.depth], ",tries=", place.tries);
}
PunchedCell Punch(const Place& place, const std::vector<std::string>& sets = {}) {
  return PunchedCell("tcp_strictness", IdOf(place), sets);
}

TEST(TcpStrictness, SimultaneousOpenPassesEveryDepth) {
  for (int depth = 0; depth < 6; ++depth) {
    for (const char* nat : {"silent", "answers", "deletes"}) {
      const PunchedCell cell = Punch({.technique = "SIMULTANEOUS_OPEN", .depth = depth, .nat = nat});
      SCOPED_TRACE(cell.why);
      EXPECT_TRUE(cell.connected()) << kDepths[depth] << " " << nat;
      // One way is 20 ms: SYNs cross, each is answered by SYN,ACK, and these cross too (RFC 9293 §3.5, figure 7).
      for (int side = 0; side < 2; ++side) {
        EXPECT_EQ(*cell.report(side).connected - *cell.report(side).try_started, std::chrono::milliseconds(40));
      }
      EXPECT_EQ(cell.SentBy("alice")[0], "SYN");
      EXPECT_EQ(cell.SentBy("alice")[1], "SYN,ACK");
    }
  }
}

// RFC 5382 §4.3 REQ-4 exists for this case: the SYN that comes first must not be answered.
TEST(TcpStrictness, SimultaneousOpenOfASideThatIsLateFailsOnlyWhereItsNatAnswers) {
  for (int depth = 0; depth < 6; ++depth) {
    for (const char* nat : {"silent", "answers", "deletes"}) {
      const PunchedCell cell = Punch({.technique = "SIMULTANEOUS_OPEN", .depth = depth, .nat = nat, .late_us = 100000});
      EXPECT_EQ(cell.connected(), std::string(nat) == "silent") << kDepths[depth] << " " << nat << ": " << cell.why;
      if (!cell.connected()) {
        EXPECT_EQ(cell.killed(), "home_b by filtered_port");
      }
    }
  }
}

TEST(TcpStrictness, AGuessedNumberNeverConnectsAndTheCellNamesWhoKilledIt) {
  for (int depth = 0; depth < 6; ++depth) {
    for (const int tries : {1, 3}) {
      const PunchedCell cell = Punch({.technique = "FORGED_GUESSED_NUMBER", .depth = depth, .tries = tries});
      SCOPED_TRACE(cell.why);
      EXPECT_FALSE(cell.connected());
      EXPECT_EQ(cell.report(0).tries, tries);
      if (depth < 2) {
        // Let in, and answered with RST by the host, which stays in SYN-SENT (RFC 9293 §3.10.7.3).
        EXPECT_EQ(cell.killed(), "alice by tcp_bad_ack");
        EXPECT_THAT(cell.why, HasSubstr("SYN,ACK"));
        for (const char* host : {"alice", "bob"}) {
          const std::vector<std::string> sent = cell.SentBy(host);
          EXPECT_EQ(std::count(sent.begin(), sent.end(), "RST"), tries) << host;
          EXPECT_THAT(cell.DroppedAt(host), Contains("SYN,ACK").Times(tries));
        }
      } else {
        EXPECT_EQ(cell.killed(), "home_a by tcp_syn_ack_number");
        EXPECT_THAT(cell.SentBy("alice"), Not(Contains("RST")));
        EXPECT_THAT(cell.why, HasSubstr("bound"));
      }
    }
  }
}

TEST(TcpStrictness, AnExchangedNumberConnectsUnlessTheNatRewritesIt) {
  for (int depth = 0; depth < 6; ++depth) {
    const PunchedCell cell = Punch({.technique = "FORGED_EXCHANGED_NUMBER", .depth = depth});
    SCOPED_TRACE(cell.why);
    EXPECT_EQ(cell.connected(), depth < 5) << kDepths[depth];
    if (depth == 5) {
      EXPECT_EQ(cell.killed(), "home_a by tcp_syn_ack_number");
    }
    // Neither host ever sends a SYN that could reach the other, nor a SYN,ACK.
    for (const char* host : {"alice", "bob"}) {
      EXPECT_THAT(cell.SentBy(host), Not(Contains("SYN,ACK")));
      EXPECT_EQ(cell.SentBy(host)[0], "SYN");
    }
  }
}

TEST(TcpStrictness, AForgedSynAckNeedsAHostThatMayForgeAndAnUplinkThatLetsItThrough) {
  const Place place = {.technique = "FORGED_EXCHANGED_NUMBER", .depth = 3};
  const PunchedCell unprivileged = Punch(place, {"topology.host[rendezvous].raw_tcp=false"});
  EXPECT_FALSE(unprivileged.connected());
  EXPECT_THAT(unprivileged.why, HasSubstr("may not forge"));
  const PunchedCell filtered = Punch(place, {"topology.host[rendezvous].interface[eth0].source_filtering=true"});
  EXPECT_FALSE(filtered.connected());
  EXPECT_EQ(filtered.killed(), "internet by source_filtered");
}

TEST(TcpStrictness, SynOutRstInSynInFailsOnNatsThatDeleteOnRst) {
  for (int depth = 0; depth < 6; ++depth) {
    EXPECT_TRUE(Punch({.technique = "SYN_THEN_LISTEN", .depth = depth}).connected()) << kDepths[depth];
    const PunchedCell deletes = Punch({.technique = "SYN_THEN_LISTEN", .depth = depth, .nat = "deletes"});
    // A NAT that does not read flags does not notice the RST.
    EXPECT_EQ(deletes.connected(), depth == 0) << kDepths[depth] << ": " << deletes.why;
    if (depth > 0) {
      EXPECT_EQ(deletes.killed(), "home_a by filtered_port");
    }
    const PunchedCell keeps = Punch({.technique = "SYN_THEN_LISTEN", .depth = depth, .nat = "answers"});
    // RFC 7857 §2.2: the RST is let in, the entry stays, and the RST's number 0 binds nobody.
    EXPECT_TRUE(keeps.connected()) << kDepths[depth] << ": " << keeps.why;
    // From WINDOW on the new socket's number is first above the window, which bob's next SYN offers, 1 s later.
    EXPECT_EQ(*keeps.report(1).connected - *keeps.report(1).try_started,
              std::chrono::milliseconds(depth < 3 ? 40 : 1040));
  }
}

// Where the NAT answers a SYN that comes first, the pair connects only if the entry of the first outbound SYN still
// exists.
TEST(TcpStrictness, ALowTtlSynSurvivesIffIcmpLeavesTheEntryAndTheHostKeepsTheErrorSoft) {
  for (int depth = 0; depth < 6; ++depth) {
    for (const char* icmp : {"kept", "closes"}) {
      for (const char* host : {"soft", "aborts"}) {
        const PunchedCell cell = Punch({.technique = "LOW_TTL_SYN",
                                        .depth = depth,
                                        .nat = "answers",
                                        .icmp = icmp,
                                        .host = host,
                                        .late_us = 100000});
        const bool survives = std::string(icmp) == "kept" && std::string(host) == "soft";
        EXPECT_EQ(cell.connected(), survives)
            << IdOf({.technique = "", .depth = depth, .icmp = icmp, .host = host}) << ": " << cell.why;
        // The first SYN never gets beyond the core; the second is the same socket's, one RTO later (RFC 6298).
        EXPECT_THAT(cell.DroppedAt("internet"), ElementsAre("SYN", "SYN"));
        if (survives) {
          EXPECT_EQ(*cell.report(0).connected - *cell.report(0).try_started, std::chrono::milliseconds(1000 + 20 + 20));
        }
      }
    }
  }
}

TEST(TcpStrictness, ATtlThatReachesThePeersNatIsAnsweredThereAsAnyOther) {
  const Place place = {.technique = "LOW_TTL_SYN", .depth = 1, .nat = "answers", .late_us = 100000};
  EXPECT_TRUE(Punch(place).connected());
  EXPECT_FALSE(Punch(place, {"punching[punch].ttl=3"}).connected());
}

// Closing in SYN-SENT (RFC 9293 §3.10.4, §3.10.5), then a SYN to the closed port (RFC 9293 §3.10.7.1). Alice listens
// only after Bob's SYN, 60 ms after hers, has found the port closed.
constexpr const char* kListensLate = "punching[punch].listen_after_us=500000";

TEST(TcpStrictness, ClosingInSynSentSaysNothingAndTheClosedPortAnswersTheNextSyn) {
  const PunchedCell late = Punch({.technique = "SYN_THEN_LISTEN", .depth = 1}, {kListensLate});
  EXPECT_THAT(late.SentBy("alice"), ElementsAre("SYN", "RST,ACK")) << "nothing for the close, RST for Bob's SYN";
  EXPECT_FALSE(late.connected());
  EXPECT_THAT(late.why, HasSubstr("bob: syn_then_listen: connection refused"));
  EXPECT_EQ(late.killed(), "alice by no_socket");
  // Listening at once, she takes it.
  const PunchedCell at_once = Punch({.technique = "SYN_THEN_LISTEN", .depth = 1});
  EXPECT_TRUE(at_once.connected());
  EXPECT_EQ(at_once.SentBy("alice")[1], "SYN,ACK");
}

// This holds up to the depth SYN_ACK_NUMBER. Where windows are tracked, the RST's number, 0, is out of alice's window,
// so her own NAT drops the RST: bob gets no answer, and the hole stays open, whatever a RST does to an entry. That does
// not help the peers. When alice's next socket answers bob's next SYN, its number is above the window that bob's first
// SYN has opened.
TEST(TcpStrictness, TheRstOfAClosedPortShutsTheHoleWhereARstClosesASession) {
  for (int depth = 0; depth < 6; ++depth) {
    for (const char* effect : {"DELETES", "CLOSES", "TRANSITORY"}) {
      SCOPED_TRACE(absl::StrCat(kDepths[depth], " ", effect));
      const PunchedCell cell = Punch({.technique = "SYN_THEN_LISTEN", .depth = depth},
                                     {kListensLate, absl::StrCat("topology.nat[home_a].tcp.on_reset=", effect)});
      EXPECT_FALSE(cell.connected());
      EXPECT_EQ(cell.SentBy("alice")[0], "SYN");
      EXPECT_EQ(cell.SentBy("alice")[1], "RST,ACK");
      EXPECT_THAT(cell.DroppedAt("home_a"), Contains("RST,ACK").Times(depth < 3 ? 0 : 1));
      EXPECT_THAT(cell.why, HasSubstr(absl::StrCat("bob: syn_then_listen: ",
                                                   depth < 3 ? "connection refused" : "no answer in time")));
      if (depth >= 3) {
        EXPECT_THAT(cell.SentBy("alice"), Contains("SYN,ACK"));
        EXPECT_THAT(cell.DroppedAt("home_a"), Contains("SYN,ACK"));
      }
      const sim::NatBox& home_a = static_cast<const sim::NatBox&>(cell.run.host(3));
      ASSERT_EQ(home_a.name(), "home_a");
      sim::Nat& nat = const_cast<sim::Nat&>(home_a.nat());  // finding an entry takes out those that are over
      const net::SocketAddress inside(net::IpAddress::Parse("192.168.1.10").value(), cell.report(0).own->port());
      const auto entry = nat.FindTcp(cell.run.world().now(), 2, inside, *cell.report(0).peer);
      const bool reads_it = depth == 1 || depth == 2;
      EXPECT_EQ(entry.has_value(), !reads_it || std::string(effect) != "DELETES");
      if (!entry) continue;
      EXPECT_EQ(entry->state == sim::TcpTrackerState::kClose, reads_it && std::string(effect) == "CLOSES");
    }
  }
}

TEST(TcpStrictness, AllOfItIsTriedOverAndOver) {
  const PunchedCell cell =
      Punch({.technique = "SIMULTANEOUS_OPEN", .depth = 1, .nat = "answers", .late_us = 100000, .tries = 3});
  EXPECT_EQ(cell.report(0).tries, 3);
  EXPECT_EQ(cell.report(1).tries, 3);
  EXPECT_FALSE(cell.connected());
}

TEST(TcpWindows, ANatThatIgnoresScalingStallsConnectionsWhoseHostsScale) {
  for (const char* buffer : {"65536", "1048576"}) {
    for (const char* depth : kDepths) {
      for (const char* scaling : {"true", "false"}) {
        const PunchedCell cell("tcp_windows",
                               absl::StrCat("buffer=", buffer, ",scaling=", scaling, ",tracking=", depth));
        SCOPED_TRACE(absl::StrCat(depth, " scaling ", scaling, ": ", cell.why));
        const bool stalls = std::string(depth) == "WINDOW" && std::string(scaling) == "true";
        EXPECT_EQ(cell.connected(), !stalls);
        EXPECT_TRUE(cell.report(0).connected.has_value()) << "the handshake is not what fails";
        if (stalls) {
          EXPECT_THAT(cell.killed(), HasSubstr("by tcp_sequence_too_high"));
          EXPECT_LT(cell.report(0).data_received, 200000u);
        }
      }
    }
  }
}

// The oracle and the expectations of one file are independent. The oracle leaves open the cells that depend on which
// side is first, and on the entries of earlier attempts.
TEST(TcpStrictness, TheOracleContradictsNoExpectationAndDecidesWhatDoesNotHangOnOrder) {
  const Scenario scenario = LoadLibrary("tcp_strictness");
  int decided = 0, in_time = 0;
  for (const Cell& cell : scenario.cells()) {
    const proto::Scenario resolved = scenario.Resolve(cell).file();
    const absl::StatusOr<Prediction> prediction = Predict(resolved, resolved.punching(0));
    ASSERT_TRUE(prediction.ok()) << prediction.status();
    const proto::Punching& punching = resolved.punching(0);
    if (punching.timing_error_us() == 0 && punching.tries() == 1) {
      ++in_time;
      EXPECT_FALSE(prediction->depends()) << cell.id << ": " << prediction->reason;
    }
    if (prediction->depends()) continue;
    ++decided;
    for (const int i : cell.expectations) {
      if (!scenario.file().expect(i).has_outcome()) continue;
      const bool direct = scenario.file().expect(i).outcome() == proto::Outcome::DIRECT;
      EXPECT_TRUE(prediction->Allows(direct ? Outcome::kDirect : Outcome::kFailed))
          << cell.id << ": " << Summary(*prediction) << ", " << prediction->reason;
    }
  }
  EXPECT_EQ(in_time, 6 * 6 * 3 * 2 * 2);
  EXPECT_GT(decided, in_time);
}

// Runs every technique over `topology` and `axes`, and compares each cell with the oracle where the oracle is sure.
struct Held {
  int cells = 0;
  int sure = 0;
  int direct = 0;
};
Held HoldToOracle(const std::string& topology, const std::string& axes) {
  // This expectation is never used. It only allows cells to load that the oracle leaves open.
  MemoryFiles files(
      {{"test.textproto", absl::StrCat("name: \"all\" base: \"topologies/two_homes_punching.textproto\" ", topology,
                                       " expect { outcome: DIRECT } sweep { ", axes,
                                       " axis { name: \"t\" path: \"punching[punch].technique\" values: [\"CONNECT\", ",
                                       "\"SIMULTANEOUS_OPEN\", \"SYN_THEN_LISTEN\", \"LOW_TTL_SYN\", ",
                                       "\"FORGED_GUESSED_NUMBER\", \"FORGED_EXCHANGED_NUMBER\", \"UDP\"] } }")}});
  Held held;
  const absl::StatusOr<Scenario> scenario = LoadScenario("test.textproto", files);
  EXPECT_TRUE(scenario.ok()) << scenario.status();
  if (!scenario.ok()) return held;
  for (const Cell& cell : scenario->cells()) {
    ++held.cells;
    const absl::StatusOr<PreparedCell> prepared = PrepareCell(*scenario, cell);
    EXPECT_TRUE(prepared.ok()) << prepared.status();
    if (!prepared.ok() || prepared->predictions[0].depends()) continue;
    const Prediction& prediction = prepared->predictions[0];
    CellRun run(prepared->plan, 1, CellRun::Options{});
    EXPECT_TRUE(run.Run().ok());
    const Outcome outcome = run.OutcomeOf(0).outcome;
    ++held.sure;
    held.direct += outcome == Outcome::kDirect;
    EXPECT_TRUE(prediction.Allows(outcome)) << cell.id << ": " << Summary(prediction) << ", " << prediction.reason
                                            << "; " << ToString(outcome) << ", " << run.trial(0).Explain(run, nullptr);
  }
  return held;
}

// NATs of every mapping and filtering on both sides, and some NATs of products.
TEST(TcpStrictness, WhatTheOracleIsSureOfComesBetweenAnyTwoNats) {
  const std::string nats =
      "[\"eim-eif\", \"eim-adf\", \"eim-apdf\", \"adm-eif\", \"adm-apdf\", \"apdm-eif-session\", "
      "\"apdm-adf-session\", \"apdm-apdf\", \"linux-masquerade\", \"linux-random-fully\", \"pf\", \"cgn\"]";
  const Held held = HoldToOracle(
      "", absl::StrCat("axis { name: \"a\" path: \"topology.nat[home_a].profile\" values: ", nats,
                       " } axis { name: \"b\" path: \"topology.nat[home_b].profile\" values: ", nats, " }"));
  EXPECT_EQ(held.cells, 12 * 12 * 7);
  EXPECT_GT(3 * held.sure, 2 * held.cells);
  EXPECT_GT(held.direct, 100);
}

// Varies the answers of NATs, the side that gets them, their time, and their effects.
TEST(TcpStrictness, WhatTheOracleIsSureOfComesWhateverNatsAnswerAndForget) {
  const auto axis = [](const std::string& field, const std::string& values) {
    return absl::StrCat("axis { name: \"", field.substr(field.find('.') + 1), "\" path: \"topology.nat[home_a].", field,
                        "\" path: \"topology.nat[home_b].", field, "\" values: ", values, " } ");
  };
  const Held held =
      HoldToOracle("", absl::StrCat(axis("tcp.unsolicited",
                                         "[\"DROP\", \"TCP_RST\", \"ICMP_PORT_UNREACHABLE\", "
                                         "\"ICMP_HOST_UNREACHABLE\"]"),
                                    axis("tcp.unsolicited_hold_us", "[\"0\", \"6000000\"]"),
                                    axis("tcp.on_reset", "[\"TRANSITORY\", \"CLOSES\", \"DELETES\"]"),
                                    axis("tcp.filtering", "[\"ENDPOINT_INDEPENDENT\", \"ADDRESS_AND_PORT_DEPENDENT\"]"),
                                    axis("tcp.simultaneous_open", "[\"false\", \"true\"]"),
                                    axis("icmp.errors_close_mapping", "[\"false\", \"true\"]"),
                                    axis("icmp.errors_translated", "[\"false\", \"true\"]")));
  EXPECT_EQ(held.cells, 4 * 2 * 3 * 2 * 2 * 2 * 2 * 7);
  EXPECT_GT(2 * held.sure, held.cells);
  EXPECT_GT(held.direct, 100);
}

}  // namespace
}  // namespace pinhole::scenarios
