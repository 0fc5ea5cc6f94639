#include "sim/nat/validate.h"

#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace pinhole::sim {
namespace {

using Found = std::optional<NatContradiction>;

Found Refuse(NatPart part, NatField field, absl::string_view why) {
  return NatContradiction{part, field, std::string(why)};
}

// The behavior of UDP or of TCP, and the part of the profile in which it stands.
struct Half {
  NatPart part;
  const TransportBehavior& behavior;

  Found Refuse(NatField field, absl::string_view why) const { return sim::Refuse(part, field, why); }
};

// Refuses fields that no NAT built on conntrack could have.
Found CheckConntrack(const Half& half) {
  const TransportBehavior& behavior = half.behavior;
  if (behavior.filtering != Filtering::kAddressAndPortDependent) {
    return half.Refuse(NatField::kFiltering,
                       "conntrack lets in what belongs to a tuple: address_and_port_dependent only");
  }
  if (behavior.filter_memory != FilterMemory::kMapping) {
    return half.Refuse(NatField::kFilterMemory, "a conntrack entry remembers its own remote endpoint: mapping only");
  }
  if (!behavior.inbound_sessions)
    return half.Refuse(NatField::kInboundSessions, "every conntrack entry is a session: true only");
  if (behavior.port_allocation != PortAllocation::kPreserve && behavior.port_allocation != PortAllocation::kRandom) {
    return half.Refuse(NatField::kPortAllocation, "conntrack has preserve, and random (random-fully)");
  }
  if (behavior.collision != PortCollision::kRandom) {
    return half.Refuse(NatField::kCollision, "conntrack draws a random port on collision: random only");
  }
  if (behavior.exhaustion == Exhaustion::kEvictOldest) {
    return half.Refuse(NatField::kExhaustion, "conntrack evicts nothing for want of a port");
  }
  if (behavior.parity != PortParity::kAny) return half.Refuse(NatField::kParity, "conntrack keeps no parity");
  if (behavior.contiguity) return half.Refuse(NatField::kContiguity, "conntrack keeps no contiguity");
  if (behavior.block_ports != 0) return half.Refuse(NatField::kBlockPorts, "conntrack has no blocks");
  if (behavior.hairpin != Hairpin::kNone) {
    return half.Refuse(NatField::kHairpin,
                       "conntrack sees a hairpinned packet before its source is translated, so it matches "
                       "no session: none only");
  }
  return std::nullopt;
}

Found CheckOverloading(const Half& half) {
  const TransportBehavior& behavior = half.behavior;
  switch (behavior.mapping) {
    case Mapping::kEndpointIndependent:
      return half.Refuse(NatField::kPortAllocation,
                         "preserve_overloading contradicts endpoint_independent mapping: two inside endpoints on one "
                         "external port are told apart by the remote endpoint");
    case Mapping::kAddressDependent:
      if (behavior.filtering == Filtering::kEndpointIndependent) {
        return half.Refuse(
            NatField::kFiltering,
            "endpoint_independent contradicts preserve_overloading: a stranger's packet could be for any "
            "inside endpoint on that port");
      }
      return std::nullopt;
    case Mapping::kAddressAndPortDependent:
      if (behavior.filtering != Filtering::kAddressAndPortDependent) {
        return half.Refuse(
            NatField::kFiltering,
            "only address_and_port_dependent goes with preserve_overloading and "
            "address_and_port_dependent mapping: any other packet could be for several inside endpoints");
      }
      return std::nullopt;
    case Mapping::kConntrack:
      break;  // refused by CheckConntrack()
  }
  return std::nullopt;
}

Found CheckPorts(const Half& half) {
  const TransportBehavior& behavior = half.behavior;
  const PortRange range = behavior.ports.value_or(PortRange{});
  if (behavior.ports && (range.first == 0 || range.first > range.last)) {
    return half.Refuse(NatField::kPorts, absl::StrCat(range.first, "-", range.last, " holds no port"));
  }
  if (behavior.parity == PortParity::kPreserve && range.size() == 1) {
    return half.Refuse(NatField::kPorts,
                       absl::StrCat("holds no ", range.first % 2 == 0 ? "odd" : "even",
                                    " port, which parity preserve wants for half of the inside ports"));
  }
  if (behavior.sequential_step == 0) return half.Refuse(NatField::kSequentialStep, "0 never moves on");
  if (behavior.sequential_step != 1 && behavior.port_allocation != PortAllocation::kSequential) {
    return half.Refuse(NatField::kSequentialStep, "has no effect unless port_allocation is sequential");
  }
  const bool preserving = behavior.port_allocation == PortAllocation::kPreserve ||
                          behavior.port_allocation == PortAllocation::kPreserveOverloading;
  if (!preserving && behavior.collision != PortCollision::kRandom) {
    return half.Refuse(NatField::kCollision,
                       absl::StrCat("has no effect with port_allocation ", ToString(behavior.port_allocation)));
  }
  if (behavior.block_ports < 0 || behavior.block_ports > range.size()) {
    return half.Refuse(NatField::kBlockPorts,
                       absl::StrCat(behavior.block_ports, " does not fit the ", range.size(), " ports"));
  }
  if (behavior.block_ports == 1 && behavior.parity == PortParity::kPreserve) {
    return half.Refuse(NatField::kBlockPorts, "a block of one port holds no port of the other parity");
  }
  if (behavior.block_ports > 0 && behavior.port_allocation == PortAllocation::kPreserveOverloading) {
    return half.Refuse(NatField::kBlockPorts, "a block is one host's own, which preserve_overloading contradicts");
  }
  if (behavior.blocks_per_host < 1) return half.Refuse(NatField::kBlocksPerHost, "must be at least 1");
  if (behavior.blocks_per_host > 1 && behavior.block_ports == 0) {
    return half.Refuse(NatField::kBlocksPerHost, "has no effect without block_ports");
  }
  return std::nullopt;
}

Found CheckTimes(const UdpBehavior& udp) {
  const net::Duration zero = net::Duration::zero();
  if (udp.timeouts.first && *udp.timeouts.first <= zero)
    return Refuse(NatPart::kUdp, NatField::kFirstTimeout, "must be positive");
  if (udp.timeouts.unreplied <= zero) return Refuse(NatPart::kUdp, NatField::kUnrepliedTimeout, "must be positive");
  if (udp.timeouts.replied <= zero) return Refuse(NatPart::kUdp, NatField::kRepliedTimeout, "must be positive");
  if (udp.timeouts.assured <= zero) return Refuse(NatPart::kUdp, NatField::kAssuredTimeout, "must be positive");
  if (udp.timeouts.assured_after < zero) return Refuse(NatPart::kUdp, NatField::kAssuredAfter, "must not be negative");
  if (udp.filter_timeout && *udp.filter_timeout <= zero)
    return Refuse(NatPart::kUdp, NatField::kFilterTimeout, "must be positive");
  return std::nullopt;
}

Found CheckFilter(const UdpBehavior& udp) {
  if (udp.mapping == Mapping::kConntrack) {
    if (udp.destinations_remembered != 0) {
      return Refuse(NatPart::kUdp, NatField::kDestinationsRemembered,
                    "a conntrack entry has one remote endpoint, not a ring of them");
    }
    if (udp.filter_timeout) {
      return Refuse(NatPart::kUdp, NatField::kFilterTimeout,
                    "a conntrack entry is mapping and filter in one: no life of its own");
    }
  }
  if (udp.unsolicited == Unsolicited::kReset)
    return Refuse(NatPart::kUdp, NatField::kUnsolicited, "a RST answers TCP, not UDP");
  if (udp.destinations_remembered < 0)
    return Refuse(NatPart::kUdp, NatField::kDestinationsRemembered, "must not be negative");
  if (udp.filtering == Filtering::kEndpointIndependent) {
    if (udp.destinations_remembered > 0) {
      return Refuse(NatPart::kUdp, NatField::kDestinationsRemembered,
                    "has no effect: endpoint_independent filtering asks no memory");
    }
    if (udp.filter_timeout) {
      return Refuse(NatPart::kUdp, NatField::kFilterTimeout,
                    "has no effect: endpoint_independent filtering asks no memory");
    }
  }
  if (udp.poisoning && udp.unsolicited != Unsolicited::kInput) {
    return Refuse(NatPart::kUdp, NatField::kPoisoning, "only accepted packets claim a tuple: needs unsolicited input");
  }
  return std::nullopt;
}

Found CheckStatic(const NatProfile& profile) {
  for (std::size_t i = 0; i < profile.one_to_one.size(); ++i) {
    const OneToOne& pair = profile.one_to_one[i];
    if (!pair.external.is_v4() || !pair.inside.is_v4())
      return Refuse(NatPart::kWhole, NatField::kOneToOne, "translates IPv4 only");
    for (std::size_t j = 0; j < i; ++j) {
      if (profile.one_to_one[j].external == pair.external || profile.one_to_one[j].inside == pair.inside) {
        return Refuse(NatPart::kWhole, NatField::kOneToOne,
                      absl::StrCat(pair.inside.ToString(), " - ", pair.external.ToString(),
                                   " shares an address with an earlier pair"));
      }
    }
  }
  for (std::size_t i = 0; i < profile.port_forwards.size(); ++i) {
    const PortForward& forward = profile.port_forwards[i];
    if (!forward.external.address().is_v4() || !forward.inside.address().is_v4()) {
      return Refuse(NatPart::kWhole, NatField::kPortForwards, "translates IPv4 only");
    }
    if (forward.external.port() == 0 || forward.inside.port() == 0)
      return Refuse(NatPart::kWhole, NatField::kPortForwards, "port 0");
    for (std::size_t j = 0; j < i; ++j) {
      if (profile.port_forwards[j].external == forward.external) {
        return Refuse(NatPart::kWhole, NatField::kPortForwards,
                      absl::StrCat(forward.external.ToString(), " is forwarded twice"));
      }
    }
    for (const OneToOne& pair : profile.one_to_one) {
      if (pair.external == forward.external.address()) {
        return Refuse(
            NatPart::kWhole, NatField::kPortForwards,
            absl::StrCat(forward.external.ToString(), " is wholly ", pair.inside.ToString(), "'s by one_to_one"));
      }
    }
  }
  return std::nullopt;
}

Found CheckLimits(const NatProfile& profile) {
  if (profile.mappings_max < 0) return Refuse(NatPart::kWhole, NatField::kMappingsMax, "must not be negative");
  if (profile.mappings_per_host_max < 0)
    return Refuse(NatPart::kWhole, NatField::kMappingsPerHostMax, "must not be negative");
  const bool both = profile.mappings_max > 0 && profile.mappings_per_host_max > 0;
  if (both && profile.mappings_per_host_max > profile.mappings_max) {
    return Refuse(NatPart::kWhole, NatField::kMappingsPerHostMax, "can never be reached: mappings_max is lower");
  }
  if (profile.when_full != WhenFull::kRefuse && profile.mappings_max == 0 && profile.mappings_per_host_max == 0) {
    return Refuse(NatPart::kWhole, NatField::kWhenFull, "has no effect without mappings_max or mappings_per_host_max");
  }
  return std::nullopt;
}

Found CheckPooling(const NatProfile& profile) {
  if (profile.soft_pairing && profile.pooling == Pooling::kArbitrary) {
    return Refuse(NatPart::kWhole, NatField::kSoftPairing, "has no effect with arbitrary pooling");
  }
  for (const Half& half : {Half{NatPart::kUdp, profile.udp}, Half{NatPart::kTcp, profile.tcp}}) {
    if (half.behavior.collision == PortCollision::kOtherAddress && profile.pooling == Pooling::kPaired &&
        !profile.soft_pairing) {
      return half.Refuse(NatField::kCollision, "other_address contradicts paired pooling without soft_pairing");
    }
  }
  if (profile.pools_per_transport && profile.pooling == Pooling::kArbitrary) {
    return Refuse(NatPart::kWhole, NatField::kPoolsPerTransport, "has no effect with arbitrary pooling");
  }
  return std::nullopt;
}

Found CheckHalf(const Half& half) {
  if (half.behavior.mapping == Mapping::kConntrack) {
    if (Found found = CheckConntrack(half)) return found;
  }
  if (half.behavior.port_allocation == PortAllocation::kPreserveOverloading) {
    if (Found found = CheckOverloading(half)) return found;
  }
  return CheckPorts(half);
}

Found CheckTcpTimes(const TcpTimeouts& timeouts) {
  const struct {
    NatField field;
    net::Duration life;
  } lives[] = {
      {NatField::kSynSentTimeout, timeouts.syn_sent},
      {NatField::kSynReceivedTimeout, timeouts.syn_received},
      {NatField::kEstablishedTimeout, timeouts.established},
      {NatField::kFinWaitTimeout, timeouts.fin_wait},
      {NatField::kCloseWaitTimeout, timeouts.close_wait},
      {NatField::kLastAckTimeout, timeouts.last_ack},
      {NatField::kTimeWaitTimeout, timeouts.time_wait},
      {NatField::kCloseTimeout, timeouts.close},
      {NatField::kUnacknowledgedTimeout, timeouts.unacknowledged.value_or(timeouts.established)},
      {NatField::kRetransmittedTimeout, timeouts.retransmitted.value_or(timeouts.established)},
  };
  for (const auto& [field, life] : lives) {
    if (life <= net::Duration::zero()) return Refuse(NatPart::kTcp, field, "must be positive");
  }
  return std::nullopt;
}

Found CheckTracking(const TcpBehavior& tcp) {
  const TcpTracking& tracking = tcp.tracking;
  const bool answers = tcp.unsolicited != Unsolicited::kDrop && tcp.unsolicited != Unsolicited::kInput;
  if (tcp.unsolicited_hold < net::Duration::zero())
    return Refuse(NatPart::kTcp, NatField::kUnsolicitedHold, "must not be negative");
  if (tracking.depth == TcpDepth::kAddresses) {
    constexpr absl::string_view kUnread = "tracking by addresses reads no flags";
    if (!tracking.simultaneous_open) {
      return Refuse(NatPart::kTcp, NatField::kSimultaneousOpen,
                    absl::StrCat(kUnread, ": it cannot know a SYN that crosses another"));
    }
    if (answers && tcp.unsolicited_hold > net::Duration::zero()) {
      return Refuse(NatPart::kTcp, NatField::kUnsolicitedHold,
                    absl::StrCat(kUnread, ": it cannot know the SYNs that it would hold"));
    }
    if (tracking.loose)
      return Refuse(NatPart::kTcp, NatField::kLoose, absl::StrCat(kUnread, ": every segment may be the first"));
    if (tracking.invalid != TcpInvalid::kDrop) {
      return Refuse(NatPart::kTcp, NatField::kInvalid, absl::StrCat(kUnread, ": no segment is invalid"));
    }
    if (tracking.idle == TcpIdle::kResetLate) {
      return Refuse(NatPart::kTcp, NatField::kIdle, absl::StrCat(kUnread, ": a late segment makes a new session"));
    }
  }
  if (tracking.depth < TcpDepth::kLinux) {
    if (tracking.liberal)
      return Refuse(NatPart::kTcp, NatField::kLiberal, "has no effect with tracking less than linux");
    if (tracking.timeouts.unacknowledged) {
      return Refuse(NatPart::kTcp, NatField::kUnacknowledgedTimeout, "has no effect with tracking less than linux");
    }
    if (tracking.timeouts.retransmitted) {
      return Refuse(NatPart::kTcp, NatField::kRetransmittedTimeout, "has no effect with tracking less than linux");
    }
  }
  if (tracking.retransmissions_max < 1 || tracking.retransmissions_max > 255) {
    return Refuse(NatPart::kTcp, NatField::kRetransmissionsMax, "must be 1 to 255");
  }
  if (tracking.loose && tracking.idle == TcpIdle::kResetLate) {
    return Refuse(NatPart::kTcp, NatField::kIdle, "reset_late contradicts loose: a late segment is picked up");
  }
  if (tcp.mapping == Mapping::kConntrack && tracking.depth == TcpDepth::kAddresses) {
    return Refuse(NatPart::kTcp, NatField::kTracking, "conntrack reads flags");
  }
  return CheckTcpTimes(tracking.timeouts);
}

// Blocks of ports belong to a subscriber, so they must be the same for both transports.
Found CheckBlocks(const NatProfile& profile) {
  const TransportBehavior& udp = profile.udp;
  const TransportBehavior& tcp = profile.tcp;
  if (udp.block_ports == 0 || tcp.block_ports == 0) return std::nullopt;
  if (udp.block_ports != tcp.block_ports || udp.blocks_per_host != tcp.blocks_per_host || udp.ports != tcp.ports) {
    return Refuse(NatPart::kTcp, NatField::kBlockPorts,
                  "a subscriber's blocks are those of both transports: same size, number and range");
  }
  return std::nullopt;
}

}  // namespace

std::optional<NatContradiction> FindContradiction(const NatProfile& profile) {
  for (Found& found :
       std::array{CheckHalf({NatPart::kUdp, profile.udp}), CheckHalf({NatPart::kTcp, profile.tcp}),
                  CheckTimes(profile.udp), CheckFilter(profile.udp), CheckTracking(profile.tcp), CheckBlocks(profile),
                  CheckPooling(profile), CheckLimits(profile), CheckStatic(profile)}) {
    if (found) return std::move(found);
  }
  return std::nullopt;
}

}  // namespace pinhole::sim
