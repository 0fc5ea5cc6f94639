// Whether the selected pairs of both sides are the same path, seen from its two ends.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <optional>

#include "absl/strings/match.h"
#include "scenarios/run/session_trial.h"
#include "tests/scenarios/run_cells.h"

namespace pinhole::scenarios {
namespace {

net::SocketAddress At(const char* text) { return *net::SocketAddress::Parse(text); }

ice::PairView Pair(const char* local, const char* remote, const char* mapped = nullptr) {
  ice::PairView pair;
  pair.local.address = At(local);
  pair.remote.address = At(remote);
  if (mapped != nullptr) {
    pair.mapped.emplace();
    pair.mapped->address = At(mapped);
  }
  return pair;
}

// The peers see alice (10.0.0.1:1) at 192.0.2.1:11 and bob (10.0.0.2:2) at 192.0.2.2:22.
TEST(AreOnePath, EachRemoteAddressIsWhereTheOtherIsSeen) {
  const ice::PairView alice = Pair("10.0.0.1:1", "192.0.2.2:22", "192.0.2.1:11");
  const ice::PairView bob = Pair("10.0.0.2:2", "192.0.2.1:11", "192.0.2.2:22");
  EXPECT_TRUE(AreOnePath(alice, false, bob, false));
  EXPECT_TRUE(AreOnePath(bob, false, alice, false));
  // No NAT translated the addresses, so each peer is seen at its own address.
  EXPECT_TRUE(AreOnePath(Pair("10.0.0.1:1", "10.0.0.2:2"), false, Pair("10.0.0.2:2", "10.0.0.1:1"), false));
}

TEST(AreOnePath, AnotherPortOrAnotherAddressIsAnotherPath) {
  const ice::PairView alice = Pair("10.0.0.1:1", "192.0.2.2:22", "192.0.2.1:11");
  const ice::PairView elsewhere[] = {
      Pair("10.0.0.2:2", "192.0.2.1:12", "192.0.2.2:22"),  // sends to another port of alice's
      Pair("10.0.0.2:2", "192.0.2.3:11", "192.0.2.2:22"),  // ... to another address
      Pair("10.0.0.2:2", "10.0.0.1:1", "192.0.2.2:22"),    // ... to where she is, not where she is seen
      Pair("10.0.0.2:2", "192.0.2.1:11", "192.0.2.2:23"),  // is seen at another port
      Pair("10.0.0.2:2", "192.0.2.1:11"),                  // is seen as it is
  };
  for (const ice::PairView& other : elsewhere) {
    EXPECT_FALSE(AreOnePath(alice, false, other, false)) << other.remote.address.ToString();
    EXPECT_FALSE(AreOnePath(other, false, alice, false)) << other.remote.address.ToString();
  }
  // Alice's data came from where she sends to: her half is shown, bob's is not.
  const ice::PairView moved = Pair("10.0.0.2:2", "192.0.2.1:11", "192.0.2.2:23");
  EXPECT_TRUE(AreOnePath(alice, true, moved, false));
  EXPECT_FALSE(AreOnePath(alice, false, moved, true));
  EXPECT_TRUE(AreOnePath(alice, true, moved, true));
}

// In whole sessions the addresses give the same result as the data does, because none of these NATs changes a port
// later.
TEST(Agree, HoldsByAddressAloneInEverySessionThatConnects) {
  int connected = 0;
  for (const char* file : {"reachability_by_endpoint", "reachability_by_session"}) {
    const Scenario scenario = Library(file);
    for (const Cell& cell : scenario.cells()) {
      if (!absl::EndsWith(cell.id, "turn=BOTH")) continue;
      const PreparedCell prepared = *PrepareCell(scenario, cell);
      CellRun run(prepared.plan, 1, {});
      ASSERT_TRUE(run.Run().ok());
      const std::optional<ice::PairView> a = EndpointOf(run, 0, 0).agent().SelectedPair(0, 1);
      const std::optional<ice::PairView> b = EndpointOf(run, 0, 1).agent().SelectedPair(0, 1);
      ASSERT_TRUE(a && b) << cell.id;
      ++connected;
      EXPECT_TRUE(run.OutcomeOf(0).agree) << cell.id;
      EXPECT_TRUE(AreOnePath(*a, false, *b, false)) << cell.id;
    }
  }
  EXPECT_EQ(connected, 2 * 81);
}

// The same holds with role conflicts, late starts, and packets that are lost, duplicated and reordered. Hosts without a
// NAT between them must see exactly each other's addresses.
TEST(Agree, HoldsByAddressAloneThroughRoleConflictsDelaysAndLoss) {
  for (const char* file :
       {"role_conflict", "role_conflict_in_disorder", "late_start", "duplicates_and_reordering", "heavy_loss"}) {
    SCOPED_TRACE(file);
    const Scenario scenario = Library(file);
    int connected = 0, runs = 0;
    for (const Cell& cell : scenario.cells()) {
      const PreparedCell prepared = *PrepareCell(scenario, cell);
      for (std::uint64_t seed = 1; seed <= std::min<std::uint64_t>(scenario.repetitions(), 200); ++seed) {
        CellRun run(prepared.plan, seed, {});
        ASSERT_TRUE(run.Run().ok());
        ++runs;
        const TrialOutcome outcome = run.OutcomeOf(0);
        if (outcome.outcome != Outcome::kDirect && outcome.outcome != Outcome::kRelayed) continue;
        ++connected;
        const std::optional<ice::PairView> a = EndpointOf(run, 0, 0).agent().SelectedPair(0, 1);
        const std::optional<ice::PairView> b = EndpointOf(run, 0, 1).agent().SelectedPair(0, 1);
        ASSERT_TRUE(a && b) << cell.id << " seed " << seed;
        EXPECT_TRUE(outcome.agree) << cell.id << " seed " << seed;
        EXPECT_TRUE(AreOnePath(*a, false, *b, false)) << cell.id << " seed " << seed;
      }
    }
    // In heavy_loss, 97.5 % of the runs must connect.
    EXPECT_GE(connected * 1000, runs * 975);
  }
}

}  // namespace
}  // namespace pinhole::scenarios
