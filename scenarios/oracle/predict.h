#pragma once

#include "scenarios/oracle/model.h"
#include "scenarios/oracle/prediction.h"

// Of what a session can come, from the model alone: udp_punching.h's closed form where each side is behind one NAT of
// its own, reachability.h's exploration everywhere else and for the kinds of path, and the agents' nomination policy
// for what they choose among several.
namespace pinhole::scenarios::oracle {

Prediction Predict(const Model& model);

}  // namespace pinhole::scenarios::oracle
