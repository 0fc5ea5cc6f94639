#pragma once

#include "scenarios/scenario.pb.h"

namespace pinhole::scenarios {

// Predicts the four verdicts of NAT Check (Ford et al. 2005) for the NAT that its client is behind. A `nat_check` in a
// scenario passes if the program measures the same in the simulation.
//
// The rule: each verdict follows from a few fields of the NAT's description.
// - udp, tcp: the NAT uses one external endpoint for all servers; for TCP it also does not refuse the SYN of server 3.
// - udp_hairpin, tcp_hairpin: the NAT hairpins and lets in packets from endpoints that the client never sent to; for
//   TCP the answer also has to leave from the endpoint that was connected to.
struct NatCheckPrediction {
  bool udp = true;
  bool udp_hairpin = false;
  bool tcp = true;
  bool tcp_hairpin = false;
};

// `check` belongs to `cell`, and the cell is resolved. A client with a public address passes the tests `udp` and `tcp`
// but not the hairpin tests. Behind several NATs, the first one decides.
NatCheckPrediction PredictNatCheck(const proto::Scenario& cell, const proto::NatCheck& check);

}  // namespace pinhole::scenarios
