#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ice/host_pacer.h"
#include "net/ip_address.h"
#include "net/time.h"
#include "scenarios/oracle/outcome.h"
#include "scenarios/oracle/prediction.h"
#include "scenarios/plan/plan.h"
#include "scenarios/results.pb.h"
#include "scenarios/run/packet_book.h"
#include "sim/host/host_node.h"
#include "sim/host/program.h"

namespace pinhole::scenarios {

class CellRun;
class KillerSearch;

// One trial of one run: it starts programs on hosts, says when they have finished, and gives the outcome with its
// reasons. CellRun starts all trials of a cell, runs until each is over, and asks for the outcomes. The rooms judge,
// results, sweep and cli know trials only by this interface. A new kind of trial is a new class in this room and a row
// in trial_kinds.cc.
class Trial {
 public:
  // The parts of the run that a trial needs to start its programs. All of them outlive the trial.
  struct Stage {
    const CellPlan& plan;
    std::span<sim::HostNode* const> hosts;  // by node of the plan; null for switches
    std::span<ice::HostPacer> pacers;       // by node: keeps 5 ms between requests of one host (RFC 8445 §14.2)
  };

  virtual ~Trial() = default;

  // Adds the programs to their hosts and starts them.
  virtual void Start(const Stage& stage) = 0;
  // True if every program of the trial has finished, successfully or not. Start() must have been called.
  virtual bool Over() const = 0;
  // How long the run goes on after all trials are over.
  virtual net::Duration hold() const { return net::Duration::zero(); }

  // The outcome so far.
  virtual TrialOutcome OutcomeIn(const CellRun& run) const = 0;
  // Whether a side that had connected lost consent later (RFC 7675), which does not change the outcome.
  virtual bool consent_lost() const { return false; }

  // Shows the search each dropped packet that may have ended the trial. `book` is the PacketBook that watched the run.
  // It is null if none did; a trial that needs it then shows nothing.
  virtual void ShowDrops(const CellRun& run, const PacketBook* book, KillerSearch& search) const = 0;
  // Why the trial failed, in words; empty if it did not.
  virtual std::string Explain(const CellRun& run, const PacketBook* book) const = 0;

  // Adds the trial's own part to the result. `prediction` is null if the oracle was not asked.
  virtual void Fill(const CellRun& run, const PacketBook& book, const Prediction* prediction,
                    proto::RunResult* result) const = 0;

  // An address of a participant that another node learned from a message, not from a packet header.
  struct ToldAddress {
    std::uint32_t who = 0;    // the node that learned the address
    std::uint32_t about = 0;  // the node of the participant that has the address
    net::IpAddress address;
  };
  virtual std::vector<ToldAddress> ToldAddresses() const { return {}; }
  // The nodes that can tell, because of their part in the trial, that the two participants talk.
  virtual std::vector<std::uint32_t> KnowBoth() const { return {}; }
  // Whether participant `side` (0 or 1) uses one of the addresses of the other participant that it learned.
  virtual bool UsesAddressOfOther(int side) const {
    static_cast<void>(side);
    return false;
  }
  // Adds the records of a server that belongs to this trial alone, such as the rendezvous of a punching. The referral
  // server serves all trials, so its records are added elsewhere (results/knowledge.h).
  virtual void FillIntroductions(proto::RunResult* result) const { static_cast<void>(result); }
};

}  // namespace pinhole::scenarios
