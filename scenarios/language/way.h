#pragma once

#include <cstdint>
#include <string>

#include "net/ip_address.h"
#include "scenarios/language/topology.h"

namespace pinhole::scenarios {

// Follows the packets of a TCP connection from `start` to `to` hop by hop, as routers would forward them. Links are
// ignored. Returns "" if the packets arrive, and if no core drops the answers to the source address that they arrive
// with. Otherwise returns the reason.
std::string WhyNoWay(const Topology& topology, const TopologyNode& start, const net::IpAddress& to,
                     std::uint32_t tcp_port);

}  // namespace pinhole::scenarios
