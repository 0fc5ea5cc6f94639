#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "apps/referral/referral_server.h"
#include "apps/turn/stun_turn_server.h"
#include "ice/host_pacer.h"
#include "scenarios/oracle/outcome.h"
#include "scenarios/plan/plan.h"
#include "scenarios/run/trial.h"
#include "sim/host/host_node.h"
#include "sim/record/tracer.h"
#include "sim/world.h"

namespace pinhole::scenarios {

// One run of one cell. Run() builds the simulated world and all programs, and runs until every trial is over.
// Afterwards the accessors give outcomes, servers and the world with its counters and drops. The same plan and seed
// always give the same run. `plan` must outlive the CellRun.
class CellRun {
 public:
  struct Options {
    sim::Tracer* tracer = nullptr;  // sees every packet; must outlive the run
    bool measure_peaks = false;     // record the highest traffic per second of each node and interface
    sim::WorldOptions world;
  };
  CellRun(const CellPlan& plan, std::uint64_t seed, const Options& options);
  ~CellRun();
  CellRun(const CellRun&) = delete;
  CellRun& operator=(const CellRun&) = delete;

  // Returns Internal if the simulator refuses the plan. Otherwise returns OK, also if a trial fails. Call it once.
  absl::Status Run();

  // One trial for each trial of the plan, in the same order. Empty before Run().
  std::span<const std::unique_ptr<Trial>> trials() const { return trials_; }
  const Trial& trial(std::size_t index) const { return *trials_[index]; }
  TrialOutcome OutcomeOf(std::size_t index) const { return trials_[index]->OutcomeIn(*this); }

  const apps::ReferralServer* referral() const { return referral_.get(); }
  std::span<const std::unique_ptr<apps::StunTurnServer>> servers() const { return servers_; }
  const CellPlan& plan() const { return plan_; }
  const sim::World& world() const { return world_; }
  // The simulator's node for a node of the plan. `node` must not be a switch.
  sim::HostNode& host(std::uint32_t node) const { return *hosts_[node]; }
  // The number of mappings that all NATs together have made.
  std::uint64_t nat_bindings() const;
  // True if the run was stopped because it reached CellPlan::events_max.
  bool out_of_events() const { return out_of_events_; }

 private:
  absl::Status Build();
  absl::Status BuildNodes();
  sim::HostNode* AddNode(const PlannedNode& planned);
  void StartPrograms();
  bool Over() const;

  const CellPlan& plan_;
  const Options options_;
  sim::World world_;
  std::vector<sim::Node*> nodes_;       // by index in the plan
  std::vector<sim::HostNode*> hosts_;   // by index in the plan; null for switches
  std::vector<int> first_interface_;    // by node: the simulator's index of PlannedNode::interfaces[0]
  std::vector<ice::HostPacer> pacers_;  // by node
  std::unique_ptr<apps::ReferralServer> referral_;
  std::vector<std::unique_ptr<apps::StunTurnServer>> servers_;  // null where the server does not run
  std::vector<std::unique_ptr<Trial>> trials_;
  bool out_of_events_ = false;
};

// The traffic that the hosts of the trial's participants sent. A host on which both run is counted once.
sim::Traffic SentByParticipants(const CellRun& run, const PlannedTrial& trial);

}  // namespace pinhole::scenarios
