#pragma once

#include <cstdint>
#include <vector>

#include "net/time.h"
#include "sim/nat/endpoint.h"
#include "sim/nat/flat_map.h"
#include "sim/nat/profile.h"
#include "sim/nat/refresh.h"
#include "sim/packet/rule.h"

namespace pinhole::sim::nat {

// Identifies whose destinations are remembered: an inside endpoint, by its bits(), or one binding, by its serial.
using Owner = std::uint64_t;

// The remote endpoints to which packets went out. Filters let packets in by this record (RFC 4787 §5). The filtering
// behavior decides how a destination is remembered: not at all, by address, or by address and port. Each destination
// has its own timer.
class SentTo {
 public:
  // `udp` must outlive this object.
  explicit SentTo(const UdpBehavior& udp) : udp_(&udp) {}

  // Called when a packet of `owner` goes out to `remote`.
  void NoteOutbound(Owner owner, Endpoint remote, net::Instant now);
  // Called when a packet from `remote` to `owner` has passed the filter.
  void NoteInbound(Owner owner, Endpoint remote, net::Instant now);
  // Whether `owner` has sent to `remote` and this is still remembered.
  bool Has(Owner owner, Endpoint remote, net::Instant now) const;

  void Clear();

 private:
  // The latest destinations of one owner, for a profile that limits their number.
  struct Ring {
    std::vector<Endpoint> destinations;  // oldest first
  };

  Endpoint Masked(Endpoint remote) const;
  void Remember(Owner owner, Endpoint destination, net::Instant now);

  const UdpBehavior* udp_;
  FlatMap<Timer> timers_;  // by owner and masked destination
  FlatMap<Ring> rings_;    // by owner
};

// Whether `remote` may send in through an existing mapping, whose filter memory is that of `owner`. kNone: it may;
// otherwise the rule by which its packets are dropped.
Rule Filter(Filtering filtering, const SentTo& sent_to, Owner owner, Endpoint remote, net::Instant now);

}  // namespace pinhole::sim::nat
