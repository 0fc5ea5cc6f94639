#include "scenarios/results/knowledge.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "scenarios/run/result_words.h"

namespace pinhole::scenarios {
namespace {

// A node, and the participant that it knows something about, by index in the plan.
using WhoAbout = std::pair<std::uint32_t, std::uint32_t>;

class Gathering {
 public:
  Gathering(const CellRun& run, const PacketBook& book) : run_(run), plan_(run.plan()), book_(book) {
    if (run.referral() != nullptr) introductions_ = run.referral()->Learned();
    for (const std::shared_ptr<const PlannedTrial>& trial : plan_.trials) {
      const std::vector<PlannedParticipant>& two = trial->participants();
      if (!two.empty()) couples_.push_back({two[0].node, two[1].node});
    }
  }

  void Deliveries();
  void Descriptions();
  void Passages();
  void Write(proto::RunResult* result) const;
  void WriteIntroductions(proto::RunResult* result) const;

 private:
  bool IsPeer(std::uint32_t node) const {
    return std::any_of(couples_.begin(), couples_.end(),
                       [node](const Couple& couple) { return couple[0] == node || couple[1] == node; });
  }
  // The node that sent the packet, before any translation.
  std::uint32_t SenderOf(sim::PacketId id) const {
    return static_cast<std::uint32_t>(book_.at(run_.world().lineage().Emitted(id)).first_node);
  }
  std::optional<std::uint32_t> OriginOf(sim::PacketId id) const;
  // Its node.
  std::optional<std::uint32_t> ParticipantNamed(absl::string_view session, absl::string_view side) const;

