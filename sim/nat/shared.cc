#include "sim/nat/shared.h"

#include <utility>

#include "net/contract.h"

namespace pinhole::sim::nat {
namespace {

bool KeepsSubscribers(const NatProfile& profile, std::size_t pool_size) {
  return profile.mappings_per_host_max > 0 || profile.udp.block_ports > 0 || profile.tcp.block_ports > 0 ||
         (pool_size > 1 && profile.pooling == Pooling::kPaired);
}

}  // namespace

Shared::Shared(NatProfile nat_profile, const std::vector<net::IpAddress>& external,
               std::vector<InsidePrefix> inside_prefixes, net::RandomSource* random_source)
    : profile(std::move(nat_profile)),
      inside(std::move(inside_prefixes)),
      random(random_source),
      keeps_subscribers(KeepsSubscribers(profile, external.size())) {
  pool.reserve(external.size());
  for (const net::IpAddress& address : external) pool.push_back(address.v4());
}

std::optional<int> Shared::NetworkOf(std::uint32_t address) const {
  const InsidePrefix* longest = nullptr;
  for (const InsidePrefix& known : inside) {
    if (!known.prefix.address().is_v4()) continue;
    const int length = known.prefix.length();
    const std::uint32_t differs = known.prefix.address().v4() ^ address;
    if (longest != nullptr && length <= longest->prefix.length()) continue;
    if (length == 0 || differs >> (32 - length) == 0) longest = &known;
  }
  if (longest == nullptr) return std::nullopt;
  return longest->network;
}

bool Shared::IsExternal(std::uint32_t address) const {
  for (const std::uint32_t external : pool) {
    if (external == address) return true;
  }
  return OneToOneExternal(address) != nullptr;
}

const OneToOne* Shared::OneToOneInside(std::uint32_t address) const {
  for (const OneToOne& pair : profile.one_to_one) {
    if (pair.inside.v4() == address) return &pair;
  }
  return nullptr;
}

const OneToOne* Shared::OneToOneExternal(std::uint32_t address) const {
  for (const OneToOne& pair : profile.one_to_one) {
    if (pair.external.v4() == address) return &pair;
  }
  return nullptr;
}

int Shared::CountDynamic(net::Instant now) {
  int count = 0;
  for (BindingTable* table : tables) {
    if (table != nullptr) count += table->CountDynamic(now);
  }
  return count;
}

Rule Shared::MakeRoom(net::Instant now, Endpoint new_inside) {
  const int all_max = profile.mappings_max;
  const int host_max = profile.mappings_per_host_max;
  if (all_max == 0 && host_max == 0) return Rule::kNone;
  const bool all_full = CountDynamic(now) >= all_max && all_max > 0;
  const bool host_full = host_max > 0 && subscribers.Of(new_inside).bindings >= host_max;
  if (!all_full && !host_full) return Rule::kNone;
  switch (profile.when_full) {
    case WhenFull::kRefuse:
      return Rule::kMappingLimit;
    case WhenFull::kReboot:
      wants_reboot = true;
      return Rule::kMappingLimit;
    case WhenFull::kEvictOldest: {
      const Endpoint address = new_inside.AddressOnly();
      BindingTable* holder = nullptr;
      Binding* oldest = nullptr;
      for (BindingTable* table : tables) {
        if (table == nullptr) continue;
        Binding* candidate = table->Oldest(
            now, [&](const Binding& binding) { return !host_full || binding.inside.AddressOnly() == address; });
        if (candidate == nullptr || (oldest != nullptr && candidate->timer.created >= oldest->timer.created)) continue;
        holder = table;
        oldest = candidate;
      }
      holder->Remove(*oldest);
      ++counters.mappings_evicted;
      return Rule::kNone;
    }
  }
  net::CannotHappen();
}

}  // namespace pinhole::sim::nat
