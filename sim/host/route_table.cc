#include "sim/host/route_table.h"

#include <algorithm>
#include <tuple>

namespace pinhole::sim {
namespace {

std::uint64_t LeadingOnes(int count) {
  if (count <= 0) return 0;
  return count >= 64 ? ~std::uint64_t{0} : ~std::uint64_t{0} << (64 - count);
}

std::tuple<int, net::Family, std::uint64_t, std::uint64_t, std::uint32_t> SortKey(const Route& route) {
  const AddressBits bits(route.prefix.address());
  const int length = route.prefix.length();
  return {-length, bits.family, bits.high & LeadingOnes(length), bits.low & LeadingOnes(length - 64), route.metric};
}

}  // namespace

void RouteTable::Add(const Route& route) {
  constexpr std::size_t kUsual = 4;
  if (routes_.empty()) routes_.reserve(kUsual);
  routes_.push_back(route);
  sorted_ = false;
}

void RouteTable::Remove(const net::IpPrefix& prefix, int interface) {
  std::erase_if(routes_, [&](const Route& route) {
    return route.interface == interface && route.prefix.length() == prefix.length() &&
           route.prefix.Contains(prefix.address());
  });
  sorted_ = false;
}

const std::vector<Route>& RouteTable::routes() const {
  Sort();
  return routes_;
}

void RouteTable::Sort() const {
  if (sorted_) return;
  sorted_ = true;
  const auto before = [](const Route& a, const Route& b) { return SortKey(a) < SortKey(b); };
  // std::stable_sort() allocates memory even if the routes are in order already.
  if (!std::is_sorted(routes_.begin(), routes_.end(), before)) {
    std::stable_sort(routes_.begin(), routes_.end(), before);
  }
  keys_.clear();
  keys_.reserve(routes_.size());
  groups_.clear();
  for (const Route& route : routes_) {
    Key key;
    const int length = route.prefix.length();
    key.bits = AddressBits(route.prefix.address());
    key.high_mask = LeadingOnes(length);
    key.low_mask = LeadingOnes(length - 64);
    key.bits.high &= key.high_mask;
    key.bits.low &= key.low_mask;
    keys_.push_back(key);
  }
  if (keys_.size() <= kScanMax) return;
  for (std::uint32_t index = 0; index < keys_.size(); ++index) {
    const Key& key = keys_[index];
    const Key* const previous = index == 0 ? nullptr : &keys_[index - 1];
    if (previous == nullptr || previous->high_mask != key.high_mask || previous->low_mask != key.low_mask ||
        previous->bits.family != key.bits.family) {
      groups_.push_back({index, index});
    }
    ++groups_.back().end;
  }
}

const Route* RouteTable::Find(const net::IpAddress& destination, int interface) const {
  Sort();
  const AddressBits bits(destination);
  if (keys_.size() <= kScanMax) {
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      const Key& key = keys_[i];
      if ((bits.high & key.high_mask) == key.bits.high && (bits.low & key.low_mask) == key.bits.low &&
          bits.family == key.bits.family && (interface == kAnyInterface || routes_[i].interface == interface)) {
        return &routes_[i];
      }
    }
    return nullptr;
  }
  for (const Group& group : groups_) {
    const Key& shape = keys_[group.begin];
    if (shape.bits.family != bits.family) continue;
    const std::uint64_t high = bits.high & shape.high_mask;
    const std::uint64_t low = bits.low & shape.low_mask;
    auto key = std::partition_point(keys_.begin() + group.begin, keys_.begin() + group.end, [&](const Key& k) {
      return std::tie(k.bits.high, k.bits.low) < std::tie(high, low);
    });
    for (; key != keys_.begin() + group.end && key->bits.high == high && key->bits.low == low; ++key) {
      const Route& route = routes_[static_cast<std::size_t>(key - keys_.begin())];
      if (interface == kAnyInterface || route.interface == interface) return &route;
    }
  }
  return nullptr;
}

}  // namespace pinhole::sim
