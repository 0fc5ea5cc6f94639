#pragma once

#include "net/host.h"
#include "scenarios/topology.pb.h"
#include "sim/tcp/connection_options.h"

namespace pinhole::scenarios {

net::InterfaceKind ToInterfaceKind(proto::Interface::Kind kind);

// Writes into `options` what the file says of a host's TCP; the rest stays as it is.
void SetTcp(const proto::HostTcp& tcp, sim::TcpConnectionOptions* options);

}  // namespace pinhole::scenarios
