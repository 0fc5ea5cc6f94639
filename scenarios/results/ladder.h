#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "scenarios/plan/plan.h"
#include "sim/record/tracer.h"

namespace pinhole::scenarios {

// Draws a run as a ladder: a column for each node, the two participants outermost, and a line for each packet on each
// link, in order of time. A drop is an `x` in the column of the node where it happened, with the rule.
//
//        ms  alice     home_a    internet  home_b    bob
//     0.000  |-------->|         |         |         |     discovery 192.168.1.2:50000 > 192.0.2.1:3478
class Ladder final : public sim::Tracer {
 public:
  // `next` also sees everything, if given.
  Ladder(const CellPlan& plan, std::ostream& out, sim::Tracer* next = nullptr);

  void SetNext(sim::Tracer* next) { next_ = next; }
  void OnTrace(const sim::TraceEvent& event, const sim::Packet& packet) override;

 private:
  void PrintHeader();

  std::ostream& out_;
  sim::Tracer* next_;
  std::vector<std::size_t> column_;  // by node
  std::vector<std::string> names_;   // by column
  std::size_t width_ = 10;
  bool header_printed_ = false;
};

// Nodes in the order of a ladder's columns: from the first trial's first participant along the shortest way to the
// second, everything else after the node of the way that it hangs on.
std::vector<std::uint32_t> LadderOrder(const CellPlan& plan);

}  // namespace pinhole::scenarios
