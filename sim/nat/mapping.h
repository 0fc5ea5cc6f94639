#pragma once

#include "sim/nat/endpoint.h"
#include "sim/nat/profile.h"

namespace pinhole::sim::nat {

// Which remote endpoints share the binding that is made for `remote` (RFC 4787 §4.1): all bindings of one inside
// endpoint have different scopes, and two packets leave by one binding exactly if their scopes are equal.
Endpoint ScopeOf(Mapping mapping, Endpoint remote);

// Whether one external endpoint may stand for several inside endpoints, told apart by their scopes.
bool SharesExternalEndpoints(const TransportBehavior& behavior);

}  // namespace pinhole::sim::nat
