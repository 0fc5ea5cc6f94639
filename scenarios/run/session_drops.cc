#include "scenarios/run/session_drops.h"

#include <optional>
#include <string>
#include <vector>

#include "scenarios/run/pair_drops.h"
#include "sim/boxes/nat_box.h"
#include "sim/packet/tcp_header.h"

namespace pinhole::scenarios {
namespace {

// The name of the rule for an answer that came from another endpoint than the one asked. Its kind is "mapping".
constexpr const char* kMoved = "answers_from_another_port";

struct Found {
  Killer killer;
  Reach reach = Reach::kHopeless;
  bool moved = false;
};

class SessionDrops {
 public:
  SessionDrops(const CellRun& run, const PacketBook& book, const SessionTrial& session)
      : run_(run), book_(book), session_(session) {}

  void ShowTo(KillerSearch& search) const {
    const sim::DropLog& drops = run_.world().drops();
    for (int side = 0; side < 2; ++side) {
      const std::vector<ice::PairView> pairs = session_.endpoint(side).agent().CheckListSnapshot();
      for (std::size_t i = 0; i < drops.size(); ++i) {
        if (!PairOf(run_, book_, pairs, drops.at(i))) continue;
        const Found found = Weighed(drops.at(i));
        search.Show(found.killer, found.reach, found.moved);
      }
      for (const ice::PairView& pair : pairs) {
        if (const std::optional<std::string> nat = NatThatMoved(pair)) {
          search.ShowWithoutDrop({.by = {*nat, kMoved, "mapping"}, .drop = std::nullopt});
        }
      }
    }
  }

 private:
  Found Weighed(const sim::DropRecord& drop) const {
    Found found;
    found.killer = KillerBy(run_, drop);
    if (IsHopeless(run_, drop)) return found;
    found.reach = Reach::kKeptOut;
    if (found.killer.by.tcp) Rank(drop, found);
    return found;
  }

  // Returns the NAT of a UDP pair whose answer came from another address than the one to which the check was sent. No
  // packet was dropped then. nullopt: the pair did not end like that.
  std::optional<std::string> NatThatMoved(const ice::PairView& pair) const {
    if (pair.end != ice::PairEnd::kNotSymmetric) return std::nullopt;
    return NatWith(pair.remote.address.address());
  }

  // Raises the reach of `found` for a dropped TCP segment, and sets `by` to the NAT or the answer that explains it.
  void Rank(const sim::DropRecord& drop, Found& found) const {
    KilledBy& by = found.killer.by;
    const bool syn_only = (drop.tcp_flags & (sim::kTcpSyn | sim::kTcpAck)) == sim::kTcpSyn;
    const bool at_host = run_.plan().nodes[static_cast<std::uint32_t>(drop.node)].is_host();
    if (!syn_only || (at_host && drop.rule != sim::Rule::kNoSocket)) {
      found.reach = Reach::kLetIn;
      if (const std::optional<std::string> nat = NatThatMoved(drop)) {
        found.moved = true;
        by = {*nat, kMoved, "mapping", true};
      }
    } else if (drop.rule == sim::Rule::kSimultaneousOpen) {
      found.reach = Reach::kCrossingRefused;
    }
    if (!syn_only) return;
    if (const char* answer = AnswerTo(drop); answer != nullptr && !at_host) {
      found.reach = std::max(found.reach, Reach::kRefused);
      if (found.reach == Reach::kRefused) by.kind = answer;
    }
  }

  // Returns "rst" or "icmp" if the node that dropped the packet answered the sender so. nullptr: it sent no answer.
  const char* AnswerTo(const sim::DropRecord& drop) const {
    const sim::Lineage& lineage = run_.world().lineage();
    for (std::uint32_t id = static_cast<std::uint32_t>(drop.packet) + 1; id <= lineage.size(); ++id) {
      const sim::Lineage::Entry& entry = lineage.at(sim::PacketId{id});
      if (entry.parent != drop.packet || book_.at(sim::PacketId{id}).first_node != drop.node) continue;
      if (entry.relation == sim::Relation::kQuotes) return "icmp";
      if (entry.relation == sim::Relation::kAnswers) return "rst";
    }
    return nullptr;
  }

  // Returns the NAT because of which the packet came from another endpoint than the one that its sender had signalled.
  // nullopt: the packet came from a signalled endpoint, or the sender had signalled no mapped endpoint for it.
  std::optional<std::string> NatThatMoved(const sim::DropRecord& drop) const {
    const std::uint32_t sender =
        static_cast<std::uint32_t>(book_.at(run_.world().lineage().Emitted(drop.packet)).first_node);
    bool told = false;
    for (int side = 0; side < 2; ++side) {
      if (session_.plan().peer(side).node != sender) continue;
      for (const ice::Candidate& candidate : session_.endpoint(side).agent().LocalDescription().candidates) {
        if (candidate.base != drop.emitted_source || candidate.address == candidate.base) continue;
        if (candidate.address == drop.source) return std::nullopt;
        told = true;
      }
    }
    if (!told) return std::nullopt;
    return NatWith(drop.source.address());
  }

  std::optional<std::string> NatWith(const net::IpAddress& external) const {
    for (std::uint32_t node = 0; node < run_.plan().nodes.size(); ++node) {
      if (!run_.plan().nodes[node].is_nat()) continue;
      if (static_cast<const sim::NatBox&>(run_.host(node)).nat().IsExternal(external)) {
        return run_.plan().nodes[node].name;
      }
    }
    return std::nullopt;
  }

  const CellRun& run_;
  const PacketBook& book_;
  const SessionTrial& session_;
};

}  // namespace

void ShowSessionDrops(const CellRun& run, const PacketBook& book, const SessionTrial& session, KillerSearch& search) {
  SessionDrops(run, book, session).ShowTo(search);
}

}  // namespace pinhole::scenarios
