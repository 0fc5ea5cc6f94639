#include "scenarios/results/killer.h"

#include <tuple>
#include <vector>

#include "net/contract.h"
#include "scenarios/results/pair_drops.h"
#include "sim/boxes/nat_box.h"
#include "sim/packet/tcp_header.h"

namespace pinhole::scenarios {
namespace {

// How far a packet's pair had come when it died.
enum class Standing : std::uint8_t { kHopeless, kKeptOut, kRefused, kCrossingRefused, kLetIn };

bool AtNat(const CellRun& run, const sim::DropRecord& drop) {
  return run.plan().nodes[static_cast<std::uint32_t>(drop.node)].kind == PlannedNodeKind::kNat;
}

struct Candidate {
  Standing standing = Standing::kHopeless;
  bool moved = false;
  SessionKiller killer;
};

class Search {
 public:
  Search(const CellRun& run, const PacketBook& book, std::size_t session) : run_(run), book_(book), session_(session) {}

  std::optional<SessionKiller> Run() {
    const sim::DropLog& drops = run_.world().drops();
    std::optional<SessionKiller> moved;
    for (int side = 0; side < 2; ++side) {
      const std::vector<ice::PairView> pairs = run_.endpoint(session_, side).agent().CheckListSnapshot();
      for (std::size_t i = 0; i < drops.size(); ++i) {
        if (PairOf(run_, book_, pairs, drops.at(i))) Weigh(drops.at(i));
      }
      for (const ice::PairView& pair : pairs) {
        if (const std::optional<std::string> nat = NatThatMoved(pair)) moved = SessionKiller{{*nat, kMoved, "mapping"}};
      }
    }
    // Where a packet died as well, that is what to tell.
    if (moved && (!best_ || best_->standing == Standing::kHopeless)) return moved;
    if (!best_) return std::nullopt;
    return best_->killer;
  }

 private:
  void Weigh(const sim::DropRecord& drop) {
    Candidate candidate;
    candidate.killer.drop = drop;
    KilledBy& by = candidate.killer.by;
    by = {run_.world().node(drop.node).name(), sim::ToString(drop.rule), KindOf(run_, drop), IsTcp(drop)};
    if (!IsHopeless(run_, drop)) candidate.standing = Standing::kKeptOut;
    if (candidate.standing != Standing::kHopeless && by.tcp) Rank(drop, candidate);
    if (!best_ || Before(*best_, candidate)) best_ = std::move(candidate);
  }

  // Of a pair over UDP whose answer came, but from another address than was asked: nothing was dropped.
  std::optional<std::string> NatThatMoved(const ice::PairView& pair) const {
    if (pair.end != ice::PairEnd::kNotSymmetric) return std::nullopt;
    return NatWith(pair.remote.address.address());
  }

  void Rank(const sim::DropRecord& drop, Candidate& candidate) const {
    KilledBy& by = candidate.killer.by;
    const std::uint8_t flags = book_.at(run_.world().lineage().Emitted(drop.packet)).tcp_flags;
    const bool syn_only = (flags & (sim::kTcpSyn | sim::kTcpAck)) == sim::kTcpSyn;
    const bool at_host = run_.plan().nodes[static_cast<std::uint32_t>(drop.node)].kind == PlannedNodeKind::kHost;
    if (!syn_only || (at_host && drop.rule != sim::Rule::kNoSocket)) {
      candidate.standing = Standing::kLetIn;
      if (const std::optional<std::string> nat = NatThatMoved(drop)) {
        candidate.moved = true;
        by = {*nat, kMoved, "mapping", true};
      }
    } else if (drop.rule == sim::Rule::kSimultaneousOpen) {
      candidate.standing = Standing::kCrossingRefused;
    }
    if (!syn_only) return;
    if (const char* answer = AnswerTo(drop); answer != nullptr && !at_host) {
      candidate.standing = std::max(candidate.standing, Standing::kRefused);
      if (candidate.standing == Standing::kRefused) by.kind = answer;
    }
  }

  // The further one; of two that were kept out the last, of others the first, from which the rest followed.
  static bool Before(const Candidate& x, const Candidate& y) {
    if (x.standing != y.standing || x.moved != y.moved) {
      return std::tie(x.standing, x.moved) < std::tie(y.standing, y.moved);
    }
    const net::Instant x_at = x.killer.drop->at, y_at = y.killer.drop->at;
    return x.standing <= Standing::kKeptOut ? x_at < y_at : y_at < x_at;
  }

  static bool IsTcp(const sim::DropRecord& drop) { return drop.protocol == sim::IpProtocol::kTcp; }

  // "rst" or "icmp", if the node where it died said so to the sender.
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

  // The NAT by which the packet came from another endpoint than its sender had told the other side.
  std::optional<std::string> NatThatMoved(const sim::DropRecord& drop) const {
    const std::uint32_t sender =
        static_cast<std::uint32_t>(book_.at(run_.world().lineage().Emitted(drop.packet)).first_node);
    bool told = false;
    for (int side = 0; side < 2; ++side) {
      if (run_.plan().sessions[session_].peers[side].node != sender) continue;
      for (const ice::Candidate& candidate : run_.endpoint(session_, side).agent().LocalDescription().candidates) {
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
      if (run_.plan().nodes[node].kind != PlannedNodeKind::kNat) continue;
      if (static_cast<const sim::NatBox&>(run_.host(node)).nat().IsExternal(external)) {
        return run_.plan().nodes[node].name;
      }
    }
    return std::nullopt;
  }

  static constexpr const char* kMoved = "answers_from_another_port";

  const CellRun& run_;
  const PacketBook& book_;
  const std::size_t session_;
  std::optional<Candidate> best_;
};

}  // namespace

const char* KindOf(const CellRun& run, const sim::DropRecord& drop) {
  const sim::RuleEntry& rule = sim::EntryOf(drop.rule);
  return rule.kind_at_nat != nullptr && AtNat(run, drop) ? rule.kind_at_nat : rule.kind;
}

std::optional<SessionKiller> KillerOf(const CellRun& run, const PacketBook& book, std::size_t session) {
  return Search(run, book, session).Run();
}

}  // namespace pinhole::scenarios
