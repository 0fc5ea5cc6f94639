#include "scenarios/run/killer.h"

#include <chrono>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "scenarios/run/trial.h"
#include "sim/boxes/nat_box.h"
#include "sim/packet/tcp_header.h"

namespace pinhole::scenarios {
namespace {

bool AtNat(const CellRun& run, const sim::DropRecord& drop) {
  return run.plan().nodes[static_cast<std::uint32_t>(drop.node)].is_nat();
}

}  // namespace

void KillerSearch::Show(const Killer& killer, Reach reach, bool moved) {
  if (best_) {
    const auto known = std::tie(best_->reach, best_->moved);
    const auto shown = std::tie(reach, moved);
    const net::Instant known_at = best_->killer.drop->at;
    const net::Instant shown_at = killer.drop->at;
    const bool better = known != shown             ? known < shown
                        : reach <= Reach::kKeptOut ? known_at < shown_at
                                                   : shown_at < known_at;
    if (!better) return;
  }
  best_ = Found{killer, reach, moved};
}

std::optional<Killer> KillerSearch::Result() const {
  // A dropped packet explains the failure better than a reason without one, unless the packet was hopeless.
  if (without_drop_ && (!best_ || best_->reach == Reach::kHopeless)) return without_drop_;
  if (!best_) return std::nullopt;
  return best_->killer;
}

std::optional<Killer> FindKiller(const CellRun& run, const PacketBook* book, const Trial& trial) {
  KillerSearch search;
  trial.ShowDrops(run, book, search);
  return search.Result();
}

Killer KillerBy(const CellRun& run, const sim::DropRecord& drop) {
  return {.by = {.node = run.world().node(drop.node).name(),
                 .rule = sim::ToString(drop.rule),
                 .kind = KindOf(run, drop),
                 .tcp = drop.protocol == sim::IpProtocol::kTcp},
          .drop = drop};
}

const char* KindOf(const CellRun& run, const sim::DropRecord& drop) {
  const sim::RuleEntry& rule = sim::EntryOf(drop.rule);
  return rule.kind_at_nat != nullptr && AtNat(run, drop) ? rule.kind_at_nat : rule.kind;
}

bool IsHopeless(const CellRun& run, const sim::DropRecord& drop) {
  const sim::RuleEntry& rule = sim::EntryOf(drop.rule);
  if (!rule.hopeless || rule.kind_at_nat == nullptr) return rule.hopeless;
  return !AtNat(run, drop) || !static_cast<const sim::NatBox&>(run.host(static_cast<std::uint32_t>(drop.node)))
                                   .nat()
                                   .IsExternal(drop.destination.address());
}

std::string SegmentName(std::uint8_t flags) {
  return sim::TcpFlagNames(static_cast<std::uint8_t>(flags & ~sim::kTcpPsh));
}

std::string PacketName(const sim::DropRecord& drop) {
  return drop.tcp_flags == 0 ? "datagram" : SegmentName(drop.tcp_flags);
}

std::string Describe(const CellRun& run, const sim::DropRecord& drop) {
  std::string text =
      absl::StrCat(net::ToString(drop.packet_class), " ", drop.source.ToString(), " > ", drop.destination.ToString(),
                   " dropped at ", run.world().node(drop.node).name(), ": ", sim::ToString(drop.rule));
  const std::string state = sim::DescribeState(drop);
  if (!state.empty()) absl::StrAppend(&text, " (", state, ")");
  return text;
}

void FillKilled(const CellRun& run, const Killer& killer, proto::Killed* result) {
  result->set_node(killer.by.node);
  result->set_rule(killer.by.rule);
  result->set_kind(killer.by.kind);
  if (!killer.drop) return;
  const sim::DropRecord& drop = *killer.drop;
  result->set_packet(absl::StrCat(PacketName(drop), " ", drop.source.ToString(), " > ", drop.destination.ToString()));
  result->set_died_at(run.world().node(drop.node).name());
  if (const std::string state = sim::DescribeState(drop); !state.empty()) result->set_state(state);
  result->set_at_us(static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(drop.at.time_since_epoch()).count()));
}

}  // namespace pinhole::scenarios
