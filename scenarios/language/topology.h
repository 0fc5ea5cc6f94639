#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "net/ip_address.h"
#include "scenarios/scenario.pb.h"

namespace pinhole::scenarios {

// One interface of a node. `file` is the interface in the resolved cell, which has everything that needs no parsing.
struct TopologyInterface {
  const proto::Interface* file = nullptr;
  const char* list = "";      // the field of the node that contains the interface: "interface", "inside" or "outside"
  std::uint32_t network = 0;  // index in Topology::networks()
  bool outside = false;       // the outside interface of a NAT or firewall
  std::vector<net::IpPrefix> addresses;
  // The next hops of the default route, at most one per address family. Empty on an INTERNET network, where the core is
  // the next hop, and empty if the interface has no default route.
  std::vector<net::IpAddress> gateways;

  // The first address of the family; null if there is none.
  const net::IpAddress* AddressOf(net::Family family) const;
  // Whether `address` lies in a subnet of this interface.
  bool IsOnLink(const net::IpAddress& address) const;
};

enum class TopologyNodeKind : std::uint8_t { kHost, kNat, kRouter };

// A host, NAT or router. The first interface of a NAT is its outside interface.
struct TopologyNode {
  TopologyNodeKind kind = TopologyNodeKind::kHost;
  std::string name;
  const proto::Host* host = nullptr;          // null if the node is no host
  const proto::Nat* nat = nullptr;            // null if the node is no NAT
  const proto::Firewall* firewall = nullptr;  // null if the NAT or router has no firewall, and for a host
  std::vector<TopologyInterface> interfaces;

  bool is_host() const { return kind == TopologyNodeKind::kHost; }
  bool Owns(const net::IpAddress& address) const;
  // The first address of the first interface that has one; null if none has.
  const net::IpAddress* first_address() const;
  std::string Called() const;  // kind and name for messages: host "alice"
  std::string path() const;    // "topology.host[alice]"
  // "topology.host[alice].interface[eth0]". `interface` must be an interface of this node.
  std::string PathOf(const TopologyInterface& interface) const;
};

struct TopologyNetwork {
  const proto::Network* file = nullptr;
  bool internet = false;
  std::optional<net::IpAddress> core_address;
};

// A STUN or TURN server. If a text in the file is no address, the unspecified address is used in its place, which no
// host owns.
struct TopologyServer {
  const proto::Server* file = nullptr;
  std::optional<std::uint32_t> node;  // index in Topology::nodes(); nullopt: no host has that name
  std::vector<net::IpAddress> addresses;
  std::vector<net::IpAddress> relay_addresses;
};

// The topology of a resolved cell as values: names are indices, addresses are parsed, gateways are found. It is made
// once for each cell. The checks of the cell (check_cell.h), the search for paths (way.h) and the plan read it. The
// oracle does not: it reads the file itself, because it must share no code with the simulator that it judges.
class Topology {
 public:
  // `topology` must belong to a resolved cell (Scenario::Resolve) in which ResolveCell() found no problem, and must
  // outlive this object.
  explicit Topology(const proto::Topology& topology);

  // Hosts, NATs and routers, each in the file's order.
  const std::vector<TopologyNode>& nodes() const { return nodes_; }
  const std::vector<TopologyNetwork>& networks() const { return networks_; }
  const std::vector<TopologyServer>& servers() const { return servers_; }
  // The host of the referral server; nullopt if there is no referral server, or no host has its name.
  std::optional<std::uint32_t> referral_node() const { return referral_node_; }
  const proto::Topology& file() const { return *file_; }

  const TopologyNetwork& NetworkOf(const TopologyInterface& interface) const { return networks_[interface.network]; }
  bool IsInternet(const TopologyInterface& interface) const { return NetworkOf(interface).internet; }

  // Index of the host with this name; nullopt if there is none.
  std::optional<std::uint32_t> HostIndex(absl::string_view name) const;
  // The host with this name; null if there is none.
  const TopologyNode* FindHost(absl::string_view name) const;
  // The node with this address on this network; null if there is none.
  const TopologyNode* FindOwner(std::uint32_t network, const net::IpAddress& address) const;
  // The node on `network` to which the core forwards packets for `to`, because `to` is behind it; null if there is
  // none.
  const TopologyNode* FindBehind(std::uint32_t network, const net::IpAddress& to) const;

 private:
  TopologyNode& AddNode(TopologyNodeKind kind, const std::string& name);
  void AddInterface(const proto::Interface& file, const char* list, bool outside, TopologyNode* node) const;
  void AddServer(const proto::Server& server);

  const proto::Topology* file_;
  std::vector<TopologyNetwork> networks_;
  std::vector<TopologyNode> nodes_;
  std::vector<TopologyServer> servers_;
  std::optional<std::uint32_t> referral_node_;
};

// A cell after Scenario::Resolve(): the file with all names and defaults filled in, and its topology as values. Copies
// share the file.
class ResolvedCell {
 public:
  // `file` must be resolved, as Scenario::Resolve() describes.
  explicit ResolvedCell(proto::Scenario file)
      : file_(std::make_shared<const proto::Scenario>(std::move(file))), topology_(file_->topology()) {}

  const proto::Scenario& file() const { return *file_; }
  const Topology& topology() const { return topology_; }

 private:
  std::shared_ptr<const proto::Scenario> file_;
  Topology topology_;
};

}  // namespace pinhole::scenarios
