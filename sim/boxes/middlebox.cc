#include "sim/boxes/middlebox.h"

#include <utility>

#include "sim/packet/packet_pool.h"
#include "sim/tcp/no_connection.h"
#include "sim/world.h"

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

bool Middlebox::Judge(int interface, PacketPtr& packet, bool out) {
  if (out ? egress_.LetsOut(*packet) : egress_.LetsIn(*packet)) return true;
  if (out) {
    switch (egress_.answer) {
      case EgressPolicy::Answer::kDrop:
        break;
      case EgressPolicy::Answer::kAdminProhibited:
        SendUnreachable(interface, *packet, Unreachable::kAdmin);
        break;
      case EgressPolicy::Answer::kReset:
        if (packet->is_tcp()) {
          SendTcpReset(*packet);
        } else {
          SendUnreachable(interface, *packet, Unreachable::kPort);
        }
        break;
    }
  }
  const DropState state{.endpoint = packet->destination};
  world().Drop(*this, std::move(packet), Rule::kProtocolBlocked, state);
  return false;
}

// Sends the ICMP error for `icmp_code`, a code of RFC 792, in the IP family of the packet.
void Middlebox::Reject(int interface, const Packet& packet, std::uint8_t icmp_code) {
  SendUnreachable(interface, packet,
                  icmp_code == 13  ? Unreachable::kAdmin
                  : icmp_code == 1 ? Unreachable::kHost
                                   : Unreachable::kPort);
}

void Middlebox::SendHeldAnswers(StatefulFilter& filter, int outside) {
  while (const std::optional<NatOutput> output = filter.PollOutput()) {
    if (output->kind == NatOutput::Kind::kReset) {
      SendTcpReset(output->packet);
    } else {
      Reject(outside, output->packet, output->icmp_code);
    }
  }
}

bool Middlebox::PassesFilter(StatefulFilter& filter, int interface, bool inwards, PacketPtr& packet) {
  const Verdict verdict =
      inwards ? filter.FromOutside(world().now(), *packet) : filter.FromInside(world().now(), *packet);
  switch (verdict.action) {
    case Verdict::Action::kReject:
      Reject(interface, *packet, verdict.icmp_code);
      break;
    case Verdict::Action::kReset:
      SendTcpReset(*packet);
      break;
    case Verdict::Action::kDrop:
      break;
    default:
      return true;
  }
  world().Drop(*this, std::move(packet), verdict.rule, verdict.state);
  return false;
}

}  // namespace pinhole::sim
