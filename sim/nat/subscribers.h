#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "sim/nat/endpoint.h"
#include "sim/nat/flat_map.h"

namespace pinhole::sim::nat {

// What a NAT records about one inside address, a "subscriber".
struct Subscriber {
  int bindings = 0;  // the number of dynamic bindings, with expired ones until they are swept
  // The pool index of its external address (RFC 4787 §4.1, "paired"); nullopt: not assigned yet. Index 0 is for both
  // transports, or with pools_per_transport for UDP; index 1 is then for TCP.
  std::array<std::optional<int>, 2> pool_index;
  struct Block {
    int pool_index;
    int number;
  };
  std::vector<Block> blocks;  // of external ports, in the order given
};

// All inside addresses that have or had bindings, and the owners of the port blocks. Not used by a NAT without limits
// per host, without blocks, and with only one external address.
class Subscribers {
 public:
  Subscriber& Of(Endpoint inside) { return by_address_.FindOrAdd({inside.AddressOnly().bits(), 0}); }

  // The subscriber whose Endpoint::AddressOnly().bits() is `address`; nullptr: there is none yet.
  const Subscriber* Find(std::uint64_t address) const { return by_address_.Find({address, 0}); }

  void OnBindingAdded(Endpoint inside) { ++Of(inside).bindings; }
  // A subscriber that has no bindings left gives its blocks back, but keeps its external address.
  void OnBindingRemoved(Endpoint inside);

  // Gives `subscriber` the free block with the lowest number, of `count` blocks. nullopt: none is free.
  std::optional<int> TakeBlock(Subscriber& subscriber, int pool_index, int count);
  void Clear();

 private:
  FlatMap<Subscriber> by_address_;
  std::vector<std::vector<bool>> taken_blocks_;  // by pool index and number
};

}  // namespace pinhole::sim::nat
