#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "apps/nat_check/nat_check.h"
#include "apps/punching/punching_rendezvous.h"
#include "apps/punching/tcp_punching.h"
#include "scenarios/plan/plan.h"
#include "sim/host/host_node.h"

namespace pinhole::scenarios {

// The programs of one run that are no ICE session: punching peers and their rendezvous, NAT Check. Of a plan that
// outlives them.
class Trials {
 public:
  explicit Trials(const CellPlan& plan) : plan_(plan) {}

  // `hosts` by node of the plan.
  void Start(std::span<sim::HostNode* const> hosts);
  // Each has come to an end.
  bool Over() const;

  const apps::TcpPunching& punching(std::size_t index, int side) const {
    return *peers_[2 * index + static_cast<std::size_t>(side)];
  }
  const apps::PunchingRendezvous& rendezvous(std::size_t index) const { return *rendezvous_[index]; }
  const apps::NatCheckClient& nat_check(std::size_t index) const { return *clients_[index]; }

 private:
  const CellPlan& plan_;
  std::vector<std::unique_ptr<apps::PunchingRendezvous>> rendezvous_;
  std::vector<std::unique_ptr<apps::TcpPunching>> peers_;       // two for each punching
  std::vector<std::unique_ptr<apps::NatCheckServer>> servers_;  // three for each NAT check
  std::vector<std::unique_ptr<apps::NatCheckClient>> clients_;
};

}  // namespace pinhole::scenarios
