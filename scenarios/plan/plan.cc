#include "scenarios/plan/plan.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "net/contract.h"
#include "scenarios/conversion/agent_conversion.h"
#include "scenarios/conversion/firewall_conversion.h"
#include "scenarios/conversion/host_conversion.h"
#include "scenarios/conversion/link_conversion.h"
#include "scenarios/conversion/nat_conversion.h"
#include "scenarios/plan/plan_trials.h"

namespace pinhole::scenarios {
namespace {

using std::chrono::microseconds;

// How long a side waits for the other's description, besides what one starts later.
constexpr net::Duration kExchangePatience = std::chrono::seconds(60);

// Where an interface of the file is attached, while the plan is made.
struct Attachment {
  std::uint32_t node = 0;
  std::uint32_t interface = 0;
  int network = -1;
  sim::LinkProfile up;
  sim::LinkProfile down;
  std::vector<net::IpAddress> gateways;
  bool default_route = true;
  bool source_filtering = false;
};

struct PlannedNetwork {
  std::string name;
  bool internet = false;
  bool routes_private = false;
  std::optional<net::IpAddress> core_address;
  std::optional<std::uint32_t> core;
};

bool IsIdeal(const sim::LinkProfile& link) {
  return link.delay == net::Duration::zero() && link.jitter == net::Duration::zero() && link.loss_ppm == 0 &&
         !link.burst_loss && link.duplicate_ppm == 0 && link.reorder_ppm == 0 && link.rate_bps == 0 &&
         link.outages.empty() && link.faults.empty();
}

class Planner {
 public:
  explicit Planner(const proto::Scenario& cell) : cell_(cell) {}

  absl::StatusOr<CellPlan> Plan();

 private:
  absl::Status AddNetworks();
  absl::Status AddNodes();
  absl::Status AddInterface(std::uint32_t node, const proto::Interface& interface);
  void AddCores();
  void AddLans();
  void AddDefaultRoutes();
  void AddRoutesToNetworks();
  absl::Status AddServers();
  absl::Status AddReferral();
  absl::Status AddSessions();
  absl::StatusOr<PlannedPeer> PlanPeer(const proto::Peer& peer, bool controlling);
  absl::StatusOr<std::uint32_t> FindNode(const std::string& name) const;
  void AddRouteIfNew(std::uint32_t node, const sim::Route& route);
  // Whether `node` passes packets of `family` from its interface `in` to its interface `out`.
  bool Forwards(std::uint32_t node, std::uint32_t in, std::uint32_t out, net::Family family) const;
  std::optional<net::IpAddress> AddressOf(const Attachment& attachment, net::Family family) const;

