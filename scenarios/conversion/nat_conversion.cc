#include "scenarios/conversion/nat_conversion.h"

#include <chrono>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "net/contract.h"
#include "sim/nat/validate.h"

namespace pinhole::scenarios {
namespace {

net::Duration Micros(std::uint64_t us) { return std::chrono::microseconds(us); }

sim::Mapping Convert(proto::Mapping::Kind value) {
  switch (value) {
    case proto::Mapping::ENDPOINT_INDEPENDENT:
      return sim::Mapping::kEndpointIndependent;
    case proto::Mapping::ADDRESS_DEPENDENT:
      return sim::Mapping::kAddressDependent;
    case proto::Mapping::ADDRESS_AND_PORT_DEPENDENT:
      return sim::Mapping::kAddressAndPortDependent;
    case proto::Mapping::PER_TUPLE:
      return sim::Mapping::kConntrack;
  }
  net::CannotHappen();
}

sim::Filtering Convert(proto::Filtering::Kind value) {
  switch (value) {
    case proto::Filtering::ENDPOINT_INDEPENDENT:
      return sim::Filtering::kEndpointIndependent;
    case proto::Filtering::ADDRESS_DEPENDENT:
      return sim::Filtering::kAddressDependent;
    case proto::Filtering::ADDRESS_AND_PORT_DEPENDENT:
      return sim::Filtering::kAddressAndPortDependent;
  }
  net::CannotHappen();
}

sim::FilterMemory Convert(proto::FilterMemory::Scope value) {
  switch (value) {
    case proto::FilterMemory::PER_ENDPOINT:
      return sim::FilterMemory::kEndpoint;
    case proto::FilterMemory::PER_MAPPING:
      return sim::FilterMemory::kMapping;
  }
  net::CannotHappen();
}

sim::PortAllocation Convert(proto::PortAllocation::Policy value) {
  switch (value) {
    case proto::PortAllocation::PRESERVE:
      return sim::PortAllocation::kPreserve;
    case proto::PortAllocation::PRESERVE_WITH_OVERLOADING:
      return sim::PortAllocation::kPreserveOverloading;
    case proto::PortAllocation::SEQUENTIAL:
      return sim::PortAllocation::kSequential;
    case proto::PortAllocation::RANDOM:
      return sim::PortAllocation::kRandom;
  }
  net::CannotHappen();
}

sim::PortCollision Convert(proto::PortAllocation::Collision::Answer value) {
  switch (value) {
    case proto::PortAllocation::Collision::RANDOM:
      return sim::PortCollision::kRandom;
    case proto::PortAllocation::Collision::NEXT:
      return sim::PortCollision::kNextFree;
    case proto::PortAllocation::Collision::REFUSE:
      return sim::PortCollision::kRefuse;
    case proto::PortAllocation::Collision::OTHER_ADDRESS:
      return sim::PortCollision::kOtherAddress;
    case proto::PortAllocation::Collision::TAKE_OVER:
      return sim::PortCollision::kTakeOver;
  }
  net::CannotHappen();
}

sim::Exhaustion Convert(proto::PortAllocation::Exhaustion::Answer value) {
  switch (value) {
    case proto::PortAllocation::Exhaustion::REFUSE:
      return sim::Exhaustion::kDrop;
    case proto::PortAllocation::Exhaustion::EVICT_OLDEST:
      return sim::Exhaustion::kEvictOldest;
    case proto::PortAllocation::Exhaustion::ICMP_ADMIN_PROHIBITED:
      return sim::Exhaustion::kAdminProhibited;
  }
  net::CannotHappen();
}

sim::Refresh Convert(proto::Refresh::Kind value) {
  switch (value) {
    case proto::Refresh::OUTBOUND:
      return sim::Refresh::kOutbound;
    case proto::Refresh::INBOUND:
      return sim::Refresh::kInbound;
    case proto::Refresh::BOTH:
      return sim::Refresh::kBoth;
    case proto::Refresh::NONE:
      return sim::Refresh::kNone;
  }
  net::CannotHappen();
}

sim::Hairpin Convert(proto::Hairpin::Kind value) {
  switch (value) {
    case proto::Hairpin::NONE:
      return sim::Hairpin::kNone;
    case proto::Hairpin::INTERNAL_SOURCE:
      return sim::Hairpin::kInternalSource;
    case proto::Hairpin::EXTERNAL_SOURCE:
      return sim::Hairpin::kExternalSource;
  }
  net::CannotHappen();
}

sim::TcpInvalid Convert(proto::TcpInvalid::Answer value) {
  switch (value) {
    case proto::TcpInvalid::DROP:
      return sim::TcpInvalid::kDrop;
    case proto::TcpInvalid::LEAK:
      return sim::TcpInvalid::kLeak;
    case proto::TcpInvalid::RST:
      return sim::TcpInvalid::kReset;
    case proto::TcpInvalid::INPUT:
      return sim::TcpInvalid::kInput;
  }
  net::CannotHappen();
}

sim::TcpOnReset Convert(proto::TcpReset::Effect value) {
  switch (value) {
    case proto::TcpReset::CLOSES:
      return sim::TcpOnReset::kClose;
    case proto::TcpReset::DELETES:
      return sim::TcpOnReset::kForget;
    case proto::TcpReset::TRANSITORY:
      return sim::TcpOnReset::kTransitory;
    case proto::TcpReset::IGNORED:
      return sim::TcpOnReset::kIgnore;
  }
  net::CannotHappen();
}

sim::TcpIdle Convert(proto::TcpIdle::Answer value) {
  switch (value) {
    case proto::TcpIdle::SILENT:
      return sim::TcpIdle::kSilent;
    case proto::TcpIdle::RST_LATE:
      return sim::TcpIdle::kResetLate;
    case proto::TcpIdle::RST_BOTH:
      return sim::TcpIdle::kResetBoth;
  }
  net::CannotHappen();
}

sim::WhenFull Convert(proto::NatLimits::WhenFull value) {
  switch (value) {
    case proto::NatLimits::REFUSE:
      return sim::WhenFull::kRefuse;
    case proto::NatLimits::EVICT_OLDEST:
      return sim::WhenFull::kEvictOldest;
    case proto::NatLimits::REBOOT:
      return sim::WhenFull::kReboot;
  }
  net::CannotHappen();
}

// Converts the fields that UdpNat and TcpNat share.
template <typename TransportNat>
void ConvertTransport(const TransportNat& nat, sim::TransportBehavior& behavior) {
  behavior.mapping = Convert(nat.mapping());
  behavior.filtering = Convert(nat.filtering());
  behavior.filter_memory = Convert(nat.filter_memory());
  behavior.inbound_sessions = nat.inbound_sessions();

  const proto::PortAllocation& ports = nat.ports();
  behavior.port_allocation = Convert(ports.policy());
  behavior.sequential_step = ports.step();
  if (ports.has_first_port() || ports.has_last_port()) {
    behavior.ports =
        sim::PortRange{static_cast<std::uint16_t>(ports.first_port()), static_cast<std::uint16_t>(ports.last_port())};
  }
  behavior.parity = ports.keep_parity() ? sim::PortParity::kPreserve : sim::PortParity::kAny;
  behavior.contiguity = ports.keep_contiguity();
  behavior.collision = Convert(ports.on_collision());
  behavior.exhaustion = Convert(ports.on_exhaustion());
  behavior.block_ports = static_cast<int>(ports.block_ports());
  behavior.blocks_per_host = static_cast<int>(ports.blocks_per_host());

  behavior.hairpin = Convert(nat.hairpin());
  behavior.unsolicited = ToUnsolicited(nat.unsolicited());
}

sim::UdpBehavior ToUdpBehavior(const proto::UdpNat& udp) {
  sim::UdpBehavior behavior;
  ConvertTransport(udp, behavior);
  behavior.destinations_remembered = static_cast<int>(udp.destination_ring());
  if (udp.has_filter_timeout_us()) behavior.filter_timeout = Micros(udp.filter_timeout_us());
  behavior.refresh = Convert(udp.refresh());
  if (udp.has_first_timeout_us()) behavior.timeouts.first = Micros(udp.first_timeout_us());
  behavior.timeouts.unreplied =
      Micros(udp.has_unreplied_timeout_us() ? udp.unreplied_timeout_us() : udp.idle_timeout_us());
  behavior.timeouts.replied = Micros(udp.idle_timeout_us());
  behavior.timeouts.assured = Micros(udp.has_assured_timeout_us() ? udp.assured_timeout_us() : udp.idle_timeout_us());
  behavior.timeouts.assured_after = Micros(udp.assured_after_us());
  behavior.poisoning = udp.unsolicited_claims_tuple();
  return behavior;
}

sim::TcpBehavior ToTcpBehavior(proto::TcpNat tcp) {
  FillDependentDefaults(&tcp);
  sim::TcpBehavior behavior;
  ConvertTransport(tcp, behavior);
  behavior.unsolicited_hold = Micros(tcp.unsolicited_hold_us());
  sim::TcpTracking& tracking = behavior.tracking;
  tracking.depth = ToTcpDepth(tcp.tracking());
  tracking.simultaneous_open = tcp.simultaneous_open();
  tracking.loose = tcp.loose();
  tracking.liberal = tcp.liberal();
  tracking.invalid = Convert(tcp.invalid());
  tracking.on_reset = Convert(tcp.on_reset());
  tracking.idle = Convert(tcp.idle());
  tracking.retransmissions_max = static_cast<int>(tcp.retransmissions_max());
  sim::TcpTimeouts& timeouts = tracking.timeouts;
  timeouts.syn_sent = Micros(tcp.syn_sent_timeout_us());
  timeouts.syn_received = Micros(tcp.syn_received_timeout_us());
  timeouts.established = Micros(tcp.established_timeout_us());
  timeouts.fin_wait = Micros(tcp.fin_wait_timeout_us());
  timeouts.close_wait = Micros(tcp.close_wait_timeout_us());
  timeouts.last_ack = Micros(tcp.last_ack_timeout_us());
  timeouts.time_wait = Micros(tcp.time_wait_timeout_us());
  timeouts.close = Micros(tcp.close_timeout_us());
  if (tcp.has_unacknowledged_timeout_us()) timeouts.unacknowledged = Micros(tcp.unacknowledged_timeout_us());
  if (tcp.has_retransmitted_timeout_us()) timeouts.retransmitted = Micros(tcp.retransmitted_timeout_us());
  return behavior;
}

// Where the schema has a field of the simulator's profile: under `udp`, under `tcp` or in proto::Nat itself.
struct FieldPathRow {
  sim::NatField field;
  absl::string_view path;
};
constexpr FieldPathRow kFieldPaths[] = {
    {sim::NatField::kFiltering, "filtering"},
    {sim::NatField::kFilterMemory, "filter_memory"},
    {sim::NatField::kInboundSessions, "inbound_sessions"},
    {sim::NatField::kPortAllocation, "ports.policy"},
    {sim::NatField::kSequentialStep, "ports.step"},
    {sim::NatField::kPorts, "ports.first_port"},
    {sim::NatField::kParity, "ports.keep_parity"},
    {sim::NatField::kContiguity, "ports.keep_contiguity"},
    {sim::NatField::kCollision, "ports.on_collision"},
    {sim::NatField::kExhaustion, "ports.on_exhaustion"},
    {sim::NatField::kBlockPorts, "ports.block_ports"},
    {sim::NatField::kBlocksPerHost, "ports.blocks_per_host"},
    {sim::NatField::kHairpin, "hairpin"},
    {sim::NatField::kUnsolicited, "unsolicited"},
    {sim::NatField::kFirstTimeout, "first_timeout_us"},
    {sim::NatField::kUnrepliedTimeout, "unreplied_timeout_us"},
    {sim::NatField::kRepliedTimeout, "idle_timeout_us"},
    {sim::NatField::kAssuredTimeout, "assured_timeout_us"},
    {sim::NatField::kAssuredAfter, "assured_after_us"},
    {sim::NatField::kDestinationsRemembered, "destination_ring"},
    {sim::NatField::kFilterTimeout, "filter_timeout_us"},
    {sim::NatField::kPoisoning, "unsolicited_claims_tuple"},
    {sim::NatField::kTracking, "tracking"},
    {sim::NatField::kSimultaneousOpen, "simultaneous_open"},
    {sim::NatField::kLoose, "loose"},
    {sim::NatField::kLiberal, "liberal"},
    {sim::NatField::kInvalid, "invalid"},
    {sim::NatField::kIdle, "idle"},
    {sim::NatField::kRetransmissionsMax, "retransmissions_max"},
    {sim::NatField::kSynSentTimeout, "syn_sent_timeout_us"},
    {sim::NatField::kSynReceivedTimeout, "syn_received_timeout_us"},
    {sim::NatField::kEstablishedTimeout, "established_timeout_us"},
    {sim::NatField::kFinWaitTimeout, "fin_wait_timeout_us"},
    {sim::NatField::kCloseWaitTimeout, "close_wait_timeout_us"},
    {sim::NatField::kLastAckTimeout, "last_ack_timeout_us"},
    {sim::NatField::kTimeWaitTimeout, "time_wait_timeout_us"},
    {sim::NatField::kCloseTimeout, "close_timeout_us"},
    {sim::NatField::kUnacknowledgedTimeout, "unacknowledged_timeout_us"},
    {sim::NatField::kRetransmittedTimeout, "retransmitted_timeout_us"},
    {sim::NatField::kUnsolicitedHold, "unsolicited_hold_us"},
    {sim::NatField::kSoftPairing, "pool.soft_pairing"},
    {sim::NatField::kPoolsPerTransport, "pool.per_transport"},
    {sim::NatField::kPortForwards, "static_forward"},
    {sim::NatField::kOneToOne, "one_to_one"},
    {sim::NatField::kMappingsMax, "limits.mappings_max"},
    {sim::NatField::kMappingsPerHostMax, "limits.mappings_per_host_max"},
    {sim::NatField::kWhenFull, "limits.when_full"},
};

constexpr bool HasEveryFieldInOrder() {
  if (std::size(kFieldPaths) != sim::kNatFieldCount) return false;
  for (std::size_t i = 0; i < std::size(kFieldPaths); ++i) {
    if (kFieldPaths[i].field != static_cast<sim::NatField>(i)) return false;
  }
  return true;
}
static_assert(HasEveryFieldInOrder());

std::string FieldPathOf(const sim::NatContradiction& found) {
  const absl::string_view path = kFieldPaths[static_cast<std::size_t>(found.field)].path;
  switch (found.part) {
    case sim::NatPart::kWhole:
      return std::string(path);
    case sim::NatPart::kUdp:
      return absl::StrCat("udp.", path);
    case sim::NatPart::kTcp:
      return absl::StrCat("tcp.", path);
  }
  net::CannotHappen();
}

}  // namespace

void FillDependentDefaults(proto::UdpNat* udp) {
  if (!udp->has_unreplied_timeout_us()) udp->set_unreplied_timeout_us(udp->idle_timeout_us());
  if (!udp->has_assured_timeout_us()) udp->set_assured_timeout_us(udp->idle_timeout_us());
}

void FillDependentDefaults(proto::TcpNat* tcp) {
  const std::uint64_t transitory = tcp->transitory_timeout_us();
  const std::uint64_t established = tcp->established_timeout_us();
  if (!tcp->has_syn_sent_timeout_us()) tcp->set_syn_sent_timeout_us(transitory);
  if (!tcp->has_syn_received_timeout_us()) tcp->set_syn_received_timeout_us(transitory);
  if (!tcp->has_fin_wait_timeout_us()) tcp->set_fin_wait_timeout_us(established);
  if (!tcp->has_close_wait_timeout_us()) tcp->set_close_wait_timeout_us(established);
  if (!tcp->has_last_ack_timeout_us()) tcp->set_last_ack_timeout_us(transitory);
  if (!tcp->has_time_wait_timeout_us()) tcp->set_time_wait_timeout_us(transitory);
  if (!tcp->has_close_timeout_us()) tcp->set_close_timeout_us(transitory);
}

sim::Unsolicited ToUnsolicited(proto::Unsolicited::Answer value) {
  switch (value) {
    case proto::Unsolicited::DROP:
      return sim::Unsolicited::kDrop;
    case proto::Unsolicited::TCP_RST:
      return sim::Unsolicited::kReset;
    case proto::Unsolicited::ICMP_PORT_UNREACHABLE:
      return sim::Unsolicited::kPortUnreachable;
    case proto::Unsolicited::ICMP_HOST_UNREACHABLE:
      return sim::Unsolicited::kHostUnreachable;
    case proto::Unsolicited::ICMP_ADMIN_PROHIBITED:
      return sim::Unsolicited::kAdminProhibited;
    case proto::Unsolicited::INPUT:
      return sim::Unsolicited::kInput;
  }
  net::CannotHappen();
}

sim::TcpDepth ToTcpDepth(proto::TcpTracking::Depth value) {
  switch (value) {
    case proto::TcpTracking::ADDRESSES:
      return sim::TcpDepth::kAddresses;
    case proto::TcpTracking::FLAGS:
      return sim::TcpDepth::kFlags;
    case proto::TcpTracking::SYN_ACK_NUMBER:
      return sim::TcpDepth::kSynAckNumber;
    case proto::TcpTracking::WINDOW:
      return sim::TcpDepth::kWindow;
    case proto::TcpTracking::LINUX:
      return sim::TcpDepth::kLinux;
    case proto::TcpTracking::REWRITES_ISN:
      return sim::TcpDepth::kRewritesIsn;
  }
  net::CannotHappen();
}

sim::NatProfile ToNatProfile(const proto::Nat& nat) {
  sim::NatProfile profile;
  profile.udp = ToUdpBehavior(nat.udp());
  profile.tcp = ToTcpBehavior(nat.tcp());
  profile.pooling =
      nat.pool().pooling() == proto::AddressPool::PAIRED ? sim::Pooling::kPaired : sim::Pooling::kArbitrary;
  profile.soft_pairing = nat.pool().soft_pairing();
  profile.pools_per_transport = nat.pool().per_transport();
  for (const proto::StaticForward& forward : nat.static_forward()) {
    const std::uint32_t inside_port = forward.has_port() ? forward.port() : forward.external_port();
    profile.port_forwards.push_back(
        {net::SocketAddress(net::IpAddress(), static_cast<std::uint16_t>(forward.external_port())),
         net::SocketAddress(net::IpAddress::Parse(forward.address()).value_or(net::IpAddress()),
                            static_cast<std::uint16_t>(inside_port))});
  }
  for (const proto::OneToOne& pair : nat.one_to_one()) {
    profile.one_to_one.push_back({net::IpAddress::Parse(pair.external()).value_or(net::IpAddress()),
                                  net::IpAddress::Parse(pair.inside()).value_or(net::IpAddress())});
  }
  profile.mappings_max = static_cast<int>(nat.limits().mappings_max());
  profile.mappings_per_host_max = static_cast<int>(nat.limits().mappings_per_host_max());
  profile.when_full = Convert(nat.limits().when_full());
  profile.icmp_errors_translated = nat.icmp().errors_translated();
  profile.icmp_errors_close = nat.icmp().errors_close_mapping();
  profile.routes_inside = nat.routes_between_inside_networks();
  return profile;
}

std::optional<Contradiction> FindContradiction(const proto::Nat& nat) {
  for (const bool tcp : {false, true}) {
    const proto::PortAllocation& ports = tcp ? nat.tcp().ports() : nat.udp().ports();
    if (ports.has_first_port() == ports.has_last_port()) continue;
    return Contradiction{
        absl::StrCat(tcp ? "tcp" : "udp", ".ports.", ports.has_first_port() ? "first" : "last", "_port"),
        "a port range needs both first_port and last_port"};
  }
  if (nat.udp().unsolicited() == proto::Unsolicited::TCP_RST) {
    return Contradiction{"udp.unsolicited", "TCP_RST answers TCP; UDP has DROP, INPUT and the ICMP answers"};
  }
  const std::optional<sim::NatContradiction> found = sim::FindContradiction(ToNatProfile(nat));
  if (!found) return std::nullopt;
  return Contradiction{FieldPathOf(*found), found->why};
}

}  // namespace pinhole::scenarios
