#include "scenarios/plan/best_path.h"

#include <set>
#include <tuple>
#include <utility>

namespace pinhole::scenarios {
namespace {

using End = std::pair<std::uint32_t, std::uint32_t>;  // a node, and the interface at which the packet arrived

End ToEnd(const PlannedLink::End& end) { return {end.node, end.interface}; }

}  // namespace

// Dijkstra's algorithm. Its vertices are pairs of node and arrival interface, because a host passes a packet on only
// through the interface at which the packet arrived.
std::optional<BestPath> FindBestPath(const CellPlan& plan, std::uint32_t from, std::uint32_t to) {
  if (from == to) return BestPath{};
  std::set<std::tuple<net::Duration, std::uint32_t, End>> open;
  std::set<End> settled;
  const auto follow = [&](net::Duration delay, std::uint32_t links, const auto& may_leave_by) {
    for (const PlannedLink& link : plan.links) {
      const End a = ToEnd(link.a);
      const End b = ToEnd(link.b);
      if (may_leave_by(a)) open.emplace(delay + link.a_to_b.delay, links + 1, b);
      if (may_leave_by(b)) open.emplace(delay + link.b_to_a.delay, links + 1, a);
    }
  };
  follow({}, 0, [from](const End& end) { return end.first == from; });
  while (!open.empty()) {
    const auto [delay, links, at] = *open.begin();
    open.erase(open.begin());
    if (at.first == to) return BestPath{delay, links};
    if (!settled.insert(at).second) continue;
    const bool bridges_only = plan.nodes[at.first].is_host();
    follow(delay, links, [at = at, bridges_only](const End& end) {
      return end.first == at.first && (!bridges_only || end.second == at.second);
    });
  }
  return std::nullopt;
}

}  // namespace pinhole::scenarios