  const proto::Scenario& cell_;
  CellPlan plan_;
  std::vector<PlannedNetwork> networks_;
  std::vector<Attachment> attachments_;
};

absl::StatusOr<CellPlan> Planner::Plan() {
  if (absl::Status status = AddNetworks(); !status.ok()) return status;
  if (absl::Status status = AddNodes(); !status.ok()) return status;
  AddCores();
  AddLans();
  AddDefaultRoutes();
  AddRoutesToNetworks();
  if (absl::Status status = AddServers(); !status.ok()) return status;
  if (absl::Status status = AddReferral(); !status.ok()) return status;
  if (absl::Status status = AddSessions(); !status.ok()) return status;
  if (absl::Status status = PlanTrials(cell_, &plan_); !status.ok()) return status;
  plan_.virtual_time_max = microseconds(cell_.limits().virtual_time_max_us());
  plan_.events_max = cell_.limits().events_max();
  return std::move(plan_);
}

absl::Status Planner::AddNetworks() {
  for (const proto::Network& network : cell_.topology().network()) {
    networks_.push_back({.name = network.name(),
                         .internet = network.kind() == proto::Network::INTERNET,
                         .routes_private = network.routes_private_addresses(),
                         .core_address = net::IpAddress::Parse(network.core_address()),
                         .core = std::nullopt});
  }
  return absl::OkStatus();
}

absl::Status Planner::AddNodes() {
  for (const proto::Host& host : cell_.topology().host()) {
    const std::uint32_t index = static_cast<std::uint32_t>(plan_.nodes.size());
    PlannedNode& node = plan_.nodes.emplace_back();
    node.name = host.name();
    node.host.ephemeral_port_min = static_cast<std::uint16_t>(host.ephemeral_port_first());
    node.host.ephemeral_port_max = static_cast<std::uint16_t>(host.ephemeral_port_last());
    node.host.raw_tcp = host.raw_tcp();
    SetTcp(host.tcp(), &node.host.tcp);
    for (const proto::Interface& interface : host.interface()) {
      if (absl::Status status = AddInterface(index, interface); !status.ok()) return status;
    }
  }
  for (const proto::Nat& nat : cell_.topology().nat()) {
    const std::uint32_t index = static_cast<std::uint32_t>(plan_.nodes.size());
    PlannedNode& node = plan_.nodes.emplace_back();
    node.kind = PlannedNodeKind::kNat;
    node.name = nat.name();
    node.nat = ToNatProfile(nat);
    node.passes_ipv6 = nat.ipv6() != proto::Nat::DROP;
    if (nat.has_firewall()) node.egress = ToEgressPolicy(nat.firewall());
    if (nat.ipv6() == proto::Nat::OUTBOUND_ONLY) node.filter = ToFilterProfile(nat.firewall());
    if (absl::Status status = AddInterface(index, nat.outside()); !status.ok()) return status;
    for (const proto::Interface& interface : nat.inside()) {
      if (absl::Status status = AddInterface(index, interface); !status.ok()) return status;
    }
  }
  for (const proto::Router& router : cell_.topology().router()) {
    const std::uint32_t index = static_cast<std::uint32_t>(plan_.nodes.size());
    PlannedNode& node = plan_.nodes.emplace_back();
    node.kind = PlannedNodeKind::kRouter;
    node.name = router.name();
    node.forwards_private = true;
    if (router.has_firewall()) {
      node.kind = PlannedNodeKind::kFirewall;
      node.egress = ToEgressPolicy(router.firewall());
      node.filter = ToFilterProfile(router.firewall());
      for (int i = 0; i < router.interface_size(); ++i) {
        if (router.interface(i).name() == router.firewall().outside()) node.outside = static_cast<std::uint32_t>(i);
      }
    }
    for (const proto::Interface& interface : router.interface()) {
      if (absl::Status status = AddInterface(index, interface); !status.ok()) return status;
    }
  }
  return absl::OkStatus();
}

absl::Status Planner::AddInterface(std::uint32_t node, const proto::Interface& interface) {
  Attachment attachment;
  attachment.node = node;
  attachment.interface = static_cast<std::uint32_t>(plan_.nodes[node].interfaces.size());
  const std::string place = absl::StrCat(plan_.nodes[node].name, ".", interface.name());
  for (std::size_t i = 0; i < networks_.size(); ++i) {
    if (networks_[i].name == interface.network()) attachment.network = static_cast<int>(i);
  }
  if (attachment.network < 0) {
    return absl::InvalidArgumentError(absl::StrCat(place, ": no network \"", interface.network(), "\""));
  }
  attachment.up = ToLinkProfile(interface.up());
  attachment.down = ToLinkProfile(interface.down());
  attachment.default_route = interface.default_route();
  attachment.source_filtering = interface.source_filtering();
  for (const std::string& text : interface.gateway()) {
    const std::optional<net::IpAddress> gateway = net::IpAddress::Parse(text);
    if (!gateway) return absl::InvalidArgumentError(absl::StrCat(place, ": gateway \"", text, "\" is no address"));
    attachment.gateways.push_back(*gateway);
  }
  PlannedInterface& planned = plan_.nodes[node].interfaces.emplace_back();
  planned.name = interface.name();
  planned.kind = ToInterfaceKind(interface.kind());
  for (const std::string& text : interface.address()) {
    std::optional<net::IpPrefix> prefix = net::IpPrefix::Parse(text);
    if (!prefix) {
      if (const std::optional<net::IpAddress> address = net::IpAddress::Parse(text)) {
        prefix = net::IpPrefix(*address, address->is_v4() ? 32 : 128);
      }
    }
    if (!prefix) return absl::InvalidArgumentError(absl::StrCat(place, ": \"", text, "\" is no address"));
    net::InterfaceAddress address;
    address.address = prefix->address();
    // On the internet everybody else is behind the core, whatever the length says.
    address.prefix_length = networks_[static_cast<std::size_t>(attachment.network)].internet
                                ? (prefix->address().is_v4() ? 32 : 128)
                                : prefix->length();
    planned.addresses.push_back(address);
  }
  attachments_.push_back(std::move(attachment));
  return absl::OkStatus();
}

void Planner::AddCores() {
  for (std::size_t n = 0; n < networks_.size(); ++n) {
    if (!networks_[n].internet) continue;
    const std::uint32_t core = static_cast<std::uint32_t>(plan_.nodes.size());
    networks_[n].core = core;
    PlannedNode& node = plan_.nodes.emplace_back();
    node.kind = PlannedNodeKind::kCore;
    node.name = networks_[n].name;
    node.forwards_private = networks_[n].routes_private;
    for (const Attachment& attachment : attachments_) {
      if (attachment.network != static_cast<int>(n)) continue;
      const std::uint32_t interface = static_cast<std::uint32_t>(node.interfaces.size());
      const PlannedNode& peer = plan_.nodes[attachment.node];
      node.interfaces.push_back(
          {.name = absl::StrCat("to_", peer.name), .addresses = {}, .filters_sources = attachment.source_filtering});
      if (interface == 0 && networks_[n].core_address) {
        net::InterfaceAddress own;
        own.address = *networks_[n].core_address;
        own.prefix_length = own.address.is_v4() ? 32 : 128;
        node.interfaces.back().addresses.push_back(own);
      }
      for (const net::InterfaceAddress& address : peer.interfaces[attachment.interface].addresses) {
        node.routes.push_back({.prefix = net::IpPrefix(address.address, address.address.is_v4() ? 32 : 128),
                               .interface = static_cast<int>(interface),
                               .gateway = std::nullopt});
      }
      if (peer.kind == PlannedNodeKind::kNat && attachment.interface == 0) {
        for (const sim::OneToOne& pair : peer.nat.one_to_one) {
          node.routes.push_back({.prefix = net::IpPrefix(pair.external, 32),
                                 .interface = static_cast<int>(interface),
                                 .gateway = std::nullopt});
        }
      }
      plan_.links.push_back({.a = {attachment.node, attachment.interface},
                             .b = {core, interface},
                             .a_to_b = attachment.up,
                             .b_to_a = attachment.down});
    }
  }
}

// A LAN is bridged by a node of its own whose attachment costs nothing, a NAT or router for preference: the
// others' links then end there. Without one there is a switch.
void Planner::AddLans() {
  for (std::size_t n = 0; n < networks_.size(); ++n) {
    if (networks_[n].internet) continue;
    const Attachment* hub = nullptr;
    for (const Attachment& attachment : attachments_) {
      if (attachment.network != static_cast<int>(n) || !IsIdeal(attachment.up) || !IsIdeal(attachment.down)) continue;
      const bool forwards = plan_.nodes[attachment.node].kind != PlannedNodeKind::kHost;
      if (hub == nullptr || (forwards && plan_.nodes[hub->node].kind == PlannedNodeKind::kHost)) hub = &attachment;
    }
    PlannedLink::End middle;
    if (hub != nullptr) {
      middle = {hub->node, hub->interface};
    } else {
      middle = {static_cast<std::uint32_t>(plan_.nodes.size()), 0};
      PlannedNode& node = plan_.nodes.emplace_back();
      node.kind = PlannedNodeKind::kSwitch;
      node.name = networks_[n].name;
      node.interfaces.push_back({.name = "ports", .addresses = {}});
    }
    for (const Attachment& attachment : attachments_) {
      if (attachment.network != static_cast<int>(n) || &attachment == hub) continue;
      PlannedLink link = {.a = {attachment.node, attachment.interface},
                          .b = middle,
                          .a_to_b = attachment.up,
                          .b_to_a = attachment.down};
      if (hub != nullptr) {
        link.a_to_b.mtu_bytes = std::min(link.a_to_b.mtu_bytes, hub->down.mtu_bytes);
        link.b_to_a.mtu_bytes = std::min(link.b_to_a.mtu_bytes, hub->up.mtu_bytes);
      }
      plan_.links.push_back(std::move(link));
    }
  }
}

void Planner::AddDefaultRoutes() {
  for (const Attachment& attachment : attachments_) {
    if (!attachment.default_route) continue;
    PlannedNode& node = plan_.nodes[attachment.node];
    const auto add = [&](net::Family family, std::optional<net::IpAddress> gateway) {
      node.routes.push_back({.prefix = net::IpPrefix(net::IpAddress::Unspecified(family), 0),
                             .interface = static_cast<int>(attachment.interface),
                             .gateway = gateway,
                             .metric = attachment.interface});
    };
    for (const net::IpAddress& gateway : attachment.gateways) add(gateway.family(), gateway);
    if (attachment.gateways.empty() && networks_[static_cast<std::size_t>(attachment.network)].internet) {
      for (const net::Family family : {net::Family::kIpv4, net::Family::kIpv6}) {
        if (AddressOf(attachment, family)) add(family, std::nullopt);
      }
    }
  }
}

bool Planner::Forwards(std::uint32_t node, std::uint32_t in, std::uint32_t out, net::Family family) const {
  const PlannedNode& planned = plan_.nodes[node];
  switch (planned.kind) {
    case PlannedNodeKind::kHost:
    case PlannedNodeKind::kSwitch:
      return false;
    case PlannedNodeKind::kRouter:
    case PlannedNodeKind::kCore:
    case PlannedNodeKind::kFirewall:
      return true;
    case PlannedNodeKind::kNat:
      if (in != 0 && out != 0) return planned.nat.routes_inside;
      return family == net::Family::kIpv6 && planned.passes_ipv6;
  }
  net::CannotHappen();
}

// Tells every forwarding node, the cores included, how to get to each prefix of each LAN: outwards from the LAN,
// through what routes it. What lies behind a translator is not visible from its outside.
void Planner::AddRoutesToNetworks() {
  struct Reached {
    std::uint32_t node;
    std::uint32_t from_interface;  // towards the prefix
  };
  const auto attached = [this](int network) {
    std::vector<const Attachment*> result;
    for (const Attachment& attachment : attachments_) {
      if (attachment.network == network) result.push_back(&attachment);
    }
    return result;
  };
  for (std::size_t n = 0; n < networks_.size(); ++n) {
    if (networks_[n].internet) continue;
    std::vector<net::IpPrefix> prefixes;
    for (const Attachment* attachment : attached(static_cast<int>(n))) {
      for (const net::InterfaceAddress& address :
           plan_.nodes[attachment->node].interfaces[attachment->interface].addresses) {
        if (address.address.IsLinkLocal()) continue;
        const bool known = std::any_of(prefixes.begin(), prefixes.end(), [&](const net::IpPrefix& prefix) {
          return prefix.length() == address.prefix_length && prefix.Contains(address.address);
        });
        if (!known) prefixes.emplace_back(address.address, address.prefix_length);
      }
    }
    for (const net::IpPrefix& prefix : prefixes) {
      const net::Family family = prefix.address().family();
      std::vector<bool> seen(plan_.nodes.size(), false);
      std::vector<Reached> queue;
      for (const Attachment* attachment : attached(static_cast<int>(n))) {
        if (seen[attachment->node]) continue;
        seen[attachment->node] = true;
        queue.push_back({attachment->node, attachment->interface});
      }
      for (std::size_t i = 0; i < queue.size(); ++i) {
        const Reached reached = queue[i];
        for (const Attachment& out : attachments_) {
          if (out.node != reached.node || out.interface == reached.from_interface) continue;
          if (!Forwards(reached.node, out.interface, reached.from_interface, family)) continue;
          const PlannedNetwork& network = networks_[static_cast<std::size_t>(out.network)];
          if (network.core) {
            if (!network.routes_private && (prefix.address().IsPrivate() || prefix.address().IsShared())) continue;
            // The core's interface towards this node is the one its link ends at.
            for (const PlannedLink& link : plan_.links) {
              if (link.b.node == *network.core && link.a.node == out.node && link.a.interface == out.interface) {
                AddRouteIfNew(*network.core, {.prefix = prefix,
                                              .interface = static_cast<int>(link.b.interface),
                                              .gateway = AddressOf(out, family)});
              }
            }
            continue;
          }
          const std::optional<net::IpAddress> gateway = AddressOf(out, family);
          if (!gateway) continue;
          for (const Attachment* next : attached(out.network)) {
            const PlannedNodeKind kind = plan_.nodes[next->node].kind;
            if (seen[next->node] || kind == PlannedNodeKind::kHost) continue;
            seen[next->node] = true;
            AddRouteIfNew(next->node,
                          {.prefix = prefix, .interface = static_cast<int>(next->interface), .gateway = gateway});
            queue.push_back({next->node, next->interface});
          }
        }
      }
    }
  }
}

void Planner::AddRouteIfNew(std::uint32_t node, const sim::Route& route) {
  for (const sim::Route& known : plan_.nodes[node].routes) {
    if (known.prefix.length() == route.prefix.length() && known.prefix.Contains(route.prefix.address())) return;
  }
  plan_.nodes[node].routes.push_back(route);
}

std::optional<net::IpAddress> Planner::AddressOf(const Attachment& attachment, net::Family family) const {
  for (const net::InterfaceAddress& address : plan_.nodes[attachment.node].interfaces[attachment.interface].addresses) {
    if (address.address.family() == family) return address.address;
  }
  return std::nullopt;
}

absl::StatusOr<std::uint32_t> Planner::FindNode(const std::string& name) const {
  for (std::size_t i = 0; i < plan_.nodes.size(); ++i) {
    if (plan_.nodes[i].name == name) return static_cast<std::uint32_t>(i);
  }
  return absl::InvalidArgumentError(absl::StrCat("no host \"", name, "\""));
}

absl::Status Planner::AddServers() {
  for (const proto::Server& server : cell_.topology().server()) {
    PlannedServer planned;
    planned.name = server.name();
    const absl::StatusOr<std::uint32_t> node = FindNode(server.host());
    if (!node.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("server \"", server.name(), "\": ", node.status().message()));
    }
    planned.node = *node;
    switch (server.state()) {
      case proto::Server::UP:
        planned.state = PlannedServer::State::kUp;
        break;
      case proto::Server::SILENT:
        planned.state = PlannedServer::State::kSilent;
        break;
      case proto::Server::CLOSED:
        planned.state = PlannedServer::State::kClosed;
        break;
    }
    const auto to_address = [&](const std::string& text) -> absl::StatusOr<net::IpAddress> {
      const std::optional<net::IpAddress> address = net::IpAddress::Parse(text);
      if (address) return *address;
      return absl::InvalidArgumentError(absl::StrCat("server \"", server.name(), "\": \"", text, "\" is no address"));
    };
    for (const std::string& text : server.address()) {
      const absl::StatusOr<net::IpAddress> address = to_address(text);
      if (!address.ok()) return address.status();
      planned.listens.emplace_back(*address, static_cast<std::uint16_t>(server.port()));
      if (server.has_tcp_port()) {
        planned.listens_tcp.emplace_back(*address, static_cast<std::uint16_t>(server.tcp_port()));
      }
    }
    for (const std::string& text : server.relay_address()) {
      const absl::StatusOr<net::IpAddress> address = to_address(text);
      if (!address.ok()) return address.status();
      planned.relay_addresses.push_back(*address);
    }
    planned.turn = server.turn();
    planned.realm = server.realm();
    for (const proto::User& user : server.user()) planned.users.push_back({user.name(), user.password()});
    plan_.servers.push_back(std::move(planned));
  }
  return absl::OkStatus();
}

absl::Status Planner::AddReferral() {
  if (!cell_.topology().has_referral()) return absl::OkStatus();
  const proto::Referral& referral = cell_.topology().referral();
  const absl::StatusOr<std::uint32_t> node = FindNode(referral.host());
  if (!node.ok()) return absl::InvalidArgumentError(absl::StrCat("referral: ", node.status().message()));
  plan_.referral_node = *node;
  for (const PlannedInterface& interface : plan_.nodes[*node].interfaces) {
    for (const net::InterfaceAddress& address : interface.addresses) {
      plan_.referral_addresses.emplace_back(address.address, static_cast<std::uint16_t>(referral.port()));
    }
  }
  for (const proto::Referral::Restart& restart : referral.restart()) {
    plan_.referral_restarts.push_back({microseconds(restart.at_us()), microseconds(restart.down_us())});
  }
  return absl::OkStatus();
}

absl::StatusOr<PlannedPeer> Planner::PlanPeer(const proto::Peer& peer, bool controlling) {
  PlannedPeer planned;
  planned.name = peer.name();
  const absl::StatusOr<std::uint32_t> node = FindNode(peer.host());
  if (!node.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("peer \"", peer.name(), "\": ", node.status().message()));
  }
  planned.node = *node;
  planned.endpoint.name = peer.name();
  planned.endpoint.start_offset = microseconds(peer.start_offset_us());
  ice::AgentOptions agent = ToAgentOptions(peer.agent());
  if (!peer.agent().has_role()) agent.role = controlling ? ice::Role::kControlling : ice::Role::kControlled;
  // The first address of each family that the server listens on, as a name would give.
  const auto addresses_of = [this](const std::string& name, std::vector<net::SocketAddress> PlannedServer::*over) {
    std::vector<net::SocketAddress> addresses;
    for (const PlannedServer& server : plan_.servers) {
      if (server.name != name) continue;
      for (const net::SocketAddress& listens : server.*over) {
        const bool have = std::any_of(addresses.begin(), addresses.end(), [&](const net::SocketAddress& address) {
          return address.family() == listens.family();
        });
        if (!have) addresses.push_back(listens);
      }
    }
    return addresses;
  };
  for (const std::string& name : peer.stun_server()) {
    for (const net::SocketAddress& address : addresses_of(name, &PlannedServer::listens)) {
      agent.stun_servers.push_back(address);
    }
    if (!peer.agent().tcp().server_reflexive() || (!agent.tcp.passive && !agent.tcp.simultaneous_open)) continue;
    for (const net::SocketAddress& address : addresses_of(name, &PlannedServer::listens_tcp)) {
      agent.tcp.stun_servers.push_back(address);
    }
  }
  for (const std::string& name : peer.turn_server()) {
    if (peer.agent().turn_over() != proto::Agent::TurnOver::TCP) {
      for (const net::SocketAddress& address : addresses_of(name, &PlannedServer::listens)) {
        agent.turn_servers.push_back({.address = address,
                                      .username = peer.turn_user(),
                                      .password = peer.turn_password(),
                                      .transport = stun::Transport::kUdp});
      }
    }
    if (peer.agent().turn_over() == proto::Agent::TurnOver::UDP) continue;
    for (const net::SocketAddress& address : addresses_of(name, &PlannedServer::listens_tcp)) {
      agent.turn_servers.push_back({.address = address,
                                    .username = peer.turn_user(),
                                    .password = peer.turn_password(),
                                    .transport = stun::Transport::kTcp});
    }
  }
  if (absl::Status status = ice::Validate(agent); !status.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("peer \"", peer.name(), "\": ", status.message()));
  }
  planned.endpoint.agent = std::move(agent);
  return planned;
}

