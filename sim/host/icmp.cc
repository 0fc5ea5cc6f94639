// The ICMP part of HostNode: sends errors about received packets (RFC 792, RFC 1122 §3.2.2, RFC 4443), and handles the
// errors that arrive.
#include <algorithm>

#include "sim/host/host_node.h"
#include "sim/host/program.h"
#include "sim/host/tcp_sockets.h"
#include "sim/world.h"

namespace pinhole::sim {
namespace {

constexpr std::uint32_t kNoPathMtu = 0xffffffff;

net::IcmpError::Kind KindOfV4(const IcmpHeader& icmp) {
  using Kind = net::IcmpError::Kind;
  if (icmp.type == 11) return icmp.code == 0 ? Kind::kTtlExceeded : Kind::kOther;
  if (icmp.type != 3) return Kind::kOther;
  switch (icmp.code) {
    case 0:
    case 6:
    case 11:
      return Kind::kNetUnreachable;
    case 1:
    case 7:
    case 12:
      return Kind::kHostUnreachable;
    case 2:
      return Kind::kProtocolUnreachable;
    case 3:
      return Kind::kPortUnreachable;
    case 4:
      return Kind::kPacketTooBig;
    case 9:
    case 10:
    case 13:
      return Kind::kAdminProhibited;
    default:
      return Kind::kOther;
  }
}

net::IcmpError::Kind KindOfV6(const IcmpHeader& icmp) {
  using Kind = net::IcmpError::Kind;
  switch (icmp.type) {
    case 1:
      switch (icmp.code) {
        case 0:
          return Kind::kNetUnreachable;
        case 1:
        case 5:
        case 6:
          return Kind::kAdminProhibited;
        case 3:
          return Kind::kHostUnreachable;
        case 4:
          return Kind::kPortUnreachable;
        default:
          return Kind::kOther;
      }
    case 2:
      return Kind::kPacketTooBig;
    case 3:
      return icmp.code == 0 ? Kind::kTtlExceeded : Kind::kOther;
    case 4:
      return icmp.code == 1 ? Kind::kProtocolUnreachable : Kind::kOther;
    default:
      return Kind::kOther;
  }
}

}  // namespace

void HostNode::SendUnreachable(int interface, const Packet& about, Unreachable what) {
  if (about.is_v4()) {
    switch (what) {
      case Unreachable::kNet:
        return SendIcmpError(interface, about, 3, 0, 0);
      case Unreachable::kHost:
        return SendIcmpError(interface, about, 3, 1, 0);
      case Unreachable::kPort:
        return SendIcmpError(interface, about, 3, 3, 0);
      case Unreachable::kAdmin:
        return SendIcmpError(interface, about, 3, 13, 0);
      case Unreachable::kTimeExceeded:
        return SendIcmpError(interface, about, 11, 0, 0);
    }
  } else {
    switch (what) {
      case Unreachable::kNet:
        return SendIcmpError(interface, about, 1, 0, 0);
      case Unreachable::kHost:
        return SendIcmpError(interface, about, 1, 3, 0);
      case Unreachable::kPort:
        return SendIcmpError(interface, about, 1, 4, 0);
      case Unreachable::kAdmin:
        return SendIcmpError(interface, about, 1, 1, 0);
      case Unreachable::kTimeExceeded:
        return SendIcmpError(interface, about, 3, 0, 0);
    }
  }
}

void HostNode::SendIcmpError(int interface, const Packet& about, std::uint8_t type, std::uint8_t code,
                             std::uint32_t rest) {
  // RFC 1122 §3.2.2, RFC 4443 §2.4 (e): no error about an error, and none to or about an address that does not name one
  // host.
  const net::IpAddress sender = about.source.address();
  const bool loopback = interface == kLoopbackInterface;
  if (IsIcmpError(about) || sender.IsUnspecified() || sender.IsMulticast() || (sender.IsLoopback() && !loopback) ||
      about.destination.address().IsMulticast()) {
    return;
  }
  // The source is the packet's destination if this node has that address, else an address of the interface by which the
  // packet came in.
  net::IpAddress source = about.destination.address();
  if (!IsLocal(source)) {
    const net::IpAddress* own = AddressOf(interface, sender.family());
    for (int i = 1; own == nullptr && i < static_cast<int>(interfaces_.size()); ++i) {
      own = AddressOf(i, sender.family());
    }
    if (own == nullptr) return;
    source = *own;
  }
  PacketPtr error = NewPacket(about.id, Relation::kQuotes);
  error->protocol = sender.is_v4() ? IpProtocol::kIcmp : IpProtocol::kIcmpv6;
  error->source = net::SocketAddress(source, 0);
  error->destination = net::SocketAddress(sender, 0);
  error->emitted_source = error->source;
  error->emitted_destination = error->destination;
  error->icmp = {type, code, rest};
  error->quoted = {about.protocol, about.ttl,         about.dscp_ecn, about.dont_fragment, about.ip_id, about.icmp,
                   about.source,   about.destination, about.id};
  error->tcp = about.tcp;
  error->payload = about.payload;
  world().payloads().AddReference(about.payload);
  if (IsLocal(sender)) {
    world().Loop(*this, std::move(error));
  } else {
    RouteOut(kOwn, std::move(error));
  }
}

void HostNode::IcmpInput(int interface, PacketPtr packet) {
  const bool v4 = packet->is_v4();
  if (!IsIcmpError(*packet)) {
    const bool request = packet->icmp.type == (v4 ? 8 : 128);
    if (!request || options_.input == InputPolicy::kDrop) {
      world().Drop(*this, std::move(packet), request ? Rule::kInputDropped : Rule::kNoSocket);
      return;
    }
    // RFC 792, RFC 4443 §4.2: the reply has the same data, and its source is the destination of the request.
    PacketPtr reply = NewPacket(packet->id, Relation::kAnswers);
    reply->packet_class = packet->packet_class;
    reply->protocol = packet->protocol;
    reply->source = packet->destination;
    reply->destination = packet->source;
    reply->emitted_source = reply->source;
    reply->emitted_destination = reply->destination;
    reply->icmp = {static_cast<std::uint8_t>(v4 ? 0 : 129), 0, packet->icmp.rest};
    reply->payload = packet->payload;
    world().payloads().AddReference(packet->payload);
    world().NoteDelivery(*this, interface, *packet);
    if (IsLocal(reply->destination.address())) {
      world().Loop(*this, std::move(reply));
    } else {
      RouteOut(kOwn, std::move(reply));
    }
    return;
  }

  const QuotedPacket& quoted = packet->quoted;
  const net::IcmpError::Kind kind = v4 ? KindOfV4(packet->icmp) : KindOfV6(packet->icmp);
  if (quoted.protocol == IpProtocol::kTcp && tcp_) {
    tcp_->OnIcmpError(interface, std::move(packet), kind);
    return;
  }
  UdpSocket* socket = nullptr;
  if (quoted.protocol == IpProtocol::kUdp && IsLocal(quoted.source.address())) socket = Demultiplex(quoted.source);
  if (socket == nullptr) {
    world().Drop(*this, std::move(packet), Rule::kNoSocket);
    return;
  }
  net::IcmpError error;
  error.socket = net::SocketId{static_cast<std::uint32_t>(socket - sockets_.data()) + 1};
  error.kind = kind;
  error.destination = quoted.destination;
  error.reporter = packet->source.address();
  error.tag.value = static_cast<std::uint32_t>(packet->id);
  if (kind == net::IcmpError::Kind::kPacketTooBig) {
    error.mtu_bytes = packet->icmp.rest;
    LearnPathMtu(quoted.destination.address(), packet->icmp.rest);
  }
  world().NoteDelivery(*this, interface, *packet);
  programs_[socket->program]->app().OnIcmpError(error);
}

// RFC 1191 §6.3, RFC 8201 §4: a path MTU only becomes smaller, and not smaller than every link must carry. It is never
// forgotten.
void HostNode::LearnPathMtu(const net::IpAddress& destination, std::uint32_t mtu_bytes) {
  constexpr std::size_t kPathsMax = 256;
  const std::uint32_t mtu = std::max<std::uint32_t>(mtu_bytes, destination.is_v4() ? 68 : 1280);
  world().NoteState(*this, StateKind::kPathMtu, mtu, net::StableHash(destination));
  for (PathMtu& path : path_mtus_) {
    if (path.destination != destination) continue;
    path.mtu_bytes = std::min(path.mtu_bytes, mtu);
    return;
  }
  if (path_mtus_.size() < kPathsMax) path_mtus_.push_back({destination, mtu});
}

std::uint32_t HostNode::PathMtuTo(const net::IpAddress& destination) const {
  for (const PathMtu& path : path_mtus_) {
    if (path.destination == destination) return path.mtu_bytes;
  }
  return kNoPathMtu;
}

}  // namespace pinhole::sim
