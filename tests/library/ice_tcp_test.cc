// The effect of TCP candidates: on sessions that UDP alone decides, and on sessions that UDP cannot connect.
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

// A server that also reports the mapped addresses of TCP connections.
constexpr const char* kServer = "server { name: \"relay\" tcp_port: 443 }";

// Whether the NAT draws a random port for each session of a host. Then the ports differ if other sessions drew ports
// before.
bool DrawsPorts(const std::string& nat) { return nat == "symmetric" || nat == "adm-adf-session"; }

// Checks that both candidates are the same end. `nat` is the NAT in front of the candidate; the address of a relay has
// none.
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

// The firewall of one home lets no UDP out. The relay is reached over TCP, and a direct TCP pair is selected instead.
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

// Both sides are passive, so neither opens a connection (RFC 6544 §6.2).
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

// The number of packets of one class that both hosts send in a session over TCP alone, if the session is held for
// `hold_s` seconds after connecting.
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

// The ACKs of the session have the classes of data and consent checks, although they go over a connection that was
// opened for a check.
TEST(IceTcp, ASessionThatIsHeldSendsNoMoreOfTheClassesOfChecks) {
  for (const char* packet_class : {"check", "retransmitted_check", "response"}) {
    EXPECT_EQ(SentOverTcp(packet_class, 61), SentOverTcp(packet_class, 1)) << packet_class;
  }
  EXPECT_GT(SentOverTcp("check", 1), 0u);
  EXPECT_GT(SentOverTcp("consent", 61), SentOverTcp("consent", 1));
}

// The mapping exists as long as the connection to the server (RFC 8489 §6.2.2). These NATs would draw another port for
// a new connection, and the peer would not know that port.
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

// A passive and a simultaneous-open candidate each ask the STUN server over a connection of their own. These requests
// come after UDP's two requests, 50 ms (Ta) apart. The last begins at 150 ms and takes two round trips of 40 ms; the
// last of UDP began at 50 ms and took one. Nothing else waits for TCP, so this difference is the cost of TCP candidates
// for a session that UDP, or a relay, decides.
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
