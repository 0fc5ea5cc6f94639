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

// Keeps what became of every packet of a run, for measures and explanations that are made afterwards. Passes
// everything on to another tracer, if there is one.
class PacketBook final : public sim::Tracer {
 public:
  struct Entry {
    bool known = false;
    net::PacketClass packet_class = net::PacketClass::kOther;
    sim::NodeId first_node{};  // that put it on a link first
    net::Instant first_sent;
    net::SocketAddress source;  // as `first_node` sent it
    net::SocketAddress destination;
    std::uint32_t links = 0;     // that carried it
    std::uint8_t tcp_flags = 0;  // of a segment
  };
  // A packet given to a program.
  struct Delivery {
    net::Instant at;
    sim::NodeId node{};
    sim::PacketId packet = sim::PacketId::kNone;
    net::SocketAddress source;  // as it arrived
  };

  // A node that had a packet on a link of its own: it sent it, took it, or passed it on.
  struct Passage {
    sim::PacketId packet = sim::PacketId::kNone;
    sim::NodeId node{};
  };

  explicit PacketBook(sim::Tracer* next = nullptr) : next_(next) {}

  void SetNext(sim::Tracer* next) { next_ = next; }
  void OnTrace(const sim::TraceEvent& event, const sim::Packet& packet) override;

  // An empty entry for a packet that never reached a link.
  const Entry& at(sim::PacketId id) const;
  const std::vector<Delivery>& deliveries() const { return deliveries_; }
  // In the order of time; the same one may come twice.
  const std::vector<Passage>& passages() const { return passages_; }

 private:
  sim::Tracer* next_;
  std::vector<Entry> entries_;  // by packet id
  std::vector<Delivery> deliveries_;
  std::vector<Passage> passages_;
};

}  // namespace pinhole::scenarios
