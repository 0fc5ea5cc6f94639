#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "sim/packet/packet.h"
#include "sim/record/pcapng.h"
#include "sim/record/tracer.h"
#include "sim/world.h"

namespace pinhole::sim {

// Captures a whole world as if tcpdump ran on every interface. Every packet says in a comment what it is for, which
// packet it came from and, if it ended there, by which rule:
//   "7 check, translated from 3"    "9 check; dropped by home_b: filtered_port (...)"
// `world` is the one that it traces.
class CaptureTracer final : public Tracer {
 public:
  CaptureTracer(const World& world, std::ostream& out) : world_(world), writer_(out) {}
  ~CaptureTracer() override { Flush(); }

  void OnTrace(const TraceEvent& event, const Packet& packet) override;
  // Writes the last packets too, which wait for what becomes of them.
  void Flush();

 private:
  // Taken from the wire or put on it, and perhaps still to be dropped.
  struct Waiting {
    PacketId id = PacketId::kNone;
    int interface = 0;
    net::Instant at;
    PcapngWriter::PacketDirection direction = PcapngWriter::PacketDirection::kInbound;
    std::vector<std::uint8_t> bytes;
    std::string comment;
  };

  int InterfaceOf(const TraceEvent& event);
  void NoteDrop(const TraceEvent& event, const Packet& packet);

  const World& world_;
  PcapngWriter writer_;
  std::vector<std::vector<int>> interfaces_;  // by node, then interface; -1: not in the file yet
  std::vector<Waiting> waiting_;
};

}  // namespace pinhole::sim
