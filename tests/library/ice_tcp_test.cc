// What TCP candidates change for sessions that UDP alone decides, and what connects them where it cannot.
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "scenarios/run/session_trial.h"
#include "tests/scenarios/run_cells.h"

namespace pinhole::scenarios {
namespace {

constexpr const char* kAllTypes = "active: true passive: true simultaneous_open: true";

struct Came {
  TrialOutcome outcome;
  std::optional<ice::PairView> selected;  // A's
  ice::AgentCounters counters;            // A's
};

Came RunOnly(const Scenario& scenario) {
  absl::StatusOr<PreparedCell> prepared = PrepareCell(scenario, scenario.cells().at(0));
  EXPECT_TRUE(prepared.ok()) << prepared.status().message();
  CellRun run(prepared->plan, 1, CellRun::Options{});
  EXPECT_TRUE(run.Run().ok());
  const ice::Agent& agent_a = EndpointOf(run, 0, 0).agent();
  return {run.OutcomeOf(0), agent_a.SelectedPair(0, 1), agent_a.counters()};
}

Came RunHomes(const std::string& nat_a, const std::string& nat_b, const std::string& agent,
              const std::string& topology = "") {
  return RunOnly(Homes(nat_a, nat_b, absl::StrCat("session { name: \"call\" agent { ", agent, " } }"), topology));
}

// The server tells TCP's mappings as well.
constexpr const char* kServer = "server { name: \"relay\" tcp_port: 443 }";

// Whether every session of a host gets a port of its own, drawn for it: another one when others were drawn before.
bool DrawsPorts(const std::string& nat) { return nat == "symmetric" || nat == "adm-adf-session"; }

// `nat`: the one that the candidate is behind. An address of the relay is behind none.
void ExpectSameEnd(const ice::Candidate& with, const ice::Candidate& without, const std::string& nat) {
  EXPECT_EQ(with.type, without.type);
  EXPECT_EQ(with.transport, without.transport);
  EXPECT_EQ(with.address.address(), without.address.address());
  const bool drawn = DrawsPorts(nat) && without.type != ice::CandidateType::kRelayed;
  if (!drawn) {
    EXPECT_EQ(with.address, without.address);
  }
}

class WithTcpToo : public testing::TestWithParam<const char*> {};

TEST_P(WithTcpToo, APairThatConnectsWithoutTcpStaysTheOne) {
  int direct = 0, relayed = 0;
  for (const char* nat_a : {"eim-eif", "port-restricted-cone", "linux-masquerade", "symmetric", "adm-adf-session"}) {
    for (const char* nat_b : {"eim-eif", "port-restricted-cone", "linux-masquerade", "symmetric", "adm-adf-session"}) {
      SCOPED_TRACE(absl::StrCat(nat_a, " ", nat_b));
      const std::string policy = absl::StrCat("nomination: ", GetParam());
      const Came without = RunHomes(nat_a, nat_b, policy, kServer);
      const Came with = RunHomes(nat_a, nat_b, absl::StrCat(policy, " tcp { ", kAllTypes, " }"), kServer);
      direct += without.outcome.outcome == Outcome::kDirect;
      relayed += without.outcome.outcome == Outcome::kRelayed;
      // Where UDP is relayed these NATs refuse TCP, too.
      ASSERT_EQ(with.outcome.outcome, without.outcome.outcome);
      EXPECT_FALSE(with.outcome.a.tcp);
      EXPECT_GT(with.counters.connections_opened, 0);
      ExpectSameEnd(with.selected->remote, without.selected->remote, nat_b);
      ExpectSameEnd(*with.selected->mapped, *without.selected->mapped, nat_a);
    }
  }
  // Direct: any with eim-eif, and the two that map endpoint-independently for one port among themselves.
  EXPECT_EQ(direct, 9 + 4);
  EXPECT_EQ(relayed, 12);
}

// The firewall of one home lets no UDP out. The relay is reached over TCP, and direct TCP takes its place.
TEST_P(WithTcpToo, ARelayedPairBecomesADirectOneOverTcpAndSaysSo) {
  for (const char* nat : {"eim-eif", "port-restricted-cone"}) {
    SCOPED_TRACE(nat);
    const auto run = [nat](const std::string& agent) {
      return RunOnly(FromText(absl::StrCat("name: \"homes\" base: \"topologies/two_homes.textproto\" topology { ",
                                           kServer, " nat { name: \"home_a\" profile: \"", nat,
                                           "\" firewall { udp_port: 7000 } }", " nat { name: \"home_b\" profile: \"",
                                           nat, "\" } } session { name: \"call\" agent { ", agent, " } }")));
    };
    const std::string agent = absl::StrCat("turn_over: TCP nomination: ", GetParam());
    const Came without = run(agent);
    EXPECT_EQ(without.outcome.outcome, Outcome::kRelayed);
    const Came with = run(absl::StrCat(agent, " tcp { ", kAllTypes, " }"));
    EXPECT_EQ(with.outcome.outcome, Outcome::kDirect);
    EXPECT_TRUE(with.outcome.a.tcp);
    EXPECT_TRUE(with.outcome.b.tcp);
    EXPECT_TRUE(ice::IsTcp(with.selected->local.transport));
  }
}

INSTANTIATE_TEST_SUITE_P(, WithTcpToo, testing::Values("EXHAUSTIVE", "BEST_AFTER"),
                         [](const testing::TestParamInfo<const char*>& policy) { return std::string(policy.param); });

TEST(IceTcp, AHeadStartOfUdpThatIsLongEnoughCostsNoSyn) {
  const std::string tcp = absl::StrCat("tcp { ", kAllTypes, " head_start_us: 2000000 }");
  const Came came = RunHomes("port-restricted-cone", "port-restricted-cone", tcp);
  EXPECT_EQ(came.outcome.outcome, Outcome::kDirect);
  EXPECT_EQ(came.counters.connections_opened, 0);
  const Came eager = RunHomes("port-restricted-cone", "port-restricted-cone", absl::StrCat("tcp { ", kAllTypes, " }"));
  EXPECT_GT(eager.counters.connections_opened, 0);
}

// Both sides passive: nobody opens (RFC 6544 §6.2).
TEST(IceTcp, TwoPassiveSidesDoNotConnect) {
  const Came came = RunHomes("eim-eif", "eim-eif", "withhold_udp: true withhold_relay: true tcp { passive: true }",
                             "server { name: \"relay\" tcp_port: 443 }");
  EXPECT_EQ(came.outcome.outcome, Outcome::kFailed);
}

TEST(IceTcp, SimultaneousOpenPassesTwoNatsThatFilterByPort) {
  const Came came = RunHomes("port-restricted-cone", "port-restricted-cone",
                             "withhold_udp: true withhold_relay: true tcp { simultaneous_open: true }",
                             "server { name: \"relay\" tcp_port: 443 }");
  EXPECT_EQ(came.outcome.outcome, Outcome::kDirect);
  EXPECT_TRUE(came.outcome.agree);
  EXPECT_EQ(came.selected->local.transport, ice::Transport::kTcpSimultaneousOpen);
}

TEST(IceTcp, ActiveAndPassiveAloneNeedANatThatLetsStrangersIn) {
  const std::string agent = "withhold_udp: true withhold_relay: true tcp { active: true passive: true }";
  const std::string server = "server { name: \"relay\" tcp_port: 443 }";
  EXPECT_EQ(RunHomes("eim-eif", "symmetric", agent, server).outcome.outcome, Outcome::kDirect);
  EXPECT_EQ(RunHomes("port-restricted-cone", "port-restricted-cone", agent, server).outcome.outcome, Outcome::kFailed);
}

// The packets of one class that both hosts of a session over TCP alone send, when it is held so long after connecting.
std::uint64_t SentOverTcp(const std::string& packet_class, int hold_s) {
  const std::string tcp = "withhold_udp: true withhold_relay: true tcp { simultaneous_open: true }";
  const Scenario scenario =
      Homes("port-restricted-cone", "port-restricted-cone",
            absl::StrCat("session { name: \"call\" hold_us: ", hold_s, "000000 agent { ", tcp, " } }"), kServer);
  const WatchedRun watched(scenario, "homes");
  EXPECT_EQ(watched.result.session(0).outcome(), proto::DIRECT);
  std::uint64_t packets = 0;
  for (const proto::ClassTraffic& sent : watched.result.traffic()) {
    if (sent.packet_class() == packet_class) packets += sent.packets();
  }
  return packets;
}

// Its ACKs are of data and consent checks, though they travel on the connection of a check.
TEST(IceTcp, ASessionThatIsHeldSendsNoMoreOfTheClassesOfChecks) {
  for (const char* packet_class : {"check", "retransmitted_check", "response"}) {
    EXPECT_EQ(SentOverTcp(packet_class, 61), SentOverTcp(packet_class, 1)) << packet_class;
  }
  EXPECT_GT(SentOverTcp("check", 1), 0u);
  EXPECT_GT(SentOverTcp("consent", 61), SentOverTcp("consent", 1));
}

// A mapping lasts while the connection to the server does (RFC 8489 §6.2.2). These NATs draw another port for the next,
// which the peer has not heard of.
TEST(IceTcp, AServerReflexiveCandidateWaitsForAPeerThatComesThreeMinutesLate) {
  const std::string nats = "tcp { ports { policy: RANDOM } transitory_timeout_us: 20000000 }";
  const Scenario scenario = FromText(absl::StrCat(
      "name: \"homes\" base: \"topologies/two_homes.textproto\" topology { ", kServer,
      " nat { name: \"home_a\" profile: \"port-restricted-cone\" ", nats,
      " } nat { name: \"home_b\" profile: \"port-restricted-cone\" ", nats, " } } session { name: \"call\" agent { ",
      "withhold_udp: true withhold_relay: true tcp { simultaneous_open: true } } ",
      "peer { name: \"bob\" start_offset_us: 180000000 } }"));
  const Came came = RunOnly(scenario);
  EXPECT_EQ(came.outcome.outcome, Outcome::kDirect) << came.outcome.a.failure;
  EXPECT_TRUE(came.outcome.agree);
}

// A passive and a simultaneous-open candidate each ask the STUN server over a connection of its own, after UDP's two
// requests and a Ta of 50 ms apart: the last begins at 150 ms and takes two round trips of 40 ms, where UDP's took one
// from 50 ms on. Nothing else waits for TCP, so that is what it costs a session that UDP decides, or a relay.
TEST(IceTcp, WhatTcpCandidatesCostIsTwoSlotsOfTaARoundTripAndTheirMappings) {
  struct Row {
    const char* nats;
    proto::RunOutcome outcome;
    std::uint32_t bindings_off;
    std::uint32_t bindings_on;
  };
  // Of each side: the agent's and the referral connection's. TCP adds two ports that are listened on, and one for each
  // of two connections to the peer's passive candidates. Symmetric NATs map each pair anew.
  constexpr Row kRows[] = {{"port-restricted-cone", proto::DIRECT, 4, 12}, {"symmetric", proto::RELAYED, 10, 22}};
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.nats);
    const Scenario firewalls = Library("ice_tcp_firewalls");
    const auto id = [&](const char* tcp) {
      return absl::StrCat("ice_tcp_firewalls/blocked=none,nats=", row.nats, ",tcp=", tcp, ",turn=udp");
    };
    const WatchedRun off(firewalls, id("off"));
    const WatchedRun on(firewalls, id("on"));
    for (int side : {0, 1}) {
      EXPECT_EQ(off.result.session(0).side(side).gathered_us(), 50000u + 40000u);
      EXPECT_EQ(on.result.session(0).side(side).gathered_us(), 3 * 50000u + 2 * 40000u);
      EXPECT_EQ(on.result.session(0).side(side).connected_us() - off.result.session(0).side(side).connected_us(),
                2 * 50000u + 40000u);
    }
    EXPECT_EQ(off.result.session(0).outcome(), row.outcome);
    EXPECT_EQ(on.result.session(0).outcome(), row.outcome);
    EXPECT_EQ(off.result.nat_bindings(), row.bindings_off);
    EXPECT_EQ(on.result.nat_bindings(), row.bindings_on);
  }
}

}  // namespace
}  // namespace pinhole::scenarios
