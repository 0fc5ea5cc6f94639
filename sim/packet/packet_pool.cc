#include "sim/packet/packet_pool.h"

namespace pinhole::sim {

void PacketPool::Grow() {
  const std::uint32_t first = static_cast<std::uint32_t>(chunks_.size()) * kChunk;
  chunks_.push_back(std::make_unique<Packet[]>(kChunk));
  for (std::uint32_t i = kChunk; i-- > 0;) free_.push_back(first + i);
}

PacketPtr PacketPool::New() {
  if (free_.empty()) Grow();
  const std::uint32_t index = free_.back();
  free_.pop_back();
  ++in_use_;
  Packet& packet = at(index);
  packet = Packet{};
  packet.pool_index = index;
  return PacketPtr(&packet, PacketDeleter{this});
}

PacketPtr PacketPool::Copy(const Packet& packet) {
  if (free_.empty()) Grow();
  const std::uint32_t index = free_.back();
  free_.pop_back();
  ++in_use_;
  Packet& copy = at(index);
  copy = packet;
  copy.pool_index = index;
  payloads_.AddReference(copy.payload);
  return PacketPtr(&copy, PacketDeleter{this});
}

}  // namespace pinhole::sim
