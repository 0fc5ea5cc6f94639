#pragma once

#include <memory>
#include <string>

#include "apps/ice/ice_endpoint.h"
#include "net/time.h"
#include "scenarios/plan/plan.h"

namespace pinhole::scenarios {

// An ICE session between the two participants.
class PlannedSession final : public PlannedTrial {
 public:
  struct Peer {
    std::string name;
    std::uint32_t node = 0;
    apps::IceEndpoint::Options endpoint;
  };

  // The session-th of the cell. `plan` has the nodes and servers already.
  PlannedSession(const ResolvedCell& cell, int session, const CellPlan& plan);

  std::unique_ptr<Trial> Make() const override;
  absl::StatusOr<Prediction> Predict(const proto::Scenario& cell) const override;

  const Peer& peer(int side) const { return peers_[side]; }
  // How long it goes on after both sides have connected and confirmed data.
  net::Duration hold() const { return hold_; }

 private:
  int session_;
  Peer peers_[2];
  net::Duration hold_{};
};

// The index-th trial of the plan, which is a session.
inline const PlannedSession& SessionIn(const CellPlan& plan, std::size_t index) {
  return static_cast<const PlannedSession&>(*plan.trials.at(index));
}

}  // namespace pinhole::scenarios
