#include "apps/stun_turn_server.h"

#include <array>
#include <utility>
#include <variant>

namespace pinhole::apps {
namespace {

struct IcmpNumbers {
  std::uint8_t type;
  std::uint8_t code;
};

// RFC 792, RFC 1812 §5.2.7 and RFC 4443 §3.
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
  return std::nullopt;
}

}  // namespace

StunTurnServer::StunTurnServer(net::Host& host, Options options)
    : host_(host), options_(std::move(options)), binding_({.software = options_.software, .credential = std::nullopt}) {
  if (!options_.turn) return;
  stun::TurnServer::Options turn;
  turn.realm = options_.realm;
  turn.software = options_.software;
  turn.relay_ipv4 = RelayAddress(net::Family::kIpv4).has_value();
  turn.relay_ipv6 = RelayAddress(net::Family::kIpv6).has_value();
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
}

std::vector<net::SocketAddress> StunTurnServer::addresses() const {
  std::vector<net::SocketAddress> addresses;
  for (const Listener& listener : listeners_) addresses.push_back(listener.address);
  return addresses;
}

void StunTurnServer::OnDatagram(const net::Datagram& datagram) {
  if (options_.silent) return;
  const net::Instant now = host_.Now();
  if (const Listener* listener = FindListener(datagram.socket)) {
    if (turn_) {
      turn_->OnClientDatagram(now, {.client = datagram.from, .server = datagram.to}, datagram.payload, datagram.tag);
    } else {
      std::array<std::uint8_t, stun::kMessageBytesMax> buffer;
      const std::optional<net::ByteView> response = binding_.Respond(datagram.payload, datagram.from, buffer);
      if (!response) return;
      net::SendOptions options;
      options.packet_class = net::PacketClass::kDiscovery;
      options.cause = datagram.tag;
      if (listener->address.address().IsUnspecified()) options.source = datagram.to.address();
      host_.SendTo(listener->socket, datagram.from, *response, options);
      return;
    }
  } else if (turn_) {
    const auto relay = relay_of_socket_.find(datagram.socket);
    if (relay == relay_of_socket_.end()) return;
    turn_->OnRelayedDatagram(now, relay->second, datagram.from, datagram.payload, datagram.tag);
  }
  Drain();
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
  if (!turn_) return;
  turn_->OnTimer(host_.Now());
  Drain();
}

void StunTurnServer::Drain() {
  if (!turn_) return;
  while (const std::optional<stun::TurnServer::Output> output = turn_->PollOutput()) {
    std::visit([this](const auto& one) { Handle(one); }, *output);
  }
  host_.WakeAt(turn_->NextTimer());
}

void StunTurnServer::Handle(const stun::TurnServer::SendToClient& output) {
  for (const Listener& listener : listeners_) {
    const bool any = listener.address.address().IsUnspecified();
    if (listener.address.port() != output.server.port() || listener.address.family() != output.server.family())
      continue;
    if (!any && listener.address != output.server) continue;
    net::SendOptions options;
    options.packet_class = output.packet_class;
    options.cause = output.cause;
    if (any) options.source = output.server.address();
    host_.SendTo(listener.socket, output.client, output.bytes, options);
    if (output.packet_class == net::PacketClass::kOther) ++counters_.relayed_to_clients;
    return;
  }
}

void StunTurnServer::Handle(const stun::TurnServer::OpenRelay& output) {
  const std::optional<net::IpAddress> address = RelayAddress(output.family);
  std::optional<net::SocketAddress> bound;
  if (address) {
    const absl::StatusOr<net::SocketId> socket = host_.OpenUdp(net::SocketAddress(*address, 0));
    if (socket.ok()) {
      bound = host_.LocalAddress(*socket);
      relay_of_socket_[*socket] = output.relay;
      socket_of_relay_[output.relay] = *socket;
      ++counters_.allocations;
    }
  }
  turn_->OnRelayOpened(host_.Now(), output.relay, bound);
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

void StunTurnServer::Handle(const stun::TurnServer::CloseRelay& output) {
  const auto socket = socket_of_relay_.find(output.relay);
  if (socket == socket_of_relay_.end()) return;
  host_.Close(socket->second);
  relay_of_socket_.erase(socket->second);
  socket_of_relay_.erase(socket);
}

const StunTurnServer::Listener* StunTurnServer::FindListener(net::SocketId socket) const {
  for (const Listener& listener : listeners_) {
    if (listener.socket == socket) return &listener;
  }
  return nullptr;
}

std::optional<net::IpAddress> StunTurnServer::RelayAddress(net::Family family) const {
  for (const net::IpAddress& address : options_.relay_addresses) {
    if (address.family() == family) return address;
  }
  if (!options_.relay_addresses.empty()) return std::nullopt;
  for (const net::SocketAddress& address : options_.listen) {
    if (address.family() == family && !address.address().IsUnspecified()) return address.address();
  }
  return std::nullopt;
}

}  // namespace pinhole::apps
