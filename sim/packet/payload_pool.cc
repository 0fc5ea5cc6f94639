#include "sim/packet/payload_pool.h"

#include <cstring>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "net/contract.h"

namespace pinhole::sim {

PayloadPool::PayloadPool() {
  slots_.reserve(16);
  slots_.emplace_back();
  slots_[0].hash = XXH3_64bits("", 0);
  slots_[0].hashed = true;
}

void PayloadPool::Grow(std::size_t size_class) {
  const std::uint32_t bytes = kClassBytes[size_class];
  const std::uint32_t batch = kClassBatch[size_class];
  memory_.emplace_back(new std::uint8_t[std::size_t{bytes} * batch]);  // not cleared: written before it is read
  for (std::uint32_t i = 0; i < batch; ++i) {
    Slot slot;
    slot.data = memory_.back().get() + std::size_t{bytes} * i;
    slot.size_class = static_cast<std::uint8_t>(size_class);
    slot.next_free = free_[size_class];
    free_[size_class] = static_cast<std::uint32_t>(slots_.size());
    slots_.push_back(slot);
  }
}

PayloadRef PayloadPool::Add(net::ByteView first, net::ByteView second) {
  const std::size_t size = first.size() + second.size();
  if (size == 0) return {};
  std::size_t size_class = 0;
  while (size_class < 3 && size > kClassBytes[size_class]) ++size_class;
  if (size_class == 3) net::CannotHappen();  // no IP packet is that large
  if (free_[size_class] == 0) Grow(size_class);
  const std::uint32_t index = free_[size_class];
  Slot& slot = slots_[index];
  free_[size_class] = slot.next_free;
  slot.references = 1;
  slot.hashed = false;
  if (!first.empty()) std::memcpy(slot.data, first.data(), first.size());
  if (!second.empty()) std::memcpy(slot.data + first.size(), second.data(), second.size());
  ++in_use_;
  return {index, static_cast<std::uint32_t>(size)};
}

void PayloadPool::AddReference(PayloadRef ref) {
  if (ref.slot != 0) ++slots_[ref.slot].references;
}

void PayloadPool::Release(PayloadRef ref) {
  if (ref.slot == 0) return;
  Slot& slot = slots_[ref.slot];
  if (--slot.references != 0) return;
  slot.next_free = free_[slot.size_class];
  free_[slot.size_class] = ref.slot;
  --in_use_;
}

std::uint64_t PayloadPool::Hash(PayloadRef ref) {
  Slot& slot = slots_[ref.slot];
  if (!slot.hashed) {
    slot.hash = XXH3_64bits(slot.data, ref.size_bytes);
    slot.hashed = true;
  }
  return slot.hash;
}

std::span<std::uint8_t> PayloadPool::MakeWritable(PayloadRef& ref) {
  if (ref.slot == 0) return {};
  if (slots_[ref.slot].references > 1) {
    const PayloadRef copy = Add(bytes(ref));
    Release(ref);
    ref = copy;
  }
  slots_[ref.slot].hashed = false;
  return {slots_[ref.slot].data, ref.size_bytes};
}

}  // namespace pinhole::sim
