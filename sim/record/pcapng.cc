#include "sim/record/pcapng.h"

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "sim/packet/wire.h"

namespace pinhole::sim {
namespace {

constexpr std::uint16_t kLinkTypeRaw = 101;
constexpr std::uint32_t kSectionHeader = 0x0a0d0d0a;
constexpr std::uint32_t kInterfaceDescription = 1;
constexpr std::uint32_t kEnhancedPacket = 6;
constexpr std::uint16_t kOptionEnd = 0;
constexpr std::uint16_t kOptionComment = 1;
constexpr std::uint16_t kOptionInterfaceName = 2;
constexpr std::uint16_t kOptionPacketFlags = 2;
constexpr std::uint16_t kOptionTimeResolution = 9;

// One block: type, length, body padded to four bytes, length again.
class Block {
 public:
  explicit Block(std::uint32_t type) {
    Add32(type);
    Add32(0);  // length, below
  }
  void Add8(std::uint8_t value) { bytes_.push_back(static_cast<char>(value)); }
  void Add16(std::uint16_t value) {
    Add8(static_cast<std::uint8_t>(value));
    Add8(static_cast<std::uint8_t>(value >> 8));
  }
  void Add32(std::uint32_t value) {
    Add16(static_cast<std::uint16_t>(value));
    Add16(static_cast<std::uint16_t>(value >> 16));
  }
  void AddPadded(absl::string_view bytes) {
    bytes_.append(bytes.data(), bytes.size());
    while (bytes_.size() % 4 != 0) Add8(0);
  }
  void AddOption(std::uint16_t code, absl::string_view value) {
    Add16(code);
    Add16(static_cast<std::uint16_t>(value.size()));
    AddPadded(value);
  }
  void WriteTo(std::ostream& out) {
    const std::uint32_t length = static_cast<std::uint32_t>(bytes_.size() + 4);
    Add32(length);
    for (int i = 0; i < 4; ++i) bytes_[4 + i] = static_cast<char>(length >> (8 * i));
    out.write(bytes_.data(), static_cast<std::streamsize>(bytes_.size()));
  }

 private:
  std::string bytes_;
};

// Before the number of the parent.
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
  std::abort();  // No `default`, so the compiler finds a missing case.
}

}  // namespace

PcapngWriter::PcapngWriter(std::ostream& out) : out_(out) {
  Block block(kSectionHeader);
  block.Add32(0x1a2b3c4d);
  block.Add16(1);  // version 1.0
  block.Add16(0);
  block.Add32(0xffffffff);  // section length not given
  block.Add32(0xffffffff);
  block.WriteTo(out_);
}

int PcapngWriter::AddInterface(absl::string_view name) {
  Block block(kInterfaceDescription);
  block.Add16(kLinkTypeRaw);
  block.Add16(0);
  block.Add32(0);  // no snapshot limit
  block.AddOption(kOptionInterfaceName, name);
  block.AddOption(kOptionTimeResolution, absl::string_view("\x09", 1));  // 10^-9 s
  block.AddOption(kOptionEnd, "");
  block.WriteTo(out_);
  return interfaces_++;
}

void PcapngWriter::WritePacket(int interface, net::Instant at, PacketDirection direction, net::ByteView packet,
                               absl::string_view comment) {
  const std::uint64_t time = static_cast<std::uint64_t>(at.time_since_epoch().count());
  Block block(kEnhancedPacket);
  block.Add32(static_cast<std::uint32_t>(interface));
  block.Add32(static_cast<std::uint32_t>(time >> 32));
  block.Add32(static_cast<std::uint32_t>(time));
  block.Add32(static_cast<std::uint32_t>(packet.size()));  // captured
  block.Add32(static_cast<std::uint32_t>(packet.size()));  // on the wire
  block.AddPadded(absl::string_view(reinterpret_cast<const char*>(packet.data()), packet.size()));
  if (!comment.empty()) block.AddOption(kOptionComment, comment);
  const char flags[4] = {static_cast<char>(direction), 0, 0, 0};
  block.AddOption(kOptionPacketFlags, absl::string_view(flags, 4));
  block.AddOption(kOptionEnd, "");
  block.WriteTo(out_);
}

int CaptureTracer::InterfaceOf(const TraceEvent& event) {
  const std::size_t node = static_cast<std::size_t>(event.node);
  if (interfaces_.size() <= node) interfaces_.resize(node + 1);
  std::vector<int>& of_node = interfaces_[node];
  const std::size_t index = static_cast<std::size_t>(event.interface);
  if (of_node.size() <= index) of_node.resize(index + 1, -1);
  if (of_node[index] < 0) {
    const Node& named = world_.node(event.node);
    of_node[index] = writer_.AddInterface(absl::StrCat(named.name(), ".", named.interfaces()[index].name));
  }
  return of_node[index];
}

void CaptureTracer::OnTrace(const TraceEvent& event, const Packet& packet) {
  if (event.kind == TraceKind::kDeliver) return;
  if (event.kind == TraceKind::kDrop) {
    NoteDrop(event, packet);
    return;
  }
  // What a node does with a packet, it does before the next one comes.
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

// The packet may have been translated since it came in.
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
