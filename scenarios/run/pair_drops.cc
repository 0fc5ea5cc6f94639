#include "scenarios/run/pair_drops.h"

namespace pinhole::scenarios {
namespace {

bool IsCheckTraffic(net::PacketClass packet_class) {
  return packet_class == net::PacketClass::kCheck || packet_class == net::PacketClass::kRetransmittedCheck ||
         packet_class == net::PacketClass::kResponse;
}

}  // namespace

// Follows the lineage of the packet backwards: from a translated packet to the packet that the host sent, and from an
// answer or a relayed packet to the packet that caused it. The first of them whose source and destination are the base
// and the remote address of a pair decides.
std::optional<std::size_t> PairOf(const CellRun& run, const PacketBook& book, const std::vector<ice::PairView>& pairs,
                                  const sim::DropRecord& drop) {
  if (!IsCheckTraffic(drop.packet_class)) return std::nullopt;
  const sim::Lineage& lineage = run.world().lineage();
  net::SocketAddress source = drop.emitted_source;
  net::SocketAddress destination = drop.emitted_destination;
  sim::PacketId id = drop.packet;
  while (true) {
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      if (pairs[i].base == source && pairs[i].remote.address == destination) return i;
    }
    id = lineage.Emitted(id);
    id = lineage.at(id).parent;
    if (id == sim::PacketId::kNone) return std::nullopt;
    const PacketBook::Entry& entry = book.at(lineage.Emitted(id));
    source = entry.source;
    destination = entry.destination;
  }
}

std::vector<PairDeath> DeathsOf(const CellRun& run, const PacketBook& book, const ice::Agent& agent) {
  const std::vector<ice::PairView> pairs = agent.CheckListSnapshot();
  std::vector<std::optional<sim::DropRecord>> latest(pairs.size());
  const sim::DropLog& drops = run.world().drops();
  for (std::size_t i = 0; i < drops.size(); ++i) {
    const sim::DropRecord& drop = drops.at(i);
    if (const std::optional<std::size_t> pair = PairOf(run, book, pairs, drop)) latest[*pair] = drop;
  }
  std::vector<PairDeath> deaths;
  for (std::size_t i = 0; i < latest.size(); ++i) {
    if (latest[i]) deaths.push_back({i, *latest[i]});
  }
  return deaths;
}

}  // namespace pinhole::scenarios
