// Every mistake in a scenario file gives one clear message with a place. The messages are part of the interface, so a
// changed message changes a test here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/scenarios/scenario_files.h"

namespace pinhole::scenarios {
namespace {

using ::testing::HasSubstr;

std::string ErrorOf(const std::string& text, std::map<std::string, std::string> others = {},
                    const LoadOptions& options = {}) {
  const absl::StatusOr<Scenario> scenario = LoadText(text, std::move(others), options);
  if (scenario.ok()) return "loaded";
  EXPECT_EQ(scenario.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(scenario.status().message());
}

TEST(LoadErrors, MisspeltFieldNamesTheNearestRightOne) {
  EXPECT_EQ(ErrorOf(Homes("topology { nat { name: \"home_a\" profil: \"pf\" } }")),
            "test.textproto:3:33: no field \"profil\" in Nat; did you mean \"profile\"?");
}

TEST(LoadErrors, EveryMisspeltFieldIsShownAtOnce) {
  EXPECT_EQ(ErrorOf(Homes("topologie { }\nsesion { name: \"call\" }\nlimits { runs: 5 }\n")),
            "test.textproto:3:1: no field \"topologie\" in Scenario; did you mean \"topology\"?\n"
            "test.textproto:4:1: no field \"sesion\" in Scenario; did you mean \"session\"?\n"
            "test.textproto:5:10: no field \"runs\" in Limits; did you mean \"runs_max\"?");
}

TEST(LoadErrors, MisspeltEnumValueNamesTheNearestRightOne) {
  EXPECT_EQ(ErrorOf(Homes("topology { nat { name: \"home_a\" udp { mapping: ENDPOINT_INDEPENDANT } } }")),
            "test.textproto:3:48: no value \"ENDPOINT_INDEPENDANT\" for mapping; did you mean "
            "\"ENDPOINT_INDEPENDENT\"?");
}

TEST(LoadErrors, UnknownProfileNamesTheNearestRightOne) {
  EXPECT_EQ(ErrorOf(Homes("topology { nat { name: \"home_a\" profile: \"linux-masqerade\" } }")),
            "test.textproto:3:33: nat \"home_a\": no profile \"linux-masqerade\"; did you mean \"linux-masquerade\"?");
}

TEST(LoadErrors, UnknownProfileOnAnAxisIsPlacedThere) {
  EXPECT_EQ(ErrorOf(Homes("sweep { axis {\n  name: \"n\"\n  path: \"topology.nat[home_a].profile\"\n"
                          "  values: [\"pf\", \"cng\"]\n} }")),
            "test.textproto:6:3: nat \"home_a\": no profile \"cng\"; did you mean \"cgn\"? (in test/n=cng)");
}

TEST(LoadErrors, MissingNodesNameTheNearestRightOne) {
  EXPECT_EQ(ErrorOf(Homes("session { name: \"call\" peer { name: \"alice\" host: \"alcie\" } }")),
            "test.textproto:3:45: session \"call\", peer \"alice\": no host \"alcie\"; did you mean \"alice\"?");
  EXPECT_EQ(ErrorOf(Homes("topology { server { name: \"relay\" host: \"rely\" } }")),
            "test.textproto:3:35: server \"relay\": no host \"rely\"; did you mean \"relay\"?");
  EXPECT_EQ(ErrorOf(Homes("topology { referral { host: \"rendevous\" } }")),
            "test.textproto:3:23: referral: no host \"rendevous\"; did you mean \"rendezvous\"?");
  EXPECT_EQ(ErrorOf(Homes("topology { host { name: \"bob\" interface { name: \"eth0\" network: \"lan_c\" } } }")),
            "test.textproto:3:56: \"bob\": no network \"lan_c\"; did you mean \"lan_a\"?");
  EXPECT_EQ(ErrorOf(Homes("session { name: \"call\" stun_server: \"stun\" }")),
            "test.textproto:3:24: session \"call\": no server \"stun\"; there is only \"relay\"");
  EXPECT_EQ(ErrorOf(Homes("session { name: \"call\" peer { name: \"bob\" turn_server: \"turn\" } }")),
            "test.textproto:3:43: session \"call\", peer \"bob\": no server \"turn\"; there is only \"relay\"");
}

TEST(LoadErrors, OneAddressTwiceInOneRoutingDomain) {
  EXPECT_EQ(
      ErrorOf(Homes("topology { nat { name: \"home_b\" outside { address: \"198.51.100.1\" } } }")),
      "test.textproto:3:43: nat \"home_b\" has address 198.51.100.1, which nat \"home_a\" has in the same routing "
      "domain (builtin:topologies/two_homes.textproto:29:35)");
}

TEST(LoadErrors, OneAddressInTwoHomesIsNormal) {
  EXPECT_EQ(
      ErrorOf(Homes("topology {\n  nat { name: \"home_b\" inside { name: \"lan\" address: \"192.168.1.1/24\" } }\n"
                    "  host { name: \"bob\" interface { name: \"eth0\" address: \"192.168.1.10/24\" } }\n}")),
      "loaded");
}

TEST(LoadErrors, AddressTwiceInInnerNetworksOnlyIfTheyAreRoutedBetween) {
  const std::string same =
      "name: \"test\"\nbase: \"topologies/two_inner_networks.textproto\"\n"
      "topology {\n  host { name: \"bob\" interface { name: \"eth0\" address: \"10.0.1.10/24\" } }\n"
      "  nat { name: \"office\" inside { name: \"lan_b\" address: \"10.0.1.2/24\" }\n";
  EXPECT_EQ(
      ErrorOf(same + "  routes_between_inside_networks: true } }"),
      "test.textproto:4:47: host \"bob\" has address 10.0.1.10, which host \"alice\" has in the same routing domain "
      "(builtin:topologies/two_inner_networks.textproto:19:47)");
  EXPECT_EQ(ErrorOf(same + "  } }"), "loaded");
}

TEST(LoadErrors, ARestartOfTheReferralServerWhileItIsDown) {
  EXPECT_EQ(ErrorOf(Homes("topology { referral { restart { at_us: 5 down_us: 10 }\n restart { at_us: 12 } } }")),
            "test.textproto:4:12: referral: the server is not up again before 15 us");
}

TEST(LoadErrors, HostWithNoWayToTheReferralServer) {
  // The access network ends nowhere.
  EXPECT_EQ(
      ErrorOf(Homes("topology {\n  network { name: \"island\" }\n"
                    "  host { name: \"bob\" interface { name: \"eth0\" network: \"island\" } }\n}")),
      "test.textproto:5:3: host \"bob\" has no way to the referral server on host \"rendezvous\" (203.0.113.20: host "
      "\"bob\" has no route to it)");
  // Without a NAT the core drops what comes back.
  EXPECT_EQ(ErrorOf(Homes("topology {\n"
                          "  host { name: \"bob\" interface { name: \"eth0\" network: \"internet\" } }\n}")),
            "test.textproto:4:3: host \"bob\" has no way to the referral server on host \"rendezvous\" (203.0.113.20: "
            "\"internet\" drops the answers to 192.168.2.10)");
}

TEST(LoadErrors, AxisOverAFieldThatDoesNotExist) {
  EXPECT_EQ(
      ErrorOf(Homes("sweep { axis {\n  name: \"n\"\n  path: \"topology.nat[home_a].udp.maping\"\n"
                    "  values: [\"PER_TUPLE\"]\n} }")),
      "test.textproto:5:3: axis \"n\": path \"topology.nat[home_a].udp.maping\": no field \"maping\" in UdpNat; did "
      "you mean \"mapping\"?");
  EXPECT_EQ(ErrorOf(Homes("sweep { axis { name: \"n\" path: \"topology.nat[home_c].profile\" values: \"pf\" } }")),
            "test.textproto:3:63: path \"topology.nat[home_c].profile\": no nat \"home_c\"; did you mean \"home_a\"?");
  EXPECT_EQ(
      ErrorOf(Homes("sweep { axis { name: \"n\" path: \"topology.nat.profile\" values: \"pf\" } }")),
      "test.textproto:3:26: axis \"n\": path \"topology.nat.profile\": \"nat\" is a list: say which, \"nat[name]\"");
}

TEST(LoadErrors, AxisValueOfTheWrongType) {
  EXPECT_EQ(
      ErrorOf(Homes("sweep { axis { name: \"n\" path: \"session[call].turn\" values: [\"NONE\", \"ALL\"] } }")),
      "test.textproto:3:53: axis \"n\": path \"session[call].turn\": \"ALL\" is no value for turn: it is one of NONE, "
      "A, B, BOTH");
  EXPECT_EQ(
      ErrorOf(Homes("sweep { axis { name: \"n\" path: \"topology.network[internet].link.loss_ppm\" "
                    "range { to: 2000000 step: 1000000 } } }")),
      "test.textproto:3:75: axis \"n\": path \"topology.network[internet].link.loss_ppm\": \"2000000\" is no value for "
      "loss_ppm: must be 0 to 1000000, not 2000000");
}

TEST(LoadErrors, ContradictoryProfileSaysWhichFieldAndWhy) {
  EXPECT_EQ(
      ErrorOf(Homes("topology { nat { name: \"home_a\"\n  udp { ports { policy: PRESERVE_WITH_OVERLOADING } }\n"
                    "} }")),
      "test.textproto:4:17: nat \"home_a\": contradictory profile: udp.ports.policy: preserve_overloading contradicts "
      "endpoint_independent mapping: two inside endpoints on one external port are told apart by the remote "
      "endpoint");
  EXPECT_EQ(
      ErrorOf(Homes("topology { nat { name: \"home_a\"\n"
                    "  udp { ports { first_port: 5001 last_port: 5001 keep_parity: true } } } }")),
      "test.textproto:4:17: nat \"home_a\": contradictory profile: udp.ports.first_port: holds no even port, which "
      "parity preserve wants for half of the inside ports");
}

TEST(LoadErrors, EmptyFile) {
  const std::string message = "test.textproto:1:1: the file is empty; a scenario has a name, a topology and a session";
  EXPECT_EQ(ErrorOf(""), message);
  EXPECT_EQ(ErrorOf("# Only a comment.\n\n"), message);
}

TEST(LoadErrors, BinaryGarbageIsNoText) {
  EXPECT_EQ(ErrorOf(std::string("name: \"x\"\n\0\x01", 12)), "test.textproto:2:1: not a text file: byte 0x00 here");
  EXPECT_EQ(ErrorOf("\x7f"
                    "ELF"),
            "test.textproto:1:1: not a text file: byte 0x7f here");
  EXPECT_EQ(ErrorOf("name: \"\xff\""), "test.textproto:1:8: not a text file: byte 0xff here");
}

TEST(LoadErrors, DeepNestingIsRefusedBeforeItIsParsed) {
  std::string deep = "sweep { only { ";
  for (int i = 0; i < 100000; ++i) deep += "all { ";
  EXPECT_EQ(ErrorOf(deep), "test.textproto:1:200: messages stand more than 32 deep");
}

TEST(LoadErrors, SyntaxErrorHasItsPlace) {
  EXPECT_EQ(ErrorOf("name: \"x\"\nlimits { runs_max: many }"), "test.textproto:2:20: expected integer, got: many");
  EXPECT_EQ(ErrorOf("name: \"x\"\nname: \"y\""), "test.textproto:2:1: \"name\" is said twice");
}

TEST(LoadErrors, FileOfAnotherTypeIsNotTakenForAScenario) {
  EXPECT_EQ(ErrorOf("# proto-file: scenarios/nat_profile.proto\n# proto-message: NatProfile\nname: \"x\""),
            "test.textproto:2:1: this file is a NatProfile; a Scenario is needed");
}

TEST(LoadErrors, WhatIsNotBuiltIsRefusedByName) {
  EXPECT_EQ(ErrorOf(Homes("topology { nat { name: \"home_a\" alg { rewrites_addresses: true } } }")),
            "test.textproto:3:39: topology.nat[home_a].alg.rewrites_addresses: not built yet (no ALG is built yet)");
}

TEST(LoadErrors, FirewallsThatContradictThemselvesOrHaveNoEffect) {
  const auto on_nat = [](const std::string& fields) {
    return ErrorOf(Homes("topology { nat { name: \"home_a\" " + fields + " } }"));
  };
  EXPECT_EQ(on_nat("firewall { block_udp: true udp_port: 3478 }"),
            "test.textproto:3:60: nat \"home_a\": firewall.udp_port: has no effect where block_udp lets no UDP pass");
  EXPECT_EQ(on_nat("firewall { block_tcp: true tcp_port: 443 }"),
            "test.textproto:3:60: nat \"home_a\": firewall.tcp_port: has no effect where block_tcp lets no TCP pass");
  EXPECT_EQ(on_nat("firewall { blocked: TCP_RST }"),
            "test.textproto:3:44: nat \"home_a\": firewall.blocked: nothing is blocked: say block_udp, udp_port, "
            "block_tcp or tcp_port");
  EXPECT_EQ(on_nat("firewall { outside: \"wan\" block_udp: true }"),
            "test.textproto:3:44: nat \"home_a\": firewall.outside: a NAT's own outside interface is the firewall's");
  EXPECT_EQ(
      on_nat("firewall { simultaneous_open: false }"),
      "test.textproto:3:44: nat \"home_a\": firewall.simultaneous_open: has no effect: it is for IPv6, which this "
      "NAT does not filter (ipv6: OUTBOUND_ONLY)");
  EXPECT_EQ(
      on_nat("ipv6: OUTBOUND_ONLY firewall { unsolicited: INPUT }"),
      "test.textproto:3:64: nat \"home_a\": firewall.unsolicited: INPUT: without translation nothing from outside "
      "is for the box");
  EXPECT_EQ(on_nat("ipv6: OUTBOUND_ONLY firewall { tracking: REWRITES_ISN }"),
            "test.textproto:3:64: nat \"home_a\": firewall.tracking: REWRITES_ISN: without translation no packet is "
            "changed");
  EXPECT_EQ(on_nat("firewall { tcp_port: [443, 70000] }"),
            "test.textproto:3:44: topology.nat[home_a].firewall.tcp_port: must be 1 to 65535, not 70000");
  EXPECT_EQ(on_nat("firewall { block_udp: true tcp_port: [443, 7000] }"), "loaded");
}

TEST(LoadErrors, ARouterWithAFirewallSaysWhichSideIsOutside) {
  const auto office = [](const std::string& firewall) {
    return ErrorOf(Homes("topology { network { name: \"office\" } router { name: \"gate\"\n firewall { " + firewall +
                         " }\n interface { name: \"up\" network: \"internet\" address: \"198.51.100.9\" }\n"
                         " interface { name: \"in\" network: \"office\" address: \"192.0.2.1/24\" } } }"));
  };
  EXPECT_EQ(office("block_udp: true"),
            "test.textproto:4:2: router \"gate\": firewall.outside: say which interface is outside");
  EXPECT_EQ(office("outside: \"down\""),
            "test.textproto:4:13: router \"gate\": firewall.outside: there is no interface \"down\"");
  EXPECT_EQ(office("outside: \"up\""), "loaded");
}

TEST(LoadErrors, AFirewallThatKeepsAPeerFromTheReferralServer) {
  EXPECT_EQ(ErrorOf(Homes("topology { nat { name: \"home_a\" firewall { tcp_port: 443 } } }")),
            "builtin:topologies/two_homes.textproto:19:3: host \"alice\" has no way to the referral server on host "
            "\"rendezvous\" "
            "(203.0.113.20: nat \"home_a\" blocks TCP to port 7000)");
  EXPECT_EQ(ErrorOf(Homes("topology { nat { name: \"home_a\" firewall { block_tcp: true } } }")),
            "builtin:topologies/two_homes.textproto:19:3: host \"alice\" has no way to the referral server on host "
            "\"rendezvous\" "
            "(203.0.113.20: nat \"home_a\" blocks TCP)");
  EXPECT_EQ(ErrorOf(Homes("topology { nat { name: \"home_a\" firewall { tcp_port: 443 } } referral { port: 443 } }")),
            "loaded");
}

// The agent's only transport is that to TURN servers, and `turn` switches these off. Only the engine's own validation
// finds that.
TEST(LoadErrors, AnAgentThatTheEngineRefuses) {
  const std::string refused =
      ErrorOf(Homes("topology { server { name: \"relay\" tcp_port: 3478 } } "
                    "session { name: \"call\" turn: NONE agent { withhold_udp: true turn_over: TCP } }"));
  EXPECT_THAT(refused,
              HasSubstr("peer \"alice\": udp_candidates: needed without TCP candidates and TURN servers over TCP"));
}

TEST(LoadErrors, NumbersOutOfRange) {
  EXPECT_EQ(ErrorOf(Homes("session { name: \"call\" agent { ta_us: 1000 } }")),
            "test.textproto:3:32: session[call].agent.ta_us: must be 5000 to 10000000, not 1000");
}

TEST(LoadErrors, SignedNumbersHaveRangesToo) {
  const auto range = [](const std::string& step) {
    return ErrorOf(
        Homes("sweep { axis { name: \"r\" path: \"topology.network[internet].link.delay_us\" "
              "range { to: 5 step: " +
              step + " } } }"));
  };
  EXPECT_EQ(range("0"), "test.textproto:3:89: sweep.axis[r].range.step: must be at least 1, not 0");
  EXPECT_EQ(range("-9223372036854775808"),
            "test.textproto:3:89: sweep.axis[r].range.step: must be at least 1, not -9223372036854775808");
  EXPECT_EQ(range("5"), "loaded");
  const auto ports = [](const std::string& steps) {
    return ErrorOf(
        Homes("sweep { axis { name: \"s\" path: \"topology.nat[home_a].udp.ports.step\" values: " + steps + " } }"));
  };
  EXPECT_THAT(ports("\"4294967297\""),
              HasSubstr("\"4294967297\" is no value for step: it is -2147483648 to 2147483647"));
  // In a file that is laid over another.
  EXPECT_EQ(ErrorOf(Homes("topology { nat { name: \"home_a\" udp { ports { policy: SEQUENTIAL step: -2 } } } }")),
            "loaded");
}

TEST(LoadErrors, TwoAxesOverOneField) {
  EXPECT_THAT(
      ErrorOf(Homes("sweep { axis { name: \"a\" path: \"topology.nat[home_a].profile\" values: \"pf\" } "
                    "axis { name: \"b\" path: \"topology.nat[home_a].profile\" values: \"cgn\" } }")),
      HasSubstr("axis \"b\": topology.nat[home_a].profile is set by axis \"a\" already, which would have no effect"));
}

TEST(LoadErrors, AnAxisSaysItsValuesInOneForm) {
  const auto error = [](const std::string& form) {
    return ErrorOf(Homes("sweep { axis { name: \"a\" path: \"topology.nat[home_a].profile\" " + form + " }\n" +
                         "axis { name: \"nat_b\" path: \"topology.nat[home_b].profile\" values: \"pf\" } }"));
  };
  EXPECT_EQ(error(""),
            "test.textproto:3:9: axis \"a\": it has no values: give values, a range, values_of, all_profiles or "
            "choices");
  for (const char* form : {"values: \"pf\" values_of: \"nat_b\"", "values_of: \"nat_b\" all_profiles {}",
                           "all_profiles {} range { to: 1 }", "choice { label: \"x\" } values: \"pf\""}) {
    EXPECT_EQ(error(form),
              "test.textproto:3:9: axis \"a\": say one of values, range, values_of, all_profiles and choice")
        << form;
  }
}

TEST(LoadErrors, ValuesOfAnAxisThatHasNone) {
  const auto error = [](const std::string& of, const std::string& other) {
    return ErrorOf(Homes("sweep {\n axis { name: \"a\" path: \"topology.nat[home_a].profile\"\n values_of: \"" + of +
                         "\" }\n axis { name: \"nat_b\" " + other + " } }"));
  };
  EXPECT_EQ(error("nat_c", "path: \"topology.nat[home_b].profile\" values: \"pf\""),
            "test.textproto:5:2: axis \"a\": values_of: no axis \"nat_c\"; did you mean \"nat_b\"?");
  EXPECT_EQ(error("nat_b", "choice { label: \"x\" }"),
            "test.textproto:5:2: axis \"a\": values_of: axis \"nat_b\" has choices, which have paths of their own");
  const std::string circle = "values_of goes through more than 8 axes; does it go in a circle?";
  EXPECT_EQ(error("a", "path: \"topology.nat[home_b].profile\" values: \"pf\""),
            "test.textproto:5:2: axis \"a\": " + circle);
  EXPECT_EQ(error("nat_b", "path: \"topology.nat[home_b].profile\" values_of: \"a\""),
            "test.textproto:5:2: axis \"a\": " + circle + "\ntest.textproto:6:60: axis \"nat_b\": " + circle);
  // A mistake in the other axis is reported once, for that axis.
  EXPECT_EQ(error("nat_b", "path: \"session[call].hold_us\" range { from: 5 to: 1 }"),
            "test.textproto:6:53: axis \"nat_b\": the range from 5 to 1 is empty");
  // A value that the field of this axis cannot have is.
  EXPECT_THAT(error("nat_b", "path: \"session[call].hold_us\" values: \"7\""), HasSubstr("no profile \"7\""));
}

TEST(LoadErrors, ExceptionsFromAllProfiles) {
  const auto error = [](const std::string& all) {
    return ErrorOf(
        Homes("sweep { axis { name: \"a\" path: \"topology.nat[home_a].profile\"\n all_profiles { " + all + " } } }"));
  };
  EXPECT_EQ(error("except: \"pf\" except: \"cng\""),
            "test.textproto:4:30: axis \"a\": no profile \"cng\"; did you mean \"cgn\"?");
}

TEST(LoadErrors, TimesThatNoClockHolds) {
  EXPECT_THAT(ErrorOf(Homes("topology { network { name: \"internet\" link { outage { start_us: 18446744073709551615 "
                            "length_us: 1 } } } }")),
              HasSubstr("start_us: must be 0 to 86400000000, not 18446744073709551615"));
  EXPECT_THAT(ErrorOf(Homes("topology { referral { restart { at_us: 9223372036854775807 } } }")),
              HasSubstr("at_us: must be 0 to 86400000000, not 9223372036854775807"));
}

TEST(LoadErrors, KnobsOfAnAgentThatContradictEachOther) {
  const auto error = [](const std::string& agent) {
    return ErrorOf(Homes("session { name: \"call\" peer { name: \"bob\" agent { " + agent + " } } }"));
  };
  EXPECT_EQ(error("rto_us: 600000"), "test.textproto:3:51: rto_us has no effect unless rto is FIXED");
  EXPECT_EQ(error("nomination: EXHAUSTIVE direct_mark_us: 5"),
            "test.textproto:3:74: nomination marks have no effect unless nomination is BEST_AFTER");
  EXPECT_EQ(error("relayed_mark_us: 499999"),
            "test.textproto:3:51: the relayed mark (499999 us) is before the direct one (500000 us)");
  EXPECT_EQ(error("consent_timeout_us: 5000000"),
            "test.textproto:3:51: consent is lost before the next check for it: the timeout must be longer than the "
            "interval");
  EXPECT_EQ(error("withhold_host: true withhold_srflx: true withhold_relay: true"),
            "test.textproto:3:43: peer \"bob\" withholds every type of candidate");
}

TEST(LoadErrors, ServersThatCannotBe) {
  EXPECT_EQ(ErrorOf(Homes("topology { server { name: \"relay\" address: \"203.0.113.99\" } }")),
            "test.textproto:3:35: server \"relay\": 203.0.113.99 is no address of host \"relay\"");
  EXPECT_EQ(ErrorOf(Homes("topology { server { name: \"other\" host: \"relay\" } }")),
            "test.textproto:3:12: servers \"relay\" and \"other\" both listen on 203.0.113.10 port 3478");
  EXPECT_EQ(ErrorOf(Homes("topology { server { name: \"relay\" turn: false } }")),
            "builtin:topologies/two_homes.textproto:55:3: session \"call\": server \"relay\" has turn: false");
}

TEST(LoadErrors, SessionsThatCannotBe) {
  EXPECT_EQ(ErrorOf(Homes("session { name: \"call\" peer { name: \"carol\" host: \"alice\" } }")),
            "test.textproto:3:1: session \"call\" has 3 peers; it takes two");
  EXPECT_EQ(ErrorOf(Homes("session { name: \"call\" peer { name: \"bob\" host: \"alice\" } }")),
            "test.textproto:3:1: session \"call\": both peers are on host \"alice\"");
  EXPECT_EQ(ErrorOf("name: \"test\" topology { network { name: \"x\" } }"),
            "test.textproto: there is no session, so nothing to run");
}

TEST(LoadErrors, AddressesThatCannotBe) {
  const auto error = [](const std::string& address) {
    return ErrorOf(
        Homes("topology { host { name: \"bob\" interface { name: \"eth0\" address: \"" + address + "\" } } }"));
  };
  EXPECT_EQ(error("192.168.2.10"),
            "test.textproto:3:56: \"192.168.2.10\" needs a prefix length on a LAN, such as \"192.168.2.10/24\"");
  EXPECT_EQ(
      error("192.168.2.300/24"),
      "test.textproto:3:56: \"192.168.2.300/24\" is no address with prefix length, such as \"192.168.1.10/24\" or "
      "\"2001:db8::1/64\"");
  EXPECT_EQ(error("224.0.0.1/24"), "test.textproto:3:56: 224.0.0.1 cannot be an interface's address");
}

TEST(LoadErrors, MissingFieldsAndNames) {
  EXPECT_EQ(ErrorOf("base: \"topologies/two_homes.textproto\"\ntopology { nat { profile: \"pf\" } }"),
            "test.textproto:2:12: a nat needs a name");
  EXPECT_EQ(ErrorOf("session { name: \"s\" }"), "test.textproto: Scenario needs the field \"name\"");
  EXPECT_EQ(ErrorOf(Homes("topology { nat { name: \"third\" } }")),
            "test.textproto:3:12: topology.nat[third]: Nat needs the field \"outside\"");
}

TEST(LoadErrors, TwoElementsOfOneName) {
  EXPECT_EQ(ErrorOf(Homes("topology {\n  network { name: \"x\" }\n  network { name: \"x\" }\n}")),
            "test.textproto:5:3: there are two elements \"x\" in topology.network");
  EXPECT_EQ(ErrorOf(Homes("topology { host { name: \"home_a\" "
                          "interface { name: \"eth0\" network: \"lan_a\" address: \"192.168.1.99/24\" } } }")),
            "builtin:topologies/two_homes.textproto:27:3: nat \"home_a\" has the name of host \"home_a\" "
            "(test.textproto:3:12)");
}

TEST(LoadErrors, BaseThatIsNotThere) {
  EXPECT_EQ(ErrorOf("name: \"test\"\nbase: \"topologies/two_hoems.textproto\""),
            "test.textproto:2:1: base \"topologies/two_hoems.textproto\": no such file; did you mean "
            "\"topologies/two_homes.textproto\"?");
  EXPECT_EQ(ErrorOf("name: \"test\"\nbase: \"test.textproto\""),
            "test.textproto:2:1: base files go more than 8 deep; do they go in a circle?");
}

TEST(LoadErrors, MistakeInABaseIsPlacedInTheBase) {
  EXPECT_EQ(ErrorOf("name: \"test\"\nbase: \"other.textproto\"", {{"other.textproto", "nmae: \"other\""}}),
            "other.textproto:1:1: no field \"nmae\" in Scenario; did you mean \"name\"?");
}

TEST(LoadErrors, ConditionsNameAxesAndValuesThatExist) {
  const std::string axis =
      "sweep { axis { name: \"turn\" path: \"session[call].turn\" values: [\"NONE\", \"BOTH\"] } }\n";
  EXPECT_EQ(ErrorOf(Homes(axis + "expect { when { axis: \"trun\" is: \"NONE\" } outcome: DIRECT }")),
            "test.textproto:4:10: no axis \"trun\"; did you mean \"turn\"?");
  EXPECT_EQ(ErrorOf(Homes(axis + "expect { when { axis: \"turn\" is: \"NON\" } outcome: DIRECT }")),
            "test.textproto:4:10: axis \"turn\" has no value \"NON\"; did you mean \"NONE\"?");
  EXPECT_EQ(ErrorOf(Homes(axis + "expect { when { axis: \"turn\" lt: 3 } outcome: DIRECT }")),
            "test.textproto:4:10: axis \"turn\" has the value \"NONE\", which is no number to compare");
}

TEST(LoadErrors, ExpectationThatSelectsNothingOrExpectsNothing) {
  const std::string axis =
      "sweep { axis { name: \"turn\" path: \"session[call].turn\" values: [\"NONE\", \"BOTH\"] } }\n";
  EXPECT_EQ(ErrorOf(Homes(axis + "expect { when { axis: \"turn\" not_in: [\"NONE\", \"BOTH\"] } outcome: DIRECT }")),
            "test.textproto:4:1: this expectation selects no cell");
  EXPECT_EQ(ErrorOf(Homes(axis + "expect { when { axis: \"turn\" is: \"NONE\" } }")),
            "test.textproto:4:1: this expectation expects nothing");
}

TEST(LoadErrors, ExpectationsThatContradictEachOther) {
  EXPECT_EQ(ErrorOf(Homes("expect { outcome: DIRECT }\nexpect { outcome: FAILED }")),
            "test.textproto:4:10: outcome FAILED contradicts outcome DIRECT of test.textproto:3:1 (in test)");
  EXPECT_EQ(ErrorOf(Homes("expect { outcome: DIRECT }\nexpect { outcome: CONNECTED }")), "loaded");
}

TEST(LoadErrors, SweepOverTheBoundStopsBeforeRunning) {
  EXPECT_EQ(
      ErrorOf(Homes("sweep { repetitions: 11 axis { name: \"t\" path: \"session[call].hold_us\" range { to: 9 } } }\n"
                    "limits { runs_max: 100 }")),
      "test.textproto:3:1: 10 cells of 11 repetitions are 110 runs, more than limits.runs_max allows (100)");
  std::string huge;
  for (const char* field : {"session[call].hold_us", "session[call].peer[alice].start_offset_us",
                            "session[call].peer[bob].start_offset_us", "topology.network[internet].link.delay_us"}) {
    absl::StrAppend(&huge, "axis { name: \"", huge.size(), "\" path: \"", field, "\" range { to: 999 } }\n");
  }
  EXPECT_EQ(ErrorOf(Homes("sweep {\n" + huge + "}")),
            "test.textproto:3:1: the axes cross to more than 1000000 combinations, more than can be looked through");
}

TEST(LoadErrors, FieldSaidForTheLinkAndForOneDirection) {
  EXPECT_EQ(
      ErrorOf(Homes(
          "topology { host { name: \"bob\" interface { name: \"eth0\" link { delay_us: 1 } up { delay_us: 2 } } } }")),
      "test.textproto:3:82: \"delay_us\" is said in link and in up; which of them?");
}

TEST(LoadErrors, SetFromTheCommandLine) {
  LoadOptions options;
  options.sets = {"topology.nat[home_x].profile=pf", "nonsense"};
  EXPECT_EQ(
      ErrorOf(Homes(""), {}, options),
      "--set nonsense: say path=value, such as topology.nat[home_a].profile=pf\n"
      "--set topology.nat[home_x].profile=pf: path \"topology.nat[home_x].profile\": no nat \"home_x\"; did you mean "
      "\"home_a\"?");
}

TEST(LoadErrors, ControlBytesOfAFileDoNotReachTheTerminal) {
  EXPECT_EQ(ErrorOf(Homes("topology { nat { name: \"home_a\" profile: \"\\033[31m\" } }")).find('\033'),
            std::string::npos);
}

}  // namespace
}  // namespace pinhole::scenarios