absl::Status Planner::AddSessions() {
  for (const proto::Session& session : cell_.session()) {
    if (session.peer_size() != 2) {
      return absl::InvalidArgumentError(absl::StrCat("session \"", session.name(), "\": needs two peers"));
    }
    PlannedSession& planned = plan_.sessions.emplace_back();
    planned.name = session.name();
    planned.hold = microseconds(session.hold_us());
    const net::Duration latest =
        microseconds(std::max(session.peer(0).start_offset_us(), session.peer(1).start_offset_us()));
    for (int i = 0; i < 2; ++i) {
      absl::StatusOr<PlannedPeer> peer = PlanPeer(session.peer(i), i == 0);
      if (!peer.ok()) return peer.status();
      planned.peers[i] = *std::move(peer);
      apps::IceEndpoint::Options& options = planned.peers[i].endpoint;
      options.exchange_patience = kExchangePatience + latest;
      // The endpoint gives up, and says why; the agent does not before it.
      options.agent.exchange_wait = std::max(options.agent.exchange_wait, options.exchange_patience);
      options.data.datagrams = session.data().datagrams();
      options.data.payload_bytes = session.data().payload_bytes();
      options.data.interval = microseconds(session.data().interval_us());
      options.data.hold = session.hold_us() > 0;
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<CellPlan> PlanCell(const proto::Scenario& cell) { return Planner(cell).Plan(); }

}  // namespace pinhole::scenarios
