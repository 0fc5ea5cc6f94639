#pragma once

#include "absl/status/statusor.h"
#include "scenarios/oracle/model.h"
#include "scenarios/oracle/prediction.h"
#include "scenarios/oracle/techniques.h"
#include "scenarios/scenario.pb.h"

namespace pinhole::scenarios::oracle {

// What the oracle needs of one session of a resolved cell (Scenario::Resolve). InvalidArgument, naming the element: the
// cell refers to something that is not there, which a loaded cell does not.
absl::StatusOr<Model> ModelOf(const proto::Topology& topology, const proto::Session& session);

// As ModelOf(), of a punching of a resolved cell (extract_punching.cc).
absl::StatusOr<PunchingModel> PunchingModelOf(const proto::Scenario& cell, const proto::Punching& punching);

}  // namespace pinhole::scenarios::oracle

namespace pinhole::scenarios {

// Of what a session of a resolved cell can come. REQUIRES: 0 <= session < cell.session_size(). Other sessions of the
// cell are taken not to disturb it.
absl::StatusOr<Prediction> Predict(const proto::Scenario& cell, int session = 0);

// The same of one of its punchings.
absl::StatusOr<Prediction> Predict(const proto::Scenario& cell, const proto::Punching& punching);

}  // namespace pinhole::scenarios
