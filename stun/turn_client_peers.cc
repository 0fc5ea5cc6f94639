// The part of TurnClient for permissions, channels, data and TCP connections with peers.
#include <algorithm>
#include <chrono>
#include <utility>

#include "net/contract.h"
#include "stun/attributes.h"
#include "stun/channel_data.h"
#include "stun/message_builder.h"
#include "stun/turn_client.h"
#include "stun/turn_lifetimes.h"

namespace pinhole::stun {
namespace {

// Header, XOR-PEER-ADDRESS with IPv6, header of DATA, padding.
constexpr std::size_t kSendOverheadMax = kHeaderBytes + 4 + 20 + 4 + 3;
constexpr std::size_t kPayloadBytesMax = kDatagramBytesMax - kSendOverheadMax;
// The time after an error 447 before the client may ask again for the same peer (RFC 6062 §4.3).
constexpr net::Duration kConnectAgainAfter = std::chrono::seconds(10);

}  // namespace

// --- Permissions and channels

TurnClient::Permission* TurnClient::FindPermission(const net::IpAddress& peer) {
  const auto found = std::find_if(permissions_.begin(), permissions_.end(),
                                  [&](const Permission& permission) { return permission.peer == peer; });
  return found == permissions_.end() ? nullptr : &*found;
}

TurnClient::Channel* TurnClient::FindChannel(const net::SocketAddress& peer) {
  const auto found =
      std::find_if(channels_.begin(), channels_.end(), [&](const Channel& channel) { return channel.peer == peer; });
  return found == channels_.end() ? nullptr : &*found;
}

bool TurnClient::HasPermission(net::Instant now, const net::IpAddress& peer) const {
  return std::any_of(permissions_.begin(), permissions_.end(), [&](const Permission& permission) {
    return permission.peer == peer && permission.expiry.has_value() && now < *permission.expiry;
  });
}

bool TurnClient::HasChannel(net::Instant now, const net::SocketAddress& peer) const {
  return std::any_of(channels_.begin(), channels_.end(), [&](const Channel& channel) {
    return channel.peer == peer && channel.expiry.has_value() && now < *channel.expiry;
  });
}

void TurnClient::CreatePermission(net::Instant now, const net::IpAddress& peer) {
  outputs_.BeginInput();
  if (state_ != State::kAllocated) return outputs_.Push(PermissionFailed{peer, Reason::kNoAllocation, 0});
  if (HasPermission(now, peer)) {
    Permission* permission = FindPermission(peer);
    permission->kept = true;
    permission->announced = true;
    return outputs_.Push(PermissionReady{peer});
  }
  EnsurePermission(now, peer, {});
}

// Requests a permission for `peer` unless a request for it is already open. REQUIRES: there is no permission now.
void TurnClient::EnsurePermission(net::Instant now, const net::IpAddress& peer, net::PacketTag cause) {
  if (peer.family() != relayed_.family()) {
    return outputs_.Push(PermissionFailed{peer, Reason::kRefused, errors::kPeerAddressFamilyMismatch.code});
  }
  Permission* permission = FindPermission(peer);
  if (permission == nullptr) {
    std::erase_if(permissions_,
                  [&](const Permission& old) { return !old.kept && old.expiry.has_value() && *old.expiry <= now; });
    if (permissions_.size() >= kPeersMax) return outputs_.Push(PermissionFailed{peer, Reason::kLimit, 0});
    permission = &permissions_.emplace_back();
    permission->peer = peer;
  } else if (permission->expiry.has_value()) {
    permission->announced = false;  // the old permission has expired, so the new one is reported again
    permission->expiry.reset();
  }
  permission->kept = true;
  if (!IsUnderWayFor(peer)) StartRequest(now, {Kind::kPermission, net::SocketAddress(peer, 0)}, 0, cause);
}

void TurnClient::InstallPermission(net::Instant now, const net::IpAddress& peer) {
  Permission* permission = FindPermission(peer);
  if (permission == nullptr) return;
  permission->expiry = now + kPermissionLifetime;
  permission->refresh_at = now + kPermissionLifetime - kRefreshMargin;
  if (!std::exchange(permission->announced, true)) outputs_.Push(PermissionReady{peer});
  for (const Waiting& waiting : waiting_) {
    if (waiting.peer.address() == peer) {
      Emit(now, waiting.peer, waiting.payload, waiting.packet_class, waiting.cause);
    }
  }
  std::erase_if(waiting_, [&](const Waiting& waiting) { return waiting.peer.address() == peer; });
}

void TurnClient::BindChannel(net::Instant now, const net::SocketAddress& peer) {
  outputs_.BeginInput();
  if (state_ != State::kAllocated) return outputs_.Push(ChannelFailed{peer, Reason::kNoAllocation, 0});
  if (options_.relayed_transport == Transport::kTcp) {
    return outputs_.Push(ChannelFailed{peer, Reason::kNotForTransport, 0});
  }
  if (peer.family() != relayed_.family()) {
    return outputs_.Push(ChannelFailed{peer, Reason::kRefused, errors::kPeerAddressFamilyMismatch.code});
  }
  Channel* channel = FindChannel(peer);
  if (channel == nullptr) {
    const bool permission_fits = permissions_.size() < kPeersMax || FindPermission(peer.address()) != nullptr;
    if (channels_.size() >= kPeersMax || !permission_fits) {
      return outputs_.Push(ChannelFailed{peer, Reason::kLimit, 0});
    }
    // Each number is used only once. Therefore no number has to rest for five minutes before another peer gets it
    // (RFC 8656 §12).
    const auto number = static_cast<std::uint16_t>(kChannelNumberMin + channels_.size());
    channel = &channels_.emplace_back();
    channel->peer = peer;
    channel->number = number;
  }
  channel->kept = true;
  if (FindPermission(peer.address()) == nullptr) permissions_.emplace_back().peer = peer.address();
  FindPermission(peer.address())->kept = true;
  if (HasChannel(now, peer)) return outputs_.Push(ChannelReady{peer, channel->number});
  channel->announced = false;
  const Purpose purpose = {Kind::kChannel, peer, channel->number};
  if (!IsUnderWay(purpose)) StartRequest(now, purpose, 0, {});
}

void TurnClient::Forget(const net::IpAddress& peer) {
  if (Permission* permission = FindPermission(peer)) permission->kept = false;
  for (Channel& channel : channels_) {
    if (channel.peer.address() == peer) channel.kept = false;
  }
}

// --- Data

TurnClient::SendResult TurnClient::Send(net::Instant now, const net::SocketAddress& peer, net::ByteView payload,
                                        net::PacketClass packet_class, net::PacketTag cause) {
  outputs_.BeginInput();
  const bool possible = state_ == State::kAllocated && peer.family() == relayed_.family() &&
                        options_.relayed_transport == Transport::kUdp;
  if (!possible || payload.size() > kPayloadBytesMax) return SendResult::kDropped;
  if (HasPermission(now, peer.address())) return Emit(now, peer, payload, packet_class, cause);

  if (waiting_.size() >= kWaitingMax) return SendResult::kDropped;
  EnsurePermission(now, peer.address(), cause);
  if (FindPermission(peer.address()) == nullptr) return SendResult::kDropped;
  waiting_.push_back({peer, packet_class, cause, std::vector<std::uint8_t>(payload.begin(), payload.end())});
  return SendResult::kWaiting;
}

// Queues a payload for the server, as ChannelData or as a Send indication. REQUIRES: there is a permission for `peer`.
TurnClient::SendResult TurnClient::Emit(net::Instant now, const net::SocketAddress& peer, net::ByteView payload,
                                        net::PacketClass packet_class, net::PacketTag cause) {
  PINHOLE_REQUIRES(HasPermission(now, peer.address()));
  if (HasChannel(now, peer)) {
    const std::span<std::uint8_t> bytes = outputs_.NewBytes(ChannelDataBytes(options_.transport, payload.size()));
    WriteChannelData(bytes, FindChannel(peer)->number, payload);
    outputs_.Push(SendToServer{bytes, packet_class, cause});
    return SendResult::kSent;
  }
  MessageBuilder message(outputs_.NewBytes(kSendOverheadMax + payload.size()), MessageClass::kIndication, Method::kSend,
                         TransactionId::Random(*random_));
  const std::optional<net::ByteView> bytes = message.Add(XorPeerAddress{peer}).Add(Data{payload}).Finish();
  if (!bytes.has_value()) return SendResult::kDropped;
  outputs_.Push(SendToServer{*bytes, packet_class, cause});
  return SendResult::kSent;
}

bool TurnClient::OnChannelData(net::Instant now, net::ByteView datagram) {
  if (state_ != State::kAllocated) return false;
  const std::optional<ChannelDataView> message = ChannelDataView::Parse(datagram);
  if (!message.has_value() || message->channel - kChannelNumberMin >= static_cast<int>(channels_.size())) return true;
  // ChannelData may arrive before the response to ChannelBind (RFC 8656 §12).
  const Channel& channel = channels_[message->channel - kChannelNumberMin];
  const bool allowed = HasPermission(now, channel.peer.address()) || IsUnderWayFor(channel.peer.address());
  if (allowed) outputs_.Push(DataFromPeer{channel.peer, message->data});
  return true;
}

bool TurnClient::OnDataIndication(net::Instant now, const MessageView& message) {
  if (state_ != State::kAllocated) return false;
  const std::optional<XorPeerAddress> peer = message.Get<XorPeerAddress>();
  if (message.HasUnknownRequired(kTurnAttributes) || !peer.has_value()) return true;
  // Data is accepted only from peers with a permission of this client, in case the server relays data of others
  // (RFC 8656 §11.4).
  if (!HasPermission(now, peer->address.address())) return true;
  if (const std::optional<Icmp> icmp = message.Get<Icmp>()) {
    outputs_.Push(IcmpFromPeer{peer->address, icmp->type, icmp->code, icmp->error_data});
  } else if (const std::optional<Data> data = message.Get<Data>()) {
    outputs_.Push(DataFromPeer{peer->address, data->bytes});
  }
  return true;
}

// --- Connections (RFC 6062)

void TurnClient::Connect(net::Instant now, const net::SocketAddress& peer) {
  outputs_.BeginInput();
  if (state_ != State::kAllocated) return outputs_.Push(ConnectFailed{peer, Reason::kNoAllocation, 0});
  if (options_.relayed_transport != Transport::kTcp) {
    return outputs_.Push(ConnectFailed{peer, Reason::kNotForTransport, 0});
  }
  const Purpose purpose = {Kind::kConnect, peer};
  if (IsUnderWay(purpose)) return;
  std::erase_if(unreached_, [&](const Unreached& one) { return one.again <= now; });
  const bool too_soon =
      std::any_of(unreached_.begin(), unreached_.end(), [&](const Unreached& one) { return one.peer == peer; });
  if (too_soon) return outputs_.Push(ConnectFailed{peer, Reason::kTooSoon, 0});
  const auto connects = std::count_if(requests_.begin(), requests_.end(),
                                      [](const Request& request) { return request.purpose.kind == Kind::kConnect; });
  if (unreached_.size() + static_cast<std::size_t>(connects) >= kPeersMax) {
    return outputs_.Push(ConnectFailed{peer, Reason::kLimit, 0});
  }
  StartRequest(now, purpose, 0, {});
}

void TurnClient::OnConnectFailure(net::Instant now, const net::SocketAddress& peer, Reason reason, int code) {
  if (code == errors::kConnectionTimeoutOrFailure.code) unreached_.push_back({peer, now + kConnectAgainAfter});
  outputs_.Push(ConnectFailed{peer, reason, code});
}

bool TurnClient::OnConnectionAttempt(net::Instant now, const MessageView& message) {
  if (state_ != State::kAllocated || options_.relayed_transport != Transport::kTcp) return false;
  const std::optional<XorPeerAddress> peer = message.Get<XorPeerAddress>();
  const std::optional<ConnectionId> id = message.Get<ConnectionId>();
  if (message.HasUnknownRequired(kTurnAttributes) || !peer.has_value() || !id.has_value()) return true;
  // Only peers with a permission of this client are accepted, as with data. The response to CreatePermission may still
  // be on its way.
  const net::IpAddress& address = peer->address.address();
  if (!HasPermission(now, address) && !IsUnderWayFor(address)) return true;
  outputs_.Push(ConnectionAttempt{peer->address, PeerConnectionId{id->value}});
  return true;
}

}  // namespace pinhole::stun
