#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "net/ip_address.h"
#include "sim/packet/address_bits.h"

namespace pinhole::sim {

// The interface and the next hop for packets to `prefix`.
struct Route {
  net::IpPrefix prefix;
  int interface = 0;                      // index in Node::interfaces()
  std::optional<net::IpAddress> gateway;  // without a gateway, the destination is on the network of the interface
  std::uint32_t metric = 0;  // among equal prefixes the lowest metric wins, among equal metrics the first route added
  // The route belongs to an address of the interface: the destination must be a neighbour (it answers ARP or ND). Other
  // routes without a gateway give every packet to the far end, if the network has only two members.
  bool connected = false;
};

// The routes of one node, found by longest prefix.
class RouteTable {
 public:
  void Add(const Route& route);
  // Removes every route to `prefix` that leaves by `interface`.
  void Remove(const net::IpPrefix& prefix, int interface);

  static constexpr int kAnyInterface = -1;
  // The best route to `destination` that leaves by `interface`; nullptr: there is none. Valid until the table changes.
  const Route* Find(const net::IpAddress& destination, int interface = kAnyInterface) const;

  // The routes, ordered by prefix length (longest first), then by metric, then in the order added.
  const std::vector<Route>& routes() const;

 private:
  // The prefix of one route, in the order of routes_.
  struct Key {
    AddressBits bits;  // masked
    std::uint64_t high_mask = 0;
    std::uint64_t low_mask = 0;
  };
  // The routes of one prefix length and family stand together, sorted by bits. A large table is searched by one binary
  // search in each group.
  struct Group {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
  };
  static constexpr std::size_t kScanMax = 16;  // up to this many routes, a scan is faster

  void Sort() const;

  mutable std::vector<Route> routes_;
  mutable std::vector<Key> keys_;
  mutable std::vector<Group> groups_;
  mutable bool sorted_ = true;
};

}  // namespace pinhole::sim
