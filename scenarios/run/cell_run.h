#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "apps/ice/ice_endpoint.h"
#include "apps/referral/referral_server.h"
#include "apps/turn/stun_turn_server.h"
#include "ice/host_pacer.h"
#include "scenarios/oracle/outcome.h"
#include "scenarios/plan/plan.h"
#include "scenarios/run/segment_book.h"
#include "scenarios/run/trials.h"
#include "sim/host/host_node.h"
#include "sim/record/tracer.h"
#include "sim/world.h"

namespace pinhole::scenarios {

// One run of one cell: the simulated world with every program in it, from set-up to the end of the run, and
// afterwards what there is to ask. Deterministic in (plan, seed). `plan` must outlive it.
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

  // Internal: a plan that the simulator refuses. OK otherwise, whatever becomes of the sessions.
  absl::Status Run();

  // Of the plan's sessions, in their order. `side` is 0 or 1.
  SessionOutcome OutcomeOf(std::size_t session) const;
  const apps::IceEndpoint& endpoint(std::size_t session, int side) const;
  const apps::ReferralServer* referral() const { return referral_.get(); }
  std::span<const std::unique_ptr<apps::StunTurnServer>> servers() const { return servers_; }
  // What is no session; trial_results.h tells what came of it.
  const Trials& trials() const { return trials_; }
  // Null where there is no punching.
  const SegmentBook* segments() const { return segments_ ? &*segments_ : nullptr; }
  const CellPlan& plan() const { return plan_; }
  const sim::World& world() const { return world_; }
  sim::HostNode& host(std::uint32_t node) const { return *hosts_[node]; }
  // Mappings that all NATs made.
  std::uint64_t nat_bindings() const;
  // True: it was stopped at events_max.
  bool out_of_events() const { return out_of_events_; }

 private:
  absl::Status Build();
  absl::Status BuildNodes();
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
  std::vector<std::unique_ptr<apps::IceEndpoint>> endpoints_;   // two for each session
  Trials trials_;
  std::optional<SegmentBook> segments_;
  bool out_of_events_ = false;
};

// Whether two selected pairs are one path: each side's remote address is the one under which the other's local end is
// seen. A side that has connected need not be asked: its data came from the selected remote address, and the other side
// sends on its selected pair alone; what a check once mapped to may be out of date, for a NAT can move the port.
bool AreOnePath(const ice::PairView& a, bool a_connected, const ice::PairView& b, bool b_connected);

// Relays that the packet behind `tag` has been through on its way, by its lineage.
int RelayTraversals(const sim::Lineage& lineage, net::PacketTag tag);

}  // namespace pinhole::scenarios
