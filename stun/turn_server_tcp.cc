// The part of TurnServer for RFC 6062: connections between the relayed address of a TCP allocation and its peers.
#include "stun/attributes.h"
#include "stun/turn_server.h"

namespace pinhole::stun {
namespace {

// The size of a ConnectionAttempt indication: header, XOR-PEER-ADDRESS with IPv6, CONNECTION-ID.
constexpr std::size_t kConnectionAttemptBytesMax = kHeaderBytes + 4 + 20 + 4 + 4;

}  // namespace

using Connection = PeerConnections::Connection;

// Handles a Connect request in the order of RFC 6062 §5.2, with one exception: the peer address is checked first,
// because it is needed to find an existing connection.
void TurnServer::OnConnect(const Request& request, const Allocation& allocation) {
  if (allocation.transport != Transport::kTcp) return Refuse(request, errors::kAllocationMismatch);
  const std::optional<XorPeerAddress> peer = request.message.Get<XorPeerAddress>();
  if (!peer.has_value() || peer->address.port() == 0) return Refuse(request, errors::kBadRequest);
  if (peers_.Find(allocation.relay, peer->address) != nullptr) {
    return Refuse(request, errors::kConnectionAlreadyExists);
  }
  if (const ErrorCode* wrong = WrongWithPeer(allocation, peer->address)) return Refuse(request, *wrong);
  if (!HasRoomForPeer(allocation.relay)) return Refuse(request, errors::kInsufficientCapacity);
  Connection& connection = peers_.Add(allocation.relay, peer->address, PeerConnections::State::kConnecting,
                                      request.now + kPeerConnectTimeout);
  connection.request = {request.message.transaction_id(), request.message.HasFingerprint(), request.tag};
  outputs_.Push(ConnectPeer{connection.id, connection.relay, connection.peer});
}

bool TurnServer::HasRoomForPeer(RelayId relay) const {
  return peers_.size() < options_.peer_connections_in_all_max && peers_.CountOf(relay) < options_.peer_connections_max;
}

template <typename Add>
void TurnServer::RespondToConnect(const Connection& connection, MessageClass message_class, const Add& add) {
  // The allocation exists, because its connections end with it.
  const Allocation& allocation = *allocations_.at(connection.relay);
  MessageBuilder response(outputs_.NewBytes(kMessageBytesMax), message_class, Method::kConnect, connection.request.id);
  add(response);
  response.AddIntegrity(allocation.user->key);
  if (connection.request.fingerprint) response.AddFingerprint();
  const std::optional<net::ByteView> bytes = response.Finish();
  if (!bytes.has_value()) return;
  outputs_.Push(SendToClient{allocation.five_tuple, *bytes, net::PacketClass::kTurn, connection.request.cause});
}

void TurnServer::OnPeerConnected(net::Instant now, PeerConnectionId id) {
  outputs_.BeginInput();
  Expire(now);
  Connection* const connection = peers_.Find(id);
  if (connection == nullptr || connection->state != PeerConnections::State::kConnecting) return;
  peers_.SetPending(*connection, now + kConnectionBindTimeout);
  RespondToConnect(*connection, MessageClass::kSuccess,
                   [&](MessageBuilder& response) { response.Add(ConnectionId{static_cast<std::uint32_t>(id)}); });
}

std::optional<PeerConnectionId> TurnServer::OnPeerAccepted(net::Instant now, RelayId relay,
                                                           const net::SocketAddress& peer) {
  outputs_.BeginInput();
  Expire(now);
  const Allocation* const allocation = FindOpen(relay);
  if (allocation == nullptr || allocation->transport != Transport::kTcp) return std::nullopt;
  if (!Permits(*allocation, now, peer.address()) || peers_.Find(relay, peer) != nullptr) return std::nullopt;
  if (!HasRoomForPeer(relay)) return std::nullopt;

  const Connection& connection =
      peers_.Add(relay, peer, PeerConnections::State::kPending, now + kConnectionBindTimeout);
  MessageBuilder message(outputs_.NewBytes(kConnectionAttemptBytesMax), MessageClass::kIndication,
                         Method::kConnectionAttempt, TransactionId::Random(*random_));
  const std::optional<net::ByteView> bytes =
      message.Add(XorPeerAddress{peer}).Add(ConnectionId{static_cast<std::uint32_t>(connection.id)}).Finish();
  outputs_.Push(SendToClient{allocation->five_tuple, bytes.value(), net::PacketClass::kTurn, {}});
  return connection.id;
}

void TurnServer::OnPeerClosed(net::Instant now, PeerConnectionId id) {
  outputs_.BeginInput();
  Expire(now);
  const Connection* const connection = peers_.Find(id);
  if (connection == nullptr) return;
  if (connection->state == PeerConnections::State::kConnecting) {
    RespondToConnect(*connection, MessageClass::kError,
                     [](MessageBuilder& response) { response.Add(errors::kConnectionTimeoutOrFailure); });
  }
  peers_.Remove(id);
}

std::optional<net::SocketAddress> TurnServer::ControlConnectionOf(const MessageView& connection_bind) {
  const std::optional<ConnectionId> id = connection_bind.Get<ConnectionId>();
  const Connection* const connection = id.has_value() ? peers_.Find(PeerConnectionId{id->value}) : nullptr;
  if (connection == nullptr) return std::nullopt;
  return allocations_.at(connection->relay)->five_tuple.client;
}

// Handles a ConnectionBind request (RFC 6062 §5.4). The 5-tuple is that of the new connection, so the allocation is
// found by CONNECTION-ID.
void TurnServer::OnConnectionBind(const Request& request) {
  if (request.five_tuple.transport != Transport::kTcp) return Refuse(request, errors::kBadRequest);
  const std::optional<ConnectionId> id = request.message.Get<ConnectionId>();
  Connection* const connection = id.has_value() ? peers_.Find(PeerConnectionId{id->value}) : nullptr;
  if (connection == nullptr || connection->state != PeerConnections::State::kPending) {
    return Refuse(request, errors::kBadRequest);
  }
  // A control connection cannot become a data connection (RFC 6062 §3), because a data connection carries no STUN.
  if (HasAllocation(request.five_tuple)) return Refuse(request, errors::kBadRequest);
  if (allocations_.at(connection->relay)->user != request.user) return Refuse(request, errors::kWrongCredentials);
  Acknowledge(request);
  peers_.Bind(*connection, request.five_tuple);
  outputs_.Push(JoinPeer{connection->id, request.five_tuple});
}

void TurnServer::ExpirePeers(net::Instant now) {
  while (const Connection* const connection = peers_.Due(now)) {
    if (connection->state == PeerConnections::State::kConnecting) {
      RespondToConnect(*connection, MessageClass::kError,
                       [](MessageBuilder& response) { response.Add(errors::kConnectionTimeoutOrFailure); });
    }
    const PeerConnectionId id = connection->id;
    peers_.Remove(id);
    outputs_.Push(ClosePeer{id});
  }
}

}  // namespace pinhole::stun
