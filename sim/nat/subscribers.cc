#include "sim/nat/subscribers.h"

namespace pinhole::sim::nat {

void Subscribers::OnBindingRemoved(Endpoint inside) {
  Subscriber& subscriber = Of(inside);
  if (--subscriber.bindings > 0) return;
  for (const Subscriber::Block& block : subscriber.blocks) taken_blocks_[block.pool_index][block.number] = false;
  subscriber.blocks.clear();
}

std::optional<int> Subscribers::TakeBlock(Subscriber& subscriber, int pool_index, int count) {
  if (taken_blocks_.size() <= static_cast<std::size_t>(pool_index)) taken_blocks_.resize(pool_index + 1);
  std::vector<bool>& taken = taken_blocks_[pool_index];
  taken.resize(count, false);
  for (int number = 0; number < count; ++number) {
    if (taken[number]) continue;
    taken[number] = true;
    subscriber.blocks.push_back({pool_index, number});
    return number;
  }
  return std::nullopt;
}

void Subscribers::Clear() {
  by_address_.Clear();
  taken_blocks_.clear();
}

}  // namespace pinhole::sim::nat
