#pragma once

#include <string>

#include "net/ip_address.h"
#include "scenarios/topology_view.h"

namespace pinhole::scenarios {

// Follows a packet from `start` to `to` hop by hop, as its routers would send it, links and filters aside. "": it
// arrives, and an answer to where it seems to come from would not be thrown away by a core. Else the reason.
std::string WhyNoWay(const TopologyView& view, const Node& start, const net::IpAddress& to);

}  // namespace pinhole::scenarios
