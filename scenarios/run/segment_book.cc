#include "scenarios/run/segment_book.h"

#include "absl/strings/str_cat.h"
#include "sim/packet/tcp_header.h"

namespace pinhole::scenarios {

void SegmentBook::OnTrace(const sim::TraceEvent& event, const sim::Packet& packet) {
  if (event.kind == sim::TraceKind::kDrop && packet.is_tcp()) {
    const std::size_t index = static_cast<std::size_t>(packet.id);
    if (flags_.size() <= index) flags_.resize(index + 1, 0);
    flags_[index] = packet.tcp.flags;
  }
  if (next_ != nullptr) next_->OnTrace(event, packet);
}

std::uint8_t SegmentBook::FlagsOf(sim::PacketId packet) const {
  const std::size_t index = static_cast<std::size_t>(packet);
  return index < flags_.size() ? flags_[index] : 0;
}

std::string SegmentBook::Name(std::uint8_t flags) {
  if (flags == 0) return "datagram";
  std::string name;
  const auto add = [&](std::uint8_t bit, const char* word) {
    if ((flags & bit) != 0) absl::StrAppend(&name, name.empty() ? "" : ",", word);
  };
  add(sim::kTcpSyn, "SYN");
  add(sim::kTcpFin, "FIN");
  add(sim::kTcpRst, "RST");
  add(sim::kTcpAck, "ACK");
  return name;
}

}  // namespace pinhole::scenarios
