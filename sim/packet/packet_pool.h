#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "sim/packet/packet.h"
#include "sim/packet/payload_pool.h"

namespace pinhole::sim {

// The memory of all packets in flight in a world. A packet keeps its place in memory until it is given back.
class PacketPool {
 public:
  explicit PacketPool(PayloadPool& payloads) : payloads_(payloads) {}
  PacketPool(const PacketPool&) = delete;
  PacketPool& operator=(const PacketPool&) = delete;

  // A packet with every field at its default.
  PacketPtr New();
  // A new packet with the same fields and a reference of its own to the payload.
  PacketPtr Copy(const Packet& packet);

  // Between Keep() and Take() the pool owns the packet. Keep() gives a number, by which an event names the packet.
  std::uint32_t Keep(PacketPtr packet) { return packet.release()->pool_index; }
  PacketPtr Take(std::uint32_t index) { return PacketPtr(&at(index), PacketDeleter{this}); }
  Packet& at(std::uint32_t index) { return chunks_[index / kChunk][index % kChunk]; }

  std::size_t in_use() const { return in_use_; }

 private:
  friend struct PacketDeleter;
  static constexpr std::uint32_t kChunk = 16;

  void Release(Packet* packet) {
    if (packet->payload.slot != 0) payloads_.Release(packet->payload);
    free_.push_back(packet->pool_index);
    --in_use_;
  }
  void Grow();

  PayloadPool& payloads_;
  std::vector<std::unique_ptr<Packet[]>> chunks_;
  std::vector<std::uint32_t> free_;
  std::size_t in_use_ = 0;
};

inline void PacketDeleter::operator()(Packet* packet) const { pool->Release(packet); }

}  // namespace pinhole::sim
