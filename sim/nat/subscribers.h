#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "sim/nat/endpoint.h"
#include "sim/nat/flat_map.h"

namespace pinhole::sim::nat {

// What a NAT knows about one inside address.
struct Subscriber {
  int bindings = 0;  // dynamic ones, expired ones included until they are swept
  // Its external address (RFC 4787's "paired") once it has one, in a pool of both transports (index 0) or in each
  // transport's own.
  std::array<std::optional<int>, 2> pool_index;
  struct Block {
    int pool_index;
    int number;
  };
  std::vector<Block> blocks;  // of external ports, in the order given
};

// All inside addresses that have or had bindings, and who owns which block of ports. A NAT that limits nothing per
// host, has one external address and no blocks does without.
class Subscribers {
 public:
  Subscriber& Of(Endpoint inside) { return by_address_.FindOrAdd({inside.AddressOnly().bits(), 0}); }

  // What Of() knows of Endpoint::AddressOnly().bits(); nullptr: nothing yet.
  const Subscriber* Find(std::uint64_t address) const { return by_address_.Find({address, 0}); }

  void OnBindingAdded(Endpoint inside) { ++Of(inside).bindings; }
  // A subscriber without bindings gives its blocks back; its pairing stays.
  void OnBindingRemoved(Endpoint inside);

  // The lowest-numbered block of `count` that nobody has, which then is `subscriber`'s; nullopt: none is left.
  std::optional<int> TakeBlock(Subscriber& subscriber, int pool_index, int count);
  void Clear();

 private:
  FlatMap<Subscriber> by_address_;
  std::vector<std::vector<bool>> taken_blocks_;  // by pool index and number
};

}  // namespace pinhole::sim::nat
