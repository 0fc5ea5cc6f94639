// RFC 8445 §14.2 in whole runs: the agents of one simulated host share its 5 ms.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <string>
#include <vector>

#include "scenarios/run/session_plan.h"
#include "tests/scenarios/run_cells.h"

namespace pinhole::scenarios {
namespace {

using namespace std::chrono_literals;

// Records when `node` first sent each check, and from which port.
class Checks final : public sim::Tracer {
 public:
  explicit Checks(std::uint32_t node) : node_(node) {}
  void OnTrace(const sim::TraceEvent& event, const sim::Packet& packet) override {
    if (event.kind != sim::TraceKind::kSend || static_cast<std::uint32_t>(event.node) != node_) return;
    if (packet.packet_class != net::PacketClass::kCheck) return;
    sent.push_back(event.at);
    ports.insert(packet.source.port());
  }
  std::vector<net::Instant> sent;
  std::set<std::uint16_t> ports;

 private:
  std::uint32_t node_;
};

TEST(Pacing, AgentsOfOneHostTogetherStartNoMoreThanOneCheckEach5Ms) {
  const Scenario scenario = FromText(
      "name: \"two_calls\" base: \"topologies/public_hosts.textproto\" session { name: \"call\" agent { ta_us: 5000 } "
      "} "
      "session { name: \"other\" agent { ta_us: 5000 } peer { name: \"carol\" host: \"alice\" } "
      "peer { name: \"dave\" host: \"bob\" } }");
  const PreparedCell prepared = *PrepareCell(scenario, scenario.cells().front());
  for (int side = 0; side < 2; ++side) {
    Checks checks(SessionIn(prepared.plan, 0).peer(side).node);
    CellRun run(prepared.plan, 1, {.tracer = &checks});
    ASSERT_TRUE(run.Run().ok());
    ASSERT_EQ(run.OutcomeOf(0).outcome, Outcome::kDirect);
    ASSERT_EQ(run.OutcomeOf(1).outcome, Outcome::kDirect);
    EXPECT_EQ(checks.ports.size(), 2u) << "both agents";
    ASSERT_GE(checks.sent.size(), 2u);
    net::Duration closest = net::Duration::max();
    for (std::size_t i = 1; i < checks.sent.size(); ++i) {
      closest = std::min(closest, checks.sent[i] - checks.sent[i - 1]);
    }
    // Both agents are ready for their first check when the descriptions have arrived, so one of them must wait.
    EXPECT_EQ(closest, 5ms);
  }
}

}  // namespace
}  // namespace pinhole::scenarios
