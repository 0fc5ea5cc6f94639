#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "net/ip_address.h"
#include "scenarios/topology.pb.h"

namespace pinhole::scenarios {

// One interface of a resolved topology. Its names are looked up and its addresses are parsed.
struct Port {
  const proto::Interface* interface;
  std::string path;  // "topology.host[alice].interface[eth0]"
  int network;       // index in Topology.network
  bool outside;      // the outside interface of a NAT or firewall
  std::vector<net::IpPrefix> addresses;

  // The first address of this family; null if there is none.
  const net::IpAddress* AddressOf(net::Family family) const;
  // Whether `address` is in a subnet of this interface.
  bool IsOnLink(const net::IpAddress& address) const;
};

// A host, NAT or router. The first port of a NAT is its outside interface.
struct Node {
  std::string kind;  // "host", "nat", "router"
  std::string name;
  std::string path;
  const proto::Nat* nat = nullptr;
  const proto::Firewall* firewall = nullptr;
  std::vector<Port> ports;

  bool Owns(const net::IpAddress& address) const;
  std::string Called() const;  // such as: host "alice"
};

// The nodes of a resolved topology and their attachments. REQUIRES: the topology outlives the view.
class TopologyView {
 public:
  explicit TopologyView(const proto::Topology& topology);

  const std::vector<Node>& nodes() const { return nodes_; }
  const proto::Network& NetworkOf(const Port& port) const { return topology_.network(port.network); }
  bool IsInternet(const Port& port) const { return NetworkOf(port).kind() == proto::Network::INTERNET; }

  // Null if there is no such host.
  const Node* FindHost(absl::string_view name) const;
  // The node that has this address on this network; null if there is none.
  const Node* FindOwner(int network, const net::IpAddress& address) const;
  // The node on `network` to which the core sends packets for `to`; null if there is none.
  const Node* FindBehind(int network, const net::IpAddress& to) const;

 private:
  Node& AddNode(const char* kind, const std::string& name);
  void AddPort(const proto::Interface& interface, const char* list, bool outside, Node* node) const;

  const proto::Topology& topology_;
  std::vector<Node> nodes_;
};

}  // namespace pinhole::scenarios
