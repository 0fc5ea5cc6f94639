#include <chrono>
#include <optional>

#include "absl/strings/str_cat.h"
#include "scenarios/plan.h"

// The schema's NAT in the simulator's words.
namespace pinhole::scenarios {
namespace {

using std::chrono::microseconds;

sim::Mapping ToMapping(proto::Mapping::Kind kind) {
  switch (kind) {
    case proto::Mapping::ENDPOINT_INDEPENDENT:
      return sim::Mapping::kEndpointIndependent;
    case proto::Mapping::ADDRESS_DEPENDENT:
      return sim::Mapping::kAddressDependent;
    case proto::Mapping::ADDRESS_AND_PORT_DEPENDENT:
      return sim::Mapping::kAddressAndPortDependent;
    case proto::Mapping::PER_TUPLE:
      return sim::Mapping::kConntrack;
  }
  return sim::Mapping::kEndpointIndependent;
}

sim::Filtering ToFiltering(proto::Filtering::Kind kind) {
  switch (kind) {
    case proto::Filtering::ENDPOINT_INDEPENDENT:
      return sim::Filtering::kEndpointIndependent;
    case proto::Filtering::ADDRESS_DEPENDENT:
      return sim::Filtering::kAddressDependent;
    case proto::Filtering::ADDRESS_AND_PORT_DEPENDENT:
      return sim::Filtering::kAddressAndPortDependent;
  }
  return sim::Filtering::kAddressAndPortDependent;
}

sim::Hairpin ToHairpin(proto::Hairpin::Kind kind) {
  switch (kind) {
    case proto::Hairpin::NONE:
      return sim::Hairpin::kNone;
    case proto::Hairpin::INTERNAL_SOURCE:
      return sim::Hairpin::kInternalSource;
    case proto::Hairpin::EXTERNAL_SOURCE:
      return sim::Hairpin::kExternalSource;
  }
  return sim::Hairpin::kNone;
}

sim::Unsolicited ToUnsolicited(proto::Unsolicited::Answer answer) {
  switch (answer) {
    case proto::Unsolicited::DROP:
    case proto::Unsolicited::TCP_RST:
      return sim::Unsolicited::kDrop;
    case proto::Unsolicited::ICMP_PORT_UNREACHABLE:
      return sim::Unsolicited::kPortUnreachable;
    case proto::Unsolicited::ICMP_HOST_UNREACHABLE:
      return sim::Unsolicited::kHostUnreachable;
    case proto::Unsolicited::ICMP_ADMIN_PROHIBITED:
      return sim::Unsolicited::kAdminProhibited;
  }
  return sim::Unsolicited::kDrop;
}

sim::Refresh ToRefresh(proto::Refresh::Kind kind) {
  switch (kind) {
    case proto::Refresh::OUTBOUND:
      return sim::Refresh::kOutbound;
    case proto::Refresh::INBOUND:
      return sim::Refresh::kInbound;
    case proto::Refresh::BOTH:
      return sim::Refresh::kBoth;
    case proto::Refresh::NONE:
      return sim::Refresh::kNone;
  }
  return sim::Refresh::kBoth;
}

void SetPorts(const proto::PortAllocation& ports, sim::UdpBehavior& udp) {
  switch (ports.policy()) {
    case proto::PortAllocation::PRESERVE:
      udp.port_allocation = sim::PortAllocation::kPreserve;
      break;
    case proto::PortAllocation::PRESERVE_WITH_OVERLOADING:
      udp.port_allocation = sim::PortAllocation::kPreserveOverloading;
      break;
    case proto::PortAllocation::SEQUENTIAL:
      udp.port_allocation = sim::PortAllocation::kSequential;
      break;
    case proto::PortAllocation::RANDOM:
      udp.port_allocation = sim::PortAllocation::kRandom;
      break;
  }
  udp.sequential_step = static_cast<int>(ports.step());
  const sim::PortRange range = {static_cast<std::uint16_t>(ports.first_port()),
                                static_cast<std::uint16_t>(ports.last_port())};
  // With classes, a range says only where the ports of the highest class go; its own default is that class.
  if (!ports.keep_class() || range != sim::PortRange{}) udp.ports = range;
  udp.parity = ports.keep_parity() ? sim::PortParity::kPreserve : sim::PortParity::kAny;
  udp.contiguity = ports.keep_contiguity();
  switch (ports.on_collision()) {
    case proto::PortAllocation::Collision::RANDOM:
      udp.collision = sim::PortCollision::kRandom;
      break;
    case proto::PortAllocation::Collision::NEXT:
      udp.collision = sim::PortCollision::kNextFree;
      break;
    case proto::PortAllocation::Collision::REFUSE:
      udp.collision = sim::PortCollision::kRefuse;
      break;
  }
  switch (ports.on_exhaustion()) {
    case proto::PortAllocation::Exhaustion::REFUSE:
      udp.exhaustion = sim::Exhaustion::kDrop;
      break;
    case proto::PortAllocation::Exhaustion::EVICT_OLDEST:
      udp.exhaustion = sim::Exhaustion::kEvictOldest;
      break;
  }
  udp.block_ports = static_cast<int>(ports.block_size());
}

}  // namespace

absl::StatusOr<sim::NatProfile> ToNatProfile(const proto::Nat& nat) {
  sim::NatProfile profile;
  const proto::UdpNat& from = nat.udp();
  sim::UdpBehavior& udp = profile.udp;
  udp.mapping = ToMapping(from.mapping());
  udp.filtering = ToFiltering(from.filtering());
  udp.filter_memory = from.filter_memory() == proto::FilterMemory::PER_ENDPOINT ? sim::FilterMemory::kEndpoint
                                                                                : sim::FilterMemory::kMapping;
  udp.inbound_sessions = from.inbound_sessions();
  udp.destinations_remembered = static_cast<int>(from.destination_ring());
  if (from.has_filter_timeout_us()) udp.filter_timeout = microseconds(from.filter_timeout_us());
  SetPorts(from.ports(), udp);
  udp.refresh = ToRefresh(from.refresh());
  const auto idle = microseconds(from.idle_timeout_us());
  udp.timeouts.replied = idle;
  udp.timeouts.unreplied = from.has_unreplied_timeout_us() ? microseconds(from.unreplied_timeout_us()) : idle;
  udp.timeouts.assured = from.has_assured_timeout_us() ? microseconds(from.assured_timeout_us()) : idle;
  udp.timeouts.assured_after = microseconds(from.assured_after_us());
  udp.hairpin = ToHairpin(from.hairpin());
  udp.unsolicited = ToUnsolicited(from.unsolicited());
  if (from.unsolicited_claims_tuple()) {
    udp.unsolicited = sim::Unsolicited::kInput;
    udp.poisoning = true;
  }
  profile.pooling =
      nat.pool().pooling() == proto::AddressPool::PAIRED ? sim::Pooling::kPaired : sim::Pooling::kArbitrary;
  for (const proto::StaticForward& forward : nat.static_forward()) {
    const std::optional<net::IpAddress> inside = net::IpAddress::Parse(forward.address());
    if (!inside) {
      return absl::InvalidArgumentError(
          absl::StrCat("nat \"", nat.name(), "\": static_forward: \"", forward.address(), "\" is no address"));
    }
    const std::uint16_t external_port = static_cast<std::uint16_t>(forward.external_port());
    const std::uint16_t port = forward.has_port() ? static_cast<std::uint16_t>(forward.port()) : external_port;
    profile.port_forwards.push_back(
        {.external = net::SocketAddress(net::IpAddress(), external_port), .inside = net::SocketAddress(*inside, port)});
  }
  profile.mappings_max = static_cast<int>(nat.limits().mappings_max());
  profile.mappings_per_host_max = static_cast<int>(nat.limits().mappings_per_host_max());
  switch (nat.limits().when_full()) {
    case proto::NatLimits::REFUSE:
      profile.when_full = sim::WhenFull::kRefuse;
      break;
    case proto::NatLimits::EVICT_OLDEST:
      profile.when_full = sim::WhenFull::kEvictOldest;
      break;
    case proto::NatLimits::REBOOT:
      profile.when_full = sim::WhenFull::kReboot;
      break;
  }
  profile.icmp_errors_translated = nat.icmp().errors_translated();
  profile.icmp_errors_close = nat.icmp().errors_close_mapping();
  profile.routes_inside = nat.routes_between_inside_networks();
  if (absl::Status status = sim::Validate(profile); !status.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("nat \"", nat.name(), "\": ", status.message()));
  }
  return profile;
}

}  // namespace pinhole::scenarios
