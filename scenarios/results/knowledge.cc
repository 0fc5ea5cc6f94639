// Knowledge is gathered in three passes. Each pass adds to a set of addresses per (node, participant).
//
//   Deliveries    packets that a program received: the program's node learns the source address
//   Descriptions  addresses in messages: the referral server, both participants, and servers that relayed data
//   Passages      packets on links: every node that is no participant learns the addresses in the header
//
// A packet belongs to the participant that sent it first, before relays and NATs changed it. The lineage of the packet
// leads back to that participant. A node can tell that two participants talk if it serves both, or if a packet from one
// to an address of the other passed through it.

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

// First a node, then the participant whose addresses the node knows. Both are indices in CellPlan::nodes.
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
  // The node that sent the packet before any NAT translated it.
  std::uint32_t SenderOf(sim::PacketId id) const {
    return static_cast<std::uint32_t>(book_.at(run_.world().lineage().Emitted(id)).first_node);
  }
  std::optional<std::uint32_t> OriginOf(sim::PacketId id) const;
  // The node of the participant `side` of the trial `session`. nullopt: there is no such participant.
  std::optional<std::uint32_t> ParticipantNamed(absl::string_view session, absl::string_view side) const;

  const CellRun& run_;
  const CellPlan& plan_;
  const PacketBook& book_;
  using Couple = std::array<std::uint32_t, 2>;
  std::vector<Couple> couples_;  // the nodes of the two participants of each trial that has participants
  std::vector<apps::ReferralServer::Introduction> introductions_;
  std::map<WhoAbout, std::set<net::IpAddress>> seen_;
  // Nodes that can tell that two participants talk: because of their part in the run, or because of packet headers.
  std::set<std::uint32_t> told_both_;
  std::set<WhoAbout> saw_both_;
};

// Returns the participant that sent the packet, or whose packet a relay or server answered or passed on with this one.
// nullopt: no participant is the origin.
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

// Adds the source address of each packet that a program received, for the node of that program.
void Gathering::Deliveries() {
  for (const PacketBook::Delivery& delivery : book_.deliveries()) {
    const std::optional<std::uint32_t> origin = OriginOf(delivery.packet);
    const std::uint32_t node = static_cast<std::uint32_t>(delivery.node);
    if (!origin || *origin == node) continue;
    // A message from the referral server to a participant may be caused by the other participant. Its source is the
    // server's address, which is no address of the other participant.
    const bool referral = book_.at(delivery.packet).packet_class == net::PacketClass::kSignalling;
    if (referral && IsPeer(node)) continue;
    seen_[{node, *origin}].insert(delivery.source.address());
  }
}

// Adds the addresses in descriptions, for the referral server and the participants. Marks the nodes that can tell by
// their part in the run that two participants talk: the referral server, TURN servers that relayed data, and the
// participants.
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

// Adds the addresses in packet headers, for the nodes on the way. Each of these nodes learns the source address of a
// participant's packet. If the destination is an address of the other participant, the node also learns that address,
// and that the two talk or try to.
void Gathering::Passages() {
  // The addresses of a participant: the source addresses of its packets on every link, before and after each NAT.
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
