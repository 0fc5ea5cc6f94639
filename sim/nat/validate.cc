#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "sim/nat/profile.h"

// Which profiles describe no NAT that could be.
namespace pinhole::sim {
namespace {

absl::Status Refuse(absl::string_view field, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", why));
}

// One transport's behavior, and how its fields are called.
struct Half {
  absl::string_view name;  // "udp"
  const TransportBehavior& behavior;

  absl::Status Refuse(absl::string_view field, absl::string_view why) const {
    return sim::Refuse(absl::StrCat(name, ".", field), why);
  }
};

// What is true of every NAT built on conntrack; a profile that says otherwise describes no such NAT.
absl::Status ValidateConntrack(const Half& half) {
  const TransportBehavior& behavior = half.behavior;
  if (behavior.filtering != Filtering::kAddressAndPortDependent) {
    return half.Refuse("filtering", "conntrack lets in what belongs to a tuple: address_and_port_dependent only");
  }
  if (behavior.filter_memory != FilterMemory::kMapping) {
    return half.Refuse("filter_memory", "a conntrack entry remembers its own remote endpoint: mapping only");
  }
  if (!behavior.inbound_sessions)
    return half.Refuse("inbound_sessions", "every conntrack entry is a session: true only");
  if (behavior.port_allocation != PortAllocation::kPreserve && behavior.port_allocation != PortAllocation::kRandom) {
    return half.Refuse("port_allocation", "conntrack has preserve, and random (random-fully)");
  }
  if (behavior.collision != PortCollision::kRandom) {
    return half.Refuse("collision", "conntrack draws a random port on collision: random only");
  }
  if (behavior.exhaustion == Exhaustion::kEvictOldest) {
    return half.Refuse("exhaustion", "conntrack evicts nothing for want of a port");
  }
  if (behavior.parity != PortParity::kAny) return half.Refuse("parity", "conntrack keeps no parity");
  if (behavior.contiguity) return half.Refuse("contiguity", "conntrack keeps no contiguity");
  if (behavior.block_ports != 0) return half.Refuse("block_ports", "conntrack has no blocks");
  if (behavior.hairpin != Hairpin::kNone) {
    return half.Refuse("hairpin",
                       "conntrack sees a hairpinned packet before its source is translated, so it matches "
                       "no session: none only");
  }
  return absl::OkStatus();
}

absl::Status ValidateOverloading(const Half& half) {
  const TransportBehavior& behavior = half.behavior;
  switch (behavior.mapping) {
    case Mapping::kEndpointIndependent:
      return half.Refuse("port_allocation",
                         "preserve_overloading contradicts endpoint_independent mapping: two inside endpoints on one "
                         "external port are told apart by the remote endpoint");
    case Mapping::kAddressDependent:
      if (behavior.filtering == Filtering::kEndpointIndependent) {
        return half.Refuse(
            "filtering",
            "endpoint_independent contradicts preserve_overloading: a stranger's packet could be for any "
            "inside endpoint on that port");
      }
      return absl::OkStatus();
    case Mapping::kAddressAndPortDependent:
      if (behavior.filtering != Filtering::kAddressAndPortDependent) {
        return half.Refuse(
            "filtering",
            "only address_and_port_dependent goes with preserve_overloading and "
            "address_and_port_dependent mapping: any other packet could be for several inside endpoints");
      }
      return absl::OkStatus();
    case Mapping::kConntrack:
      break;  // refused by ValidateConntrack()
  }
  return absl::OkStatus();
}

absl::Status ValidatePorts(const Half& half) {
  const TransportBehavior& behavior = half.behavior;
  const PortRange range = behavior.ports.value_or(PortRange{});
  if (behavior.ports && (range.first == 0 || range.first > range.last)) {
    return half.Refuse("ports", absl::StrCat(range.first, "-", range.last, " holds no port"));
  }
  if (behavior.parity == PortParity::kPreserve && range.size() == 1) {
    return half.Refuse("ports", absl::StrCat("holds no ", range.first % 2 == 0 ? "odd" : "even",
                                             " port, which parity preserve wants for half of the inside ports"));
  }
  if (behavior.sequential_step == 0) return half.Refuse("sequential_step", "0 never moves on");
  if (behavior.sequential_step != 1 && behavior.port_allocation != PortAllocation::kSequential) {
    return half.Refuse("sequential_step", "has no effect unless port_allocation is sequential");
  }
  const bool preserving = behavior.port_allocation == PortAllocation::kPreserve ||
                          behavior.port_allocation == PortAllocation::kPreserveOverloading;
  if (!preserving && behavior.collision != PortCollision::kRandom) {
    return half.Refuse("collision",
                       absl::StrCat("has no effect with port_allocation ", ToString(behavior.port_allocation)));
  }
  if (behavior.block_ports < 0 || behavior.block_ports > range.size()) {
    return half.Refuse("block_ports", absl::StrCat(behavior.block_ports, " does not fit the ", range.size(), " ports"));
  }
  if (behavior.block_ports == 1 && behavior.parity == PortParity::kPreserve) {
    return half.Refuse("block_ports", "a block of one port holds no port of the other parity");
  }
  if (behavior.block_ports > 0 && behavior.port_allocation == PortAllocation::kPreserveOverloading) {
    return half.Refuse("block_ports", "a block is one host's own, which preserve_overloading contradicts");
  }
  if (behavior.blocks_per_host < 1) return half.Refuse("blocks_per_host", "must be at least 1");
  if (behavior.blocks_per_host > 1 && behavior.block_ports == 0) {
    return half.Refuse("blocks_per_host", "has no effect without block_ports");
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
  if (udp.mapping == Mapping::kConntrack) {
    if (udp.destinations_remembered != 0) {
      return Refuse("udp.destinations_remembered", "a conntrack entry has one remote endpoint, not a ring of them");
    }
    if (udp.filter_timeout) {
      return Refuse("udp.filter_timeout", "a conntrack entry is mapping and filter in one: no life of its own");
    }
  }
  if (udp.unsolicited == Unsolicited::kReset) return Refuse("udp.unsolicited", "a RST answers TCP, not UDP");
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
  for (const Half& half : {Half{"udp", profile.udp}, Half{"tcp", profile.tcp}}) {
    if (half.behavior.collision == PortCollision::kOtherAddress && profile.pooling == Pooling::kPaired &&
        !profile.soft_pairing) {
      return half.Refuse("collision", "other_address contradicts paired pooling without soft_pairing");
    }
  }
  if (profile.pools_per_transport && profile.pooling == Pooling::kArbitrary) {
    return Refuse("pools_per_transport", "has no effect with arbitrary pooling");
  }
  return absl::OkStatus();
}

absl::Status ValidateHalf(const Half& half) {
  if (half.behavior.mapping == Mapping::kConntrack) {
    if (absl::Status status = ValidateConntrack(half); !status.ok()) return status;
  }
  if (half.behavior.port_allocation == PortAllocation::kPreserveOverloading) {
    if (absl::Status status = ValidateOverloading(half); !status.ok()) return status;
  }
  return ValidatePorts(half);
}

absl::Status ValidateTcpTimes(const TcpTimeouts& timeouts) {
  const struct {
    absl::string_view name;
    net::Duration life;
  } lives[] = {
      {"syn_sent", timeouts.syn_sent},
      {"syn_received", timeouts.syn_received},
      {"established", timeouts.established},
      {"fin_wait", timeouts.fin_wait},
      {"close_wait", timeouts.close_wait},
      {"last_ack", timeouts.last_ack},
      {"time_wait", timeouts.time_wait},
      {"close", timeouts.close},
      {"unacknowledged", timeouts.unacknowledged.value_or(timeouts.established)},
      {"retransmitted", timeouts.retransmitted.value_or(timeouts.established)},
  };
  for (const auto& [name, life] : lives) {
    if (life <= net::Duration::zero()) return Refuse(absl::StrCat("tcp.timeouts.", name), "must be positive");
  }
  return absl::OkStatus();
}

absl::Status ValidateTracking(const TcpBehavior& tcp) {
  const TcpTracking& tracking = tcp.tracking;
  const bool answers = tcp.unsolicited != Unsolicited::kDrop && tcp.unsolicited != Unsolicited::kInput;
  if (tcp.unsolicited_hold < net::Duration::zero()) return Refuse("tcp.unsolicited_hold", "must not be negative");
  if (tracking.depth == TcpDepth::kAddresses) {
    constexpr absl::string_view kUnread = "tracking by addresses reads no flags";
    if (!tracking.simultaneous_open) {
      return Refuse("tcp.simultaneous_open", absl::StrCat(kUnread, ": it cannot know a SYN that crosses another"));
    }
    if (answers && tcp.unsolicited_hold > net::Duration::zero()) {
      return Refuse("tcp.unsolicited_hold", absl::StrCat(kUnread, ": it cannot know the SYNs that it would hold"));
    }
    if (tracking.loose) return Refuse("tcp.loose", absl::StrCat(kUnread, ": every segment may be the first"));
    if (tracking.invalid != TcpInvalid::kDrop) {
      return Refuse("tcp.invalid", absl::StrCat(kUnread, ": no segment is invalid"));
    }
    if (tracking.idle == TcpIdle::kResetLate) {
      return Refuse("tcp.idle", absl::StrCat(kUnread, ": a late segment makes a new session"));
    }
  }
  if (tracking.depth < TcpDepth::kLinux) {
    if (tracking.liberal) return Refuse("tcp.liberal", "has no effect with tracking less than linux");
    if (tracking.timeouts.unacknowledged) {
      return Refuse("tcp.timeouts.unacknowledged", "has no effect with tracking less than linux");
    }
    if (tracking.timeouts.retransmitted) {
      return Refuse("tcp.timeouts.retransmitted", "has no effect with tracking less than linux");
    }
  }
  if (tracking.retransmissions_max < 1 || tracking.retransmissions_max > 255) {
    return Refuse("tcp.retransmissions_max", "must be 1 to 255");
  }
  if (tracking.loose && tracking.idle == TcpIdle::kResetLate) {
    return Refuse("tcp.idle", "reset_late contradicts loose: a late segment is picked up");
  }
  if (tcp.mapping == Mapping::kConntrack && tracking.depth == TcpDepth::kAddresses) {
    return Refuse("tcp.tracking", "conntrack reads flags");
  }
  return ValidateTcpTimes(tracking.timeouts);
}

// Blocks of ports belong to a subscriber, not to a transport.
absl::Status ValidateBlocks(const NatProfile& profile) {
  const TransportBehavior& udp = profile.udp;
  const TransportBehavior& tcp = profile.tcp;
  if (udp.block_ports == 0 || tcp.block_ports == 0) return absl::OkStatus();
  if (udp.block_ports != tcp.block_ports || udp.blocks_per_host != tcp.blocks_per_host || udp.ports != tcp.ports) {
    return Refuse("tcp.block_ports", "a subscriber's blocks are those of both transports: same size, number and range");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Validate(const NatProfile& profile) {
  for (const absl::Status& status :
       {ValidateHalf({"udp", profile.udp}), ValidateHalf({"tcp", profile.tcp}), ValidateTimes(profile.udp),
        ValidateFilter(profile.udp), ValidateTracking(profile.tcp), ValidateBlocks(profile), ValidatePooling(profile),
        ValidateLimits(profile), ValidateStatic(profile)}) {
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace pinhole::sim
