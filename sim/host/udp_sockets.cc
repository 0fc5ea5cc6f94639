// The UDP part of HostNode: which socket owns an endpoint, sending and receiving.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "sim/host/host_node.h"
#include "sim/host/program.h"
#include "sim/packet/wire.h"
#include "sim/world.h"

namespace pinhole::sim {
namespace {

// With more open sockets than this, a machine finds a socket by its port instead of scanning all.
constexpr std::size_t kScanSocketsMax = 16;

}  // namespace

HostNode::UdpSocket* HostNode::FindSocket(std::uint32_t program, net::SocketId id) {
  const std::uint32_t index = static_cast<std::uint32_t>(id) - 1;
  if (index >= sockets_.size()) return nullptr;
  UdpSocket& socket = sockets_[index];
  return socket.open && socket.program == program ? &socket : nullptr;
}

// At most one socket fits, because PortTaken() allows no other socket on a port that is bound to the unspecified
// address.
HostNode::UdpSocket* HostNode::Demultiplex(const net::SocketAddress& local) {
  const auto fits = [&](const UdpSocket& socket) {
    return socket.local.port() == local.port() && socket.local.family() == local.family() &&
           (socket.local.address() == local.address() || socket.local.address().IsUnspecified());
  };
  if (by_port_ != nullptr) {
    const auto first = by_port_->find(local.port());
    if (first == by_port_->end()) return nullptr;
    for (std::uint32_t i = first->second; i != 0; i = sockets_[i - 1].next_on_port) {
      if (fits(sockets_[i - 1])) return &sockets_[i - 1];
    }
    return nullptr;
  }
  for (const std::uint32_t index : open_sockets_) {
    if (fits(sockets_[index])) return &sockets_[index];
  }
  return nullptr;
}

// Two sockets of one family and port conflict if one is bound to the unspecified address, or both to the same address.
bool HostNode::PortTaken(const net::SocketAddress& local) const {
  const auto clashes = [&](const UdpSocket& socket) {
    return socket.local.port() == local.port() && socket.local.family() == local.family() &&
           (socket.local.address() == local.address() || socket.local.address().IsUnspecified() ||
            local.address().IsUnspecified());
  };
  if (by_port_ != nullptr) {
    const auto first = by_port_->find(local.port());
    if (first == by_port_->end()) return false;
    for (std::uint32_t i = first->second; i != 0; i = sockets_[i - 1].next_on_port) {
      if (clashes(sockets_[i - 1])) return true;
    }
    return false;
  }
  return std::any_of(open_sockets_.begin(), open_sockets_.end(),
                     [&](std::uint32_t index) { return clashes(sockets_[index]); });
}

absl::StatusOr<net::SocketId> HostNode::OpenUdp(std::uint32_t program, const net::SocketAddress& local) {
  if (!local.address().IsUnspecified() && !IsLocal(local.address())) {
    return absl::InvalidArgumentError(
        absl::StrCat(name(), ": ", local.address().ToString(), " is not an address here"));
  }
  net::SocketAddress bound = local;
  if (local.port() == 0) {
    const std::optional<std::uint16_t> port =
        EphemeralPort([&](std::uint16_t candidate) { return PortTaken(local.WithPort(candidate)); });
    if (!port) return absl::ResourceExhaustedError(absl::StrCat(name(), ": no ephemeral port is free"));
    bound = local.WithPort(*port);
  } else if (PortTaken(bound)) {
    return absl::AlreadyExistsError(absl::StrCat(name(), ": ", bound.ToString(), " is taken"));
  }
  const std::uint32_t index = static_cast<std::uint32_t>(sockets_.size());
  UdpSocket& socket = sockets_.emplace_back();
  socket.local = bound;
  socket.program = program;
  socket.open = true;
  open_sockets_.push_back(index);
  if (by_port_ != nullptr) {
    std::uint32_t& first = (*by_port_)[bound.port()];
    socket.next_on_port = first;
    first = index + 1;
  } else if (open_sockets_.size() > kScanSocketsMax) {
    by_port_ = std::make_unique<absl::flat_hash_map<std::uint16_t, std::uint32_t>>();
    for (const std::uint32_t open : open_sockets_) {
      std::uint32_t& first = (*by_port_)[sockets_[open].local.port()];
      sockets_[open].next_on_port = first;
      first = open + 1;
    }
  }
  world().NoteState(*this, StateKind::kSocketOpened, index + 1, net::StableHash(bound));
  return net::SocketId{index + 1};
}

void HostNode::CloseUdp(net::SocketId id) {
  const std::uint32_t number = static_cast<std::uint32_t>(id);
  UdpSocket& socket = sockets_[number - 1];
  socket.open = false;
  open_sockets_.erase(std::lower_bound(open_sockets_.begin(), open_sockets_.end(), number - 1));
  if (by_port_ != nullptr) {
    std::uint32_t* link = &(*by_port_)[socket.local.port()];
    while (*link != number) link = &sockets_[*link - 1].next_on_port;
    *link = socket.next_on_port;
  }
  world().NoteState(*this, StateKind::kSocketClosed, number);
}

bool HostNode::Refuses(const UdpSocket& socket, const net::SocketAddress& to, const net::SendOptions& options) const {
  const net::IpAddress& address = to.address();
  if (to.port() == 0 || to.family() != socket.local.family() || address.IsUnspecified() || address.IsMulticast()) {
    return true;
  }
  if (!options.source) return false;
  if (options.source->family() != to.family() || !IsLocal(*options.source)) return true;
  return !socket.local.address().IsUnspecified() && socket.local.address() != *options.source;
}

net::SendStatus HostNode::SendTo(std::uint32_t program, net::SocketId id, const net::SocketAddress& to,
                                 net::ByteView payload, const net::SendOptions& options) {
  const UdpSocket* socket = FindSocket(program, id);
  if (socket == nullptr) return net::SendStatus::kClosed;
  if (Refuses(*socket, to, options)) return net::SendStatus::kBadAddress;
  const bool v4 = to.family() == net::Family::kIpv4;
  if (payload.size() > (v4 ? kUdpPayloadBytesMaxV4 : kUdpPayloadBytesMaxV6)) return net::SendStatus::kTooBig;

  const net::IpAddress& destination = to.address();
  Way way;
  const net::SendStatus found = FindWay(options.source ? *options.source : socket->local.address(), destination, way);
  if (found != net::SendStatus::kSent) return found;
  const sim::Route* const route = way.route;
  if (route != nullptr) {
    const std::uint32_t size =
        (v4 ? kIpv4HeaderBytes : kIpv6HeaderBytes) + kUdpHeaderBytes + static_cast<std::uint32_t>(payload.size());
    const bool whole = !v4 || options.dont_fragment;
    if (size > world().LinkMtu(*this, route->interface) || (whole && size > PathMtuTo(destination))) {
      return net::SendStatus::kTooBig;
    }
  }

  // A tag that no packet of this run has had is ignored.
  const bool known_cause = options.cause.value <= world().lineage().size();
  const PacketId cause{known_cause ? static_cast<std::uint32_t>(options.cause.value) : 0};
  PacketPtr packet = NewPacket(cause, cause == PacketId::kNone ? Relation::kSent : Relation::kCausedBy);
  world().Classify(*packet, options.packet_class);
  packet->protocol = IpProtocol::kUdp;
  if (options.ttl != 0) {
    packet->ttl = options.ttl;
  } else if (socket->ttl != 0) {
    packet->ttl = socket->ttl;
  }
  packet->dont_fragment = v4 && options.dont_fragment;
  packet->source = net::SocketAddress(way.source, socket->local.port());
  packet->destination = to;
  packet->emitted_source = packet->source;
  packet->emitted_destination = to;
  packet->payload = world().payloads().Add(payload);

  if (route == nullptr) {
    world().Loop(*this, std::move(packet));
    return net::SendStatus::kSent;
  }
  const net::IpAddress next_hop = route->gateway ? *route->gateway : destination;
  const Rule rule =
      world().Emit(*this, route->interface, next_hop, route->gateway.has_value() || route->connected, packet);
  if (rule == Rule::kQueueFull) return net::SendStatus::kWouldBlock;
  if (packet == nullptr) return net::SendStatus::kSent;
  // A real machine notices a missing neighbour only when ARP or ND times out, so the program gets kSent although the
  // datagram is lost.
  DropState state;
  state.endpoint = net::SocketAddress(next_hop, 0);
  world().Drop(*this, std::move(packet), rule, state);
  return rule == Rule::kNoNeighbour ? net::SendStatus::kSent : net::SendStatus::kNoRoute;
}

void HostNode::UdpInput(int interface, PacketPtr packet) {
  UdpSocket* socket = Demultiplex(packet->destination);
  if (socket == nullptr) {
    const bool answers = options_.input == InputPolicy::kAnswer;
    if (answers) SendUnreachable(interface, *packet, Unreachable::kPort);
    world().Drop(*this, std::move(packet), answers ? Rule::kNoSocket : Rule::kInputDropped);
    return;
  }
  world().NoteDelivery(*this, interface, *packet);
  net::Datagram datagram;
  datagram.socket = net::SocketId{static_cast<std::uint32_t>(socket - sockets_.data()) + 1};
  datagram.from = packet->source;
  datagram.to = packet->destination;
  datagram.interface = net::InterfaceId{static_cast<std::uint32_t>(interface)};
  datagram.ttl = packet->ttl;
  datagram.tag.value = static_cast<std::uint32_t>(packet->id);
  datagram.payload = world().payloads().bytes(packet->payload);
  programs_[socket->program]->app().OnDatagram(datagram);
}

}  // namespace pinhole::sim
