#pragma once

#include <memory>
#include <string>
#include <vector>

#include "apps/punching/punching_rendezvous.h"
#include "apps/punching/tcp_punching.h"
#include "scenarios/run/trial.h"
#include "scenarios/run/trial_kinds.h"

namespace pinhole::scenarios {

// Two peers that try one technique beside ICE, and the rendezvous where they meet.
class PlannedPunching final : public PlannedTrial {
 public:
  // The index-th of the cell.
  PlannedPunching(const ResolvedCell& cell, int index);

  std::unique_ptr<Trial> Make() const override;
  absl::StatusOr<Prediction> Predict(const proto::Scenario& cell) const override;

  std::uint32_t rendezvous_node() const { return rendezvous_node_; }
  const net::SocketAddress& rendezvous() const { return rendezvous_; }
  const apps::TcpPunching::Options& options(int side) const { return options_[side]; }

 private:
  int index_;
  std::uint32_t rendezvous_node_ = 0;
  net::SocketAddress rendezvous_;
  apps::TcpPunching::Options options_[2];
};

class PunchingTrial final : public Trial {
 public:
  explicit PunchingTrial(const PlannedPunching& plan) : plan_(plan) {}

  const apps::TcpPunching& peer(int side) const { return *peers_[side]; }

  void Start(const Stage& stage) override;
  bool Over() const override;
  TrialOutcome OutcomeIn(const CellRun& run) const override;
  // Shows the packets between the two that the technique needed: the first one of the last try that was dropped counts,
  // or, once a side's handshake was over, the last one. Low-TTL SYNs are meant to end on the way, and so is the SYN of
  // a side that only listens then: these count where nothing else was dropped.
  void ShowDrops(const CellRun& run, const PacketBook* book, KillerSearch& search) const override;
  std::string Explain(const CellRun& run, const PacketBook* book) const override;
  void Fill(const CellRun& run, const PacketBook& book, const Prediction* prediction,
            proto::RunResult* result) const override;
  std::vector<ToldAddress> ToldAddresses() const override;
  std::vector<std::uint32_t> KnowBoth() const override;
  bool UsesAddressOfOther(int side) const override;
  void FillIntroductions(proto::RunResult* result) const override;

 private:
  const PlannedPunching& plan_;
  std::unique_ptr<apps::PunchingRendezvous> rendezvous_;
  std::unique_ptr<apps::TcpPunching> peers_[2];
};

// The index-th trial of the run, which is a punching.
const PunchingTrial& PunchingOf(const CellRun& run, std::size_t index);

extern const TrialKind kPunchingKind;

}  // namespace pinhole::scenarios
