#include "sim/middlebox.h"

#include <utility>

#include "sim/packet_pool.h"
#include "sim/tcp/no_connection.h"

namespace pinhole::sim {

void Middlebox::SendTcpReset(const Packet& about) {
  const std::optional<TcpHeader> header = TcpResetFor(about.tcp, about.payload.size_bytes);
  if (!header) return;
  PacketPtr reset = NewPacket(about.id, Relation::kAnswers);
  reset->protocol = IpProtocol::kTcp;
  reset->source = reset->emitted_source = about.destination;
  reset->destination = reset->emitted_destination = about.source;
  reset->tcp = *header;
  RouteOut(kOwn, std::move(reset));
}

}  // namespace pinhole::sim
