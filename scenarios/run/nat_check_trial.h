#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "apps/nat_check/nat_check.h"
#include "scenarios/run/trial.h"
#include "scenarios/run/trial_kinds.h"

namespace pinhole::scenarios {

// NAT Check of Ford et al. 2005: a client behind a NAT and three servers.
class PlannedNatCheck final : public PlannedTrial {
 public:
  // The index-th of the cell.
  PlannedNatCheck(const ResolvedCell& cell, int index);

  std::unique_ptr<Trial> Make() const override;
  absl::StatusOr<Prediction> Predict(const proto::Scenario& cell) const override;

  // The row of the table that its verdicts count in.
  const std::string& row() const { return row_; }
  std::uint32_t client_node() const { return client_node_; }
  std::uint32_t server_node(int number) const { return server_nodes_[number]; }
  const apps::NatCheckClient::Options& client() const { return client_; }

 private:
  int index_;
  std::string row_;
  std::uint32_t client_node_ = 0;
  apps::NatCheckClient::Options client_;
  std::uint32_t server_nodes_[3] = {};
};

class NatCheckTrial final : public Trial {
 public:
  explicit NatCheckTrial(const PlannedNatCheck& plan) : plan_(plan) {}

  void Start(const Stage& stage) override;
  bool Over() const override { return client_->finished(); }
  // Has only `tests` and `row`.
  TrialOutcome OutcomeIn(const CellRun& run) const override;
  void ShowDrops(const CellRun& run, const PacketBook* book, KillerSearch& search) const override;
  std::string Explain(const CellRun& run, const PacketBook* book) const override;
  void Fill(const CellRun& run, const PacketBook& book, const Prediction* prediction,
            proto::RunResult* result) const override;

 private:
  const PlannedNatCheck& plan_;
  std::unique_ptr<apps::NatCheckServer> servers_[3];
  std::unique_ptr<apps::NatCheckClient> client_;
};

extern const TrialKind kNatCheckKind;

}  // namespace pinhole::scenarios
