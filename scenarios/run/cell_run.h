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

// One run of one cell: the simulated world with every program in it, from set-up to the end of the run, and the
// questions that can be asked afterwards. Deterministic in (plan, seed). `plan` must outlive it.
class CellRun {
 public:
  struct Options {
    sim::Tracer* tracer = nullptr;  // sees every packet; must outlive the run
    bool measure_peaks = false;     // what each node and interface sent at most in a second
    sim::WorldOptions world;
  };
  CellRun(const CellPlan& plan, std::uint64_t seed, const Options& options);
  ~CellRun();
  CellRun(const CellRun&) = delete;
  CellRun& operator=(const CellRun&) = delete;

  // Internal: a plan that the simulator refuses. OK otherwise, whatever the outcomes.
  absl::Status Run();

  // Of the plan's trials, in their order.
  std::span<const std::unique_ptr<Trial>> trials() const { return trials_; }
  const Trial& trial(std::size_t index) const { return *trials_[index]; }
  TrialOutcome OutcomeOf(std::size_t index) const { return trials_[index]->OutcomeIn(*this); }

  const apps::ReferralServer* referral() const { return referral_.get(); }
  std::span<const std::unique_ptr<apps::StunTurnServer>> servers() const { return servers_; }
  const CellPlan& plan() const { return plan_; }
  const sim::World& world() const { return world_; }
  // The host at a node of the plan, which is no switch.
  sim::HostNode& host(std::uint32_t node) const { return *hosts_[node]; }
  // Mappings that all NATs made.
  std::uint64_t nat_bindings() const;
  // True: it was stopped at events_max.
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
  std::vector<sim::HostNode*> hosts_;   // the same; null for switches
  std::vector<int> first_interface_;    // of the node's interfaces, the plan's number 0
  std::vector<ice::HostPacer> pacers_;  // by node
  std::unique_ptr<apps::ReferralServer> referral_;
  std::vector<std::unique_ptr<apps::StunTurnServer>> servers_;  // null where the server does not run
  std::vector<std::unique_ptr<Trial>> trials_;
  bool out_of_events_ = false;
};

// All that the hosts of the trial's participants sent.
sim::Traffic SentByParticipants(const CellRun& run, const PlannedTrial& trial);

}  // namespace pinhole::scenarios
