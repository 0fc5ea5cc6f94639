#pragma once

#include <memory>
#include <string>

#include "apps/ice/ice_endpoint.h"
#include "net/time.h"
#include "scenarios/plan/plan.h"

namespace pinhole::scenarios {

// The plan of an ICE session: the options of the two endpoints.
class PlannedSession final : public PlannedTrial {
 public:
  struct Peer {
    std::string name;
    std::uint32_t node = 0;
    apps::IceEndpoint::Options endpoint;
  };

  // `session` is the number of the session in the cell's list `session`, from 0. `plan` must already contain the nodes
  // and servers; it is not kept.
  PlannedSession(const ResolvedCell& cell, int session, const CellPlan& plan);

  std::unique_ptr<Trial> Make() const override;
  absl::StatusOr<Prediction> Predict(const proto::Scenario& cell) const override;

  const Peer& peer(int side) const { return peers_[side]; }
  // How long the session goes on after both sides have connected and confirmed data. 0 or more.
  net::Duration hold() const { return hold_; }

 private:
  int session_;
  Peer peers_[2];
  net::Duration hold_{};
};

// Returns trial number `index` of the plan. That trial must be a session.
inline const PlannedSession& SessionIn(const CellPlan& plan, std::size_t index) {
  return static_cast<const PlannedSession&>(*plan.trials.at(index));
}

}  // namespace pinhole::scenarios
