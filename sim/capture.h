#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "sim/packet/packet.h"
#include "sim/record/pcapng.h"
#include "sim/record/tracer.h"
#include "sim/world.h"

namespace pinhole::sim {

// Captures a whole world as if tcpdump ran on every interface. Every packet has a comment with its number, its class,
// its parent and, if the node of the interface dropped it, the rule of the drop:
//   "7 check, translated from 3"    "9 check; dropped by home_b: filtered_port (...)"
// `world` is the world whose tracer this is. `world` and `out` must outlive the tracer.
class CaptureTracer final : public Tracer {
 public:
  CaptureTracer(const World& world, std::ostream& out) : world_(world), writer_(out) {}
  ~CaptureTracer() override { Flush(); }

  void OnTrace(const TraceEvent& event, const Packet& packet) override;
  // Writes the packets that are held back. A packet is held back as long as its node may still drop it.
  void Flush();

 private:
  // A packet that was received or sent, and that its node may still drop.
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
  std::vector<std::vector<std::optional<int>>> interfaces_;  // by node, then interface; nullopt: not in the file yet
  std::vector<Waiting> waiting_;
};

}  // namespace pinhole::sim
