#pragma once

#include "sim/nat/endpoint.h"
#include "sim/nat/profile.h"

namespace pinhole::sim::nat {

// The scope of the binding for packets to `remote`: the set of remote endpoints that share the binding (RFC 4787 §4.1).
// Two packets of one inside endpoint leave by the same binding exactly if their scopes are equal.
Endpoint ScopeOf(Mapping mapping, Endpoint remote);

// Whether one external endpoint may stand for several inside endpoints, told apart by their scopes.
bool SharesExternalEndpoints(const TransportBehavior& behavior);

}  // namespace pinhole::sim::nat
