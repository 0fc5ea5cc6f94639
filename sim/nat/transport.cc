#include "sim/nat/transport.h"

#include "sim/nat/conntrack_ports.h"

namespace pinhole::sim::nat {

Transport::Transport(Protocol protocol, const TransportBehavior& behavior, Shared& shared)
    : protocol_(protocol),
      behavior_(behavior),
      shared_(shared),
      shared_externals_(SharesExternalEndpoints(behavior)),
      bindings_(shared_externals_, behavior.mapping == Mapping::kConntrack,
                shared.keeps_subscribers ? &shared.subscribers : nullptr),
      ports_(behavior, *shared.random) {
  shared_.tables[index()] = &bindings_;
  AddStatics();
}

void Transport::AddStatics() {
  for (const PortForward& forward : shared_.profile.port_forwards) {
    Endpoint external = Endpoint::Of(forward.external);
    if (external.address == 0 && !shared_.pool.empty()) external.address = shared_.pool[0];
    Endpoint inside = Endpoint::Of(forward.inside);
    inside.network = static_cast<std::uint16_t>(shared_.NetworkOf(inside.address).value_or(0));
    bindings_.AddStatic(inside, external, behavior_.mapping == Mapping::kEndpointIndependent);
  }
}

void Transport::Reboot() {
  bindings_.RemoveDynamic();
  claims_.Clear();
  ports_.Reset();
}

bool Transport::Claimed(net::Instant now, Endpoint external, Endpoint remote) const {
  const net::Instant* end = claims_.Find({external.bits(), remote.bits()});
  return end != nullptr && now < *end;
}

void Transport::Claim(net::Instant now, Endpoint external, Endpoint remote, net::Duration life) {
  if (claims_.full()) claims_.EraseIf([now](net::Instant end) { return now >= end; });
  claims_.FindOrAdd({external.bits(), remote.bits()}) = now + life;
}

int Transport::PortsFor(Endpoint inside) const {
  if (behavior_.block_ports > 0) return behavior_.block_ports * behavior_.blocks_per_host;
  if (conntrack() && !behavior_.ports) return ConntrackPortClass(inside.port).size();
  return ports_.RangeFor(inside.port).size();
}

DropState Transport::DescribeFull(net::Instant now, Endpoint inside, Rule rule) {
  DropState state{.endpoint = inside.ToSocketAddress()};
  if (rule == Rule::kPortExhausted) {
    state.number = bindings_.CountDynamic(now);
    state.limit = PortsFor(inside);
    return state;
  }
  state.number = shared_.CountDynamic(now);
  state.limit = shared_.profile.mappings_max;
  const int host_max = shared_.profile.mappings_per_host_max;
  if (host_max == 0) return state;
  if (const int of_host = shared_.subscribers.Of(inside).bindings; of_host >= host_max) {
    state.number = of_host;
    state.limit = host_max;
  }
  return state;
}

Endpoint Transport::ScopeFor(Endpoint inside, Endpoint remote) const {
  // A one-to-one address keeps its ports for all remote endpoints.
  if (!shared_externals_ && shared_.OneToOneInside(inside.address) != nullptr) return {};
  return ScopeOf(behavior_.mapping, remote);
}

Outcome Transport::Add(net::Instant now, Endpoint inside, Endpoint scope, Endpoint external, bool from_outside,
                       const Timer& timer) {
  if (const Rule full = shared_.MakeRoom(now, inside); full != Rule::kNone) return {.rule = full};
  ++shared_.counters.mappings_made;
  return {.binding = &bindings_.Add(
              {.inside = inside, .scope = scope, .external = external, .timer = timer, .from_outside = from_outside})};
}

Outcome Transport::MakeOutbound(net::Instant now, Endpoint inside, Endpoint remote, const Timer& timer) {
  if (const Rule full = shared_.MakeRoom(now, inside); full != Rule::kNone) return {.rule = full};
  const Endpoint scope = ScopeFor(inside, remote);
  const Allocation allocation = Allocate(now, inside, scope, remote);
  if (!allocation.external) return {.rule = Rule::kPortExhausted};
  if (allocation.takes_over) {
    Binding* old = bindings_.FindFromOutside(*allocation.external, scope, now);
    if (old == nullptr) return {.rule = Rule::kPortExhausted};  // the port belongs to a static binding or to the box
    bindings_.Remove(*old);
    ++shared_.counters.mappings_evicted;
  }
  return Add(now, inside, scope, *allocation.external, /*from_outside=*/false, timer);
}

Outcome Transport::MakeInbound(net::Instant now, Endpoint external, Endpoint remote, const Timer& timer) {
  if (Binding* forward = bindings_.FindStatic(external)) {
    // Conntrack makes a session for each remote endpoint, whose answers leave by the forwarded endpoint. An older
    // session of the same two ends is removed.
    const Endpoint inside = forward->inside;
    if (Binding* old = bindings_.FindFromInside(inside, remote, now)) bindings_.Remove(*old);
    return Add(now, inside, remote, external, /*from_outside=*/true, timer);
  }
  if (const OneToOne* pair = shared_.OneToOneExternal(external.address)) {
    if (behavior_.filtering != Filtering::kEndpointIndependent) return {.rule = Rule::kInboundRefused};
    Endpoint inside{pair->inside.v4(), external.port};
    inside.network = static_cast<std::uint16_t>(shared_.NetworkOf(inside.address).value_or(0));
    return Add(now, inside, ScopeFor(inside, remote), external, /*from_outside=*/true, timer);
  }
  if (shared_externals_) {
    bindings_.Sweep(now);
    if (bindings_.AnyWithExternal(external)) {
      const bool by_address = behavior_.mapping == Mapping::kAddressDependent;
      return {.rule = by_address ? Rule::kFilteredAddress : Rule::kFilteredPort};
    }
  }
  return {.rule = Rule::kNoMapping};
}

bool Transport::IsFree(net::Instant now, Endpoint external, Endpoint scope, Endpoint remote) {
  if (Claimed(now, external, remote)) return false;
  if (bindings_.FindFromOutside(external, scope, now) != nullptr) return false;
  // Conntrack has no entry for a forwarded port until a session uses it.
  return conntrack() || bindings_.FindStatic(external) == nullptr;
}

Transport::Allocation Transport::Allocate(net::Instant now, Endpoint inside, Endpoint scope, Endpoint remote) {
  if (const OneToOne* pair = shared_.OneToOneInside(inside.address)) {
    return {.external = Endpoint{pair->external.v4(), inside.port}};
  }
  if (shared_.pool.empty()) return {};
  const int index = PoolIndexFor(inside, remote);
  if (behavior_.mapping == Mapping::kConntrack) {
    const Binding* newest = bindings_.NewestOfInside(inside, now);
    return {.external =
                UniqueTuple(behavior_, inside.port, newest == nullptr ? std::nullopt : std::optional(newest->external),
                            shared_.pool[static_cast<std::size_t>(index)], *shared_.random,
                            [&](Endpoint external) { return !IsFree(now, external, scope, remote); })};
  }

  const int pool_size = static_cast<int>(shared_.pool.size());
  const bool may_leave = shared_.profile.pooling == Pooling::kArbitrary || shared_.profile.soft_pairing;
  if (behavior_.collision == PortCollision::kOtherAddress) {
    const PortRange range = ports_.RangeFor(inside.port);
    for (int i = 0; i < pool_size && range.Contains(inside.port); ++i) {
      const Endpoint preserved{shared_.pool[static_cast<std::size_t>((index + i) % pool_size)], inside.port};
      if (IsFree(now, preserved, scope, remote)) return {.external = preserved};
    }
  }
  Allocation allocation = AllocateOn(index, now, inside, scope, remote);
  for (int i = 1; i < pool_size && may_leave && !allocation.external; ++i) {
    allocation = AllocateOn((index + i) % pool_size, now, inside, scope, remote);
  }
  if (!allocation.external && behavior_.exhaustion == Exhaustion::kEvictOldest) {
    allocation.external = EvictForPort(now, inside, scope, shared_.pool[static_cast<std::size_t>(index)]);
  }
  return allocation;
}

Transport::Allocation Transport::AllocateOn(int pool_index, net::Instant now, Endpoint inside, Endpoint scope,
                                            Endpoint remote) {
  const std::uint32_t address = shared_.pool[static_cast<std::size_t>(pool_index)];
  const auto is_free = [&](std::uint16_t port) { return IsFree(now, Endpoint{address, port}, scope, remote); };
  const std::optional<std::uint16_t> preferred =
      behavior_.contiguity ? Neighbour(now, inside, scope, address) : std::nullopt;
  const auto pick = [&](PortRange range) -> Allocation {
    const PortAllocator::Choice choice = ports_.Pick(pool_index, inside.port, range, preferred, is_free);
    if (!choice.port) return {};
    return {.external = Endpoint{address, *choice.port}, .takes_over = choice.takes_over};
  };

  const PortRange range = ports_.RangeFor(inside.port);
  const int block_ports = behavior_.block_ports;
  if (block_ports == 0) return pick(range);

  const auto block_range = [&](int number) {
    const int first = range.first + number * block_ports;
    return PortRange{static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(first + block_ports - 1)};
  };
  bindings_.Sweep(now);
  Subscriber& subscriber = shared_.subscribers.Of(inside);
  for (const Subscriber::Block& block : subscriber.blocks) {
    if (block.pool_index != pool_index) continue;
    if (const Allocation allocation = pick(block_range(block.number)); allocation.external) return allocation;
  }
  if (static_cast<int>(subscriber.blocks.size()) >= behavior_.blocks_per_host) return {};
  const std::optional<int> number = shared_.subscribers.TakeBlock(subscriber, pool_index, range.size() / block_ports);
  return number ? pick(block_range(*number)) : Allocation{};
}

// The index of the pool address that a new binding tries first.
int Transport::PoolIndexFor(Endpoint inside, Endpoint remote) {
  const int size = static_cast<int>(shared_.pool.size());
  if (size == 1) return 0;
  if (shared_.profile.pooling == Pooling::kArbitrary) {
    if (behavior_.mapping != Mapping::kConntrack)
      return static_cast<int>(shared_.random->Below(static_cast<std::uint64_t>(size)));
    // Linux hashes both addresses (find_best_ips_proto()).
    std::uint64_t state = (std::uint64_t{inside.address} << 32) | remote.address;
    return static_cast<int>(net::SplitMix64(state) % static_cast<std::uint64_t>(size));
  }
  const std::size_t pool_number = shared_.profile.pools_per_transport ? index() : 0;
  std::optional<int>& own = shared_.subscribers.Of(inside).pool_index[pool_number];
  if (!own) {
    int& next = shared_.next_pool_index[pool_number];
    own = next;
    next = (next + 1) % size;
  }
  return *own;
}

// The external port for contiguity: next to the port of the neighbouring inside port's mapping. RTP has an even port,
// and its RTCP the odd port above.
std::optional<std::uint16_t> Transport::Neighbour(net::Instant now, Endpoint inside, Endpoint scope,
                                                  std::uint32_t address) {
  const int step = inside.port % 2 == 0 ? 1 : -1;
  const Binding* other =
      bindings_.FindFromInside(inside.WithPort(static_cast<std::uint16_t>(inside.port + step)), scope, now);
  if (other == nullptr || other->external.address != address) return std::nullopt;
  const int port = other->external.port - step;
  if (port < 1 || port > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(port);
}

// Removes the oldest binding on `address` whose port `inside` may use, and returns the external endpoint of the removed
// binding.
std::optional<Endpoint> Transport::EvictForPort(net::Instant now, Endpoint inside, Endpoint scope,
                                                std::uint32_t address) {
  const PortRange range = ports_.RangeFor(inside.port);
  const bool keeps_parity = behavior_.parity == PortParity::kPreserve;
  const bool blocks = behavior_.block_ports > 0;
  Binding* oldest = bindings_.Oldest(now, [&](const Binding& binding) {
    const Endpoint external = binding.external;
    return external.address == address && range.Contains(external.port) &&
           (!keeps_parity || (external.port ^ inside.port) % 2 == 0) &&
           (!blocks || binding.inside.AddressOnly() == inside.AddressOnly()) &&
           (!shared_externals_ || binding.scope == scope);
  });
  if (oldest == nullptr) return std::nullopt;
  const Endpoint external = oldest->external;
  // The extra count lets the subscriber keep its blocks while it has no binding.
  if (blocks) ++shared_.subscribers.Of(inside).bindings;
  bindings_.Remove(*oldest);
  if (blocks) --shared_.subscribers.Of(inside).bindings;
  ++shared_.counters.mappings_evicted;
  return external;
}

}  // namespace pinhole::sim::nat
