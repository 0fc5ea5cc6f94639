#pragma once

#include <cstdint>

#include "scenarios/oracle/prediction.h"
#include "scenarios/scenario.pb.h"

namespace pinhole::scenarios {

// The tests of NAT Check (Ford et al. 2005), in the order of Prediction::tests. A `nat_check` in a scenario passes if
// the program measures in the simulation what is predicted here.
//
// The rule: each test follows from a few fields of the NAT's description.
// - kUdp, kTcp: the NAT uses one external endpoint for all servers; for TCP it also does not refuse the SYN of
// server 3.
// - kUdpHairpin, kTcpHairpin: the NAT hairpins and lets in packets from endpoints that the client never sent to; for
//   TCP the answer also has to leave from the endpoint that was connected to.
enum class NatCheckTest : std::uint8_t { kUdp, kUdpHairpin, kTcp, kTcpHairpin };

// "UDP", "UDP hairpin", "TCP", "TCP hairpin".
const char* ToString(NatCheckTest test);

// Which tests the client's NAT passes: Prediction::tests, and no outcome. `check` belongs to `cell`, and the cell is
// resolved. A client with a public address passes all tests but the hairpin tests. Behind several NATs, the first one
// decides.
Prediction PredictNatCheck(const proto::Scenario& cell, const proto::NatCheck& check);

}  // namespace pinhole::scenarios
