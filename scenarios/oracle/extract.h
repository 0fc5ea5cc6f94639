#pragma once

#include "absl/status/statusor.h"
#include "scenarios/oracle/model.h"
#include "scenarios/oracle/prediction.h"
#include "scenarios/oracle/techniques.h"
#include "scenarios/scenario.pb.h"

// Makes the oracle's model (model.h) of a resolved cell (Scenario::Resolve). Only the extract*.cc files and
// nat_check.cc read the schema, so that the rules of the oracle do not change when the schema does.
//
// The rule: a property of the cell that a rule of the oracle uses becomes a field of the model. A property that no rule
// uses but that may change the outcome (loss, an outage, a small table, a short timeout) becomes a text in
// `Model::chance` or `NatBehavior::forgetful`, and the outcome then depends on it. Everything else is left out.
namespace pinhole::scenarios::oracle {

// Makes the model of one session. Returns InvalidArgument with the name of the element if the cell refers to an element
// that does not exist. A cell that was loaded from a file never does.
absl::StatusOr<Model> ModelOf(const proto::Topology& topology, const proto::Session& session);

// Makes the model of one punching (techniques.h), with the same errors. The implementation is in extract_punching.cc.
absl::StatusOr<PunchingModel> PunchingModelOf(const proto::Scenario& cell, const proto::Punching& punching);

}  // namespace pinhole::scenarios::oracle

namespace pinhole::scenarios {

// Predicts the outcomes of one session of a resolved cell. Assumes that the other sessions of the cell do not disturb
// this one. REQUIRES: 0 <= session < cell.session_size().
absl::StatusOr<Prediction> Predict(const proto::Scenario& cell, int session = 0);

// Predicts the outcomes of one punching of a resolved cell.
absl::StatusOr<Prediction> Predict(const proto::Scenario& cell, const proto::Punching& punching);

}  // namespace pinhole::scenarios
