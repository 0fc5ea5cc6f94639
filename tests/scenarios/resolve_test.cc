// The contents of a resolved cell: no name, profile or default is left to look up.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/scenarios/scenario_files.h"

namespace pinhole::scenarios {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

proto::Scenario Resolve(const std::string& text, std::map<std::string, std::string> others = {},
                        const LoadOptions& options = {}) {
  const absl::StatusOr<Scenario> scenario = LoadText(text, std::move(others), options);
  EXPECT_TRUE(scenario.ok()) << scenario.status().message();
  return scenario->Resolve(scenario->cells()[0]).file();
}

TEST(Base, ElementsMergeByNameAndKeepTheirPlace) {
  const proto::Scenario cell =
      Resolve(Homes("topology { nat { name: \"home_b\" profile: \"cgn\" } network { name: \"third\" } }"));
  ASSERT_EQ(cell.topology().nat_size(), 2);
  EXPECT_EQ(cell.topology().nat(0).profile(), "port-restricted-cone");
  EXPECT_EQ(cell.topology().nat(1).profile(), "cgn");
  EXPECT_EQ(cell.topology().nat(1).outside().address(0), "198.51.100.2/32");
  EXPECT_EQ(cell.topology().network(3).name(), "third");
  EXPECT_EQ(cell.name(), "test");
}

TEST(Base, ListsWithoutNamesAreReplaced) {
  const proto::Scenario cell =
      Resolve(Homes("topology { host { name: \"bob\" interface { name: \"eth0\" address: \"192.168.2.77/24\" } } }"));
  EXPECT_THAT(cell.topology().host(1).interface(0).address(), ElementsAre("192.168.2.77/24"));
}

TEST(Base, AnOverrideToZeroOrFalseIsNotLost) {
  const std::string base = Homes(
      "topology { network { name: \"internet\" link { delay_us: 7 } }\n"
      "nat { name: \"home_a\" routes_between_inside_networks: true } }");
  const proto::Scenario cell = Resolve(
      "name: \"over\" base: \"base.textproto\"\ntopology { network { name: \"internet\" link { delay_us: 0 } }\n"
      "nat { name: \"home_a\" routes_between_inside_networks: false } }",
      {{"base.textproto", base}});
  EXPECT_EQ(cell.topology().nat(0).outside().up().delay_us(), 0u);
  EXPECT_FALSE(cell.topology().nat(0).routes_between_inside_networks());
}

TEST(Links, NetworkThenInterfaceThenDirection) {
  const proto::Scenario cell = Resolve(Homes(
      "topology { nat { name: \"home_a\" outside { link { loss_ppm: 5 mtu_bytes: 1400 } down { delay_us: 99 } } } }"));
  const proto::Interface& wan = cell.topology().nat(0).outside();
  EXPECT_EQ(wan.up().delay_us(), 10000u);
  EXPECT_EQ(wan.up().loss_ppm(), 5u);
  EXPECT_EQ(wan.down().delay_us(), 99u);
  EXPECT_EQ(wan.down().mtu_bytes(), 1400u);
  EXPECT_FALSE(wan.has_link());
  EXPECT_EQ(wan.name(), "wan");
  EXPECT_EQ(cell.topology().host(0).interface(0).up().delay_us(), 0u);
}

TEST(Profiles, ByNameByAliasInlineAndWithFieldsOverridden) {
  const proto::Scenario cell = Resolve(Homes(R"(topology {
    nat { name: "home_a" profile: "linux" udp { idle_timeout_us: 5000000 ports { policy: RANDOM } } }
    nat { name: "home_b" profile: "cgn" udp { hairpin: NONE } }
  })"));
  const proto::UdpNat& a = cell.topology().nat(0).udp();
  EXPECT_EQ(a.mapping(), proto::Mapping::PER_TUPLE);
  EXPECT_EQ(a.idle_timeout_us(), 5000000u);
  EXPECT_EQ(a.assured_timeout_us(), 120000000u);
  EXPECT_EQ(a.ports().policy(), proto::PortAllocation::RANDOM);
  const proto::UdpNat& b = cell.topology().nat(1).udp();
  EXPECT_EQ(b.hairpin(), proto::Hairpin::NONE);
  EXPECT_EQ(b.ports().block_ports(), 2000u);
  // The timeouts that a profile leaves to idle_timeout_us follow it.
  EXPECT_EQ(b.unreplied_timeout_us(), 35000000u);

  LoadOptions options;
  options.sets = {"topology.nat[home_b].udp.idle_timeout_us=9000000"};
  EXPECT_EQ(Resolve(Homes("topology { nat { name: \"home_b\" profile: \"cgn\" } }"), {}, options)
                .topology()
                .nat(1)
                .udp()
                .unreplied_timeout_us(),
            9000000u);
}

TEST(Gateways, TheOneNatOfALanTheCoreOfTheInternet) {
  const proto::Scenario cell = Resolve("name: \"cgn\" base: \"topologies/one_cgn.textproto\"");
  EXPECT_THAT(cell.topology().host(0).interface(0).gateway(), ElementsAre("192.168.1.1"));
  EXPECT_THAT(cell.topology().nat(0).outside().gateway(), ElementsAre("100.64.1.1"));
  EXPECT_THAT(cell.topology().nat(2).outside().gateway(), IsEmpty());
  EXPECT_THAT(cell.topology().nat(0).inside(0).gateway(), IsEmpty());
}

TEST(Gateways, OnePerFamily) {
  const absl::StatusOr<Scenario> scenario = LoadText("name: \"x\" base: \"library/dual_stack.textproto\"");
  ASSERT_TRUE(scenario.ok()) << scenario.status().message();
  const proto::Scenario cell = scenario->Resolve(scenario->cells()[0]).file();
  EXPECT_THAT(cell.topology().host(0).interface(0).gateway(), ElementsAre("192.168.1.1", "2001:db8:a::1"));
}

TEST(Gateways, TwoOfThemMustBeToldApart) {
  const std::string two =
      "topology { nat { name: \"second\" profile: \"pf\" outside { network: \"internet\" address: "
      "\"198.51.100.9\" } inside { name: \"lan\" network: \"lan_a\" address: \"192.168.1.2/24\" } }\n";
  const absl::StatusOr<Scenario> scenario = LoadText(Homes(two + "}"));
  EXPECT_EQ(std::string(scenario.status().message()),
            "builtin:topologies/two_homes.textproto:21:5: \"alice\" has several gateways on \"lan_a\" (192.168.1.1, "
            "192.168.1.2); say which: gateway, or default_route: false");
  const proto::Scenario cell =
      Resolve(Homes(two + "host { name: \"alice\" interface { name: \"eth0\" gateway: \"192.168.1.2\" } } }"));
  EXPECT_THAT(cell.topology().host(0).interface(0).gateway(), ElementsAre("192.168.1.2"));
}

TEST(Servers, AddressesRelaysAndUsersAreFilledIn) {
  const proto::Scenario cell = Resolve(Homes(""));
  const proto::Server& server = cell.topology().server(0);
  EXPECT_EQ(server.host(), "relay");
  EXPECT_THAT(server.address(), ElementsAre("203.0.113.10"));
  EXPECT_THAT(server.relay_address(), ElementsAre("203.0.113.10"));
  EXPECT_EQ(server.user(0).name(), "pinhole");
  EXPECT_EQ(server.port(), 3478u);
}

TEST(Sessions, PeersGetRolesServersAndCredentials) {
  const proto::Scenario cell = Resolve(
      Homes("session { name: \"call\" turn: B agent { ta_us: 20000 } peer { name: \"bob\" agent { ta_us: 30000 } } }"));
  const proto::Session& call = cell.session(0);
  EXPECT_EQ(call.peer(0).host(), "alice");
  EXPECT_EQ(call.peer(0).agent().role(), proto::Agent::CONTROLLING);
  EXPECT_EQ(call.peer(1).agent().role(), proto::Agent::CONTROLLED);
  EXPECT_EQ(call.peer(0).agent().ta_us(), 20000u);
  EXPECT_EQ(call.peer(1).agent().ta_us(), 30000u);
  EXPECT_FALSE(call.peer(0).agent().has_tie_breaker());
  EXPECT_THAT(call.peer(0).stun_server(), ElementsAre("relay"));
  EXPECT_THAT(call.peer(0).turn_server(), IsEmpty());
  EXPECT_THAT(call.peer(1).turn_server(), ElementsAre("relay"));
  EXPECT_EQ(call.peer(1).turn_password(), "pinhole");
  EXPECT_FALSE(call.has_agent());
}

}  // namespace
}  // namespace pinhole::scenarios
