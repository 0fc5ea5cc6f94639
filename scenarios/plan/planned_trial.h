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

// One of the two that a trial lets talk to each other.
struct PlannedParticipant {
  std::string name;
  std::uint32_t node = 0;  // index in CellPlan::nodes
};

// A trial is a thing that a cell runs and that is judged: an ICE session, a punching, a NAT check. This is its plan:
// the same for all runs of the cell. Each kind derives its own, with the options of its programs, beside its Trial in
// run/.
class PlannedTrial {
 public:
  explicit PlannedTrial(std::string name) : name_(std::move(name)) {}
  virtual ~PlannedTrial() = default;
  PlannedTrial(const PlannedTrial&) = delete;
  PlannedTrial& operator=(const PlannedTrial&) = delete;

  const std::string& name() const { return name_; }
  // The two that are to talk, first A and then B; empty for a trial without such a pair, such as a NAT check.
  const std::vector<PlannedParticipant>& participants() const { return participants_; }

  // The trial of one run. This outlives it.
  virtual std::unique_ptr<Trial> Make() const = 0;
  // What the oracle says of it. `cell` is the resolved cell that it was planned from. InvalidArgument: the cell refers
  // to something that is not there, which a loaded cell does not.
  virtual absl::StatusOr<Prediction> Predict(const proto::Scenario& cell) const = 0;

 protected:
  std::vector<PlannedParticipant> participants_;

 private:
  std::string name_;
};

}  // namespace pinhole::scenarios
