#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "net/ip_address.h"
#include "sim/packet/address_bits.h"

namespace pinhole::sim {

// Where packets for `prefix` leave.
struct Route {
  net::IpPrefix prefix;
  int interface = 0;                      // index in Node::interfaces()
  std::optional<net::IpAddress> gateway;  // without one, the destination is on that network itself
  std::uint32_t metric = 0;               // of equal prefixes, the lowest is taken; of equal metrics, the first added
  // Comes from an address of the interface: the destination must be there (somebody answers ARP or ND for it).
  // Other routes without a gateway give everything to the far end of a network of two.
  bool connected = false;
};

// The routes of one node, found by longest prefix.
class RouteTable {
 public:
  void Add(const Route& route);
  // Takes out every route that leaves by `interface` for `prefix`.
  void Remove(const net::IpPrefix& prefix, int interface);

  static constexpr int kAnyInterface = -1;
  // The best route to `destination` that leaves by `interface`. Valid until the table changes.
  const Route* Find(const net::IpAddress& destination, int interface = kAnyInterface) const;

  // In order of length (longest first), then metric, then age.
  const std::vector<Route>& routes() const;

 private:
  // The prefix of one route, in the order of routes_.
  struct Key {
    AddressBits bits;  // masked
    std::uint64_t high_mask = 0;
    std::uint64_t low_mask = 0;
  };
  // The routes of one prefix length and family stand together, sorted by bits: a large table is searched by
  // one binary search for each group.
  struct Group {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
  };
  static constexpr std::size_t kScanMax = 16;  // up to so many routes, looking at each is quicker

  void Sort() const;

  mutable std::vector<Route> routes_;
  mutable std::vector<Key> keys_;
  mutable std::vector<Group> groups_;
  mutable bool sorted_ = true;
};

}  // namespace pinhole::sim
