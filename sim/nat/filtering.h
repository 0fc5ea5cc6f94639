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

// Whose memory a filter asks: an inside endpoint's, or one binding's.
using Owner = std::uint64_t;

// Where packets were sent to: what filters remember (RFC 4787 §5). Each destination is kept as precisely as the
// filter asks: not at all, by address, or by address and port. Each has a timer of its own.
class SentTo {
 public:
  // `udp` must outlive this.
  explicit SentTo(const UdpBehavior& udp) : udp_(&udp) {}

  // A packet of `owner` goes out to `remote`.
  void NoteOutbound(Owner owner, Endpoint remote, net::Instant now);
  // A packet from `remote` was let in.
  void NoteInbound(Owner owner, Endpoint remote, net::Instant now);
  // Whether `owner` has sent there and the filter still remembers it.
  bool Has(Owner owner, Endpoint remote, net::Instant now) const;

  void Clear();

 private:
  // The last destinations of one owner, when the profile keeps only so many.
  struct Ring {
    std::vector<Endpoint> destinations;  // oldest first
  };

  Endpoint Masked(Endpoint remote) const;
  void Remember(Owner owner, Endpoint destination, net::Instant now);

  const UdpBehavior* udp_;
  FlatMap<Timer> timers_;  // by owner and masked destination
  FlatMap<Ring> rings_;    // by owner
};

// Who may send inwards through a mapping that exists: kNone if `remote` may, else the rule that keeps it out.
Rule Filter(Filtering filtering, const SentTo& sent_to, Owner owner, Endpoint remote, net::Instant now);

}  // namespace pinhole::sim::nat
