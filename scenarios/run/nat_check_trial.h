#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "apps/nat_check/nat_check.h"
#include "scenarios/run/trial.h"
#include "scenarios/run/trial_kinds.h"

namespace pinhole::scenarios {

// The plan of a NAT check (the program of Ford et al. 2005): a client behind a NAT, and three servers.
class PlannedNatCheck final : public PlannedTrial {
 public:
  // `index` is the number of the NAT check in the cell's list `nat_check`, from 0.
  PlannedNatCheck(const ResolvedCell& cell, int index);

  std::unique_ptr<Trial> Make() const override;
  absl::StatusOr<Prediction> Predict(const proto::Scenario& cell) const override;

  // The row of the sweep's table in which the verdicts are counted (NatCheckTable).
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

// One run of a NAT check: the client's program and the programs of the three servers.
class NatCheckTrial final : public Trial {
 public:
  explicit NatCheckTrial(const PlannedNatCheck& plan) : plan_(plan) {}

  void Start(const Stage& stage) override;
  bool Over() const override { return client_->finished(); }
  // Fills only TrialOutcome::tests and TrialOutcome::row.
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
