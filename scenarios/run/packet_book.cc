#include "scenarios/run/packet_book.h"

namespace pinhole::scenarios {

void PacketBook::OnTrace(const sim::TraceEvent& event, const sim::Packet& packet) {
  const std::size_t index = static_cast<std::size_t>(packet.id);
  if (entries_.size() <= index) entries_.resize(index + 1);
  Entry& entry = entries_[index];
  if (!entry.known) {
    entry.known = true;
    entry.packet_class = packet.packet_class;
    entry.first_node = event.node;
    entry.first_sent = event.at;
    entry.source = packet.source;
    entry.destination = packet.destination;
    if (packet.is_tcp()) entry.tcp_flags = packet.tcp.flags;
  }
  if (event.kind == sim::TraceKind::kSend) ++entry.links;
  if (event.kind == sim::TraceKind::kSend || event.kind == sim::TraceKind::kReceive) {
    passages_.push_back({packet.id, event.node});
  }
  if (event.kind == sim::TraceKind::kDeliver) {
    deliveries_.push_back({event.at, event.node, packet.id, packet.source});
  }
  if (next_ != nullptr) next_->OnTrace(event, packet);
}

const PacketBook::Entry& PacketBook::at(sim::PacketId id) const {
  static const Entry kUnknown;
  const std::size_t index = static_cast<std::size_t>(id);
  return index < entries_.size() ? entries_[index] : kUnknown;
}

}  // namespace pinhole::scenarios
