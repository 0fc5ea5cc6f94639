#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "apps/referral/referral_server.h"
#include "net/socket_address.h"
#include "scenarios/language/topology.h"
#include "scenarios/plan/planned_trial.h"
#include "sim/boxes/egress_policy.h"
#include "sim/host/host_node.h"
#include "sim/host/route_table.h"
#include "sim/link.h"
#include "sim/nat/profile.h"
#include "sim/nat/stateful_filter.h"

// A cell in the simulator's terms, made once so that each of its runs only has to carry it out: names are indices,
// routes are computed, profiles are the simulator's. Nothing here depends on the seed.
namespace pinhole::scenarios {

struct PlannedInterface {
  std::string name;
  net::InterfaceKind kind = net::InterfaceKind::kEthernet;
  std::vector<net::InterfaceAddress> addresses;
  bool filters_sources = false;  // of a core: drops what comes in here from a foreign source (sim/boxes/router.h)
};

// A node's part in the topology; each has what only this part needs.
struct PlannedHost {};
struct PlannedRouter {};
struct PlannedNat {  // interfaces[0] is the outside
  sim::NatProfile profile;
  bool passes_ipv6 = true;
  sim::EgressPolicy egress;
  std::optional<sim::FilterProfile> ipv6_filter;
};
struct PlannedFirewall {
  sim::EgressPolicy egress;
  sim::FilterProfile filter;
  std::uint32_t outside = 0;  // index in the node's interfaces
};
// The core router of an INTERNET network.
struct PlannedCore {
  bool forwards_private = false;
};
// The switch of a LAN that no node of its own can bridge; it has one interface.
struct PlannedSwitch {};
using PlannedPart = std::variant<PlannedHost, PlannedRouter, PlannedNat, PlannedFirewall, PlannedCore, PlannedSwitch>;

struct PlannedNode {
  PlannedPart part;
  std::string name;
  sim::HostOptions host;
  std::vector<PlannedInterface> interfaces;
  std::vector<sim::Route> routes;  // Route::interface is an index in `interfaces`

  bool is_host() const { return std::holds_alternative<PlannedHost>(part); }
  bool is_nat() const { return std::holds_alternative<PlannedNat>(part); }
};

struct PlannedLink {
  struct End {
    std::uint32_t node = 0;
    std::uint32_t interface = 0;
  };
  End a;
  End b;
  sim::LinkProfile a_to_b;
  sim::LinkProfile b_to_a;
};

struct PlannedServer {
  enum class State : std::uint8_t { kUp, kSilent, kClosed };
  struct User {
    std::string name;
    std::string password;
  };
  std::string name;
  std::uint32_t node = 0;
  State state = State::kUp;
  std::vector<net::SocketAddress> listens;
  std::vector<net::SocketAddress> listens_tcp;
  bool turn = true;
  std::vector<net::IpAddress> relay_addresses;
  std::string realm;
  std::vector<User> users;
};

struct PlannedReferral {
  std::uint32_t node = 0;
  std::vector<net::SocketAddress> addresses;
  std::vector<apps::ReferralServer::Restart> restarts;
};

struct CellPlan {
  std::vector<PlannedNode> nodes;  // hosts, NATs and routers as in Topology::nodes(), then cores and switches
  std::vector<PlannedLink> links;
  std::vector<PlannedServer> servers;
  std::optional<PlannedReferral> referral;
  // Sessions, then punchings, then NAT checks, each in the file's order. Copies of a plan share them.
  std::vector<std::shared_ptr<const PlannedTrial>> trials;
  net::Duration virtual_time_max = std::chrono::seconds(600);
  std::uint64_t events_max = 20'000'000;
};

// The plan without its trials, which run/trial_kinds.h adds. Cannot fail, because the cell has been checked.
CellPlan PlanNetwork(const ResolvedCell& cell);

}  // namespace pinhole::scenarios
