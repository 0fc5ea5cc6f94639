#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/packet/packet.h"
#include "sim/record/tracer.h"

namespace pinhole::scenarios {

// Remembers of every segment that ended what flags it had: the drop log has numbers only. Passes everything on to
// another tracer, if there is one.
class SegmentBook final : public sim::Tracer {
 public:
  explicit SegmentBook(sim::Tracer* next) : next_(next) {}
  void OnTrace(const sim::TraceEvent& event, const sim::Packet& packet) override;

  // Of a dropped segment; 0 for anything else.
  std::uint8_t FlagsOf(sim::PacketId packet) const;
  // "SYN,ACK", "ACK"; "datagram" for what has no flags.
  static std::string Name(std::uint8_t flags);

 private:
  sim::Tracer* next_;
  std::vector<std::uint8_t> flags_;  // by packet id
};

}  // namespace pinhole::scenarios
