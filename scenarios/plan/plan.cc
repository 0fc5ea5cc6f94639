#include "scenarios/plan/plan.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "net/contract.h"
#include "scenarios/conversion/firewall_conversion.h"
#include "scenarios/conversion/host_conversion.h"
#include "scenarios/conversion/link_conversion.h"
#include "scenarios/conversion/nat_conversion.h"

namespace pinhole::scenarios {
namespace {

using std::chrono::microseconds;

// An interface of the topology and the network to which it is attached. It exists only while the plan is made.
struct Attachment {
  std::uint32_t node = 0;
  std::uint32_t interface = 0;
  std::uint32_t network = 0;  // index in Topology::networks()
  sim::LinkProfile up;
  sim::LinkProfile down;
  const std::vector<net::IpAddress>* gateways = nullptr;  // TopologyInterface::gateways
  bool default_route = true;
  bool source_filtering = false;
};

bool IsIdeal(const sim::LinkProfile& link) {
  return link.delay == net::Duration::zero() && link.jitter == net::Duration::zero() && link.loss_ppm == 0 &&
         !link.burst_loss && link.duplicate_ppm == 0 && link.reorder_ppm == 0 && link.rate_bps == 0 &&
         link.outages.empty() && link.faults.empty();
}

std::uint8_t HostLength(const net::IpAddress& address) { return address.is_v4() ? 32 : 128; }

class Planner {
 public:
  explicit Planner(const ResolvedCell& cell)
      : topology_(cell.topology()), limits_(cell.file().limits()), cores_(topology_.networks().size()) {}

  CellPlan Plan();

 private:
  void AddNodes();
  PlannedPart PartOf(const TopologyNode& node) const;
  void AddInterface(std::uint32_t node, const TopologyInterface& interface);
  void AddCores();
  void AddLans();
  void AddDefaultRoutes();
  void AddRoutesToNetworks();
  void AddServers();
  void AddReferral();
  void AddRouteIfNew(std::uint32_t node, const sim::Route& route);
  // Whether `node` passes packets of `family` from its interface `in` to its interface `out`.
  bool Forwards(std::uint32_t node, std::uint32_t in, std::uint32_t out, net::Family family) const;
  bool IsInternet(std::size_t network) const { return topology_.networks()[network].internet; }
  bool RoutesPrivate(std::size_t network) const {
    return topology_.networks()[network].file->routes_private_addresses();
  }
  std::optional<net::IpAddress> AddressOf(const Attachment& attachment, net::Family family) const;

