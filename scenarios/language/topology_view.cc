#include "scenarios/language/topology_view.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"

namespace pinhole::scenarios {

using net::Family;
using net::IpAddress;
using net::IpPrefix;

const IpAddress* Port::AddressOf(Family family) const {
  for (const IpPrefix& own : addresses) {
    if (own.address().family() == family) return &own.address();
  }
  return nullptr;
}

bool Port::IsOnLink(const IpAddress& address) const {
  return std::any_of(addresses.begin(), addresses.end(), [&](const IpPrefix& own) {
    return own.address().family() == address.family() && own.Contains(address);
  });
}

bool Node::Owns(const IpAddress& address) const {
  for (const Port& port : ports) {
    for (const IpPrefix& own : port.addresses) {
      if (own.address() == address) return true;
    }
  }
  return false;
}

std::string Node::Called() const { return absl::StrCat(kind, " \"", name, "\""); }

TopologyView::TopologyView(const proto::Topology& topology) : topology_(topology) {
  for (const proto::Host& host : topology.host()) {
    Node& node = AddNode("host", host.name());
    for (const proto::Interface& interface : host.interface()) AddPort(interface, "interface", false, &node);
  }
  for (const proto::Nat& nat : topology.nat()) {
    Node& node = AddNode("nat", nat.name());
    node.nat = &nat;
    if (nat.has_firewall()) node.firewall = &nat.firewall();
    AddPort(nat.outside(), "outside", true, &node);
    for (const proto::Interface& interface : nat.inside()) AddPort(interface, "inside", false, &node);
  }
  for (const proto::Router& router : topology.router()) {
    Node& node = AddNode("router", router.name());
    for (const proto::Interface& interface : router.interface()) AddPort(interface, "interface", false, &node);
    if (!router.has_firewall()) continue;
    node.firewall = &router.firewall();
    for (Port& port : node.ports) port.outside = port.interface->name() == router.firewall().outside();
  }
}

Node& TopologyView::AddNode(const char* kind, const std::string& name) {
  nodes_.emplace_back();
  nodes_.back().kind = kind;
  nodes_.back().name = name;
  nodes_.back().path = absl::StrCat("topology.", kind, "[", name, "]");
  return nodes_.back();
}

void TopologyView::AddPort(const proto::Interface& interface, const char* list, bool outside, Node* node) const {
  Port port{&interface, "", 0, outside, {}};
  port.path =
      outside ? absl::StrCat(node->path, ".", list) : absl::StrCat(node->path, ".", list, "[", interface.name(), "]");
  for (int i = 0; i < topology_.network_size(); ++i) {
    if (topology_.network(i).name() == interface.network()) port.network = i;
  }
  for (const std::string& text : interface.address()) {
    if (const std::optional<IpPrefix> prefix = IpPrefix::Parse(text)) port.addresses.push_back(*prefix);
  }
  node->ports.push_back(std::move(port));
}

const Node* TopologyView::FindHost(absl::string_view name) const {
  for (const Node& node : nodes_) {
    if (node.kind == "host" && node.name == name) return &node;
  }
  return nullptr;
}

const Node* TopologyView::FindOwner(int network, const IpAddress& address) const {
  for (const Node& node : nodes_) {
    for (const Port& port : node.ports) {
      if (port.network != network) continue;
      for (const IpPrefix& own : port.addresses) {
        if (own.address() == address) return &node;
      }
    }
  }
  return nullptr;
}

const Node* TopologyView::FindBehind(int network, const IpAddress& to) const {
  for (const Node& node : nodes_) {
    if (node.kind == "host") continue;
    // A core cannot route to IPv4 addresses behind a NAT.
    if (node.nat != nullptr && (to.is_v4() || node.nat->ipv6() == proto::Nat::DROP)) continue;
    const bool attached =
        std::any_of(node.ports.begin(), node.ports.end(), [&](const Port& port) { return port.network == network; });
    const bool behind = std::any_of(node.ports.begin(), node.ports.end(),
                                    [&](const Port& port) { return port.network != network && port.IsOnLink(to); });
    if (attached && behind) return &node;
  }
  return nullptr;
}

}  // namespace pinhole::scenarios
