#pragma once

#include <cstdint>
#include <string>

#include "net/ip_address.h"
#include "scenarios/language/topology_view.h"

namespace pinhole::scenarios {

// Follows a connection's packets from `start` to `to` hop by hop, as its routers would send them, links aside. "": they
// arrive, and an answer to where they seem to come from would not be thrown away by a core. Else the reason.
std::string WhyNoWay(const TopologyView& view, const Node& start, const net::IpAddress& to, std::uint32_t tcp_port);

}  // namespace pinhole::scenarios
