#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "scenarios/plan/plan.h"
#include "sim/record/tracer.h"

// Draws the packets of a run as a ladder diagram while the run lasts, because a reader understands a failed session
// best from the sequence of its packets.
//
// The rule: each node has a column, and each packet has a line for each link that it enters, in the order of time. The
// line has the time in milliseconds since the start of the run, an arrow from node to node, and the packet. A dropped
// packet has one more line: an `x` in the column of the node that dropped it, and the name of the rule. TCP segments
// show flags and numbers (RFC 9293 §3.1).
//
//        ms  alice     home_a    internet  home_b    bob
//     0.000  |-------->|         |         |         |     discovery 192.168.1.2:50000 > 192.0.2.1:3478
namespace pinhole::scenarios {

// The tracer of a run that prints the ladder. `plan`, `out` and `next` must outlive it.
class Ladder final : public sim::Tracer {
 public:
  // Every event is passed on to `next` first, unless it is null.
  Ladder(const CellPlan& plan, std::ostream& out, sim::Tracer* next = nullptr);

  void SetNext(sim::Tracer* next) { next_ = next; }
  void OnTrace(const sim::TraceEvent& event, const sim::Packet& packet) override;

 private:
  void PrintHeader();

  std::ostream& out_;
  sim::Tracer* next_;
  std::vector<std::size_t> column_;  // number of the column, by node
  std::vector<std::string> names_;   // name of the node, by column
  std::size_t width_ = 10;           // of a column, in characters
  bool header_printed_ = false;
};

// Returns the nodes in the order of a ladder's columns. The first trial with participants decides: the nodes on the
// shortest way from its first participant to its second one stand in that order. Every other node stands directly after
// a node to which it has a link.
std::vector<std::uint32_t> LadderOrder(const CellPlan& plan);

}  // namespace pinhole::scenarios