  const CellRun& run_;
  const CellPlan& plan_;
  const PacketBook& book_;
  using Couple = std::array<std::uint32_t, 2>;
  std::vector<Couple> couples_;  // nodes of those who talk, of sessions and then of punchings
  std::vector<apps::ReferralServer::Introduction> introductions_;
  std::map<WhoAbout, std::set<net::IpAddress>> seen_;
  std::set<std::uint32_t> told_both_;  // by its part in the run
  std::set<WhoAbout> saw_both_;        // by what passed
};

// Whose packet it was before relays, if it was a participant's.
std::optional<std::uint32_t> Gathering::OriginOf(sim::PacketId id) const {
  const sim::Lineage& lineage = run_.world().lineage();
  while (id != sim::PacketId::kNone) {
    const sim::PacketId emitted = lineage.Emitted(id);
    const std::uint32_t node = static_cast<std::uint32_t>(book_.at(emitted).first_node);
    if (book_.at(emitted).known && IsPeer(node)) return node;
    id = lineage.at(emitted).parent;
  }
  return std::nullopt;
}

std::optional<std::uint32_t> Gathering::ParticipantNamed(absl::string_view session, absl::string_view side) const {
  for (const std::shared_ptr<const PlannedTrial>& trial : plan_.trials) {
    for (const PlannedParticipant& participant : trial->participants()) {
      if (trial->name() == session && participant.name == side) return participant.node;
    }
  }
  return std::nullopt;
}

// Addresses that each node's programs saw packets of each participant come from.
void Gathering::Deliveries() {
  for (const PacketBook::Delivery& delivery : book_.deliveries()) {
    const std::optional<std::uint32_t> origin = OriginOf(delivery.packet);
    const std::uint32_t node = static_cast<std::uint32_t>(delivery.node);
    if (!origin || *origin == node) continue;
    // What the referral server sends a participant comes of the other's doing, but from the server.
    const bool referral = book_.at(delivery.packet).packet_class == net::PacketClass::kSignalling;
    if (referral && IsPeer(node)) continue;
    seen_[{node, *origin}].insert(delivery.source.address());
  }
}

// What descriptions told the referral server and the participants, and what relays carried.
void Gathering::Descriptions() {
  for (const apps::ReferralServer::Introduction& introduction : introductions_) {
    if (introduction.parties.size() > 1) told_both_.insert(plan_.referral->node);
    for (const apps::ReferralServer::Party& party : introduction.parties) {
      const std::optional<std::uint32_t> about = ParticipantNamed(introduction.session, party.side);
      if (!about) continue;
      for (const net::SocketAddress& address : party.addresses) {
        seen_[{plan_.referral->node, *about}].insert(address.address());
      }
    }
  }
  for (std::size_t i = 0; i < run_.servers().size(); ++i) {
    if (run_.servers()[i] && run_.servers()[i]->counters().relayed_to_peers > 0) {
      told_both_.insert(plan_.servers[i].node);
    }
  }
  for (const std::unique_ptr<Trial>& trial : run_.trials()) {
    for (const std::uint32_t node : trial->KnowBoth()) told_both_.insert(node);
    for (const Trial::ToldAddress& told : trial->ToldAddresses()) seen_[{told.who, told.about}].insert(told.address);
  }
}

// What nodes on the way saw in headers: where a participant's packets came from; and of one that went to an address
// of the other, that the two talk, or try to.
void Gathering::Passages() {
  // A participant's own addresses: those that its packets came from, before and after translation, anywhere.
  std::map<std::uint32_t, std::set<net::IpAddress>> own;
  for (const PacketBook::Passage& passage : book_.passages()) {
    const std::uint32_t sender = SenderOf(passage.packet);
    if (IsPeer(sender)) own[sender].insert(book_.at(passage.packet).source.address());
  }
  for (const PacketBook::Passage& passage : book_.passages()) {
    const std::uint32_t node = static_cast<std::uint32_t>(passage.node);
    const std::uint32_t sender = SenderOf(passage.packet);
    if (!IsPeer(sender) || IsPeer(node)) continue;
    const PacketBook::Entry& packet = book_.at(passage.packet);
    seen_[{node, sender}].insert(packet.source.address());
    for (const Couple& couple : couples_) {
      for (std::size_t side = 0; side < 2; ++side) {
        if (couple[side] != sender) continue;
        const std::uint32_t other = couple[1 - side];
        if (!own[other].contains(packet.destination.address())) continue;
        seen_[{node, other}].insert(packet.destination.address());
        saw_both_.insert({node, sender});
        saw_both_.insert({node, other});
      }
    }
  }
}

void Gathering::Write(proto::RunResult* result) const {
  for (const auto& [key, addresses] : seen_) {
    const auto [who, about] = key;
    proto::Knowledge* knowledge = result->add_knowledge();
    knowledge->set_who(plan_.nodes[who].name);
    knowledge->set_about(plan_.nodes[about].name);
    for (const net::IpAddress& address : addresses) knowledge->add_address(address.ToString());
    knowledge->set_knows_both(told_both_.contains(who) || saw_both_.contains(key));
    for (std::size_t i = 0; i < plan_.trials.size(); ++i) {
      const std::vector<PlannedParticipant>& two = plan_.trials[i]->participants();
      for (std::size_t side = 0; side < two.size(); ++side) {
        if (two[side].node != who || two[1 - side].node != about) continue;
        const bool uses = run_.trial(i).UsesAddressOfOther(static_cast<int>(side));
        knowledge->set_unneeded(static_cast<std::uint32_t>(addresses.size()) - (uses ? 1 : 0));
      }
    }
  }
}

void Gathering::WriteIntroductions(proto::RunResult* result) const {
  for (const apps::ReferralServer::Introduction& learned : introductions_) {
    proto::Introduction* introduction = result->add_introduction();
    introduction->set_session(learned.session);
    for (const apps::ReferralServer::Party& known : learned.parties) {
      proto::Introduction::Party* party = introduction->add_party();
      party->set_side(known.side);
      for (const net::SocketAddress& address : known.seen_at) party->add_seen_at(address.ToString());
      party->set_registered_us(ToUs(known.registered));
      if (known.published) party->set_published_us(ToUs(*known.published));
      if (known.handed_on) party->set_handed_on_us(ToUs(*known.handed_on));
      for (const net::SocketAddress& address : known.addresses) party->add_address(address.ToString());
    }
  }
  for (const std::unique_ptr<Trial>& trial : run_.trials()) trial->FillIntroductions(result);
}

}  // namespace

void FillKnowledge(const CellRun& run, const PacketBook& book, proto::RunResult* result) {
  Gathering gathering(run, book);
  gathering.Deliveries();
  gathering.Descriptions();
  gathering.Passages();
  gathering.Write(result);
  gathering.WriteIntroductions(result);
}

}  // namespace pinhole::scenarios
