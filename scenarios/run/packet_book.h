#pragma once

#include <cstdint>
#include <vector>

#include "net/packet_class.h"
#include "net/socket_address.h"
#include "net/time.h"
#include "sim/node.h"
#include "sim/packet/packet.h"
#include "sim/record/lineage.h"
#include "sim/record/tracer.h"

namespace pinhole::scenarios {

// A tracer that records the history of every packet of a run. The measures and explanations that are made after the run
// read it. A run without a PacketBook is faster and otherwise the same. Every event is also passed on to another
// tracer, if there is one.
class PacketBook final : public sim::Tracer {
 public:
  // One packet under one packet id. A NAT gives a translated packet a new id (sim/record/lineage.h).
  struct Entry {
    bool known = false;  // false: no event of this packet was seen
    net::PacketClass packet_class = net::PacketClass::kOther;
    sim::NodeId first_node{};   // the node of the packet's first event
    net::Instant first_sent;    // time of the first event
    net::SocketAddress source;  // of the packet at its first event
    net::SocketAddress destination;
    std::uint32_t links = 0;     // number of links that the packet was put on
    std::uint8_t tcp_flags = 0;  // 0 if the packet is no TCP segment
  };
  // The delivery of a packet to a program.
  struct Delivery {
    net::Instant at;
    sim::NodeId node{};
    sim::PacketId packet = sim::PacketId::kNone;
    net::SocketAddress source;  // the source address that the program sees
  };

  // A packet was sent or received by an interface of the node. A node that forwards a packet has two passages.
  struct Passage {
    sim::PacketId packet = sim::PacketId::kNone;
    sim::NodeId node{};
  };

  explicit PacketBook(sim::Tracer* next = nullptr) : next_(next) {}

  void SetNext(sim::Tracer* next) { next_ = next; }
  void OnTrace(const sim::TraceEvent& event, const sim::Packet& packet) override;

  // An entry with `known` false if the packet had no event.
  const Entry& at(sim::PacketId id) const;
  // In the order of time.
  const std::vector<Delivery>& deliveries() const { return deliveries_; }
  // In the order of time. The same node and packet may occur more than once.
  const std::vector<Passage>& passages() const { return passages_; }

 private:
  sim::Tracer* next_;
  std::vector<Entry> entries_;  // by packet id
  std::vector<Delivery> deliveries_;
  std::vector<Passage> passages_;
};

}  // namespace pinhole::scenarios
