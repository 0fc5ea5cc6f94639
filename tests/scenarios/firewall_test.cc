// Sessions through firewalls: on NATs, on routers, IPv4 and IPv6.
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "tests/scenarios/run_cells.h"

namespace pinhole::scenarios {
namespace {

// Checks that every cell passes, by the oracle or its expectation, and has this outcome.
void ExpectOutcome(const Scenario& scenario, Outcome outcome) {
  for (const JudgedRun& run : SweepAll(scenario)) {
    EXPECT_EQ(run.verdict.kind, VerdictKind::kPass) << Told(scenario, run);
    EXPECT_EQ(run.outcome, outcome) << Told(scenario, run);
  }
}

// The homes of tests/scenarios/run_cells.h, with firewall rules on each NAT.
Scenario FirewalledHomes(absl::string_view nat, absl::string_view rules_a, absl::string_view rules_b,
                         absl::string_view topology = "") {
  return FromText(absl::StrCat("name: \"homes\" base: \"topologies/two_homes.textproto\" topology { ", topology,
                               " nat { name: \"home_a\" profile: \"", nat, "\" ", rules_a,
                               " } nat { name: \"home_b\" profile: \"", nat, "\" ", rules_b, " } }"));
}

TEST(Firewalls, UdpThatIsBlockedOnOneSideLeavesNoPathByUdp) {
  ExpectOutcome(FirewalledHomes("full-cone", "firewall { block_udp: true }", ""), Outcome::kFailed);
  ExpectOutcome(FirewalledHomes("full-cone", "", "firewall { block_udp: true blocked: ICMP_ADMIN_PROHIBITED }"),
                Outcome::kFailed);
}

// The firewall lets UDP out to the server's port but not to the peers' ports.
TEST(Firewalls, UdpToTheServersPortOnlyIsRelayed) {
  const std::string ports = "firewall { udp_port: 3478 }";
  ExpectOutcome(FirewalledHomes("full-cone", ports, ports), Outcome::kRelayed);
}

constexpr char kIpv6Homes[] = R"(
  host { name: "alice" interface { name: "eth0" address: "2001:db8:a::10/64" } }
  host { name: "bob" interface { name: "eth0" address: "2001:db8:b::10/64" } }
  host { name: "rendezvous" interface { name: "eth0" address: "2001:db8:f::20" } }
  host { name: "relay" interface { name: "eth0" address: "2001:db8:f::10" } }
)";

// RFC 6092: both peers send, so the firewalls let both in. Packets of others are dropped.
TEST(Firewalls, Ipv6OutboundOnlyOnBothSidesIsDirect) {
  const std::string a = R"(outside { address: ["198.51.100.1", "2001:db8:f::1"] }
                           inside { name: "lan" address: "2001:db8:a::1/64" } ipv6: OUTBOUND_ONLY )";
  const std::string b = R"(outside { address: ["198.51.100.2", "2001:db8:f::2"] }
                           inside { name: "lan" address: "2001:db8:b::1/64" } ipv6: OUTBOUND_ONLY )";
  ExpectOutcome(FirewalledHomes("symmetric", a, b, kIpv6Homes), Outcome::kDirect);
  ExpectOutcome(FirewalledHomes("symmetric", a + "firewall { block_udp: true }", b, kIpv6Homes), Outcome::kFailed);
}

// alice - office router - internet: no NAT on her side.
std::string Office(absl::string_view firewall, absl::string_view expect = "") {
  return absl::StrCat(R"(
name: "office" base: "topologies/two_homes.textproto"
topology {
  network { name: "desks" }
  router {
    name: "gate"
    interface { name: "up" network: "internet" address: "198.51.100.9" }
    interface { name: "in" network: "desks" address: "192.0.2.1/24" }
    firewall { outside: "up" )",
                      firewall, R"( }
  }
  host { name: "carol" interface { name: "eth0" network: "desks" address: "192.0.2.10/24" } }
}
session { name: "call" peer { name: "alice" host: "carol" } }
)",
                      expect);
}

TEST(Firewalls, AStatefulRouterLetsBothSidesPunch) {
  const Scenario scenario = FromText(Office(""));
  ExpectOutcome(scenario, Outcome::kDirect);
  const WatchedRun watched(scenario, "office");
  EXPECT_GT(watched.run->world().drops().count(sim::Rule::kInboundRefused), 0u) << "Bob's first check came too early";
}

TEST(Firewalls, ARouterThatBlocksUdpLeavesNoPathByUdp) {
  ExpectOutcome(FromText(Office("block_udp: true", "expect { outcome: FAILED }")), Outcome::kFailed);
}

}  // namespace
}  // namespace pinhole::scenarios
