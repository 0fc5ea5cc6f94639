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

// One trial of one run: programs on hosts, a start, an end, and an outcome with its reasons. CellRun starts all trials
// of a cell, runs until each is over, and asks for outcomes; judge, results, sweep and terminal know trials by this
// interface only. A new kind of trial is a new class beside this file and a row in trial_kinds.cc.
class Trial {
 public:
  // Where a trial starts its programs. Everything here outlives the trial.
  struct Stage {
    const CellPlan& plan;
    std::span<sim::HostNode* const> hosts;  // by node of the plan; null for switches
    std::span<ice::HostPacer> pacers;       // by node: the 5 ms floor of one host's agents (RFC 8445 §14.2)
  };

  virtual ~Trial() = default;

  // Adds the programs to their hosts and starts them.
  virtual void Start(const Stage& stage) = 0;
  // Whether each program has finished, with success or without.
  virtual bool Over() const = 0;
  // How long the run goes on after all trials are over.
  virtual net::Duration hold() const { return net::Duration::zero(); }

  // The outcome so far.
  virtual TrialOutcome OutcomeIn(const CellRun& run) const = 0;
  // Whether a side that had connected lost consent later (RFC 7675), which does not change the outcome.
  virtual bool consent_lost() const { return false; }

  // Shows the search each dropped packet that may have ended the trial. `book` watched the run; it is null where
  // nothing did, and then a trial that needs it shows nothing.
  virtual void ShowDrops(const CellRun& run, const PacketBook* book, KillerSearch& search) const = 0;
  // Why the trial failed, in words; empty if it did not.
  virtual std::string Explain(const CellRun& run, const PacketBook* book) const = 0;

  // Adds the trial's own part to the result.
  virtual void Fill(const CellRun& run, const PacketBook& book, const Prediction* prediction,
                    proto::RunResult* result) const = 0;

  // The metadata that the trial's programs gave away, besides the packets that everybody on the way could see.
  struct ToldAddress {
    std::uint32_t who = 0;    // node that was told
    std::uint32_t about = 0;  // node of the participant whose address it is
    net::IpAddress address;
  };
  virtual std::vector<ToldAddress> ToldAddresses() const { return {}; }
  // Nodes that know by their part in the trial that the two participants talk.
  virtual std::vector<std::uint32_t> KnowBoth() const { return {}; }
  // Whether the participant uses one of the addresses that it learned of the other. `side` is 0 or 1.
  virtual bool UsesAddressOfOther(int side) const {
    static_cast<void>(side);
    return false;
  }
  // What a server of the trial's own recorded of the two; the referral server's records are not a trial's.
  virtual void FillIntroductions(proto::RunResult* result) const { static_cast<void>(result); }
};

}  // namespace pinhole::scenarios
