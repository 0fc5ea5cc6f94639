#pragma once

#include "net/host.h"
#include "scenarios/topology.pb.h"
#include "sim/tcp/connection_options.h"

namespace pinhole::scenarios {

net::InterfaceKind ToInterfaceKind(proto::Interface::Kind kind);

// Overrides the options that the file sets for a host's TCP. The other options are not changed.
void SetTcp(const proto::HostTcp& tcp, sim::TcpConnectionOptions* options);

}  // namespace pinhole::scenarios
