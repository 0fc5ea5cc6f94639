#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/functional/function_ref.h"
#include "net/random.h"
#include "sim/nat/profile.h"

namespace pinhole::sim::nat {

// Picks the external ports of mappings (RFC 4787 §4.2), by the profile's allocation rule, range and parity. Conntrack
// mappings use conntrack_ports.h instead.
class PortAllocator {
 public:
  using IsFree = absl::FunctionRef<bool(std::uint16_t)>;

  struct Choice {
    std::optional<std::uint16_t> port;  // nullopt: no port was found
    bool takes_over = false;            // the port belongs to another mapping, which must be removed
    bool refused = false;               // no port because `collision` is kRefuse, not because ports are short
  };

  // `behavior` and `random` must outlive the allocator.
  PortAllocator(const TransportBehavior& behavior, net::RandomSource& random)
      : behavior_(&behavior), random_(&random) {}

  // The ports that a mapping of `inside_port` may have, without regard to blocks.
  PortRange RangeFor(std::uint16_t inside_port) const;

  // Picks a port of `range` for `inside_port`, on the external address with the index `pool_index`. `preferred` is
  // taken first, if it is given, free, in the range and of the right parity.
  Choice Pick(int pool_index, std::uint16_t inside_port, PortRange range, std::optional<std::uint16_t> preferred,
              IsFree is_free);

  // Sequential allocation starts again at the first port of each range.
  void Reset() { next_.clear(); }

 private:
  // The ports of a range that have the wanted parity: first, first + stride, ...; `count` of them.
  struct Candidates {
    std::uint16_t first;
    int stride;
    int count;
    std::uint16_t operator[](int i) const { return static_cast<std::uint16_t>(first + i * stride); }
  };
  Candidates CandidatesOf(PortRange range, std::uint16_t inside_port) const;
  bool Fits(PortRange range, std::uint16_t inside_port, std::uint16_t port) const;

  std::optional<std::uint16_t> FirstFree(const Candidates& ports, int start, IsFree is_free) const;
  std::optional<std::uint16_t> Random(const Candidates& ports, IsFree is_free);
  std::optional<std::uint16_t> Sequential(int pool_index, PortRange range, std::uint16_t inside_port, IsFree is_free);
  std::optional<std::uint16_t> NextFree(const Candidates& ports, std::uint16_t above, IsFree is_free) const;

  const TransportBehavior* behavior_;
  net::RandomSource* random_;
  struct Sequence {
    PortRange range;
    int offset;  // from range.first, of the port to try next
  };
  std::vector<std::vector<Sequence>> next_;  // by pool index; one for each range in use
};

}  // namespace pinhole::sim::nat
