#pragma once

// One TCP connection over a link that spoils what it carries.
#include <cstdint>
#include <string>

#include "sim/link.h"

namespace pinhole::sim {

// What one way of a link does to packets, drawn from the seed: each impairment of LinkProfile is there in half of the
// runs, and an outage in a quarter.
LinkProfile DrawImpairments(std::uint64_t seed, const std::string& direction);

// `bytes` go each way between two machines, one link apart, and both ends finish and close. Gives what was wrong with
// that, or nothing: a stream that did not arrive whole, a connection that broke or never ended, an invariant of a
// connection, a timer, socket or packet that is left over.
std::string TransferFault(const LinkProfile& there, const LinkProfile& back, std::size_t bytes, std::uint64_t seed);

}  // namespace pinhole::sim
