#include "sim/capture.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "net/contract.h"
#include "sim/packet/wire.h"

namespace pinhole::sim {
namespace {

// The words that stand in the comment of a packet, in front of the number of its parent.
absl::string_view InWords(Relation relation) {
  switch (relation) {
    case Relation::kSent:
      return "sent with";
    case Relation::kCausedBy:
      return "because of";
    case Relation::kTranslated:
      return "translated from";
    case Relation::kDuplicated:
      return "duplicate of";
    case Relation::kQuotes:
      return "about";
    case Relation::kAnswers:
      return "answers";
  }
  net::CannotHappen();
}

}  // namespace

int CaptureTracer::InterfaceOf(const TraceEvent& event) {
  const std::size_t node = static_cast<std::size_t>(event.node);
  if (interfaces_.size() <= node) interfaces_.resize(node + 1);
  std::vector<std::optional<int>>& of_node = interfaces_[node];
  const std::size_t index = static_cast<std::size_t>(*event.interface);
  if (of_node.size() <= index) of_node.resize(index + 1);
  if (!of_node[index]) {
    const Node& named = world_.node(event.node);
    of_node[index] = writer_.AddInterface(absl::StrCat(named.name(), ".", named.interface_at(index).name));
  }
  return *of_node[index];
}

void CaptureTracer::OnTrace(const TraceEvent& event, const Packet& packet) {
  if (event.kind == TraceKind::kDeliver) return;
  if (event.kind == TraceKind::kDrop) {
    NoteDrop(event, packet);
    return;
  }
  // A node finishes with a packet before any node receives the next one. So, once a packet is received or time has
  // passed, no packet in waiting_ can still be dropped by the node of its record.
  if (event.kind == TraceKind::kReceive || (!waiting_.empty() && waiting_.back().at != event.at)) Flush();
  Waiting& record = waiting_.emplace_back();
  record.id = packet.id;
  record.interface = InterfaceOf(event);
  record.at = event.at;
  record.direction = event.kind == TraceKind::kSend ? PcapngWriter::PacketDirection::kOutbound
                                                    : PcapngWriter::PacketDirection::kInbound;
  record.bytes.resize(WireSize(packet));
  Serialise(packet, world_.payload(packet), record.bytes);
  record.comment = absl::StrCat(static_cast<std::uint32_t>(packet.id), " ", net::ToString(packet.packet_class));
  if (packet.parent != PacketId::kNone) {
    absl::StrAppend(&record.comment, ", ", InWords(world_.lineage().at(packet.id).relation), " ",
                    static_cast<std::uint32_t>(packet.parent));
  }
}

// Adds the drop to the comment of the packet in waiting_. A NAT may have given the packet a new id since it came in, so
// a packet with the parent's id is looked for as well.
void CaptureTracer::NoteDrop(const TraceEvent& event, const Packet& packet) {
  DropRecord drop;
  drop.rule = event.rule;
  drop.state = event.state;
  const std::string state = DescribeState(drop);
  for (const PacketId id : {packet.id, packet.parent}) {
    for (auto record = waiting_.rbegin(); record != waiting_.rend(); ++record) {
      if (record->id != id) continue;
      absl::StrAppend(&record->comment, "; dropped by ", world_.node(event.node).name(), ": ", ToString(event.rule));
      if (!state.empty()) absl::StrAppend(&record->comment, " (", state, ")");
      return;
    }
  }
}

void CaptureTracer::Flush() {
  for (const Waiting& record : waiting_) {
    writer_.WritePacket(record.interface, record.at, record.direction, record.bytes, record.comment);
  }
  waiting_.clear();
}

}  // namespace pinhole::sim
