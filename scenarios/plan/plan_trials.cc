#include "scenarios/plan/plan_trials.h"

#include <algorithm>
#include <chrono>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "scenarios/conversion/technique_conversion.h"

namespace pinhole::scenarios {
namespace {

using std::chrono::microseconds;

absl::StatusOr<std::uint32_t> FindHost(const CellPlan& plan, const std::string& name) {
  for (std::size_t i = 0; i < plan.nodes.size(); ++i) {
    if (plan.nodes[i].name == name && plan.nodes[i].kind == PlannedNodeKind::kHost) {
      return static_cast<std::uint32_t>(i);
    }
  }
  return absl::InvalidArgumentError(absl::StrCat("no host \"", name, "\""));
}

// The first of the host's addresses.
absl::StatusOr<net::IpAddress> AddressOf(const CellPlan& plan, std::uint32_t node) {
  for (const PlannedInterface& interface : plan.nodes[node].interfaces) {
    if (!interface.addresses.empty()) return interface.addresses.front().address;
  }
  return absl::InvalidArgumentError(absl::StrCat("host \"", plan.nodes[node].name, "\" has no address"));
}

absl::Status PlanPunching(const proto::Punching& punching, CellPlan* plan) {
  PlannedPunching planned;
  planned.name = punching.name();
  const absl::StatusOr<std::uint32_t> rendezvous = FindHost(*plan, punching.rendezvous());
  if (!rendezvous.ok()) return rendezvous.status();
  planned.rendezvous_node = *rendezvous;
  const absl::StatusOr<net::IpAddress> address = AddressOf(*plan, *rendezvous);
  if (!address.ok()) return address.status();
  planned.rendezvous = net::SocketAddress(*address, static_cast<std::uint16_t>(punching.rendezvous_port()));
  if (punching.peer_size() != 2) return absl::InvalidArgumentError("needs two peers");
  for (int side = 0; side < 2; ++side) {
    const proto::PunchingPeer& peer = punching.peer(side);
    PlannedPunching::Peer& one = planned.peers[side];
    one.name = peer.name();
    const absl::StatusOr<std::uint32_t> node = FindHost(*plan, peer.host());
    if (!node.ok()) return node.status();
    one.node = *node;
    one.options.session = punching.name();
    one.options.side = side;
    one.options.rendezvous = planned.rendezvous;
    one.options.technique = ToTechnique(punching.technique());
    one.options.tries = static_cast<int>(punching.tries());
    one.options.ttl = static_cast<std::uint8_t>(punching.ttl());
    one.options.timing_error = microseconds(punching.timing_error_us());
    one.options.timing_error_ppm = punching.timing_error_ppm();
    one.options.try_timeout = microseconds(punching.try_timeout_us());
    one.options.listen_after = microseconds(punching.listen_after_us());
    one.options.also_listens = punching.also_listens();
    one.options.data_bytes = punching.data_bytes();
    one.options.start_offset = microseconds(peer.start_offset_us());
    one.options.patience +=
        microseconds(std::max(punching.peer(0).start_offset_us(), punching.peer(1).start_offset_us()));
  }
  plan->punchings.push_back(std::move(planned));
  return absl::OkStatus();
}

absl::Status PlanNatCheck(const proto::NatCheck& check, CellPlan* plan) {
  PlannedNatCheck planned;
  planned.name = check.name();
  planned.row = check.row();
  const absl::StatusOr<std::uint32_t> client = FindHost(*plan, check.client());
  if (!client.ok()) return client.status();
  planned.client_node = *client;
  if (check.server_size() != 3) return absl::InvalidArgumentError("needs three servers");
  for (int i = 0; i < 3; ++i) {
    const absl::StatusOr<std::uint32_t> node = FindHost(*plan, check.server(i));
    if (!node.ok()) return node.status();
    const absl::StatusOr<net::IpAddress> address = AddressOf(*plan, *node);
    if (!address.ok()) return address.status();
    planned.server_nodes[i] = *node;
    planned.client.servers[i] = net::SocketAddress(*address, static_cast<std::uint16_t>(check.port()));
  }
  const auto runs = [&check](proto::NatCheck::Test test) {
    return check.test_size() == 0 || std::find(check.test().begin(), check.test().end(), test) != check.test().end();
  };
  planned.client.udp = runs(proto::NatCheck::UDP);
  planned.client.udp_hairpin = runs(proto::NatCheck::UDP_HAIRPIN);
  planned.client.tcp = runs(proto::NatCheck::TCP);
  planned.client.tcp_hairpin = runs(proto::NatCheck::TCP_HAIRPIN);
  plan->nat_checks.push_back(std::move(planned));
  return absl::OkStatus();
}

}  // namespace

absl::Status PlanTrials(const proto::Scenario& cell, CellPlan* plan) {
  for (const proto::Punching& punching : cell.punching()) {
    if (absl::Status status = PlanPunching(punching, plan); !status.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("punching \"", punching.name(), "\": ", status.message()));
    }
  }
  for (const proto::NatCheck& check : cell.nat_check()) {
    if (absl::Status status = PlanNatCheck(check, plan); !status.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("nat_check \"", check.name(), "\": ", status.message()));
    }
  }
  return absl::OkStatus();
}

}  // namespace pinhole::scenarios