  const Topology& topology_;
  const proto::Limits& limits_;
  CellPlan plan_;
  std::vector<std::optional<std::uint32_t>> cores_;  // by network: the core's node; nullopt for a LAN
  std::vector<Attachment> attachments_;
};

CellPlan Planner::Plan() {
  AddNodes();
  AddCores();
  AddLans();
  AddDefaultRoutes();
  AddRoutesToNetworks();
  AddServers();
  AddReferral();
  plan_.virtual_time_max = microseconds(limits_.virtual_time_max_us());
  plan_.events_max = limits_.events_max();
  return std::move(plan_);
}

void Planner::AddNodes() {
  for (const TopologyNode& node : topology_.nodes()) {
    const std::uint32_t index = static_cast<std::uint32_t>(plan_.nodes.size());
    PlannedNode& planned = plan_.nodes.emplace_back();
    planned.part = PartOf(node);
    planned.name = node.name;
    if (node.host != nullptr) {
      planned.host.ephemeral_port_min = static_cast<std::uint16_t>(node.host->ephemeral_port_first());
      planned.host.ephemeral_port_max = static_cast<std::uint16_t>(node.host->ephemeral_port_last());
      planned.host.raw_tcp = node.host->raw_tcp();
      SetTcp(node.host->tcp(), &planned.host.tcp);
    }
    planned.interfaces.reserve(node.interfaces.size());
    for (const TopologyInterface& interface : node.interfaces) AddInterface(index, interface);
  }
}

PlannedPart Planner::PartOf(const TopologyNode& node) const {
  switch (node.kind) {
    case TopologyNodeKind::kHost:
      return PlannedHost{};
    case TopologyNodeKind::kNat: {
      PlannedNat nat = {.profile = ToNatProfile(*node.nat),
                        .passes_ipv6 = node.nat->ipv6() != proto::Nat::DROP,
                        .egress = {},
                        .ipv6_filter = std::nullopt};
      if (node.firewall != nullptr) nat.egress = ToEgressPolicy(*node.firewall);
      if (node.nat->ipv6() == proto::Nat::OUTBOUND_ONLY) nat.ipv6_filter = ToFilterProfile(node.nat->firewall());
      return nat;
    }
    case TopologyNodeKind::kRouter: {
      if (node.firewall == nullptr) return PlannedRouter{};
      PlannedFirewall firewall = {
          .egress = ToEgressPolicy(*node.firewall), .filter = ToFilterProfile(*node.firewall), .outside = 0};
      for (std::size_t i = 0; i < node.interfaces.size(); ++i) {
        if (node.interfaces[i].outside) firewall.outside = static_cast<std::uint32_t>(i);
      }
      return firewall;
    }
  }
  net::CannotHappen();
}

void Planner::AddInterface(std::uint32_t node, const TopologyInterface& interface) {
  PlannedNode& owner = plan_.nodes[node];
  attachments_.push_back({.node = node,
                          .interface = static_cast<std::uint32_t>(owner.interfaces.size()),
                          .network = interface.network,
                          .up = ToLinkProfile(interface.file->up()),
                          .down = ToLinkProfile(interface.file->down()),
                          .gateways = &interface.gateways,
                          .default_route = interface.file->default_route(),
                          .source_filtering = interface.file->source_filtering()});
  PlannedInterface& planned = owner.interfaces.emplace_back();
  planned.name = interface.file->name();
  planned.kind = ToInterfaceKind(interface.file->kind());
  planned.addresses.reserve(interface.addresses.size());
  for (const net::IpPrefix& prefix : interface.addresses) {
    net::InterfaceAddress address;
    address.address = prefix.address();
    // On an INTERNET network every other address is reached through the core, so the file's prefix length is not used.
    address.prefix_length = topology_.IsInternet(interface) ? HostLength(prefix.address()) : prefix.length();
    planned.addresses.push_back(address);
  }
}

void Planner::AddCores() {
  for (std::size_t n = 0; n < topology_.networks().size(); ++n) {
    if (!IsInternet(n)) continue;
    const std::uint32_t core = static_cast<std::uint32_t>(plan_.nodes.size());
    cores_[n] = core;
    PlannedNode& node = plan_.nodes.emplace_back();
    node.part = PlannedCore{.forwards_private = RoutesPrivate(n)};
    node.name = topology_.networks()[n].file->name();
    for (const Attachment& attachment : attachments_) {
      if (attachment.network != n) continue;
      const std::uint32_t interface = static_cast<std::uint32_t>(node.interfaces.size());
      const PlannedNode& peer = plan_.nodes[attachment.node];
      node.interfaces.push_back(
          {.name = absl::StrCat("to_", peer.name), .addresses = {}, .filters_sources = attachment.source_filtering});
      if (const std::optional<net::IpAddress>& address = topology_.networks()[n].core_address;
          interface == 0 && address) {
        net::InterfaceAddress own;
        own.address = *address;
        own.prefix_length = HostLength(*address);
        node.interfaces.back().addresses.push_back(own);
      }
      for (const net::InterfaceAddress& address : peer.interfaces[attachment.interface].addresses) {
        node.routes.push_back({.prefix = net::IpPrefix(address.address, HostLength(address.address)),
                               .interface = static_cast<int>(interface),
                               .gateway = std::nullopt});
      }
      if (const PlannedNat* nat = std::get_if<PlannedNat>(&peer.part); nat != nullptr && attachment.interface == 0) {
        for (const sim::OneToOne& pair : nat->profile.one_to_one) {
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

// Chooses the middle of each LAN, at which the links of all other nodes of the LAN end. It is a node of the LAN whose
// own link has no delay, loss or limit, because the simulator does not make this link; a NAT or router is preferred to
// a host. If there is no such node, a switch is added.
void Planner::AddLans() {
  for (std::size_t n = 0; n < topology_.networks().size(); ++n) {
    if (IsInternet(n)) continue;
    const Attachment* hub = nullptr;
    for (const Attachment& attachment : attachments_) {
      if (attachment.network != n || !IsIdeal(attachment.up) || !IsIdeal(attachment.down)) continue;
      const bool forwards = !plan_.nodes[attachment.node].is_host();
      if (hub == nullptr || (forwards && plan_.nodes[hub->node].is_host())) hub = &attachment;
    }
    PlannedLink::End middle;
    if (hub != nullptr) {
      middle = {hub->node, hub->interface};
    } else {
      middle = {static_cast<std::uint32_t>(plan_.nodes.size()), 0};
      PlannedNode& node = plan_.nodes.emplace_back();
      node.part = PlannedSwitch{};
      node.name = topology_.networks()[n].file->name();
      node.interfaces.push_back({.name = "ports", .addresses = {}});
    }
    for (const Attachment& attachment : attachments_) {
      if (attachment.network != n || &attachment == hub) continue;
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
    for (const net::IpAddress& gateway : *attachment.gateways) add(gateway.family(), gateway);
    if (attachment.gateways->empty() && IsInternet(attachment.network)) {
      for (const net::Family family : {net::Family::kIpv4, net::Family::kIpv6}) {
        if (AddressOf(attachment, family)) add(family, std::nullopt);
      }
    }
  }
}

bool Planner::Forwards(std::uint32_t node, std::uint32_t in, std::uint32_t out, net::Family family) const {
  const PlannedPart& part = plan_.nodes[node].part;
  if (const PlannedNat* nat = std::get_if<PlannedNat>(&part)) {
    if (in != 0 && out != 0) return nat->profile.routes_inside;
    return family == net::Family::kIpv6 && nat->passes_ipv6;
  }
  return !std::holds_alternative<PlannedHost>(part) && !std::holds_alternative<PlannedSwitch>(part);
}

// Adds routes to each prefix of each LAN, at every node that forwards packets, cores included. The search begins at the
// LAN and goes outwards through the nodes that forward packets to it. It does not pass a NAT that translates, because
// the prefix cannot be addressed from outside of that NAT.
void Planner::AddRoutesToNetworks() {
  struct Reached {
    std::uint32_t node;
    std::uint32_t from_interface;  // the interface towards the prefix
  };
  const auto attached = [this](std::size_t network) {
    std::vector<const Attachment*> result;
    for (const Attachment& attachment : attachments_) {
      if (attachment.network == network) result.push_back(&attachment);
    }
    return result;
  };
  for (std::size_t n = 0; n < topology_.networks().size(); ++n) {
    if (IsInternet(n)) continue;
    std::vector<net::IpPrefix> prefixes;
    for (const Attachment* attachment : attached(n)) {
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
      for (const Attachment* attachment : attached(n)) {
        if (seen[attachment->node]) continue;
        seen[attachment->node] = true;
        queue.push_back({attachment->node, attachment->interface});
      }
      for (std::size_t i = 0; i < queue.size(); ++i) {
        const Reached reached = queue[i];
        for (const Attachment& out : attachments_) {
          if (out.node != reached.node || out.interface == reached.from_interface) continue;
          if (!Forwards(reached.node, out.interface, reached.from_interface, family)) continue;
          if (const std::optional<std::uint32_t> core = cores_[out.network]) {
            if (!RoutesPrivate(out.network) && (prefix.address().IsPrivate() || prefix.address().IsShared())) continue;
            // The core reaches this node through the interface at which the node's link ends.
            for (const PlannedLink& link : plan_.links) {
              if (link.b.node == *core && link.a.node == out.node && link.a.interface == out.interface) {
                AddRouteIfNew(*core, {.prefix = prefix,
                                      .interface = static_cast<int>(link.b.interface),
                                      .gateway = AddressOf(out, family)});
              }
            }
            continue;
          }
          const std::optional<net::IpAddress> gateway = AddressOf(out, family);
          if (!gateway) continue;
          for (const Attachment* next : attached(out.network)) {
            if (seen[next->node] || plan_.nodes[next->node].is_host()) continue;
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

PlannedServer::State ToServerState(proto::Server::State state) {
  switch (state) {
    case proto::Server::UP:
      return PlannedServer::State::kUp;
    case proto::Server::SILENT:
      return PlannedServer::State::kSilent;
    case proto::Server::CLOSED:
      return PlannedServer::State::kClosed;
  }
  net::CannotHappen();
}

void Planner::AddServers() {
  for (const TopologyServer& server : topology_.servers()) {
    const proto::Server& file = *server.file;
    PlannedServer& planned = plan_.servers.emplace_back();
    planned.name = file.name();
    planned.node = *server.node;
    planned.state = ToServerState(file.state());
    for (const net::IpAddress& address : server.addresses) {
      planned.listens.emplace_back(address, static_cast<std::uint16_t>(file.port()));
      if (file.has_tcp_port()) planned.listens_tcp.emplace_back(address, static_cast<std::uint16_t>(file.tcp_port()));
    }
    planned.relay_addresses = server.relay_addresses;
    planned.turn = file.turn();
    planned.realm = file.realm();
    for (const proto::User& user : file.user()) planned.users.push_back({user.name(), user.password()});
  }
}

void Planner::AddReferral() {
  if (!topology_.referral_node()) return;
  const proto::Referral& file = topology_.file().referral();
  PlannedReferral& referral = plan_.referral.emplace();
  referral.node = *topology_.referral_node();
  for (const PlannedInterface& interface : plan_.nodes[referral.node].interfaces) {
    for (const net::InterfaceAddress& address : interface.addresses) {
      referral.addresses.emplace_back(address.address, static_cast<std::uint16_t>(file.port()));
    }
  }
  for (const proto::Referral::Restart& restart : file.restart()) {
    referral.restarts.push_back({microseconds(restart.at_us()), microseconds(restart.down_us())});
  }
}

}  // namespace

CellPlan PlanNetwork(const ResolvedCell& cell) { return Planner(cell).Plan(); }

}  // namespace pinhole::scenarios
