#include <cstdlib>

#include "sim/nat/conntrack_ports.h"
#include "sim/nat/mapping.h"
#include "sim/nat/nat.h"
#include "sim/nat/refresh.h"

// How a new binding comes to be: is there room for it, which external address (RFC 4787 §4.1), which port (§4.2)?
namespace pinhole::sim {

Nat::Outcome Nat::AddBinding(net::Instant now, Endpoint inside, Endpoint scope, Endpoint external, bool from_outside) {
  if (const Rule full = MakeRoom(now, inside); full != Rule::kNone) return {.rule = full};
  ++counters_.mappings_made;
  return {.binding = &bindings_.Add({.inside = inside,
                                     .scope = scope,
                                     .external = external,
                                     .timer = nat::StartTimer(profile_.udp.timeouts, now),
                                     .from_outside = from_outside})};
}

Nat::Outcome Nat::MakeOutbound(net::Instant now, Endpoint inside, Endpoint remote) {
  if (const Rule full = MakeRoom(now, inside); full != Rule::kNone) return {.rule = full};
  const Endpoint scope = ScopeFor(inside, remote);
  const Allocation allocation = Allocate(now, inside, scope, remote);
  if (!allocation.external) return {.rule = Rule::kPortExhausted};
  if (allocation.takes_over) {
    Binding* old = bindings_.FindFromOutside(*allocation.external, scope, now);
    if (old == nullptr) return {.rule = Rule::kPortExhausted};  // it is the profile's or the box's own
    bindings_.Remove(*old);
    ++counters_.mappings_evicted;
  }
  return AddBinding(now, inside, scope, *allocation.external, /*from_outside=*/false);
}

// kNone if one more binding of `inside` is within the limits, after what the profile does when it is not.
Rule Nat::MakeRoom(net::Instant now, Endpoint inside) {
  const int all_max = profile_.mappings_max;
  const int host_max = profile_.mappings_per_host_max;
  if (all_max == 0 && host_max == 0) return Rule::kNone;
  const bool all_full = bindings_.CountDynamic(now) >= all_max && all_max > 0;
  const bool host_full = host_max > 0 && subscribers_.Of(inside).bindings >= host_max;
  if (!all_full && !host_full) return Rule::kNone;
  switch (profile_.when_full) {
    case WhenFull::kRefuse:
      return Rule::kMappingLimit;
    case WhenFull::kReboot:
      Reboot();
      return Rule::kMappingLimit;
    case WhenFull::kEvictOldest: {
      const Endpoint address = inside.AddressOnly();
      Binding* oldest = bindings_.Oldest(
          now, [&](const Binding& binding) { return !host_full || binding.inside.AddressOnly() == address; });
      bindings_.Remove(*oldest);
      ++counters_.mappings_evicted;
      return Rule::kNone;
    }
  }
  std::abort();
}

bool Nat::IsFree(net::Instant now, Endpoint external, Endpoint scope, Endpoint remote) {
  if (Claimed(now, external, remote)) return false;
  if (bindings_.FindFromOutside(external, scope, now) != nullptr) return false;
  // Conntrack knows forwarded ports only by the sessions through them.
  return profile_.udp.mapping == Mapping::kConntrack || bindings_.FindStatic(external) == nullptr;
}

Nat::Allocation Nat::Allocate(net::Instant now, Endpoint inside, Endpoint scope, Endpoint remote) {
  if (const OneToOne* pair = OneToOneInside(inside.address)) {
    return {.external = Endpoint{pair->external.v4(), inside.port}};
  }
  if (pool_.empty()) return {};
  const int index = PoolIndexFor(inside, remote);
  if (profile_.udp.mapping == Mapping::kConntrack) {
    const Binding* newest = bindings_.NewestOfInside(inside, now);
    return {.external = nat::UniqueTuple(
                profile_.udp, inside.port, newest == nullptr ? std::nullopt : std::optional(newest->external),
                pool_[index], *random_, [&](Endpoint external) { return !IsFree(now, external, scope, remote); })};
  }

  const int pool_size = static_cast<int>(pool_.size());
  const bool may_leave = profile_.pooling == Pooling::kArbitrary || profile_.soft_pairing;
  if (profile_.udp.collision == PortCollision::kOtherAddress) {
    const PortRange range = ports_.RangeFor(inside.port);
    for (int i = 0; i < pool_size && range.Contains(inside.port); ++i) {
      const Endpoint preserved{pool_[(index + i) % pool_size], inside.port};
      if (IsFree(now, preserved, scope, remote)) return {.external = preserved};
    }
  }
  Allocation allocation = AllocateOn(index, now, inside, scope, remote);
  for (int i = 1; i < pool_size && may_leave && !allocation.external; ++i) {
    allocation = AllocateOn((index + i) % pool_size, now, inside, scope, remote);
  }
  if (!allocation.external && profile_.udp.exhaustion == Exhaustion::kEvictOldest) {
    allocation.external = EvictForPort(now, inside, scope, pool_[index]);
  }
  return allocation;
}

Nat::Allocation Nat::AllocateOn(int pool_index, net::Instant now, Endpoint inside, Endpoint scope, Endpoint remote) {
  const std::uint32_t address = pool_[pool_index];
  const auto is_free = [&](std::uint16_t port) { return IsFree(now, Endpoint{address, port}, scope, remote); };
  const std::optional<std::uint16_t> preferred =
      profile_.udp.contiguity ? Neighbour(now, inside, scope, address) : std::nullopt;
  const auto pick = [&](PortRange range) -> Allocation {
    const nat::PortAllocator::Choice choice = ports_.Pick(pool_index, inside.port, range, preferred, is_free);
    if (!choice.port) return {};
    return {.external = Endpoint{address, *choice.port}, .takes_over = choice.takes_over};
  };

  const PortRange range = ports_.RangeFor(inside.port);
  const int block_ports = profile_.udp.block_ports;
  if (block_ports == 0) return pick(range);

  const auto block_range = [&](int number) {
    const int first = range.first + number * block_ports;
    return PortRange{static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(first + block_ports - 1)};
  };
  bindings_.Sweep(now);
  nat::Subscriber& subscriber = subscribers_.Of(inside);
  for (const nat::Subscriber::Block& block : subscriber.blocks) {
    if (block.pool_index != pool_index) continue;
    if (const Allocation allocation = pick(block_range(block.number)); allocation.external) return allocation;
  }
  if (static_cast<int>(subscriber.blocks.size()) >= profile_.udp.blocks_per_host) return {};
  const int number = subscribers_.TakeBlock(subscriber, pool_index, range.size() / block_ports);
  return number < 0 ? Allocation{} : pick(block_range(number));
}

// The pool's address that a new binding asks first.
int Nat::PoolIndexFor(Endpoint inside, Endpoint remote) {
  const int size = static_cast<int>(pool_.size());
  if (size == 1) return 0;
  if (profile_.pooling == Pooling::kArbitrary) {
    if (profile_.udp.mapping != Mapping::kConntrack) return static_cast<int>(random_->Below(size));
    // Linux hashes both addresses (find_best_ips_proto()).
    std::uint64_t state = (std::uint64_t{inside.address} << 32) | remote.address;
    return static_cast<int>(net::SplitMix64(state) % size);
  }
  nat::Subscriber& subscriber = subscribers_.Of(inside);
  if (subscriber.pool_index < 0) {
    subscriber.pool_index = next_pool_index_;
    next_pool_index_ = (next_pool_index_ + 1) % size;
  }
  return subscriber.pool_index;
}

// The port next to the mapping of the neighbouring inside port: RTP is even, its RTCP one above.
std::optional<std::uint16_t> Nat::Neighbour(net::Instant now, Endpoint inside, Endpoint scope, std::uint32_t address) {
  const int step = inside.port % 2 == 0 ? 1 : -1;
  const Binding* other =
      bindings_.FindFromInside(inside.WithPort(static_cast<std::uint16_t>(inside.port + step)), scope, now);
  if (other == nullptr || other->external.address != address) return std::nullopt;
  const int port = other->external.port - step;
  if (port < 1 || port > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(port);
}

// Takes the port of the oldest binding that has one `inside` could use.
std::optional<nat::Endpoint> Nat::EvictForPort(net::Instant now, Endpoint inside, Endpoint scope,
                                               std::uint32_t address) {
  const PortRange range = ports_.RangeFor(inside.port);
  const bool keeps_parity = profile_.udp.parity == PortParity::kPreserve;
  const bool blocks = profile_.udp.block_ports > 0;
  Binding* oldest = bindings_.Oldest(now, [&](const Binding& binding) {
    const Endpoint external = binding.external;
    return external.address == address && range.Contains(external.port) &&
           (!keeps_parity || (external.port ^ inside.port) % 2 == 0) &&
           (!blocks || binding.inside.AddressOnly() == inside.AddressOnly()) &&
           (!shared_externals_ || binding.scope == scope);
  });
  if (oldest == nullptr) return std::nullopt;
  const Endpoint external = oldest->external;
  if (blocks) ++subscribers_.Of(inside).bindings;  // keeps its blocks while it has none
  bindings_.Remove(*oldest);
  if (blocks) --subscribers_.Of(inside).bindings;
  ++counters_.mappings_evicted;
  return external;
}

}  // namespace pinhole::sim
