#pragma once

// One TCP connection over a link that spoils what it carries, and over NATs that watch it.
#include <cstdint>
#include <optional>
#include <string>

#include "sim/link.h"
#include "sim/nat/tcp_behavior.h"

namespace pinhole::sim {

// What one way of a link does to packets, drawn from the seed: each impairment of LinkProfile is there in half of the
// runs, and an outage in a quarter.
LinkProfile DrawImpairments(std::uint64_t seed, const std::string& direction);

// How closely the NAT before each machine follows the connection; absent: there is none.
struct NatsOnTheWay {
  std::optional<TcpDepth> alice;
  std::optional<TcpDepth> bob;
};

// Drawn from the seed: each side has each rung of the ladder, or no NAT, equally often.
NatsOnTheWay DrawNats(std::uint64_t seed);

// `bytes` go each way between two machines, a link apart and with NATs before them, and both ends finish and close.
// Where a NAT bounds windows without their scaling, the machines scale none. Gives what was wrong, or nothing: a stream
// that did not arrive whole, a connection that broke or never ended, an invariant of a connection, a timer, socket or
// packet that is left over.
std::string TransferFault(const LinkProfile& there, const LinkProfile& back, std::size_t bytes, std::uint64_t seed,
                          const NatsOnTheWay& nats = {});

}  // namespace pinhole::sim
