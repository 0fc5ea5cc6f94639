#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "net/host.h"
#include "net/ip_address.h"
#include "sim/packet/address_bits.h"

namespace pinhole::sim {

// The graph of networks: which interfaces are joined by links, which of them holds an address, and by which links it is
// reached.
//
// An *attachment* is an interface that has a link. A link has two *directions*, `d` and `d ^ 1`. An interface with
// several links bridges them, so links that meet in an interface belong to one *network*. A network is a tree:
// a loop of bridges is a mistake in the description, which FindLoop() reports.
//
//     alice -- switch -- bob        one network: three attachments, four directions
//
// The fabric knows neither nodes nor packets. It reads the addresses and the state (up or down) of an interface where
// the node keeps them. The fabric rebuilds the networks at the first question after a change, in a time that is
// linear in the number of attachments. Attachments and directions are numbered from 0 in the order added.
class Fabric {
 public:
  // The number that stands for "no attachment" and "no direction".
  static constexpr std::uint32_t kNone = 0xffffffff;

  // Adds the attachment of interfaces[index] and gives its number. `interfaces` is the list of one node: it outlives
  // the fabric and may grow. REQUIRES: this interface has no attachment yet.
  std::uint32_t Attach(const std::vector<net::Interface>& interfaces, std::size_t index);
  // Adds a link between two attachments. Gives the direction from `a` to `b`, an even number.
  std::uint32_t Connect(std::uint32_t a, std::uint32_t b);
  // To be called after an attached interface gains or loses an address, or goes up or down.
  void InterfacesChanged() { built_ = false; }

  std::uint32_t From(std::uint32_t direction) const { return directions_[direction].from; }
  std::uint32_t To(std::uint32_t direction) const { return directions_[direction].to; }
  // The directions that begin at an attachment: one for each of its links.
  const absl::InlinedVector<std::uint32_t, 2>& Out(std::uint32_t attachment) const {
    return attachments_[attachment].out;
  }

  bool IsUp(std::uint32_t attachment) {
    BuildIfChanged();
    return attachments_[attachment].up;
  }
  // The attachment of `from`'s network, other than `from`, that holds `address`; kNone: there is none. If `strict` is
  // false and the network has only two attachments, the one that is not `from` is returned, whatever address it holds.
  std::uint32_t FindNeighbour(std::uint32_t from, const net::IpAddress& address, bool strict) {
    BuildIfChanged();
    Attachment& asking = attachments_[from];
    const AddressBits bits(address);
    if (asking.last_neighbour != kNone && asking.last_address == bits) return asking.last_neighbour;
    const std::uint32_t found = Search(from, address, strict);
    if (found == kNone) return kNone;
    // If `strict` is false, the attachment found may not hold the address. It would be the wrong result of a later
    // strict search, so it does not go into the cache.
    asking.last_neighbour = strict ? found : kNone;
    asking.last_address = bits;
    return found;
  }
  // The direction that leads from `from` towards `destination`, another attachment of the same network.
  std::uint32_t NextDirection(std::uint32_t from, std::uint32_t destination) {
    const Attachment& at = attachments_[from];
    return at.out.size() == 1 ? at.out[0] : NextOfSeveral(from, destination);
  }

  // An attachment on a loop of links and bridges; nullopt: every network is a tree.
  std::optional<std::uint32_t> FindLoop();
  struct SharedAddress {
    net::IpAddress address;
    std::uint32_t first = 0;
    std::uint32_t second = 0;
  };
  // An address that two attachments of one network hold; nullopt: there is none.
  std::optional<SharedAddress> FindSharedAddress();

 private:
  struct Attachment {
    const std::vector<net::Interface>* interfaces = nullptr;
    std::uint32_t index = 0;  // of the interface in `interfaces`
    bool up = true;
    std::uint32_t network = kNone;
    std::uint32_t root_side = kNone;     // the next attachment on the way to the network's root; the root has none
    std::uint32_t towards_root = kNone;  // the direction to `root_side`
    // A cache of one entry: the attachment that FindNeighbour() found for `last_address`. kNone: the cache is empty.
    std::uint32_t last_neighbour = kNone;
    AddressBits last_address;
    absl::InlinedVector<std::uint32_t, 2> out;

    const std::vector<net::InterfaceAddress>& addresses() const { return (*interfaces)[index].addresses; }
  };
  struct Direction {
    std::uint32_t from = kNone;
    std::uint32_t to = kNone;
  };
  // The attachments of a network are members_[begin .. end).
  struct Network {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
    std::uint32_t holders = kNone;  // index in holders_; only large networks have one
  };
  struct HashAddress {
    std::size_t operator()(const net::IpAddress& address) const { return net::StableHash(address); }
  };
  using HolderByAddress = absl::flat_hash_map<net::IpAddress, std::uint32_t, HashAddress>;

  void BuildIfChanged() {
    if (!built_) Build();
  }
  void Build();
  void BuildNetwork(std::uint32_t root);
  std::uint32_t Search(std::uint32_t from, const net::IpAddress& address, bool strict);
  const HolderByAddress& HoldersOf(Network& network);
  std::uint32_t NextOfSeveral(std::uint32_t from, std::uint32_t destination);

  std::vector<Attachment> attachments_;
  std::vector<Direction> directions_;

  // Build() computes these fields from attachments_ and directions_.
  bool built_ = false;
  std::vector<Network> networks_;
  std::vector<std::uint32_t> members_;
  std::vector<HolderByAddress> holders_;
  std::optional<std::uint32_t> loop_;
};

}  // namespace pinhole::sim
