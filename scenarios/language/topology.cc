#include "scenarios/language/topology.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "net/contract.h"

namespace pinhole::scenarios {

using net::Family;
using net::IpAddress;
using net::IpPrefix;

namespace {

const char* WordFor(TopologyNodeKind kind) {
  switch (kind) {
    case TopologyNodeKind::kHost:
      return "host";
    case TopologyNodeKind::kNat:
      return "nat";
    case TopologyNodeKind::kRouter:
      return "router";
  }
  net::CannotHappen();
}

template <typename Texts>
std::vector<IpAddress> AddressesOf(const Texts& texts) {
  std::vector<IpAddress> addresses;
  addresses.reserve(static_cast<std::size_t>(texts.size()));
  for (const std::string& text : texts) addresses.push_back(IpAddress::Parse(text).value_or(IpAddress()));
  return addresses;
}

}  // namespace

const IpAddress* TopologyInterface::AddressOf(Family family) const {
  for (const IpPrefix& own : addresses) {
    if (own.address().family() == family) return &own.address();
  }
  return nullptr;
}

bool TopologyInterface::IsOnLink(const IpAddress& address) const {
  return std::any_of(addresses.begin(), addresses.end(), [&](const IpPrefix& own) {
    return own.address().family() == address.family() && own.Contains(address);
  });
}

bool TopologyNode::Owns(const IpAddress& address) const {
  for (const TopologyInterface& interface : interfaces) {
    for (const IpPrefix& own : interface.addresses) {
      if (own.address() == address) return true;
    }
  }
  return false;
}

const IpAddress* TopologyNode::first_address() const {
  for (const TopologyInterface& interface : interfaces) {
    if (!interface.addresses.empty()) return &interface.addresses.front().address();
  }
  return nullptr;
}

std::string TopologyNode::Called() const { return absl::StrCat(WordFor(kind), " \"", name, "\""); }

std::string TopologyNode::path() const { return absl::StrCat("topology.", WordFor(kind), "[", name, "]"); }

std::string TopologyNode::PathOf(const TopologyInterface& interface) const {
  if (kind == TopologyNodeKind::kNat && interface.outside) return absl::StrCat(path(), ".", interface.list);
  return absl::StrCat(path(), ".", interface.list, "[", interface.file->name(), "]");
}

Topology::Topology(const proto::Topology& topology) : file_(&topology) {
  networks_.reserve(static_cast<std::size_t>(topology.network_size()));
  for (const proto::Network& network : topology.network()) {
    networks_.push_back(
        {.file = &network,
         .internet = network.kind() == proto::Network::INTERNET,
         .core_address = network.has_core_address() ? IpAddress::Parse(network.core_address()) : std::nullopt});
  }
  const int nodes = topology.host_size() + topology.nat_size() + topology.router_size();
  nodes_.reserve(static_cast<std::size_t>(nodes));
  for (const proto::Host& host : topology.host()) {
    TopologyNode& node = AddNode(TopologyNodeKind::kHost, host.name());
    node.host = &host;
    for (const proto::Interface& interface : host.interface()) AddInterface(interface, "interface", false, &node);
  }
  for (const proto::Nat& nat : topology.nat()) {
    TopologyNode& node = AddNode(TopologyNodeKind::kNat, nat.name());
    node.nat = &nat;
    if (nat.has_firewall()) node.firewall = &nat.firewall();
    AddInterface(nat.outside(), "outside", true, &node);
    for (const proto::Interface& interface : nat.inside()) AddInterface(interface, "inside", false, &node);
  }
  for (const proto::Router& router : topology.router()) {
    TopologyNode& node = AddNode(TopologyNodeKind::kRouter, router.name());
    for (const proto::Interface& interface : router.interface()) AddInterface(interface, "interface", false, &node);
    if (!router.has_firewall()) continue;
    node.firewall = &router.firewall();
    for (TopologyInterface& interface : node.interfaces) {
      interface.outside = interface.file->name() == router.firewall().outside();
    }
  }
  servers_.reserve(static_cast<std::size_t>(topology.server_size()));
  for (const proto::Server& server : topology.server()) AddServer(server);
  if (topology.has_referral()) referral_node_ = HostIndex(topology.referral().host());
}

TopologyNode& Topology::AddNode(TopologyNodeKind kind, const std::string& name) {
  TopologyNode& node = nodes_.emplace_back();
  node.kind = kind;
  node.name = name;
  return node;
}

void Topology::AddInterface(const proto::Interface& file, const char* list, bool outside, TopologyNode* node) const {
  TopologyInterface& interface = node->interfaces.emplace_back();
  interface.file = &file;
  interface.outside = outside;
  interface.list = list;
  for (std::size_t i = 0; i < networks_.size(); ++i) {
    if (networks_[i].file->name() == file.network()) interface.network = static_cast<std::uint32_t>(i);
  }
  for (const std::string& text : file.address()) {
    if (const std::optional<IpPrefix> prefix = IpPrefix::Parse(text)) interface.addresses.push_back(*prefix);
  }
  interface.gateways = AddressesOf(file.gateway());
}

void Topology::AddServer(const proto::Server& server) {
  servers_.push_back({.file = &server,
                      .node = HostIndex(server.host()),
                      .addresses = AddressesOf(server.address()),
                      .relay_addresses = AddressesOf(server.relay_address())});
}

std::optional<std::uint32_t> Topology::HostIndex(absl::string_view name) const {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (nodes_[i].is_host() && nodes_[i].name == name) return static_cast<std::uint32_t>(i);
  }
  return std::nullopt;
}

const TopologyNode* Topology::FindHost(absl::string_view name) const {
  const std::optional<std::uint32_t> index = HostIndex(name);
  return index ? &nodes_[*index] : nullptr;
}

const TopologyNode* Topology::FindOwner(std::uint32_t network, const IpAddress& address) const {
  for (const TopologyNode& node : nodes_) {
    for (const TopologyInterface& interface : node.interfaces) {
      if (interface.network != network) continue;
      for (const IpPrefix& own : interface.addresses) {
        if (own.address() == address) return &node;
      }
    }
  }
  return nullptr;
}

const TopologyNode* Topology::FindBehind(std::uint32_t network, const IpAddress& to) const {
  for (const TopologyNode& node : nodes_) {
    if (node.is_host()) continue;
    // An IPv4 address behind a NAT cannot be reached from outside without a mapping, so the core has no route to it.
    if (node.nat != nullptr && (to.is_v4() || node.nat->ipv6() == proto::Nat::DROP)) continue;
    const std::vector<TopologyInterface>& all = node.interfaces;
    const bool attached =
        std::any_of(all.begin(), all.end(), [&](const TopologyInterface& one) { return one.network == network; });
    const bool behind = std::any_of(all.begin(), all.end(), [&](const TopologyInterface& one) {
      return one.network != network && one.IsOnLink(to);
    });
    if (attached && behind) return &node;
  }
  return nullptr;
}

}  // namespace pinhole::scenarios
