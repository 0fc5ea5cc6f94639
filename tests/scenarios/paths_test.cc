// The best possible path of a topology, and the selected one beside it.
#include <gtest/gtest.h>

#include <string>

#include "scenarios/plan/best_path.h"
#include "scenarios/run/trial_kinds.h"
#include "tests/scenarios/run_cells.h"

namespace pinhole::scenarios {
namespace {

using std::chrono::milliseconds;

// A scenario with alice, bob and `topology`. Both reach the rendezvous over the internet.
Scenario OnLans(const std::string& topology) {
  return FromText(absl::StrCat("name: \"lans\" topology { ", topology,
                               R"( referral { host: "rendezvous" } }
                                   session { name: "call" peer { name: "alice" } peer { name: "bob" } })"));
}

Scenario OverTwoHomes(const std::string& topology) {
  return FromText(absl::StrCat("name: \"homes\" base: \"topologies/two_homes.textproto\" topology { ", topology, " }"));
}

std::optional<BestPath> BestOf(const Scenario& scenario) {
  const CellPlan plan = PlanCell(scenario.Resolve(scenario.cells().front()));
  const std::vector<PlannedParticipant>& two = plan.trials.at(0)->participants();
  return FindBestPath(plan, two[0].node, two[1].node);
}

TEST(BestPath, GoesFromTheFirstSideToTheSecond) {
  // 30 ms up from home_a and 5 ms down to home_b; the other way it would be 7 and 9.
  const Scenario scenario = OverTwoHomes(R"(
      nat { name: "home_a" outside { up { delay_us: 30000 } down { delay_us: 9000 } } }
      nat { name: "home_b" outside { up { delay_us: 7000 } down { delay_us: 5000 } } })");
  const std::optional<BestPath> best = BestOf(scenario);
  ASSERT_TRUE(best);
  EXPECT_EQ(best->delay, milliseconds(35));
  EXPECT_EQ(best->links, 4u);
  const WatchedRun watched(scenario, "homes");
  EXPECT_EQ(watched.result.session(0).best_path_delay_us(), 35000u);
  EXPECT_EQ(watched.result.session(0).path_delay_us(), 35000u);
}

TEST(BestPath, OfTwoWaysTakesTheQuickerWhateverItsLinks) {
  // A second internet between the homes' LANs, two routers further but 2 ms in all.
  const Scenario scenario = OverTwoHomes(R"(
      network { name: "leased" kind: INTERNET routes_private_addresses: true link { delay_us: 1000 } }
      network { name: "mid" }
      router { name: "r1" interface { name: "lan" network: "lan_a" address: "192.168.1.2/24" }
                          interface { name: "mid" network: "mid" address: "10.9.0.1/24" } }
      router { name: "r2" interface { name: "mid" network: "mid" address: "10.9.0.2/24" }
                          interface { name: "wan" network: "leased" address: "10.8.0.1" } }
      router { name: "r3" interface { name: "lan" network: "lan_b" address: "192.168.2.2/24" }
                          interface { name: "wan" network: "leased" address: "10.8.0.2" } }
      host { name: "alice" interface { name: "eth0" gateway: "192.168.1.1" } }
      host { name: "bob" interface { name: "eth0" gateway: "192.168.2.1" } })");
  const std::optional<BestPath> best = BestOf(scenario);
  ASSERT_TRUE(best);
  EXPECT_EQ(best->delay, milliseconds(2));
  // alice - home_a (which bridges lan_a) - r1 - r2 - leased - r3 - home_b (lan_b) - bob
  EXPECT_EQ(best->links, 7u);
}

TEST(BestPath, OfTwoAsQuickTakesTheOneOfFewerLinks) {
  // Beside the 20 ms over the internet, a router between the LANs that is 20 ms from one of them.
  const Scenario scenario = OverTwoHomes(R"(
      router { name: "between"
               interface { name: "a" network: "lan_a" address: "192.168.1.2/24" link { delay_us: 20000 } }
               interface { name: "b" network: "lan_b" address: "192.168.2.2/24" } }
      host { name: "alice" interface { name: "eth0" gateway: "192.168.1.1" } }
      host { name: "bob" interface { name: "eth0" gateway: "192.168.2.1" } }
      nat { name: "home_b" inside { name: "lan" link { jitter_us: 1 } } })");
  const std::optional<BestPath> best = BestOf(scenario);
  ASSERT_TRUE(best);
  EXPECT_EQ(best->delay, milliseconds(20));
  // home_a bridges lan_a, and "between" lan_b, for home_b's link has a price: alice - home_a - between - bob. The other
  // way is alice - home_a - internet - home_b - between - bob.
  EXPECT_EQ(best->links, 3u);
}

// Only a host attaches to the LAN without delay. It bridges its links, so packets pass through it.
TEST(BestPath, AHostPassesOnWhatItBridges) {
  const Scenario scenario = OnLans(R"(
      network { name: "lan" link { delay_us: 5000 } }
      host { name: "rendezvous" interface { name: "eth0" network: "lan" address: "10.0.0.1/24" link { delay_us: 0 } } }
      host { name: "alice" interface { name: "eth0" network: "lan" address: "10.0.0.2/24" } }
      host { name: "bob" interface { name: "eth0" network: "lan" address: "10.0.0.3/24" } })");
  const std::optional<BestPath> best = BestOf(scenario);
  ASSERT_TRUE(best);
  EXPECT_EQ(best->delay, milliseconds(10));
  EXPECT_EQ(best->links, 2u);
}

TEST(BestPath, AHostOnTwoLansIsNoWayFromOneToTheOther) {
  const Scenario scenario = OnLans(R"(
      network { name: "lan_a" } network { name: "lan_b" }
      host { name: "rendezvous" interface { name: "a" network: "lan_a" address: "10.0.1.1/24" }
                                interface { name: "b" network: "lan_b" address: "10.0.2.1/24" } }
      host { name: "alice" interface { name: "eth0" network: "lan_a" address: "10.0.1.2/24" } }
      host { name: "bob" interface { name: "eth0" network: "lan_b" address: "10.0.2.2/24" } })");
  EXPECT_FALSE(BestOf(scenario));
  const WatchedRun watched(scenario, "lans");
  EXPECT_EQ(watched.result.session(0).outcome(), proto::FAILED);
  EXPECT_FALSE(watched.result.session(0).has_best_path_delay_us());
  EXPECT_FALSE(watched.result.session(0).has_best_path_hops());
}

TEST(Stretch, OfADirectPathIsOneAndOfARelayInTheMiddleTwo) {
  // Any two external interfaces are 20 ms apart: there and on is twice as far.
  for (const auto& [nat, outcome, stretch] :
       {std::tuple{"full-cone", proto::DIRECT, 1u}, std::tuple{"symmetric", proto::RELAYED, 2u}}) {
    const Scenario scenario = Homes(nat, nat);
    const WatchedRun watched(scenario, "homes");
    const proto::SessionResult& session = watched.result.session(0);
    ASSERT_EQ(session.outcome(), outcome) << nat;
    EXPECT_EQ(session.best_path_delay_us(), 20000u);
    EXPECT_EQ(session.best_path_hops(), 4u);
    EXPECT_EQ(session.path_delay_us(), stretch * session.best_path_delay_us()) << nat;
  }
}

TEST(Stretch, ASessionWithoutAPathHasABestPossibleOneAllTheSame) {
  const Scenario scenario = Homes("symmetric", "symmetric", "session { name: \"call\" turn: NONE }");
  const WatchedRun watched(scenario, "homes");
  ASSERT_EQ(watched.result.session(0).outcome(), proto::FAILED);
  EXPECT_EQ(watched.result.session(0).best_path_delay_us(), 20000u);
  EXPECT_FALSE(watched.result.session(0).has_path_delay_us());
}

TEST(Stretch, IsAtLeastOneWhereverTwoConnect) {
  int connected = 0;
  for (const char* name : {"delays", "dual_stack", "multihomed", "one_cgn", "one_lan", "same_private_subnet",
                           "two_inner_networks", "withheld_hosts_on_one_lan"}) {
    const Scenario scenario = Library(name);
    for (const Cell& cell : scenario.cells()) {
      const WatchedRun watched(scenario, cell.id);
      const proto::SessionResult& session = watched.result.session(0);
      ASSERT_TRUE(session.has_best_path_delay_us()) << cell.id;
      if (!session.has_path_delay_us()) continue;
      ++connected;
      EXPECT_GE(session.path_delay_us(), session.best_path_delay_us()) << cell.id;
    }
  }
  EXPECT_GT(connected, 30);
}

// RFC 8445 §8.1.1: a component's selected pair stays, so a first one is no change.
TEST(PathChanges, AreNoneOfAPairThatStaysAndAbsentWithoutOne) {
  const Scenario connects = Homes("symmetric", "symmetric", "session { name: \"call\" hold_us: 60000000 }");
  const WatchedRun held(connects, "homes");
  for (const proto::Side& side : held.result.session(0).side()) {
    EXPECT_TRUE(side.has_path_changes());
    EXPECT_EQ(side.path_changes(), 0u);
  }
  const Scenario fails = Homes("symmetric", "symmetric", "session { name: \"call\" turn: NONE }");
  const WatchedRun failed(fails, "homes");
  for (const proto::Side& side : failed.result.session(0).side()) EXPECT_FALSE(side.has_path_changes());
}

}  // namespace
}  // namespace pinhole::scenarios
