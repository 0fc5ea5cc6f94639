#include "apps/turn/stun_turn_server.h"

#include <algorithm>
#include <array>
#include <utility>
#include <variant>

#include "net/contract.h"

namespace pinhole::apps {
namespace {

struct IcmpNumbers {
  std::uint8_t type;
  std::uint8_t code;
};

// The ICMP or ICMPv6 type and code of an error (RFC 792, RFC 1812 §5.2.7, RFC 4443 §3).
std::optional<IcmpNumbers> NumbersOf(net::IcmpError::Kind kind, net::Family family) {
  const bool v4 = family == net::Family::kIpv4;
  switch (kind) {
    case net::IcmpError::Kind::kNetUnreachable:
      return v4 ? IcmpNumbers{3, 0} : IcmpNumbers{1, 0};
    case net::IcmpError::Kind::kHostUnreachable:
      return v4 ? IcmpNumbers{3, 1} : IcmpNumbers{1, 3};
    case net::IcmpError::Kind::kProtocolUnreachable:
      return v4 ? IcmpNumbers{3, 2} : IcmpNumbers{4, 1};
    case net::IcmpError::Kind::kPortUnreachable:
      return v4 ? IcmpNumbers{3, 3} : IcmpNumbers{1, 4};
    case net::IcmpError::Kind::kAdminProhibited:
      return v4 ? IcmpNumbers{3, 13} : IcmpNumbers{1, 1};
    case net::IcmpError::Kind::kTtlExceeded:
      return v4 ? IcmpNumbers{11, 0} : IcmpNumbers{3, 0};
    case net::IcmpError::Kind::kPacketTooBig:
      return v4 ? IcmpNumbers{3, 4} : IcmpNumbers{2, 0};
    case net::IcmpError::Kind::kOther:
      return std::nullopt;
  }
  net::CannotHappen();
}

}  // namespace

StunTurnServer::StunTurnServer(net::Host& host, Options options)
    : host_(host),
      options_(std::move(options)),
      binding_({.software = options_.software, .credential = std::nullopt}),
      tcp_clients_(host, options_.tcp_limits,
                   [this](const stun::FiveTuple& five_tuple) { return turn_ && turn_->HasAllocation(five_tuple); }),
      peer_links_(host) {
  if (!options_.turn) return;
  stun::TurnServer::Options turn;
  turn.realm = options_.realm;
  turn.software = options_.software;
  turn.relay_ipv4 = RelayAddress(net::Family::kIpv4).has_value();
  turn.relay_ipv6 = RelayAddress(net::Family::kIpv6).has_value();
  turn.relay_tcp = options_.tcp_allocations && !options_.listen_tcp.empty();
  turn.allow_loopback_peers = options_.allow_loopback_peers;
  turn_.emplace(turn, host_.Random("turn"));
  for (const User& user : options_.users) turn_->AddUser(user.name, user.password);
}

void StunTurnServer::OnStart() {
  for (const net::SocketAddress& address : options_.listen) {
    const absl::StatusOr<net::SocketId> socket = host_.OpenUdp(address);
    if (socket.ok()) {
      listeners_.push_back({*socket, host_.LocalAddress(*socket).value_or(address)});
    } else {
      status_.Update(socket.status());
    }
  }
  for (const net::SocketAddress& address : options_.listen_tcp) status_.Update(tcp_clients_.Listen(address));
}

std::vector<net::SocketAddress> StunTurnServer::addresses() const {
  std::vector<net::SocketAddress> addresses;
  for (const Listener& listener : listeners_) addresses.push_back(listener.address);
  return addresses;
}

void StunTurnServer::OnDatagram(const net::Datagram& datagram) {
  if (options_.silent) return;
  if (IsListener(datagram.socket)) {
    OnClientMessage({datagram.from, datagram.to, stun::Transport::kUdp}, datagram.payload, datagram.tag);
  } else if (turn_) {
    const auto relay = relay_of_socket_.find(datagram.socket);
    if (relay == relay_of_socket_.end()) return;
    turn_->OnRelayedDatagram(host_.Now(), relay->second, datagram.from, datagram.payload, datagram.tag);
  }
  Drain();
}

void StunTurnServer::OnClientMessage(const stun::FiveTuple& five_tuple, net::ByteView message, net::PacketTag tag) {
  if (turn_) return turn_->OnClientDatagram(host_.Now(), five_tuple, message, tag);
  std::array<std::uint8_t, stun::kMessageBytesMax> buffer;
  const std::optional<net::ByteView> response = binding_.Respond(message, five_tuple.client, buffer);
  if (!response) return;
  net::SendOptions options;
  options.packet_class = net::PacketClass::kDiscovery;
  options.cause = tag;
  SendToClient(five_tuple, *response, options, StunTcpClients::Need::kMust);
}

void StunTurnServer::OnIcmpError(const net::IcmpError& error) {
  if (!turn_) return;
  const auto relay = relay_of_socket_.find(error.socket);
  if (relay == relay_of_socket_.end()) return;
  const std::optional<IcmpNumbers> numbers = NumbersOf(error.kind, error.destination.family());
  if (!numbers) return;
  turn_->OnRelayIcmp(host_.Now(), relay->second, error.destination, numbers->type, numbers->code, error.mtu_bytes,
                     error.tag);
  Drain();
}

void StunTurnServer::OnTimer() {
  const net::Instant now = host_.Now();
  tcp_clients_.OnTimer(now);
  if (turn_) turn_->OnTimer(now);
  Drain();
}

// --- TCP

void StunTurnServer::OnTcpAccepted(net::SocketId listener, net::SocketId connection, const net::SocketAddress& from) {
  if (const std::optional<stun::RelayId> relay = peer_links_.RelayOf(listener)) {
    const std::optional<stun::PeerConnectionId> peer = turn_->OnPeerAccepted(host_.Now(), *relay, from);
    if (peer) {
      peer_links_.Adopt(*peer, connection);
    } else {
      host_.Close(connection);
    }
  } else {
    tcp_clients_.Accept(host_.Now(), listener, connection, from);
  }
  Drain();
}

void StunTurnServer::OnTcpConnected(net::SocketId connection) {
  peer_links_.OnConnected(connection);
  Drain();
}

void StunTurnServer::OnTcpReadable(net::SocketId connection) {
  const net::Instant now = host_.Now();
  while (const std::optional<net::ByteView> message = tcp_clients_.Next(now, connection)) {
    if (options_.silent) continue;
    // A copy is needed, because the message may be a ConnectionBind, which removes the connection from tcp_clients_.
    const stun::FiveTuple five_tuple = tcp_clients_.FiveTupleOf(connection);
    OnClientMessage(five_tuple, *message, {});
    Drain();
  }
  peer_links_.OnMoved(connection);
  Drain();
}

void StunTurnServer::OnTcpWritable(net::SocketId connection) {
  tcp_clients_.OnWritable(connection);
  peer_links_.OnMoved(connection);
  Drain();
}

// When a client has finished sending, its connection is closed (RFC 8489 §6.2.2), unless it is joined to a connection
// with a peer.
void StunTurnServer::OnTcpClosed(net::SocketId connection) {
  OnTcpReadable(connection);
  tcp_clients_.End(connection, false);
  peer_links_.OnClosed(connection);
  Drain();
}

void StunTurnServer::OnTcpReset(net::SocketId connection, const absl::Status&) {
  tcp_clients_.End(connection, true);
  peer_links_.OnReset(connection);
  Drain();
}

// --- Outputs of the engine

void StunTurnServer::Drain() {
  bool more = true;
  while (more) {
    while (const auto output = turn_ ? turn_->PollOutput() : std::nullopt) {
      std::visit([this](const auto& one) { Handle(one); }, *output);
    }
    const std::optional<stun::FiveTuple> ended = tcp_clients_.TakeEnded();
    if (ended && turn_) turn_->OnConnectionClosed(host_.Now(), *ended);
    const std::optional<TurnPeerLinks::Event> event = peer_links_.TakeEvent();
    if (event && event->kind == TurnPeerLinks::Event::Kind::kConnected) {
      turn_->OnPeerConnected(host_.Now(), event->link);
    } else if (event) {
      turn_->OnPeerClosed(host_.Now(), event->link);
    }
    more = ended.has_value() || event.has_value();
  }
  host_.WakeAt(std::min(tcp_clients_.NextTimer(), turn_ ? turn_->NextTimer() : net::kNever));
}

void StunTurnServer::Handle(const stun::TurnServer::SendToClient& output) {
  net::SendOptions options;
  options.packet_class = output.packet_class;
  options.cause = output.cause;
  const bool relayed = output.packet_class == net::PacketClass::kOther;
  SendToClient(output.five_tuple, output.bytes, options,
               relayed ? StunTcpClients::Need::kMayDrop : StunTcpClients::Need::kMust);
}

void StunTurnServer::SendToClient(const stun::FiveTuple& five_tuple, net::ByteView bytes,
                                  const net::SendOptions& options, StunTcpClients::Need need) {
  const bool relayed = need == StunTcpClients::Need::kMayDrop;
  if (five_tuple.transport == stun::Transport::kTcp) {
    const bool sent = tcp_clients_.Send(five_tuple, bytes, options, need);
    if (relayed) ++(sent ? counters_.relayed_to_clients : counters_.left_out);
    return;
  }
  for (const Listener& listener : listeners_) {
    const bool any = listener.address.address().IsUnspecified();
    const net::SocketAddress& server = five_tuple.server;
    if (listener.address.port() != server.port() || listener.address.family() != server.family()) continue;
    if (!any && listener.address != server) continue;
    net::SendOptions from_there = options;
    if (any) from_there.source = server.address();
    host_.SendTo(listener.socket, five_tuple.client, bytes, from_there);
    if (relayed) ++counters_.relayed_to_clients;
    return;
  }
}

void StunTurnServer::Handle(const stun::TurnServer::OpenRelay& output) {
  const std::optional<net::IpAddress> address = RelayAddress(output.family);
  std::optional<net::SocketAddress> bound;
  if (address && output.transport == stun::Transport::kTcp) {
    bound = peer_links_.Listen(output.relay, *address);
    if (bound) ++counters_.allocations;
  } else if (address) {
    const absl::StatusOr<net::SocketId> socket = OpenRelaySocket(*address, output.even_port);
    if (socket.ok()) {
      bound = host_.LocalAddress(*socket);
      relay_of_socket_[*socket] = output.relay;
      socket_of_relay_[output.relay] = *socket;
      ++counters_.allocations;
    }
  }
  turn_->OnRelayOpened(host_.Now(), output.relay, bound);
}

absl::StatusOr<net::SocketId> StunTurnServer::OpenRelaySocket(const net::IpAddress& address, bool even_port) {
  constexpr int kTries = 8;  // One try fails only if the port is odd and the even port below it is taken.
  for (int i = 0; i < kTries; ++i) {
    const absl::StatusOr<net::SocketId> socket = host_.OpenUdp(net::SocketAddress(address, 0));
    if (!socket.ok() || !even_port) return socket;
    const std::uint16_t port = host_.LocalAddress(*socket).value_or(net::SocketAddress()).port();
    if (port % 2 == 0) return socket;
    host_.Close(*socket);
    const absl::StatusOr<net::SocketId> neighbour =
        host_.OpenUdp(net::SocketAddress(address, static_cast<std::uint16_t>(port - 1)));
    if (neighbour.ok()) return neighbour;
  }
  return absl::ResourceExhaustedError("no even port");
}

void StunTurnServer::Handle(const stun::TurnServer::SendFromRelay& output) {
  const auto socket = socket_of_relay_.find(output.relay);
  if (socket == socket_of_relay_.end()) return;
  net::SendOptions options;
  options.dont_fragment = output.dont_fragment;
  options.cause = output.cause;
  host_.SendTo(socket->second, output.peer, output.bytes, options);
  ++counters_.relayed_to_peers;
}

void StunTurnServer::Handle(const stun::TurnServer::ConnectPeer& output) {
  peer_links_.Connect(output.connection, output.relay, output.peer);
}

void StunTurnServer::Handle(const stun::TurnServer::JoinPeer& output) {
  std::optional<StunTcpClients::Released> client = tcp_clients_.Release(output.client);
  // The connection may have broken while the answer was sent.
  if (!client) return turn_->OnConnectionClosed(host_.Now(), output.client);
  peer_links_.Join(output.connection, client->connection, std::move(client->unsent), std::move(client->read));
}

void StunTurnServer::Handle(const stun::TurnServer::ClosePeer& output) { peer_links_.Close(output.connection); }

void StunTurnServer::Handle(const stun::TurnServer::CloseRelay& output) {
  peer_links_.StopListening(output.relay);
  const auto socket = socket_of_relay_.find(output.relay);
  if (socket == socket_of_relay_.end()) return;
  host_.Close(socket->second);
  relay_of_socket_.erase(socket->second);
  socket_of_relay_.erase(socket);
}

bool StunTurnServer::IsListener(net::SocketId socket) const {
  return std::any_of(listeners_.begin(), listeners_.end(),
                     [&](const Listener& listener) { return listener.socket == socket; });
}

std::optional<net::IpAddress> StunTurnServer::RelayAddress(net::Family family) const {
  for (const net::IpAddress& address : options_.relay_addresses) {
    if (address.family() == family) return address;
  }
  if (!options_.relay_addresses.empty()) return std::nullopt;
  for (const std::vector<net::SocketAddress>* listened : {&options_.listen, &options_.listen_tcp}) {
    for (const net::SocketAddress& address : *listened) {
      if (address.family() == family && !address.address().IsUnspecified()) return address.address();
    }
  }
  return std::nullopt;
}

}  // namespace pinhole::apps
