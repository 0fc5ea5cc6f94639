#pragma once

#include "scenarios/scenario.pb.h"

namespace pinhole::scenarios {

// What NAT Check (Ford et al. 2005) says of the NAT that its client is behind, by what the NAT is described to do.
struct NatCheckPrediction {
  bool udp = true;
  bool udp_hairpin = false;
  bool tcp = true;
  bool tcp_hairpin = false;
};

// `check` is of `cell`, which is resolved. A client with a public address passes all but the hairpins; behind several
// NATs only the first one counts.
NatCheckPrediction PredictNatCheck(const proto::Scenario& cell, const proto::NatCheck& check);

}  // namespace pinhole::scenarios
