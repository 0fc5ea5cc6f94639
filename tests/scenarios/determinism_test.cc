// Tracers and other observers do not change a run. The digests themselves are tested in tests/library.
#include <gtest/gtest.h>

#include <sstream>
#include <utility>

#include "scenarios/results/ladder.h"
#include "tests/scenarios/run_cells.h"

namespace pinhole::scenarios {
namespace {

std::pair<std::uint64_t, std::uint64_t> DigestsOf(const CellPlan& plan, sim::Tracer* tracer) {
  CellRun run(plan, 3, {.tracer = tracer, .measure_peaks = tracer != nullptr});
  EXPECT_TRUE(run.Run().ok());
  return {run.world().wire_digest(), run.world().full_digest()};
}

TEST(Determinism, ABookAndALadderThatWatchChangeNothing) {
  const Scenario scenario = Library("multihomed");
  for (const Cell& cell : scenario.cells()) {
    const PreparedCell prepared = *PrepareCell(scenario, cell);
    std::ostringstream text;
    Ladder ladder(prepared.plan, text);
    PacketBook book(&ladder);
    EXPECT_EQ(DigestsOf(prepared.plan, &book), DigestsOf(prepared.plan, nullptr)) << cell.id;
  }
}

}  // namespace
}  // namespace pinhole::scenarios
