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

// One run of an ICE session. An IceEndpoint runs on each participant's host. The endpoints exchange their descriptions
// through the referral server.
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

// Returns trial number `index` of the run. That trial must be a session.
const SessionTrial& SessionOf(const CellRun& run, std::size_t index);
inline const apps::IceEndpoint& EndpointOf(const CellRun& run, std::size_t session, int side) {
  return SessionOf(run, session).endpoint(side);
}

// Whether the selected pairs of both sides are one path: the remote address of each side must be the address at which
// it sees the local end of the other side.
//
// For a side that has connected this holds without a comparison. Its data came from its selected remote address, and
// the other side sends data only on its own selected pair. A comparison could even be wrong, because a NAT may have
// changed the port since the check that showed the mapped address.
bool AreOnePath(const ice::PairView& a, bool a_connected, const ice::PairView& b, bool b_connected);

// Returns how many relays forwarded the data packet that was received with this tag. It is found from the packet's
// lineage. Empty tag: 0.
int RelayTraversals(const sim::Lineage& lineage, net::PacketTag tag);

}  // namespace pinhole::scenarios
