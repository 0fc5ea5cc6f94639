#pragma once

#include <cstdint>
#include <vector>

#include "net/packet_class.h"
#include "sim/packet/packet.h"

namespace pinhole::sim {

// The relation of a packet to its parent.
enum class Relation : std::uint8_t {
  kSent,        // sent by a program without a cause; no parent
  kCausedBy,    // by a program, because of the parent (net::SendOptions::cause): an answer, or relayed
  kTranslated,  // the parent, rewritten by a NAT
  kDuplicated,  // a second copy that a link made
  kQuotes,      // an ICMP error about the parent
  kAnswers,     // made by an IP stack itself, such as an echo reply
};

// The parent, the relation to it and the class of every packet of a run. A PacketId is an index into the entries.
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
  // Sets the class of a packet. Without this call, a packet has the class of its parent.
  void SetPacketClass(PacketId id, net::PacketClass packet_class) {
    entries_[static_cast<std::uint32_t>(id)].packet_class = packet_class;
  }
  // The entry of a packet. PacketId::kNone has an entry too, without a parent.
  const Entry& at(PacketId id) const { return entries_[static_cast<std::uint32_t>(id)]; }
  // The packet that the sender sent: goes back from `id` through translations and duplications.
  PacketId Emitted(PacketId id) const;
  // The number of packets so far.
  std::size_t size() const { return entries_.size() - 1; }

 private:
  std::vector<Entry> entries_;
};

}  // namespace pinhole::sim
