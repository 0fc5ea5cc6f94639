#pragma once

#include <optional>

#include "net/time.h"
#include "sim/packet/node_id.h"
#include "sim/packet/packet.h"
#include "sim/packet/rule.h"

namespace pinhole::sim {

enum class TraceKind : std::uint8_t {
  kSend,     // put on a link by `node`, which may be a bridge on the way; a loss on the link follows as kDrop
  kReceive,  // taken from a link
  kDeliver,  // given to a program of `node`
  kDrop,     // ended at `node` by `rule`
};
const char* ToString(TraceKind kind);

struct TraceEvent {
  net::Instant at;
  TraceKind kind = TraceKind::kSend;
  NodeId node{};
  std::optional<int> interface;  // of `node`; nullopt: none concerned
  NodeId other{};                // kSend, kReceive: the node at the other end of the link
  net::Instant arrival{};        // kSend: when it will arrive at `other`; meaningless if kDrop follows
  Rule rule = Rule::kNone;
  DropState state;
};

// Sees every event of every packet, in order. Ladders, captures and the measures of metadata are made from these
// events. `packet` shows the packet at that moment, and is valid during the call.
class Tracer {
 public:
  virtual ~Tracer() = default;
  virtual void OnTrace(const TraceEvent& event, const Packet& packet) = 0;
};

}  // namespace pinhole::sim
