#pragma once

#include <cstdint>
#include <vector>

#include "net/packet_class.h"
#include "sim/packet/packet.h"

namespace pinhole::sim {

// How a packet came from its parent.
enum class Relation : std::uint8_t {
  kSent,        // by a program, of its own accord; no parent
  kCausedBy,    // by a program, because of the parent (net::SendOptions::cause): an answer, or relayed
  kTranslated,  // the parent, rewritten by a NAT
  kDuplicated,  // a second copy that a link made
  kQuotes,      // an ICMP error about the parent
  kAnswers,     // made by an IP stack itself, such as an echo reply
};

// Where every packet of a run came from. Ids are indices here.
class Lineage {
 public:
  struct Entry {
    PacketId parent = PacketId::kNone;
    Relation relation = Relation::kSent;
    net::PacketClass packet_class = net::PacketClass::kOther;
  };

  Lineage() { entries_.emplace_back(); }

  PacketId Add(PacketId parent, Relation relation) {
    const PacketId id{static_cast<std::uint32_t>(entries_.size())};
    entries_.push_back({parent, relation, at(parent).packet_class});
    return id;
  }
  // The class is the parent's unless said otherwise.
  void SetPacketClass(PacketId id, net::PacketClass packet_class) {
    entries_[static_cast<std::uint32_t>(id)].packet_class = packet_class;
  }
  // The entry of kNone has no parent either.
  const Entry& at(PacketId id) const { return entries_[static_cast<std::uint32_t>(id)]; }
  // The packet as its sender sent it: back through translations and duplications.
  PacketId Emitted(PacketId id) const;
  // Packets so far.
  std::size_t size() const { return entries_.size() - 1; }

 private:
  std::vector<Entry> entries_;
};

}  // namespace pinhole::sim
