#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "apps/ice/ice_endpoint.h"
#include "apps/nat_check/nat_check.h"
#include "apps/punching/tcp_punching.h"
#include "apps/referral/referral_server.h"
#include "ice/options.h"
#include "net/socket_address.h"
#include "scenarios/scenario.pb.h"
#include "sim/boxes/egress_policy.h"
#include "sim/host/host_node.h"
#include "sim/host/route_table.h"
#include "sim/link.h"
#include "sim/nat/profile.h"
#include "sim/nat/stateful_filter.h"

// A cell, digested once so that each of its runs only has to carry it out: names are indices, routes are
// computed, profiles are the simulator's. Nothing here depends on the seed.
namespace pinhole::scenarios {

struct PlannedInterface {
  std::string name;
  net::InterfaceKind kind = net::InterfaceKind::kEthernet;
  std::vector<net::InterfaceAddress> addresses;
  bool filters_sources = false;  // kCore: of what comes in by it (sim/boxes/router.h)
};

enum class PlannedNodeKind : std::uint8_t {
  kHost,
  kRouter,
  kNat,  // interfaces[0] is the outside
  kFirewall,
  kCore,    // of an INTERNET network
  kSwitch,  // of a LAN that no node of its own can bridge; one interface
};

struct PlannedNode {
  PlannedNodeKind kind = PlannedNodeKind::kHost;
  std::string name;
  sim::HostOptions host;
  std::vector<PlannedInterface> interfaces;
  // `interface` counts as in `interfaces`.
  std::vector<sim::Route> routes;
  bool forwards_private = false;             // kCore
  sim::NatProfile nat;                       // kNat
  bool passes_ipv6 = true;                   // kNat
  sim::EgressPolicy egress;                  // kNat, kFirewall
  std::optional<sim::FilterProfile> filter;  // kFirewall; kNat: of IPv6
  std::uint32_t outside = 0;                 // kFirewall; counts as in `interfaces`
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

struct PlannedPeer {
  std::string name;
  std::uint32_t node = 0;
  apps::IceEndpoint::Options endpoint;
};

struct PlannedSession {
  std::string name;
  PlannedPeer peers[2];
  net::Duration hold{};
};

// Two peers that punch, and where they meet.
struct PlannedPunching {
  struct Peer {
    std::string name;
    std::uint32_t node = 0;
    apps::TcpPunching::Options options;
  };
  std::string name;
  std::uint32_t rendezvous_node = 0;
  net::SocketAddress rendezvous;
  Peer peers[2];
};

struct PlannedNatCheck {
  std::string name;
  std::string row;
  std::uint32_t client_node = 0;
  apps::NatCheckClient::Options client;
  std::uint32_t server_nodes[3] = {};
};

struct CellPlan {
  std::vector<PlannedNode> nodes;  // hosts, NATs, routers in the file's order, then cores and switches
  std::vector<PlannedLink> links;
  std::vector<PlannedServer> servers;
  std::optional<std::uint32_t> referral_node;
  std::vector<net::SocketAddress> referral_addresses;
  std::vector<apps::ReferralServer::Restart> referral_restarts;
  std::vector<PlannedSession> sessions;
  std::vector<PlannedPunching> punchings;
  std::vector<PlannedNatCheck> nat_checks;
  net::Duration virtual_time_max = std::chrono::seconds(600);
  std::uint64_t events_max = 20'000'000;
};

// `cell` is what Scenario::Resolve() gives. Errors name the element: what the loader cannot know to be impossible.
absl::StatusOr<CellPlan> PlanCell(const proto::Scenario& cell);

}  // namespace pinhole::scenarios
