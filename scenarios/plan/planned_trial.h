#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "scenarios/oracle/prediction.h"
#include "scenarios/scenario.pb.h"

namespace pinhole::scenarios {

class Trial;  // run/trial.h

// One of the two participants of a trial, which try to talk to each other.
struct PlannedParticipant {
  std::string name;
  std::uint32_t node = 0;  // index in CellPlan::nodes
};

// The plan of a trial, which is the same for all runs of the cell. A trial is a thing that a cell runs and that is
// judged: an ICE session, a punching or a NAT check. Each kind of trial has a derived class in run/, which adds the
// options of the trial's programs.
class PlannedTrial {
 public:
  explicit PlannedTrial(std::string name) : name_(std::move(name)) {}
  virtual ~PlannedTrial() = default;
  PlannedTrial(const PlannedTrial&) = delete;
  PlannedTrial& operator=(const PlannedTrial&) = delete;

  const std::string& name() const { return name_; }
  // First participant A, then participant B. Empty for a trial without participants, such as a NAT check.
  const std::vector<PlannedParticipant>& participants() const { return participants_; }

  // Makes the trial of one run. The PlannedTrial must outlive the trial.
  virtual std::unique_ptr<Trial> Make() const = 0;
  // Asks the oracle for its prediction of the trial. `cell` is the resolved cell from which the plan was made. Returns
  // InvalidArgument if the cell refers to an element that does not exist; this does not happen for a cell that was
  // loaded.
  virtual absl::StatusOr<Prediction> Predict(const proto::Scenario& cell) const = 0;

 protected:
  std::vector<PlannedParticipant> participants_;

 private:
  std::string name_;
};

}  // namespace pinhole::scenarios
