#include "sim/nat/mapping.h"

#include "net/contract.h"

namespace pinhole::sim::nat {

Endpoint ScopeOf(Mapping mapping, Endpoint remote) {
  switch (mapping) {
    case Mapping::kEndpointIndependent:
      return {};
    case Mapping::kAddressDependent:
      return remote.AddressOnly();
    case Mapping::kAddressAndPortDependent:
    case Mapping::kConntrack:
      return remote;
  }
  net::CannotHappen();
}

bool SharesExternalEndpoints(const TransportBehavior& behavior) {
  return behavior.mapping == Mapping::kConntrack || behavior.port_allocation == PortAllocation::kPreserveOverloading;
}

}  // namespace pinhole::sim::nat
