#pragma once

#include <vector>

#include "net/host.h"

namespace pinhole::net {

// The interfaces of this machine in the order of their index, which is also their InterfaceId. Addresses
// stand in the order in which the system gives them.
std::vector<Interface> ListInterfaces();

}  // namespace pinhole::net
