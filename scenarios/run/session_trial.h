#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "apps/ice/ice_endpoint.h"
#include "scenarios/run/cell_run.h"
#include "scenarios/run/session_plan.h"
#include "scenarios/run/trial.h"
#include "sim/record/lineage.h"

namespace pinhole::scenarios {

// An ICE session: an endpoint on each participant's host; they find each other through the referral server.
class SessionTrial final : public Trial {
 public:
  explicit SessionTrial(const PlannedSession& plan) : plan_(plan) {}

  const PlannedSession& plan() const { return plan_; }
  const apps::IceEndpoint& endpoint(int side) const { return *endpoints_[side]; }

  void Start(const Stage& stage) override;
  bool Over() const override;
  net::Duration hold() const override { return plan_.hold(); }
  TrialOutcome OutcomeIn(const CellRun& run) const override;
  bool consent_lost() const override;
  void ShowDrops(const CellRun& run, const PacketBook* book, KillerSearch& search) const override;
  std::string Explain(const CellRun& run, const PacketBook* book) const override;
  void Fill(const CellRun& run, const PacketBook& book, const Prediction* prediction,
            proto::RunResult* result) const override;
  std::vector<ToldAddress> ToldAddresses() const override;
  std::vector<std::uint32_t> KnowBoth() const override;
  bool UsesAddressOfOther(int side) const override;

 private:
  const PlannedSession& plan_;
  std::unique_ptr<apps::IceEndpoint> endpoints_[2];
};

// The index-th trial of the run, which is a session.
const SessionTrial& SessionOf(const CellRun& run, std::size_t index);
inline const apps::IceEndpoint& EndpointOf(const CellRun& run, std::size_t session, int side) {
  return SessionOf(run, session).endpoint(side);
}

// Whether two selected pairs are one path: each side's remote address is the one under which the other's local end is
// seen. A side that has connected need not be asked: its data came from the selected remote address, and the other side
// sends on its selected pair alone; what a check once mapped to may be out of date, for a NAT can move the port.
bool AreOnePath(const ice::PairView& a, bool a_connected, const ice::PairView& b, bool b_connected);

// Relays that the packet behind `tag` has been through on its way, by its lineage.
int RelayTraversals(const sim::Lineage& lineage, net::PacketTag tag);

}  // namespace pinhole::scenarios
