#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "net/contract.h"

namespace pinhole::sim::nat {

// A pair of endpoints (Endpoint::bits()), or one endpoint and a mark that tells the kinds of keys apart.
struct Key {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  friend bool operator==(const Key&, const Key&) = default;
};

// A map from Key to a small Value: open addressing with linear probing, in one allocation that is made with the first
// key. Erasing moves later entries back, so there are no tombstones. A pointer to a value is valid until the next key
// is added or erased. No result may depend on the order of the slots, so EraseIf() is the only iteration.
template <typename Value>
class FlatMap {
 public:
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  Value* Find(Key key) {
    if (size_ == 0) return nullptr;
    for (std::size_t i = Home(key);; i = (i + 1) & mask_) {
      if (slots_[i].key == key) return &slots_[i].value;
      if (slots_[i].key == kFree) return nullptr;
    }
  }
  const Value* Find(Key key) const { return const_cast<FlatMap*>(this)->Find(key); }

  // The value of `key`; a value-initialised one if it was not there. REQUIRES: key is not all ones.
  Value& FindOrAdd(Key key) {
    PINHOLE_REQUIRES(key != kFree);
    if (Value* known = Find(key)) return *known;
    if (full()) Resize(capacity_ == 0 ? kSmallest : capacity_ * 2);
    std::size_t i = Home(key);
    while (slots_[i].key != kFree) i = (i + 1) & mask_;
    slots_[i].key = key;
    ++size_;
    return slots_[i].value;
  }

  // Does nothing if `key` is not there.
  void Erase(Key key) {
    if (size_ == 0) return;
    std::size_t i = Home(key);
    for (; slots_[i].key != key; i = (i + 1) & mask_) {
      if (slots_[i].key == kFree) return;
    }
    EraseSlot(i);
  }

  // Whether the next new key makes the table grow.
  bool full() const { return size_ * 4 >= capacity_ * 3; }

  // Erases every value for which `dead(value)` is true, and grows if the table is still more than half full. If the
  // owner calls this whenever the table is full(), an addition costs constant time on average.
  template <typename Dead>
  void EraseIf(Dead dead) {
    const std::size_t old_capacity = capacity_;
    std::unique_ptr<Slot[]> old = std::move(slots_);
    std::size_t alive = 0;
    for (std::size_t i = 0; i < old_capacity; ++i) {
      if (old[i].key == kFree) continue;
      if (dead(old[i].value))
        old[i].key = kFree;
      else
        ++alive;
    }
    std::size_t capacity = old_capacity == 0 ? kSmallest : old_capacity;
    while (alive * 2 > capacity) capacity *= 2;
    Refill(std::move(old), old_capacity, capacity);
  }

  void Clear() {
    slots_.reset();
    size_ = capacity_ = mask_ = 0;
  }

 private:
  struct Slot {
    Key key = kFree;
    Value value{};
  };
  static constexpr Key kFree{~std::uint64_t{0}, ~std::uint64_t{0}};
  static constexpr std::size_t kSmallest = 8;

  std::size_t Home(Key key) const {
    std::uint64_t h = key.first * 0x9e3779b97f4a7c15u;
    h = (h ^ (h >> 32) ^ key.second) * 0xbf58476d1ce4e5b9u;
    return (h ^ (h >> 32)) & mask_;
  }

  void EraseSlot(std::size_t hole) {
    for (std::size_t i = (hole + 1) & mask_; slots_[i].key != kFree; i = (i + 1) & mask_) {
      // An entry may move back into the hole unless its home lies after the hole.
      if (((i - Home(slots_[i].key)) & mask_) >= ((i - hole) & mask_)) {
        slots_[hole] = std::move(slots_[i]);
        hole = i;
      }
    }
    slots_[hole].key = kFree;
    slots_[hole].value = Value();
    --size_;
  }

  void Resize(std::size_t capacity) {
    const std::size_t old_capacity = capacity_;
    Refill(std::move(slots_), old_capacity, capacity);
  }

  void Refill(std::unique_ptr<Slot[]> old, std::size_t old_capacity, std::size_t capacity) {
    slots_ = std::make_unique<Slot[]>(capacity);
    capacity_ = capacity;
    mask_ = capacity - 1;
    size_ = 0;
    for (std::size_t i = 0; i < old_capacity; ++i) {
      if (old[i].key == kFree) continue;
      std::size_t j = Home(old[i].key);
      while (slots_[j].key != kFree) j = (j + 1) & mask_;
      slots_[j] = std::move(old[i]);
      ++size_;
    }
  }

  std::unique_ptr<Slot[]> slots_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;  // a power of two, or 0
  std::size_t mask_ = 0;
};

}  // namespace pinhole::sim::nat
