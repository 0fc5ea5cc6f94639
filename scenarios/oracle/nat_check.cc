// The results follow from the schema's description of the client's NAT. Nothing is simulated, and no model is made.
//
//   KeepsEndpoint  the mapping is endpoint-independent, or each tuple keeps the inside port (PER_TUPLE with PRESERVE)
//   Hairpins       the NAT hairpins, and its filtering is endpoint-independent
//   RefusesSyn     the NAT answers the SYN of server 3 with a RST or ICMP port unreachable while server 3 waits
//
// The test of UDP needs KeepsEndpoint; the test of TCP needs KeepsEndpoint and must not have RefusesSyn. Both hairpin
// tests need Hairpins. For TCP hairpinning, the answer must also leave from the endpoint to which the SYN was sent,
// which KeepsEndpoint or inbound sessions ensure.

#include "scenarios/oracle/nat_check.h"

#include <cstdlib>
#include <string>

namespace pinhole::scenarios {
namespace {

// Server 3 waits this long, in microseconds, for an answer to its SYN (Ford et al. §6.1.2).
constexpr std::uint64_t kServer3WaitsUs = 5'000'000;

const proto::Nat* NatOf(const proto::Topology& topology, const std::string& host) {
  for (const proto::Host& one : topology.host()) {
    if (one.name() != host) continue;
    for (const proto::Interface& interface : one.interface()) {
      for (const proto::Nat& nat : topology.nat()) {
        for (const proto::Interface& inside : nat.inside()) {
          if (inside.network() == interface.network()) return &nat;
        }
      }
    }
  }
  return nullptr;
}

template <typename Behavior>
bool KeepsEndpoint(const Behavior& behavior) {
  return behavior.mapping() == proto::Mapping::ENDPOINT_INDEPENDENT ||
         (behavior.mapping() == proto::Mapping::PER_TUPLE &&
          behavior.ports().policy() == proto::PortAllocation::PRESERVE);
}

// The client's first socket has sent nothing to the second one, so the filter must let in packets from any endpoint.
template <typename Behavior>
bool Hairpins(const Behavior& behavior) {
  return behavior.hairpin() != proto::Hairpin::NONE && behavior.filtering() == proto::Filtering::ENDPOINT_INDEPENDENT;
}

bool RefusesSyn(const proto::TcpNat& tcp) {
  if (tcp.filtering() == proto::Filtering::ENDPOINT_INDEPENDENT) return false;
  switch (tcp.unsolicited()) {
    case proto::Unsolicited::DROP:
      return false;
    case proto::Unsolicited::INPUT:
      return true;
    case proto::Unsolicited::TCP_RST:
    case proto::Unsolicited::ICMP_PORT_UNREACHABLE:
    case proto::Unsolicited::ICMP_HOST_UNREACHABLE:
    case proto::Unsolicited::ICMP_ADMIN_PROHIBITED:
      break;
  }
  const bool in_time = tcp.unsolicited_hold_us() < kServer3WaitsUs;
  return in_time && (tcp.unsolicited() == proto::Unsolicited::TCP_RST ||
                     tcp.unsolicited() == proto::Unsolicited::ICMP_PORT_UNREACHABLE);
}

}  // namespace

const char* ToString(NatCheckTest test) {
  switch (test) {
    case NatCheckTest::kUdp:
      return "UDP";
    case NatCheckTest::kUdpHairpin:
      return "UDP hairpin";
    case NatCheckTest::kTcp:
      return "TCP";
    case NatCheckTest::kTcpHairpin:
      return "TCP hairpin";
  }
  net::CannotHappen();
}

Prediction PredictNatCheck(const proto::Scenario& cell, const proto::NatCheck& check) {
  bool udp = true, udp_hairpin = false, tcp = true, tcp_hairpin = false;
  if (const proto::Nat* nat = NatOf(cell.topology(), check.client())) {
    udp = KeepsEndpoint(nat->udp());
    udp_hairpin = Hairpins(nat->udp());
    tcp = KeepsEndpoint(nat->tcp()) && !RefusesSyn(nat->tcp());
    // The answer to the hairpinned SYN must leave from the external endpoint at which the SYN arrived.
    tcp_hairpin = Hairpins(nat->tcp()) && (KeepsEndpoint(nat->tcp()) || nat->tcp().inbound_sessions());
  }
  Prediction prediction;
  prediction.tests = {udp, udp_hairpin, tcp, tcp_hairpin};
  prediction.reason = "the NAT's profile says so";
  return prediction;
}

}  // namespace pinhole::scenarios
