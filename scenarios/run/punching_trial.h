#pragma once

#include <memory>
#include <string>
#include <vector>

#include "apps/punching/punching_rendezvous.h"
#include "apps/punching/tcp_punching.h"
#include "scenarios/run/trial.h"
#include "scenarios/run/trial_kinds.h"

namespace pinhole::scenarios {

// The plan of a punching: two peers that try one technique of hole punching without ICE, and their rendezvous.
class PlannedPunching final : public PlannedTrial {
 public:
  // `index` is the number of the punching in the cell's list `punching`, from 0.
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

// One run of a punching: the programs of both peers and of the rendezvous.
class PunchingTrial final : public Trial {
 public:
  explicit PunchingTrial(const PlannedPunching& plan) : plan_(plan) {}

  const apps::TcpPunching& peer(int side) const { return *peers_[side]; }

  void Start(const Stage& stage) override;
  bool Over() const override;
  TrialOutcome OutcomeIn(const CellRun& run) const override;
  // Shows the dropped packets of the last try that the technique needed. The search then keeps the first of them, or
  // the last of them if a side had completed its handshake. A SYN with a low TTL is meant to expire on the way, so it
  // counts only if no other packet was dropped. With SYN_THEN_LISTEN, A's SYN is not meant to arrive, so it is not
  // shown. `book` is not used.
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

// Returns trial number `index` of the run. That trial must be a punching.
const PunchingTrial& PunchingOf(const CellRun& run, std::size_t index);

extern const TrialKind kPunchingKind;

}  // namespace pinhole::scenarios
