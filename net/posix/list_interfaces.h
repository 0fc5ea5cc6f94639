#pragma once

#include <vector>

#include "net/host.h"

namespace pinhole::net {

// The interfaces of this machine, ordered by index. The index is also the InterfaceId. Addresses are in the order in
// which the system returns them.
std::vector<Interface> ListInterfaces();

}  // namespace pinhole::net
