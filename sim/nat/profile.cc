#include "sim/nat/profile.h"

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace pinhole::sim {
namespace {

absl::Status Refuse(absl::string_view field, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", why));
}

// What is true of every NAT built on conntrack; a profile that says otherwise describes no such NAT.
absl::Status ValidateConntrack(const UdpBehavior& udp) {
  if (udp.filtering != Filtering::kAddressAndPortDependent) {
    return Refuse("udp.filtering", "conntrack lets in what belongs to a tuple: address_and_port_dependent only");
  }
  if (udp.filter_memory != FilterMemory::kMapping) {
    return Refuse("udp.filter_memory", "a conntrack entry remembers its own remote endpoint: mapping only");
  }
  if (!udp.inbound_sessions) return Refuse("udp.inbound_sessions", "every conntrack entry is a session: true only");
  if (udp.port_allocation != PortAllocation::kPreserve && udp.port_allocation != PortAllocation::kRandom) {
    return Refuse("udp.port_allocation", "conntrack has preserve, and random (random-fully)");
  }
  if (udp.collision != PortCollision::kRandom) {
    return Refuse("udp.collision", "conntrack draws a random port on collision: random only");
  }
  if (udp.exhaustion == Exhaustion::kEvictOldest) {
    return Refuse("udp.exhaustion", "conntrack evicts nothing for want of a port");
  }
  if (udp.parity != PortParity::kAny) return Refuse("udp.parity", "conntrack keeps no parity");
  if (udp.contiguity) return Refuse("udp.contiguity", "conntrack keeps no contiguity");
  if (udp.block_ports != 0) return Refuse("udp.block_ports", "conntrack has no blocks");
  if (udp.destinations_remembered != 0) {
    return Refuse("udp.destinations_remembered", "a conntrack entry has one remote endpoint, not a ring of them");
  }
  if (udp.filter_timeout) {
    return Refuse("udp.filter_timeout", "a conntrack entry is mapping and filter in one: no life of its own");
  }
  if (udp.hairpin != Hairpin::kNone) {
    return Refuse("udp.hairpin",
                  "conntrack sees a hairpinned packet before its source is translated, so it matches "
                  "no session: none only");
  }
  return absl::OkStatus();
}

absl::Status ValidateOverloading(const UdpBehavior& udp) {
  switch (udp.mapping) {
    case Mapping::kEndpointIndependent:
      return Refuse("udp.port_allocation",
                    "preserve_overloading contradicts endpoint_independent mapping: two inside endpoints on one "
                    "external port are told apart by the remote endpoint");
    case Mapping::kAddressDependent:
      if (udp.filtering == Filtering::kEndpointIndependent) {
        return Refuse("udp.filtering",
                      "endpoint_independent contradicts preserve_overloading: a stranger's packet could be for any "
                      "inside endpoint on that port");
      }
      return absl::OkStatus();
    case Mapping::kAddressAndPortDependent:
      if (udp.filtering != Filtering::kAddressAndPortDependent) {
        return Refuse("udp.filtering",
                      "only address_and_port_dependent goes with preserve_overloading and "
                      "address_and_port_dependent mapping: any other packet could be for several inside endpoints");
      }
      return absl::OkStatus();
    case Mapping::kConntrack:
      break;  // refused by ValidateConntrack()
  }
  return absl::OkStatus();
}

absl::Status ValidatePorts(const UdpBehavior& udp) {
  const PortRange range = udp.ports.value_or(PortRange{});
  if (udp.ports && (range.first == 0 || range.first > range.last)) {
    return Refuse("udp.ports", absl::StrCat(range.first, "-", range.last, " holds no port"));
  }
  if (udp.parity == PortParity::kPreserve && range.size() == 1) {
    return Refuse("udp.ports", absl::StrCat("holds no ", range.first % 2 == 0 ? "odd" : "even",
                                            " port, which parity preserve wants for half of the inside ports"));
  }
  if (udp.sequential_step == 0) return Refuse("udp.sequential_step", "0 never moves on");
  if (udp.sequential_step != 1 && udp.port_allocation != PortAllocation::kSequential) {
    return Refuse("udp.sequential_step", "has no effect unless port_allocation is sequential");
  }
  const bool preserving =
      udp.port_allocation == PortAllocation::kPreserve || udp.port_allocation == PortAllocation::kPreserveOverloading;
  if (!preserving && udp.collision != PortCollision::kRandom) {
    return Refuse("udp.collision", absl::StrCat("has no effect with port_allocation ", ToString(udp.port_allocation)));
  }
  if (udp.block_ports < 0 || udp.block_ports > range.size()) {
    return Refuse("udp.block_ports", absl::StrCat(udp.block_ports, " does not fit the ", range.size(), " ports"));
  }
  if (udp.block_ports == 1 && udp.parity == PortParity::kPreserve) {
    return Refuse("udp.block_ports", "a block of one port holds no port of the other parity");
  }
  if (udp.block_ports > 0 && udp.port_allocation == PortAllocation::kPreserveOverloading) {
    return Refuse("udp.block_ports", "a block is one host's own, which preserve_overloading contradicts");
  }
  if (udp.blocks_per_host < 1) return Refuse("udp.blocks_per_host", "must be at least 1");
  if (udp.blocks_per_host > 1 && udp.block_ports == 0) {
    return Refuse("udp.blocks_per_host", "has no effect without block_ports");
  }
  return absl::OkStatus();
}

absl::Status ValidateTimes(const UdpBehavior& udp) {
  const net::Duration zero = net::Duration::zero();
  if (udp.timeouts.first && *udp.timeouts.first <= zero) return Refuse("udp.timeouts.first", "must be positive");
  if (udp.timeouts.unreplied <= zero) return Refuse("udp.timeouts.unreplied", "must be positive");
  if (udp.timeouts.replied <= zero) return Refuse("udp.timeouts.replied", "must be positive");
  if (udp.timeouts.assured <= zero) return Refuse("udp.timeouts.assured", "must be positive");
  if (udp.timeouts.assured_after < zero) return Refuse("udp.timeouts.assured_after", "must not be negative");
  if (udp.filter_timeout && *udp.filter_timeout <= zero) return Refuse("udp.filter_timeout", "must be positive");
  return absl::OkStatus();
}

absl::Status ValidateFilter(const UdpBehavior& udp) {
  if (udp.destinations_remembered < 0) return Refuse("udp.destinations_remembered", "must not be negative");
  if (udp.filtering == Filtering::kEndpointIndependent) {
    if (udp.destinations_remembered > 0) {
      return Refuse("udp.destinations_remembered", "has no effect: endpoint_independent filtering asks no memory");
    }
    if (udp.filter_timeout) {
      return Refuse("udp.filter_timeout", "has no effect: endpoint_independent filtering asks no memory");
    }
  }
  if (udp.poisoning && udp.unsolicited != Unsolicited::kInput) {
    return Refuse("udp.poisoning", "only accepted packets claim a tuple: needs unsolicited input");
  }
  return absl::OkStatus();
}

absl::Status ValidateStatic(const NatProfile& profile) {
  for (std::size_t i = 0; i < profile.one_to_one.size(); ++i) {
    const OneToOne& pair = profile.one_to_one[i];
    if (!pair.external.is_v4() || !pair.inside.is_v4()) return Refuse("one_to_one", "translates IPv4 only");
    for (std::size_t j = 0; j < i; ++j) {
      if (profile.one_to_one[j].external == pair.external || profile.one_to_one[j].inside == pair.inside) {
        return Refuse("one_to_one", absl::StrCat(pair.inside.ToString(), " - ", pair.external.ToString(),
                                                 " shares an address with an earlier pair"));
      }
    }
  }
  for (std::size_t i = 0; i < profile.port_forwards.size(); ++i) {
    const PortForward& forward = profile.port_forwards[i];
    if (!forward.external.address().is_v4() || !forward.inside.address().is_v4()) {
      return Refuse("port_forwards", "translates IPv4 only");
    }
    if (forward.external.port() == 0 || forward.inside.port() == 0) return Refuse("port_forwards", "port 0");
    for (std::size_t j = 0; j < i; ++j) {
      if (profile.port_forwards[j].external == forward.external) {
        return Refuse("port_forwards", absl::StrCat(forward.external.ToString(), " is forwarded twice"));
      }
    }
    for (const OneToOne& pair : profile.one_to_one) {
      if (pair.external == forward.external.address()) {
        return Refuse("port_forwards", absl::StrCat(forward.external.ToString(), " is wholly ", pair.inside.ToString(),
                                                    "'s by one_to_one"));
      }
    }
  }
  return absl::OkStatus();
}

absl::Status ValidateLimits(const NatProfile& profile) {
  if (profile.mappings_max < 0) return Refuse("mappings_max", "must not be negative");
  if (profile.mappings_per_host_max < 0) return Refuse("mappings_per_host_max", "must not be negative");
  const bool both = profile.mappings_max > 0 && profile.mappings_per_host_max > 0;
  if (both && profile.mappings_per_host_max > profile.mappings_max) {
    return Refuse("mappings_per_host_max", "can never be reached: mappings_max is lower");
  }
  if (profile.when_full != WhenFull::kRefuse && profile.mappings_max == 0 && profile.mappings_per_host_max == 0) {
    return Refuse("when_full", "has no effect without mappings_max or mappings_per_host_max");
  }
  return absl::OkStatus();
}

absl::Status ValidatePooling(const NatProfile& profile) {
  if (profile.soft_pairing && profile.pooling == Pooling::kArbitrary) {
    return Refuse("soft_pairing", "has no effect with arbitrary pooling");
  }
  if (profile.udp.collision == PortCollision::kOtherAddress && profile.pooling == Pooling::kPaired &&
      !profile.soft_pairing) {
    return Refuse("udp.collision", "other_address contradicts paired pooling without soft_pairing");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Validate(const NatProfile& profile) {
  const UdpBehavior& udp = profile.udp;
  if (udp.mapping == Mapping::kConntrack) {
    if (absl::Status status = ValidateConntrack(udp); !status.ok()) return status;
  }
  if (udp.port_allocation == PortAllocation::kPreserveOverloading) {
    if (absl::Status status = ValidateOverloading(udp); !status.ok()) return status;
  }
  if (absl::Status status = ValidatePorts(udp); !status.ok()) return status;
  if (absl::Status status = ValidateTimes(udp); !status.ok()) return status;
  if (absl::Status status = ValidateFilter(udp); !status.ok()) return status;
  if (absl::Status status = ValidatePooling(profile); !status.ok()) return status;
  if (absl::Status status = ValidateLimits(profile); !status.ok()) return status;
  return ValidateStatic(profile);
}

const char* ToString(Mapping value) {
  switch (value) {
    case Mapping::kEndpointIndependent:
      return "endpoint_independent";
    case Mapping::kAddressDependent:
      return "address_dependent";
    case Mapping::kAddressAndPortDependent:
      return "address_and_port_dependent";
    case Mapping::kConntrack:
      return "conntrack";
  }
  std::abort();
}

const char* ToString(Filtering value) {
  switch (value) {
    case Filtering::kEndpointIndependent:
      return "endpoint_independent";
    case Filtering::kAddressDependent:
      return "address_dependent";
    case Filtering::kAddressAndPortDependent:
      return "address_and_port_dependent";
  }
  std::abort();
}

const char* ToString(FilterMemory value) {
  switch (value) {
    case FilterMemory::kEndpoint:
      return "endpoint";
    case FilterMemory::kMapping:
      return "mapping";
  }
  std::abort();
}

const char* ToString(PortAllocation value) {
  switch (value) {
    case PortAllocation::kPreserve:
      return "preserve";
    case PortAllocation::kPreserveOverloading:
      return "preserve_overloading";
    case PortAllocation::kSequential:
      return "sequential";
    case PortAllocation::kRandom:
      return "random";
  }
  std::abort();
}

const char* ToString(PortCollision value) {
  switch (value) {
    case PortCollision::kRandom:
      return "random";
    case PortCollision::kNextFree:
      return "next_free";
    case PortCollision::kOtherAddress:
      return "other_address";
    case PortCollision::kTakeOver:
      return "take_over";
    case PortCollision::kRefuse:
      return "refuse";
  }
  std::abort();
}

const char* ToString(Exhaustion value) {
  switch (value) {
    case Exhaustion::kDrop:
      return "drop";
    case Exhaustion::kAdminProhibited:
      return "admin_prohibited";
    case Exhaustion::kEvictOldest:
      return "evict_oldest";
  }
  std::abort();
}

const char* ToString(PortParity value) {
  switch (value) {
    case PortParity::kAny:
      return "any";
    case PortParity::kPreserve:
      return "preserve";
  }
  std::abort();
}

const char* ToString(Refresh value) {
  switch (value) {
    case Refresh::kOutbound:
      return "outbound";
    case Refresh::kInbound:
      return "inbound";
    case Refresh::kBoth:
      return "both";
    case Refresh::kNone:
      return "none";
  }
  std::abort();
}

const char* ToString(Hairpin value) {
  switch (value) {
    case Hairpin::kNone:
      return "none";
    case Hairpin::kInternalSource:
      return "internal_source";
    case Hairpin::kExternalSource:
      return "external_source";
  }
  std::abort();
}

const char* ToString(Unsolicited value) {
  switch (value) {
    case Unsolicited::kDrop:
      return "drop";
    case Unsolicited::kPortUnreachable:
      return "port_unreachable";
    case Unsolicited::kHostUnreachable:
      return "host_unreachable";
    case Unsolicited::kAdminProhibited:
      return "admin_prohibited";
    case Unsolicited::kInput:
      return "input";
  }
  std::abort();
}

const char* ToString(Pooling value) {
  switch (value) {
    case Pooling::kPaired:
      return "paired";
    case Pooling::kArbitrary:
      return "arbitrary";
  }
  std::abort();
}

const char* ToString(WhenFull value) {
  switch (value) {
    case WhenFull::kRefuse:
      return "refuse";
    case WhenFull::kEvictOldest:
      return "evict_oldest";
    case WhenFull::kReboot:
      return "reboot";
  }
  std::abort();
}

}  // namespace pinhole::sim
