#pragma once

#include "sim/nat/profile.h"

// Closed forms: which pairs of NATs, with one external address each, let two hosts reach each other by UDP if both
// sides retry. The simulated NATs must give the same results packet by packet.
namespace pinhole::sim {

struct NatBehavior {
  Mapping mapping;
  Filtering filtering;

  bool maps_independently() const { return mapping == Mapping::kEndpointIndependent; }
  bool maps_by_port() const { return mapping == Mapping::kAddressAndPortDependent; }
  bool is_open() const { return filtering == Filtering::kEndpointIndependent; }
  bool filters_by_address() const { return filtering == Filtering::kAddressDependent; }
  bool filters_by_port() const { return filtering == Filtering::kAddressAndPortDependent; }
};

inline constexpr Mapping kMappings[] = {Mapping::kEndpointIndependent, Mapping::kAddressDependent,
                                        Mapping::kAddressAndPortDependent};
inline constexpr Filtering kFilterings[] = {Filtering::kEndpointIndependent, Filtering::kAddressDependent,
                                            Filtering::kAddressAndPortDependent};

// The two behaviors of a cell, from 0 to 80.
inline NatBehavior BehaviorA(int cell) { return {kMappings[cell / 27], kFilterings[cell / 9 % 3]}; }
inline NatBehavior BehaviorB(int cell) { return {kMappings[cell / 3 % 3], kFilterings[cell % 3]}; }

// The two readings of RFC 4787 §5. In the first, filters remember destinations per inside endpoint, and a packet that
// is let in makes no session. In the second, filters remember per mapping, and a packet that is let in makes a session.
struct Reading {
  const char* name;
  FilterMemory memory;
  bool inbound_sessions;
  int direct;  // the number of pairs, of 81, with a direct path
  bool (*connects)(NatBehavior a, NatBehavior b);

  UdpBehavior Udp(NatBehavior behavior, PortAllocation ports) const {
    return {{.mapping = behavior.mapping,
             .filtering = behavior.filtering,
             .filter_memory = memory,
             .inbound_sessions = inbound_sessions,
             .port_allocation = ports}};
  }
};

inline constexpr Reading kEndpointReading = {
    "endpoint memory, no sessions", FilterMemory::kEndpoint, false, 45, [](NatBehavior a, NatBehavior b) {
      return !(a.filters_by_port() && !b.maps_independently()) && !(b.filters_by_port() && !a.maps_independently()) &&
             !(a.maps_by_port() && b.maps_by_port());
    }};
inline constexpr Reading kSessionReading = {
    "mapping memory, sessions", FilterMemory::kMapping, true, 57, [](NatBehavior a, NatBehavior b) {
      return a.is_open() || b.is_open() || (a.maps_independently() && a.filters_by_address()) ||
             (b.maps_independently() && b.filters_by_address()) || (a.maps_independently() && b.maps_independently());
    }};

}  // namespace pinhole::sim
