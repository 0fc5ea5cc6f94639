#include "sim/nat/subscribers.h"

#include <algorithm>

namespace pinhole::sim::nat {

void Subscribers::OnBindingRemoved(Endpoint inside) {
  Subscriber& subscriber = Of(inside);
  if (--subscriber.bindings > 0) return;
  for (const Subscriber::Block& block : subscriber.blocks) {
    taken_blocks_[static_cast<std::size_t>(block.pool_index)][static_cast<std::size_t>(block.number)] = false;
  }
  subscriber.blocks.clear();
}

std::optional<int> Subscribers::TakeBlock(Subscriber& subscriber, int pool_index, int count) {
  const auto at = static_cast<std::size_t>(pool_index);
  if (taken_blocks_.size() <= at) taken_blocks_.resize(at + 1);
  std::vector<bool>& taken = taken_blocks_[at];
  taken.resize(static_cast<std::size_t>(count), false);
  const auto free = std::find(taken.begin(), taken.end(), false);
  if (free == taken.end()) return std::nullopt;
  *free = true;
  const int number = static_cast<int>(free - taken.begin());
  subscriber.blocks.push_back({pool_index, number});
  return number;
}

void Subscribers::Clear() {
  by_address_.Clear();
  taken_blocks_.clear();
}

}  // namespace pinhole::sim::nat
