// The order of the columns is chosen so that most arrows are short. A breadth-first search over the links finds the way
// with the fewest links between the two participants of the first trial that has any. The remaining nodes are inserted
// one by one after a neighbor that already has a column, never after the last column, so that the second participant
// stays outermost. Nodes without such a neighbor come last.
//
// A line is written as soon as its event happens. Only events that send or drop a packet make a line; receptions and
// deliveries would repeat the arrow.

#include "scenarios/results/ladder.h"

#include <algorithm>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "scenarios/run/killer.h"
#include "sim/packet/rule.h"
#include "sim/packet/tcp_header.h"

namespace pinhole::scenarios {
namespace {

std::vector<std::vector<std::uint32_t>> Neighbours(const CellPlan& plan) {
  std::vector<std::vector<std::uint32_t>> neighbours(plan.nodes.size());
  for (const PlannedLink& link : plan.links) {
    neighbours[link.a.node].push_back(link.b.node);
    neighbours[link.b.node].push_back(link.a.node);
  }
  return neighbours;
}

}  // namespace

std::vector<std::uint32_t> LadderOrder(const CellPlan& plan) {
  const std::vector<std::vector<std::uint32_t>> neighbours = Neighbours(plan);
  std::vector<std::uint32_t> way;
  const auto talk = std::find_if(plan.trials.begin(), plan.trials.end(),
                                 [](const auto& trial) { return !trial->participants().empty(); });
  if (talk != plan.trials.end()) {
    const std::uint32_t from = (*talk)->participants()[0].node;
    const std::uint32_t to = (*talk)->participants()[1].node;
    constexpr std::uint32_t kUnseen = 0xffffffff;
    std::vector<std::uint32_t> towards(plan.nodes.size(), kUnseen);  // by node: the next node on the way to `to`
    std::vector<std::uint32_t> queue = {to};
    towards[to] = to;
    for (std::size_t i = 0; i < queue.size(); ++i) {
      for (const std::uint32_t next : neighbours[queue[i]]) {
        if (towards[next] != kUnseen) continue;
        towards[next] = queue[i];
        queue.push_back(next);
      }
    }
    std::uint32_t node = from;
    way.push_back(node);
    while (node != to && towards[node] != kUnseen) {
      node = towards[node];
      way.push_back(node);
    }
    if (node != to) way.push_back(to);
  }
  const auto has = [&way](std::uint32_t node) { return std::find(way.begin(), way.end(), node) != way.end(); };
  bool grown = true;
  while (grown) {
    grown = false;
    for (std::uint32_t node = 0; node < plan.nodes.size(); ++node) {
      if (has(node)) continue;
      for (std::size_t i = 0; i + 1 < way.size() && !grown; ++i) {
        const std::vector<std::uint32_t>& around = neighbours[way[i]];
        if (std::find(around.begin(), around.end(), node) == around.end()) continue;
        way.insert(way.begin() + static_cast<std::ptrdiff_t>(i) + 1, node);
        grown = true;
      }
      if (grown) break;
    }
  }
  for (std::uint32_t node = 0; node < plan.nodes.size(); ++node) {
    if (!has(node)) way.push_back(node);
  }
  return way;
}

Ladder::Ladder(const CellPlan& plan, std::ostream& out, sim::Tracer* next) : out_(out), next_(next) {
  const std::vector<std::uint32_t> order = LadderOrder(plan);
  column_.resize(plan.nodes.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    column_[order[i]] = i;
    names_.push_back(plan.nodes[order[i]].name);
    width_ = std::max(width_, names_.back().size() + 2);
  }
}

void Ladder::PrintHeader() {
  std::string line = "         ms  ";
  for (const std::string& name : names_)
    absl::StrAppend(&line, absl::StrFormat("%-*s", static_cast<int>(width_), name));
  out_ << line << "\n";
}

void Ladder::OnTrace(const sim::TraceEvent& event, const sim::Packet& packet) {
  if (next_ != nullptr) next_->OnTrace(event, packet);
  if (event.kind != sim::TraceKind::kSend && event.kind != sim::TraceKind::kDrop) return;
  if (!header_printed_) {
    header_printed_ = true;
    PrintHeader();
  }
  const std::size_t from = column_[static_cast<std::size_t>(event.node)];
  std::string rungs;
  for (std::size_t i = 0; i < names_.size(); ++i) {
    rungs += '|';
    rungs.append(width_ - 1, ' ');
  }
  const net::Duration time = event.at.time_since_epoch();
  std::string text = absl::StrCat(packet.is_icmp() ? "icmp" : net::ToString(packet.packet_class), " ",
                                  packet.source.ToString(), " > ", packet.destination.ToString());
  if (packet.is_tcp()) {
    absl::StrAppend(&text, "  ", SegmentName(packet.tcp.flags), " ", packet.tcp.sequence);
    if (packet.tcp.Has(sim::kTcpAck)) absl::StrAppend(&text, " acks ", packet.tcp.acknowledgment);
    if (packet.payload.size_bytes > 0) absl::StrAppend(&text, ", ", packet.payload.size_bytes, " bytes");
  }
  if (event.kind == sim::TraceKind::kSend) {
    const std::size_t to = column_[static_cast<std::size_t>(event.other)];
    const std::size_t left = std::min(from, to) * width_;
    const std::size_t right = std::max(from, to) * width_;
    for (std::size_t i = left + 1; i < right; ++i) rungs[i] = rungs[i] == '|' ? '+' : '-';
    if (to > from) {
      rungs[right - 1] = '>';
    } else if (to < from) {
      rungs[left + 1] = '<';
    }
  } else {
    rungs[from * width_] = 'x';
    absl::StrAppend(&text, "  dropped: ", sim::ToString(event.rule));
  }
  // Virtual time in milliseconds, with three decimals.
  const std::int64_t us = std::chrono::duration_cast<std::chrono::microseconds>(time).count();
  out_ << absl::StrFormat("%7d.%03d  ", us / 1000, us % 1000) << rungs << text << "\n";
}

}  // namespace pinhole::scenarios
