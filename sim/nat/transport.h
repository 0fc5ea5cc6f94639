#pragma once

#include <cstdint>
#include <optional>

#include "net/time.h"
#include "sim/nat/binding_table.h"
#include "sim/nat/endpoint.h"
#include "sim/nat/filtering.h"
#include "sim/nat/flat_map.h"
#include "sim/nat/mapping.h"
#include "sim/nat/port_allocation.h"
#include "sim/nat/profile.h"
#include "sim/nat/shared.h"
#include "sim/packet/rule.h"

namespace pinhole::sim::nat {

// What one half of a packet's way comes to.
struct Outcome {
  Binding* binding = nullptr;  // null: refused by `rule`
  Rule rule = Rule::kNone;
  bool for_box = false;  // null, because the tuple is the box's own
};

// The bindings of one transport, and how new ones come to be: is there room, which external address (RFC 4787 §4.1),
// which port (RFC 4787 §4.2)? A Nat has one for UDP and one for TCP, whose port numbers are different things.
class Transport {
 public:
  enum class Protocol : std::uint8_t { kUdp, kTcp };

  // `behavior` and `shared` must outlive this, which `shared` then knows the table of.
  Transport(Protocol protocol, const TransportBehavior& behavior, Shared& shared);
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;
  ~Transport() { shared_.tables[index()] = nullptr; }

  BindingTable& table() { return bindings_; }
  const TransportBehavior& behavior() const { return behavior_; }
  bool shares_externals() const { return shared_externals_; }
  bool conntrack() const { return behavior_.mapping == Mapping::kConntrack; }

  Binding* FindOutbound(net::Instant now, Endpoint inside, Endpoint remote) {
    return bindings_.FindFromInside(inside, ScopeFor(inside, remote), now);
  }
  // The binding, or the profile's own one, that a packet from `remote` to `external` is for.
  Binding* FindInbound(net::Instant now, Endpoint external, Endpoint remote) {
    const Endpoint scope = shared_externals_ ? ScopeOf(behavior_.mapping, remote) : Endpoint{};
    if (Binding* binding = bindings_.FindFromOutside(external, scope, now)) return binding;
    return bindings_.FindStatic(external);
  }

  // A new one for what `inside` sends to `remote`. REQUIRES: FindOutbound() is null.
  Outcome MakeOutbound(net::Instant now, Endpoint inside, Endpoint remote, const Timer& timer);
  // For what came from outside to an external endpoint that nobody's packets have opened towards `remote`: a forwarded
  // or one-to-one endpoint's, or refused.
  Outcome MakeInbound(net::Instant now, Endpoint external, Endpoint remote, const Timer& timer);

  // The box's own tuples: given to no binding, and not let in.
  bool Claimed(net::Instant now, Endpoint external, Endpoint remote) const;
  void Claim(net::Instant now, Endpoint external, Endpoint remote, net::Duration life);

  // The external ports that mappings of `inside` can have on one address.
  int PortsFor(Endpoint inside) const;
  // Why `inside` got no binding, for `rule` kMappingLimit or kPortExhausted.
  DropState DescribeFull(net::Instant now, Endpoint inside, Rule rule);
  // Whose memory the filter of `binding` asks.
  Owner OwnerOf(const Binding& binding) const {
    return behavior_.filter_memory == FilterMemory::kEndpoint ? binding.inside.bits() : binding.serial;
  }
  // Forgets all but the profile's own bindings.
  void Reboot();

 private:
  struct Allocation {
    std::optional<Endpoint> external;
    bool takes_over = false;
  };

  std::size_t index() const { return static_cast<std::size_t>(protocol_); }
  Outcome Add(net::Instant now, Endpoint inside, Endpoint scope, Endpoint external, bool from_outside,
              const Timer& timer);
  Allocation Allocate(net::Instant now, Endpoint inside, Endpoint scope, Endpoint remote);
  Allocation AllocateOn(int pool_index, net::Instant now, Endpoint inside, Endpoint scope, Endpoint remote);
  int PoolIndexFor(Endpoint inside, Endpoint remote);
  bool IsFree(net::Instant now, Endpoint external, Endpoint scope, Endpoint remote);
  std::optional<std::uint16_t> Neighbour(net::Instant now, Endpoint inside, Endpoint scope, std::uint32_t address);
  std::optional<Endpoint> EvictForPort(net::Instant now, Endpoint inside, Endpoint scope, std::uint32_t address);
  Endpoint ScopeFor(Endpoint inside, Endpoint remote) const;
  void AddStatics();

  Protocol protocol_;
  const TransportBehavior& behavior_;
  Shared& shared_;
  bool shared_externals_;
  BindingTable bindings_;
  PortAllocator ports_;
  FlatMap<net::Instant> claims_;  // when it ends, by external and remote endpoint
};

}  // namespace pinhole::sim::nat
