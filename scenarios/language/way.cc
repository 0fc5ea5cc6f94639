#include "scenarios/language/way.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "absl/strings/str_cat.h"

namespace pinhole::scenarios {
namespace {

using net::IpAddress;

constexpr int kHopsMax = 32;

bool IsUnroutable(const IpAddress& address) { return address.IsPrivate() || address.IsShared(); }

struct Hop {
  const TopologyInterface* out = nullptr;  // null: there is no route
  const TopologyNode* next = nullptr;      // null: the core decides, or no node has the address
};

// If `to` is in the subnet of a LAN of the node, the next hop is `to` itself. Otherwise it is the first default route,
// except back to the network from which the packet came.
Hop NextHop(const Topology& topology, const TopologyNode& at, std::optional<std::uint32_t> came_by,
            const IpAddress& to) {
  for (const TopologyInterface& interface : at.interfaces) {
    if (!topology.IsInternet(interface) && interface.IsOnLink(to)) {
      return {&interface, topology.FindOwner(interface.network, to)};
    }
  }
  for (const TopologyInterface& interface : at.interfaces) {
    const bool usable =
        interface.network != came_by && interface.file->default_route() && interface.AddressOf(to.family()) != nullptr;
    if (!usable) continue;
    if (topology.IsInternet(interface)) return {&interface, nullptr};
    for (const IpAddress& gateway : interface.gateways) {
      if (gateway.family() == to.family()) return {&interface, topology.FindOwner(interface.network, gateway)};
    }
  }
  return {};
}

// Why a NAT on the path drops the packet; "" if it does not.
std::string RefusedByNat(const TopologyNode& at, bool is_start, const TopologyInterface& out, const IpAddress& to) {
  if (at.nat == nullptr) return "";
  if (to.is_v6() && at.nat->ipv6() == proto::Nat::DROP) return absl::StrCat(at.Called(), " drops IPv6");
  if (to.is_v4() && !out.outside && !is_start && !at.nat->routes_between_inside_networks()) {
    return absl::StrCat(at.Called(), " does not route between its inside networks");
  }
  return "";
}

// Why a firewall on the path drops the packet; "" if it does not.
std::string RefusedByFirewall(const TopologyNode& at, bool is_start, const TopologyInterface& out,
                              std::uint32_t tcp_port) {
  if (at.firewall == nullptr || is_start || !out.outside) return "";
  const auto& ports = at.firewall->tcp_port();
  if (at.firewall->block_tcp()) return absl::StrCat(at.Called(), " blocks TCP");
  if (ports.empty() || std::find(ports.begin(), ports.end(), tcp_port) != ports.end()) return "";
  return absl::StrCat(at.Called(), " blocks TCP to port ", tcp_port);
}

// Why a core drops the packet or its answer; "" if it does not.
std::string RefusedByCore(const proto::Network& core, const std::optional<IpAddress>& source, const IpAddress& to) {
  if (core.routes_private_addresses()) return "";
  if (IsUnroutable(to)) return absl::StrCat("\"", core.name(), "\" drops packets to private addresses");
  if (source && IsUnroutable(*source)) {
    return absl::StrCat("\"", core.name(), "\" drops the answers to ", source->ToString());
  }
  return "";
}

}  // namespace

std::string WhyNoWay(const Topology& topology, const TopologyNode& start, const IpAddress& to, std::uint32_t tcp_port) {
  const TopologyNode* at = &start;
  std::optional<std::uint32_t> came_by;  // index of the network; absent at the start
  std::optional<IpAddress> source;       // source address after the last NAT
  for (int hops = 0; hops < kHopsMax; ++hops) {
    if (at->Owns(to)) return "";
    Hop hop = NextHop(topology, *at, came_by, to);
    if (hop.out == nullptr) return absl::StrCat(at->Called(), " has no route to it");
    const proto::Network& network = *topology.NetworkOf(*hop.out).file;
    if (std::string why = RefusedByNat(*at, at == &start, *hop.out, to); !why.empty()) return why;
    if (std::string why = RefusedByFirewall(*at, at == &start, *hop.out, tcp_port); !why.empty()) return why;

    const bool translates = at->nat != nullptr && to.is_v4() && hop.out->outside;
    const IpAddress* own = hop.out->AddressOf(to.family());
    if (own != nullptr && (!source || translates)) source = *own;

    if (topology.IsInternet(*hop.out)) {
      hop.next = topology.FindOwner(hop.out->network, to);
      if (hop.next == nullptr) hop.next = topology.FindBehind(hop.out->network, to);
      if (hop.next == nullptr) return absl::StrCat("\"", network.name(), "\" knows no way to it");
      if (std::string why = RefusedByCore(network, source, to); !why.empty()) return why;
    } else if (hop.next == nullptr) {
      return absl::StrCat("nobody on \"", network.name(), "\" has that address");
    }
    came_by = hop.out->network;
    at = hop.next;
  }
  return "packets go round in circles";
}

}  // namespace pinhole::scenarios
