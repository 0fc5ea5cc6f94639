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

// The result of one half of the translation, outbound or inbound. A hairpinned packet passes both halves.
struct Outcome {
  Binding* binding = nullptr;  // nullptr: refused by `rule`
  Rule rule = Rule::kNone;
  bool for_box = false;  // `binding` is nullptr because the box itself has claimed the tuple
};

// The bindings of one transport. A new binding needs room within the limits, an external address (RFC 4787 §4.1) and a
// port (RFC 4787 §4.2). A Nat has one Transport for UDP and one for TCP, because their port numbers are independent.
class Transport {
 public:
  enum class Protocol : std::uint8_t { kUdp, kTcp };

  // `behavior` and `shared` must outlive the Transport. The constructor enters the table of bindings into `shared`.
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
  // The binding, dynamic or static, that a packet from `remote` to `external` belongs to.
  Binding* FindInbound(net::Instant now, Endpoint external, Endpoint remote) {
    const Endpoint scope = shared_externals_ ? ScopeOf(behavior_.mapping, remote) : Endpoint{};
    if (Binding* binding = bindings_.FindFromOutside(external, scope, now)) return binding;
    return bindings_.FindStatic(external);
  }

  // Makes a binding for packets from `inside` to `remote`. REQUIRES: FindOutbound() is nullptr.
  Outcome MakeOutbound(net::Instant now, Endpoint inside, Endpoint remote, const Timer& timer);
  // Makes a binding for a packet from outside to an external endpoint that no packet from inside has opened for
  // `remote`. Refused unless the endpoint is forwarded or one-to-one.
  Outcome MakeInbound(net::Instant now, Endpoint external, Endpoint remote, const Timer& timer);

  // Claim() claims a tuple for the box itself, for the time `life`; Claimed(): whether a tuple is claimed
  // (UdpBehavior::poisoning).
  bool Claimed(net::Instant now, Endpoint external, Endpoint remote) const;
  void Claim(net::Instant now, Endpoint external, Endpoint remote, net::Duration life);

  // The number of external ports that mappings of `inside` can have on one address.
  int PortsFor(Endpoint inside) const;
  // The DropState of a packet that is dropped because `inside` got no binding. `rule` is kMappingLimit or
  // kPortExhausted.
  DropState DescribeFull(net::Instant now, Endpoint inside, Rule rule);
  // The Owner under which the filter of `binding` looks up destinations.
  Owner OwnerOf(const Binding& binding) const {
    return behavior_.filter_memory == FilterMemory::kEndpoint ? binding.inside.bits() : binding.serial;
  }
  // Forgets everything except the static bindings.
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
  FlatMap<net::Instant> claims_;  // the end of each claim, by external and remote endpoint
};

}  // namespace pinhole::sim::nat
