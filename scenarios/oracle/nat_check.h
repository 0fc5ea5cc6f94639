#pragma once

#include <cstdint>

#include "scenarios/oracle/prediction.h"
#include "scenarios/scenario.pb.h"

// Predicts the results of NAT Check, the program of Ford et al. 2005 that tests a NAT. A `nat_check` in a scenario
// passes if the program measures in the simulation the results that are predicted here.
//
// The rule: each test follows from a few fields of the NAT's description.
// - kUdp, kTcp: the NAT uses one external endpoint for all servers (RFC 4787 §4.1). For TCP, it also must not refuse
//   the SYN of server 3.
// - kUdpHairpin, kTcpHairpin: the NAT hairpins (RFC 4787 §6), and lets in packets from endpoints to which the client
//   never sent. For TCP, the answer must also leave from the endpoint to which the SYN was sent.
namespace pinhole::scenarios {

// The tests, in the order of Prediction::tests.
enum class NatCheckTest : std::uint8_t { kUdp, kUdpHairpin, kTcp, kTcpHairpin };

// "UDP", "UDP hairpin", "TCP", "TCP hairpin".
const char* ToString(NatCheckTest test);

// Which tests the client's NAT passes: Prediction::tests, and no outcome. `check` belongs to `cell`, and the cell is
// resolved. A client with a public address passes all tests but the hairpin tests. Behind several NATs, the first one
// decides.
Prediction PredictNatCheck(const proto::Scenario& cell, const proto::NatCheck& check);

}  // namespace pinhole::scenarios
