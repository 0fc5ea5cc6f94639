#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "net/bytes.h"
#include "sim/packet/packet.h"

namespace pinhole::sim {

// The payload bytes of all packets of a world, in reference-counted slots. Slots are used again, so nothing is
// allocated once the world has warmed up. Bytes are copied when they are added, and once more only when somebody writes
// to a slot that others hold too.
class PayloadPool {
 public:
  PayloadPool();
  PayloadPool(const PayloadPool&) = delete;
  PayloadPool& operator=(const PayloadPool&) = delete;

  // Copies `bytes` into a slot with one reference. No bytes give the empty handle, which needs no reference.
  PayloadRef Add(net::ByteView bytes) { return Add(bytes, {}); }
  // Makes one payload of `first` and `second`, in this order.
  PayloadRef Add(net::ByteView first, net::ByteView second);
  void AddReference(PayloadRef ref);
  void Release(PayloadRef ref);

  // Valid until the last reference is released.
  net::ByteView bytes(PayloadRef ref) const { return net::ByteView(slots_[ref.slot].data, ref.size_bytes); }
  // The XXH3 hash of the bytes, which is computed once for each content of a slot.
  std::uint64_t Hash(PayloadRef ref);
  // The bytes, for writing. If others hold the slot too, the bytes are copied first: the caller's reference moves to
  // the copy, and `ref` names the copy.
  std::span<std::uint8_t> MakeWritable(PayloadRef& ref);

  std::uint32_t references(PayloadRef ref) const { return slots_[ref.slot].references; }
  std::size_t slots_in_use() const { return in_use_; }

 private:
  struct Slot {
    std::uint8_t* data = nullptr;
    std::uint64_t hash = 0;
    std::uint32_t references = 0;
    std::uint32_t next_free = 0;
    std::uint8_t size_class = 0;
    bool hashed = false;
  };
  // The sizes of slots: for STUN and voice, for a packet of the usual MTU, and for the largest datagram.
  static constexpr std::array<std::uint32_t, 3> kClassBytes = {256, 2048, 65536};
  static constexpr std::array<std::uint32_t, 3> kClassBatch = {8, 4, 1};

  void Grow(std::size_t size_class);

  std::vector<Slot> slots_;                 // 0 is the empty payload
  std::array<std::uint32_t, 3> free_ = {};  // first free slot by class; 0: none
  std::vector<std::unique_ptr<std::uint8_t[]>> memory_;
  std::size_t in_use_ = 0;
};

}  // namespace pinhole::sim
