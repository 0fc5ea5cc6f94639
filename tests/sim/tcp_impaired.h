#pragma once

// One TCP connection over a link with impairments, and through NATs that track it.
#include <cstdint>
#include <optional>
#include <string>

#include "sim/link.h"
#include "sim/nat/tcp_behavior.h"

namespace pinhole::sim {

// Draws the impairments of one direction of a link from the seed. Each impairment of LinkProfile occurs in half of the
// runs, an outage in a quarter.
LinkProfile DrawImpairments(std::uint64_t seed, const std::string& direction);

// The depth with which the NAT of each machine tracks the connection; nullopt: there is no NAT.
struct NatsOnTheWay {
  std::optional<TcpDepth> alice;
  std::optional<TcpDepth> bob;
};

// Draws the NATs from the seed. Each depth, and no NAT, is equally likely on each side.
NatsOnTheWay DrawNats(std::uint64_t seed);

// Sends `bytes` in each direction between two machines that are a link and their NATs apart; then both ends finish and
// close. The machines do not scale windows if a NAT bounds windows without their scaling. Returns the first fault, or
// an empty text: a stream that did not arrive whole, a connection that broke or never ended, a broken invariant, or a
// timer, socket or packet that is left over.
std::string TransferFault(const LinkProfile& there, const LinkProfile& back, std::size_t bytes, std::uint64_t seed,
                          const NatsOnTheWay& nats = {});

}  // namespace pinhole::sim
