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

// The plan of a cell: nodes, links, routes, servers and trials in the simulator's types. Names are replaced by indices,
// and routes are computed. A plan is made once and used for all runs of the cell, so nothing in it depends on the seed.
namespace pinhole::scenarios {

struct PlannedInterface {
  std::string name;
  net::InterfaceKind kind = net::InterfaceKind::kEthernet;
  std::vector<net::InterfaceAddress> addresses;
  // Only on a core: drops packets that arrive here with a source address that is not routed back to this interface.
  bool filters_sources = false;
};

// The kinds of nodes. Each kind has the fields that only this kind needs.
struct PlannedHost {};
struct PlannedRouter {};
struct PlannedNat {  // PlannedNode::interfaces[0] is the outside interface
  sim::NatProfile profile;
  bool passes_ipv6 = true;
  sim::EgressPolicy egress;
  std::optional<sim::FilterProfile> ipv6_filter;
};
struct PlannedFirewall {
  sim::EgressPolicy egress;
  sim::FilterProfile filter;
  std::uint32_t outside = 0;  // index of the outside interface in PlannedNode::interfaces
};
// The core router of an INTERNET network.
struct PlannedCore {
  bool forwards_private = false;  // forwards packets to private addresses
};
// The switch in the middle of a LAN, if no node of the LAN can bridge it. All links end at its one interface.
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

// A STUN and TURN server.
struct PlannedServer {
  // kSilent: the program runs, but answers nothing. kClosed: the program does not run.
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

// The referral server.
struct PlannedReferral {
  std::uint32_t node = 0;
  std::vector<net::SocketAddress> addresses;
  std::vector<apps::ReferralServer::Restart> restarts;
};

struct CellPlan {
  std::vector<PlannedNode> nodes;  // first the nodes of Topology::nodes() in their order, then cores and switches
  std::vector<PlannedLink> links;
  std::vector<PlannedServer> servers;
  std::optional<PlannedReferral> referral;
  // Sessions, then punchings, then NAT checks, each in the file's order. Copies of a plan share the trials.
  std::vector<std::shared_ptr<const PlannedTrial>> trials;
  net::Duration virtual_time_max = std::chrono::seconds(600);
  std::uint64_t events_max = 20'000'000;
};

// Returns the plan without trials; PlanCell() (run/trial_kinds.h) adds them. It cannot fail, because the loader has
// checked the cell.
CellPlan PlanNetwork(const ResolvedCell& cell);

}  // namespace pinhole::scenarios
