#include "scenarios/conversion/firewall_conversion.h"

#include <algorithm>
#include <chrono>

#include "absl/strings/str_cat.h"
#include "net/contract.h"

namespace pinhole::scenarios {
namespace {

sim::EgressPolicy::Answer Convert(proto::Firewall::Blocked::Answer value) {
  switch (value) {
    case proto::Firewall::Blocked::DROP:
      return sim::EgressPolicy::Answer::kDrop;
    case proto::Firewall::Blocked::ICMP_ADMIN_PROHIBITED:
      return sim::EgressPolicy::Answer::kAdminProhibited;
    case proto::Firewall::Blocked::TCP_RST:
      return sim::EgressPolicy::Answer::kReset;
  }
  net::CannotHappen();
}

template <typename Ports>
std::vector<std::uint16_t> PortsOf(const Ports& ports) {
  return std::vector<std::uint16_t>(ports.begin(), ports.end());
}

// The fields that have an effect only if the firewall follows flows. If several are set without an effect, the first
// one in this order is reported.
constexpr int kFlowFields[] = {
    proto::Firewall::kUnsolicitedFieldNumber, proto::Firewall::kUdpIdleTimeoutUsFieldNumber,
    proto::Firewall::kTrackingFieldNumber,    proto::Firewall::kSimultaneousOpenFieldNumber,
    proto::Firewall::kIcmpErrorsFieldNumber,  proto::Firewall::kUnsolicitedHoldUsFieldNumber,
};

std::optional<Contradiction> FindContradiction(const proto::Firewall& firewall) {
  if (firewall.block_udp() && firewall.udp_port_size() > 0) {
    return Contradiction{"udp_port", "has no effect where block_udp lets no UDP pass"};
  }
  if (firewall.block_tcp() && firewall.tcp_port_size() > 0) {
    return Contradiction{"tcp_port", "has no effect where block_tcp lets no TCP pass"};
  }
  if (firewall.has_blocked() && ToEgressPolicy(firewall).LetsAllPass()) {
    return Contradiction{"blocked", "nothing is blocked: say block_udp, udp_port, block_tcp or tcp_port"};
  }
  if (firewall.unsolicited() == proto::Unsolicited::INPUT) {
    return Contradiction{"unsolicited", "INPUT: without translation nothing from outside is for the box"};
  }
  if (firewall.tracking() == proto::TcpTracking::ADDRESSES && firewall.unsolicited_hold_us() > 0 &&
      firewall.has_unsolicited_hold_us()) {
    return Contradiction{"unsolicited_hold_us", "tracking by addresses knows no SYNs that it could hold"};
  }
  if (firewall.tracking() == proto::TcpTracking::REWRITES_ISN) {
    return Contradiction{"tracking", "REWRITES_ISN: without translation no packet is changed"};
  }
  return std::nullopt;
}

}  // namespace

sim::EgressPolicy ToEgressPolicy(const proto::Firewall& firewall) {
  return {.udp = {.blocked = firewall.block_udp(), .ports = PortsOf(firewall.udp_port())},
          .tcp = {.blocked = firewall.block_tcp(), .ports = PortsOf(firewall.tcp_port())},
          .answer = Convert(firewall.blocked())};
}

sim::FilterProfile ToFilterProfile(const proto::Firewall& firewall) {
  const net::Duration udp = std::chrono::microseconds(firewall.udp_idle_timeout_us());
  sim::FilterProfile profile;
  profile.udp_timeouts = {.first = std::nullopt, .unreplied = udp, .replied = udp, .assured = udp, .assured_after = {}};
  profile.tcp.depth = ToTcpDepth(firewall.tracking());
  profile.tcp.simultaneous_open = firewall.simultaneous_open();
  profile.tcp.on_reset = sim::TcpOnReset::kClose;
  if (firewall.has_unsolicited()) {
    profile.unsolicited = profile.unsolicited_udp = ToUnsolicited(firewall.unsolicited());
  }
  const bool holds = firewall.tracking() != proto::TcpTracking::ADDRESSES;
  profile.unsolicited_hold = std::chrono::microseconds(holds ? firewall.unsolicited_hold_us() : 0);
  profile.icmp_errors = firewall.icmp_errors();
  return profile;
}

std::optional<Contradiction> FindContradiction(const proto::Router& router) {
  if (!router.has_firewall()) return std::nullopt;
  const proto::Firewall& firewall = router.firewall();
  const bool there =
      std::any_of(router.interface().begin(), router.interface().end(), [&](const proto::Interface& interface) {
        return interface.name() == firewall.outside() && interface.has_name();
      });
  if (!there) {
    return Contradiction{"outside", firewall.has_outside()
                                        ? absl::StrCat("there is no interface \"", firewall.outside(), "\"")
                                        : "say which interface is outside"};
  }
  return FindContradiction(firewall);
}

std::optional<Contradiction> FindFirewallContradiction(const proto::Nat& nat) {
  const proto::Firewall& firewall = nat.firewall();
  if (firewall.has_outside()) return Contradiction{"outside", "a NAT's own outside interface is the firewall's"};
  if (nat.ipv6() == proto::Nat::OUTBOUND_ONLY) return FindContradiction(firewall);
  for (const int number : kFlowFields) {
    const google::protobuf::FieldDescriptor* field = firewall.GetDescriptor()->FindFieldByNumber(number);
    if (!firewall.GetReflection()->HasField(firewall, field)) continue;
    return Contradiction{field->name(),
                         "has no effect: it is for IPv6, which this NAT does not filter (ipv6: OUTBOUND_ONLY)"};
  }
  return FindContradiction(firewall);
}

}  // namespace pinhole::scenarios
