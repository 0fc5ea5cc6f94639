#include "stun/turn_server.h"

#include <algorithm>
#include <chrono>

#include "stun/attributes.h"
#include "stun/channel_data.h"
#include "stun/demux.h"

namespace pinhole::stun {
namespace {

using std::chrono::seconds;

// The size of a Data indication without its payload: header, XOR-PEER-ADDRESS with IPv6, header of DATA, padding.
constexpr std::size_t kDataOverheadMax = kHeaderBytes + 4 + 20 + 4 + 3;
constexpr std::size_t kIcmpIndicationBytes = kHeaderBytes + 4 + 20 + 4 + 8;

// The seconds that are left, rounded up, so that an Allocate request that is resent within the first second gets the
// same response.
std::uint32_t SecondsLeft(net::Instant now, net::Instant expiry) {
  return static_cast<std::uint32_t>(std::chrono::ceil<seconds>(expiry - now).count());
}

// Whether ICMP errors of this type are relayed to the client (RFC 8656 §11.5).
bool IsRelayedIcmpType(net::Family family, std::uint8_t type) {
  if (family == net::Family::kIpv4) return type == 3 || type == 11;
  return type >= 1 && type <= 3;
}

// Whether the ICMP error has the MTU of the next hop (RFC 8656 §18.13).
bool IsTooBig(net::Family family, std::uint8_t type, std::uint8_t code) {
  return family == net::Family::kIpv4 ? type == 3 && code == 4 : type == 2;
}

}  // namespace

TurnServer::TurnServer(const Options& options, net::RandomSource& random)
    : options_(options),
      credentials_(options.realm, options.nonce_lifetime, random),
      binding_(BindingServer::Options{.software = options.software, .credential = std::nullopt}),
      understood_(options.can_set_dont_fragment ? kTurnAttributes
                                                : kTurnAttributes.Without(AttributeType::kDontFragment)),
      random_(&random) {}

void TurnServer::AddUser(absl::string_view username, absl::string_view password) {
  credentials_.AddUser(username, password);
}

void TurnServer::OnClientDatagram(net::Instant now, const FiveTuple& five_tuple, net::ByteView datagram,
                                  net::PacketTag tag) {
  outputs_.BeginInput();
  Expire(now);
  if (LooksLikeChannelData(datagram)) return OnChannelData(now, five_tuple, datagram, tag);

  const std::optional<MessageView> message = MessageView::Parse(datagram);
  if (!message.has_value() || (message->HasFingerprint() && !message->FingerprintOk())) return;
  const Request request = {now, five_tuple, *message, tag};
  if (message->message_class() == MessageClass::kIndication) {
    if (message->method() == Method::kSend) OnSendIndication(request);
  } else if (message->message_class() == MessageClass::kRequest) {
    OnRequest(request);
  }
}

void TurnServer::OnConnectionClosed(net::Instant now, const FiveTuple& five_tuple) {
  outputs_.BeginInput();
  Expire(now);
  const auto found = by_five_tuple_.find(five_tuple);
  if (found != by_five_tuple_.end()) return Remove(*found->second);
  if (const PeerConnections::Connection* peer = peers_.FindBound(five_tuple)) {  // RFC 6062 §5.5
    const PeerConnectionId id = peer->id;
    peers_.Remove(id);
    outputs_.Push(ClosePeer{id});
  }
}

void TurnServer::OnRequest(Request request) {
  const MessageView& message = request.message;
  switch (message.method()) {
    case Method::kBinding: {
      const std::optional<net::ByteView> response =
          binding_.Respond(message, request.five_tuple.client, outputs_.NewBytes(kMessageBytesMax));
      if (response.has_value()) {
        outputs_.Push(SendToClient{request.five_tuple, *response, net::PacketClass::kDiscovery, request.tag});
      }
      return;
    }
    case Method::kAllocate:
    case Method::kRefresh:
    case Method::kCreatePermission:
    case Method::kChannelBind:
    case Method::kConnect:
    case Method::kConnectionBind:
      break;
    case Method::kConnectionAttempt:
    case Method::kSend:
    case Method::kData:
      return;  // these methods have no requests (RFC 8656 §17, RFC 6062 §4.4)
    default:
      return;
  }

  LongTermServer::Verdict verdict = credentials_.Check(request.now, message, request.five_tuple.client);
  if (verdict.code == errors::kStaleNonce.code && message.method() == Method::kConnectionBind) {
    const std::optional<net::SocketAddress> control = ControlConnectionOf(message);
    const bool same_machine = control.has_value() && control->address() == request.five_tuple.client.address();
    if (same_machine) verdict = credentials_.Check(request.now, message, *control);
  }
  if (verdict.user == nullptr) {
    return Respond(request, MessageClass::kError, [&](MessageBuilder& response) {
      response.Add(verdict.code == 400   ? errors::kBadRequest
                   : verdict.code == 438 ? errors::kStaleNonce
                                         : errors::kUnauthenticated);
      if (verdict.challenge) credentials_.AddChallenge(request.now, request.five_tuple.client, response);
    });
  }
  request.user = verdict.user;
  if (message.HasUnknownRequired(understood_)) {
    return Respond(request, MessageClass::kError,
                   [&](MessageBuilder& response) { AddUnknownAttributesError(message, understood_, response); });
  }
  if (message.method() == Method::kAllocate) return OnAllocate(request);
  if (message.method() == Method::kConnectionBind) return OnConnectionBind(request);

  Allocation* const allocation = FindOpen(request.five_tuple);
  if (allocation == nullptr) return Refuse(request, errors::kAllocationMismatch);
  if (allocation->user != request.user) return Refuse(request, errors::kWrongCredentials);
  if (message.method() == Method::kRefresh) return OnRefresh(request, *allocation);
  if (message.method() == Method::kCreatePermission) return OnCreatePermission(request, *allocation);
  if (message.method() == Method::kConnect) return OnConnect(request, *allocation);
  OnChannelBind(request, *allocation);
}

// --- Allocations

// The numbered steps are those of RFC 8656 §7.2.
void TurnServer::OnAllocate(const Request& request) {
  const MessageView& message = request.message;
  const auto existing = by_five_tuple_.find(request.five_tuple);  // step 2
  if (existing != by_five_tuple_.end()) {
    const Allocation& allocation = *existing->second;
    const bool is_retransmission =
        allocation.allocate_id == message.transaction_id() && allocation.user == request.user;
    if (!is_retransmission) return Refuse(request, errors::kAllocationMismatch);
    if (allocation.open) RespondAllocated(request.now, allocation, request.tag);
    return;  // if the relayed address is not open yet, its opening will cause the response
  }

  const std::optional<RequestedTransport> transport = message.Get<RequestedTransport>();  // step 3
  if (!transport.has_value()) return Refuse(request, errors::kBadRequest);
  const bool for_tcp = transport->protocol == RequestedTransport::kTcp;
  if (!for_tcp && transport->protocol != RequestedTransport::kUdp) {
    return Refuse(request, errors::kUnsupportedTransportProtocol);
  }
  if (for_tcp) {  // RFC 6062 §5.1
    if (!options_.relay_tcp) return Refuse(request, errors::kUnsupportedTransportProtocol);
    const bool unfit = request.five_tuple.transport != Transport::kTcp || message.Has(AttributeType::kDontFragment) ||
                       message.Has(AttributeType::kEvenPort) || message.Has(AttributeType::kReservationToken);
    if (unfit) return Refuse(request, errors::kBadRequest);
  } else if (!options_.relay_udp) {
    return Refuse(request, errors::kForbidden);
  }

  const bool has_even_port = message.Has(AttributeType::kEvenPort);
  const bool has_family = message.Has(AttributeType::kRequestedAddressFamily);
  const bool has_additional = message.Has(AttributeType::kAdditionalAddressFamily);
  if (message.Has(AttributeType::kReservationToken)) {  // step 5
    if (has_even_port || has_family || has_additional) return Refuse(request, errors::kBadRequest);
    return Refuse(request, errors::kInsufficientCapacity);  // the server never gives a token
  }
  if (has_family && has_additional) return Refuse(request, errors::kBadRequest);  // step 6

  net::Family family = net::Family::kIpv4;
  if (has_family) {  // step 7
    const std::optional<RequestedAddressFamily> requested = message.Get<RequestedAddressFamily>();
    if (!requested.has_value()) return Refuse(request, errors::kAddressFamilyNotSupported);
    family = requested->family;
  }
  if (!SupportsFamily(family)) return Refuse(request, errors::kAddressFamilyNotSupported);

  if (has_even_port) {  // step 8
    const std::optional<EvenPort> even_port = message.Get<EvenPort>();
    if (!even_port.has_value() || (even_port->reserve_next && has_additional)) {
      return Refuse(request, errors::kBadRequest);
    }
    // The server never reserves a port.
    if (even_port->reserve_next) return Refuse(request, errors::kInsufficientCapacity);
  }
  if (has_additional) {  // step 9
    const std::optional<AdditionalAddressFamily> additional = message.Get<AdditionalAddressFamily>();
    if (!additional.has_value() || additional->family != net::Family::kIpv6) {
      return Refuse(request, errors::kBadRequest);
    }
  }
  if (count_by_user_[request.user->name] >= options_.allocations_per_user_max) {  // step 10
    return Refuse(request, errors::kAllocationQuotaReached);
  }
  if (allocations_.size() >= options_.allocations_max) return Refuse(request, errors::kInsufficientCapacity);

  const RelayId relay{++relays_made_};
  const net::Duration lifetime = LifetimeFor(message);
  auto allocation = std::make_unique<Allocation>(Allocation{.relay = relay,
                                                            .five_tuple = request.five_tuple,
                                                            .user = request.user,
                                                            .family = family,
                                                            .transport = for_tcp ? Transport::kTcp : Transport::kUdp,
                                                            .expiry = request.now + lifetime,
                                                            .allocate_id = message.transaction_id(),
                                                            .fingerprint = message.HasFingerprint(),
                                                            .ipv6_refused = has_additional,
                                                            .lifetime = lifetime,
                                                            .cause = request.tag});
  by_five_tuple_[request.five_tuple] = allocation.get();
  expiries_.insert({allocation->expiry, relay});
  ++count_by_user_[request.user->name];
  allocations_[relay] = std::move(allocation);
  outputs_.Push(OpenRelay{relay, family, has_even_port, for_tcp ? Transport::kTcp : Transport::kUdp});
}

void TurnServer::OnRelayOpened(net::Instant now, RelayId relay, const std::optional<net::SocketAddress>& address) {
  outputs_.BeginInput();
  const auto found = allocations_.find(relay);
  if (found == allocations_.end()) {
    // The allocation has expired meanwhile.
    if (address.has_value()) outputs_.Push(CloseRelay{relay});
    return;
  }
  Allocation& allocation = *found->second;
  if (allocation.open) return;
  if (!address.has_value() || address->family() != allocation.family) {
    MessageBuilder response(outputs_.NewBytes(kMessageBytesMax), MessageClass::kError, Method::kAllocate,
                            allocation.allocate_id);
    response.Add(errors::kInsufficientCapacity);
    if (!options_.software.empty()) response.Add(Software{options_.software});
    response.AddIntegrity(allocation.user->key);
    if (allocation.fingerprint) response.AddFingerprint();
    if (const std::optional<net::ByteView> bytes = response.Finish()) {
      outputs_.Push(SendToClient{allocation.five_tuple, *bytes, net::PacketClass::kTurn, allocation.cause});
    }
    allocation.open = address.has_value();  // so that Remove() closes a socket of the wrong family
    return Remove(allocation);
  }
  allocation.open = true;
  allocation.relayed = *address;
  SetExpiry(allocation, now + allocation.lifetime);
  RespondAllocated(now, allocation, allocation.cause);
}

void TurnServer::RespondAllocated(net::Instant now, const Allocation& allocation, net::PacketTag tag) {
  MessageBuilder response(outputs_.NewBytes(kMessageBytesMax), MessageClass::kSuccess, Method::kAllocate,
                          allocation.allocate_id);
  response.Add(XorRelayedAddress{allocation.relayed})
      .Add(Lifetime{SecondsLeft(now, allocation.expiry)})
      .Add(XorMappedAddress{allocation.five_tuple.client});
  if (allocation.ipv6_refused) {
    constexpr ErrorCode kError = errors::kAddressFamilyNotSupported;
    response.Add(AddressErrorCode{net::Family::kIpv6, kError.code, kError.reason});
  }
  if (!options_.software.empty()) response.Add(Software{options_.software});
  response.AddIntegrity(allocation.user->key);
  if (allocation.fingerprint) response.AddFingerprint();
  const std::optional<net::ByteView> bytes = response.Finish();
  if (!bytes.has_value()) return;
  outputs_.Push(SendToClient{allocation.five_tuple, *bytes, net::PacketClass::kTurn, tag});
}

void TurnServer::OnRefresh(const Request& request, Allocation& allocation) {
  if (request.message.Has(AttributeType::kRequestedAddressFamily)) {
    const std::optional<RequestedAddressFamily> family = request.message.Get<RequestedAddressFamily>();
    if (!family.has_value() || family->family != allocation.family) {
      return Refuse(request, errors::kPeerAddressFamilyMismatch);
    }
  }
  if (request.message.Has(AttributeType::kLifetime) && !request.message.Get<Lifetime>().has_value()) {
    return Refuse(request, errors::kBadRequest);
  }
  const std::optional<Lifetime> asked = request.message.Get<Lifetime>();
  const bool is_release = asked.has_value() && asked->value == 0;
  const net::Duration lifetime = is_release ? net::Duration(0) : LifetimeFor(request.message);
  Respond(request, MessageClass::kSuccess, [&](MessageBuilder& response) {
    response.Add(Lifetime{static_cast<std::uint32_t>(std::chrono::duration_cast<seconds>(lifetime).count())});
  });
  if (is_release) return Remove(allocation);
  SetExpiry(allocation, request.now + lifetime);
}

// The "desired lifetime" of RFC 8656 §8.2: the requested lifetime, but not below the default and not above
// Options::lifetime_max.
net::Duration TurnServer::LifetimeFor(const MessageView& request) const {
  const std::optional<Lifetime> asked = request.Get<Lifetime>();
  if (!asked.has_value()) return kDefaultAllocationLifetime;
  const net::Duration lifetime = std::min<net::Duration>(seconds(asked->value), options_.lifetime_max);
  return std::max(lifetime, kDefaultAllocationLifetime);
}

bool TurnServer::SupportsFamily(net::Family family) const {
  return family == net::Family::kIpv4 ? options_.relay_ipv4 : options_.relay_ipv6;
}

TurnServer::Allocation* TurnServer::FindOpen(const FiveTuple& five_tuple) {
  const auto found = by_five_tuple_.find(five_tuple);
  return found != by_five_tuple_.end() && found->second->open ? found->second : nullptr;
}

TurnServer::Allocation* TurnServer::FindOpen(RelayId relay) {
  const auto found = allocations_.find(relay);
  return found != allocations_.end() && found->second->open ? found->second.get() : nullptr;
}

void TurnServer::SetExpiry(Allocation& allocation, net::Instant expiry) {
  expiries_.erase({allocation.expiry, allocation.relay});
  allocation.expiry = expiry;
  expiries_.insert({expiry, allocation.relay});
}

void TurnServer::Remove(Allocation& allocation) {
  for (const PeerConnectionId peer : peers_.Of(allocation.relay)) {  // RFC 6062 §5.5
    peers_.Remove(peer);
    outputs_.Push(ClosePeer{peer});
  }
  if (allocation.open) outputs_.Push(CloseRelay{allocation.relay});
  expiries_.erase({allocation.expiry, allocation.relay});
  by_five_tuple_.erase(allocation.five_tuple);
  --count_by_user_[allocation.user->name];
  const RelayId relay = allocation.relay;
  allocations_.erase(relay);  // destroys `allocation`
}

void TurnServer::Expire(net::Instant now) {
  while (!expiries_.empty() && expiries_.begin()->first <= now) {
    Remove(*allocations_.at(expiries_.begin()->second));
  }
  ExpirePeers(now);
}

// --- Permissions and channels

const ErrorCode* TurnServer::WrongWithPeer(const Allocation& allocation,
                                           const std::optional<net::SocketAddress>& peer) const {
  if (!peer.has_value()) return &errors::kBadRequest;
  if (peer->family() != allocation.family) return &errors::kPeerAddressFamilyMismatch;
  const net::IpAddress& address = peer->address();
  const bool reachable =
      !address.IsUnspecified() && !address.IsMulticast() && (options_.allow_loopback_peers || !address.IsLoopback());
  return reachable ? nullptr : &errors::kForbidden;
}

bool TurnServer::Permits(const Allocation& allocation, net::Instant now, const net::IpAddress& peer) {
  return std::any_of(allocation.permissions.begin(), allocation.permissions.end(),
                     [&](const Permission& permission) { return permission.peer == peer && now < permission.expiry; });
}

bool TurnServer::InstallPermission(Allocation& allocation, net::Instant now, const net::IpAddress& peer) const {
  std::vector<Permission>& permissions = allocation.permissions;
  const net::Instant expiry = now + kPermissionLifetime;
  for (Permission& permission : permissions) {
    if (permission.peer == peer) {
      permission.expiry = expiry;
      return true;
    }
  }
  if (permissions.size() >= options_.permissions_max) {
    std::erase_if(permissions, [&](const Permission& permission) { return permission.expiry <= now; });
    if (permissions.size() >= options_.permissions_max) return false;
  }
  permissions.push_back({peer, expiry});
  return true;
}

void TurnServer::OnCreatePermission(const Request& request, Allocation& allocation) {
  // All addresses are checked before any permission is installed.
  std::size_t count = 0;
  const ErrorCode* wrong = nullptr;
  request.message.ForEach<XorPeerAddress>([&](const std::optional<XorPeerAddress>& peer) {
    ++count;
    if (wrong != nullptr) return;
    wrong = WrongWithPeer(allocation, peer.has_value() ? std::optional(peer->address) : std::nullopt);
  });
  if (count == 0) return Refuse(request, errors::kBadRequest);
  if (wrong != nullptr) return Refuse(request, *wrong);

  bool installed = true;
  request.message.ForEach<XorPeerAddress>([&](const std::optional<XorPeerAddress>& peer) {
    installed = installed && InstallPermission(allocation, request.now, peer->address.address());
  });
  if (!installed) return Refuse(request, errors::kInsufficientCapacity);
  Acknowledge(request);
}

const TurnServer::Channel* TurnServer::FindChannel(const Allocation& allocation, net::Instant now,
                                                   const net::SocketAddress& peer) {
  for (const Channel& channel : allocation.channels) {
    if (channel.peer == peer && now < channel.expiry) return &channel;
  }
  return nullptr;
}

void TurnServer::OnChannelBind(const Request& request, Allocation& allocation) {
  if (allocation.transport != Transport::kUdp) return Refuse(request, errors::kBadRequest);
  const std::optional<ChannelNumber> number = request.message.Get<ChannelNumber>();
  const std::optional<XorPeerAddress> peer = request.message.Get<XorPeerAddress>();
  if (!number.has_value() || !peer.has_value() || !IsChannelNumber(number->number)) {
    return Refuse(request, errors::kBadRequest);
  }
  if (const ErrorCode* wrong = WrongWithPeer(allocation, peer->address)) return Refuse(request, *wrong);

  std::vector<Channel>& channels = allocation.channels;
  std::erase_if(channels, [&](const Channel& channel) { return channel.expiry <= request.now; });
  Channel* same = nullptr;
  for (Channel& channel : channels) {
    const bool same_number = channel.number == number->number;
    const bool same_peer = channel.peer == peer->address;
    if (same_number != same_peer) return Refuse(request, errors::kBadRequest);
    if (same_number) same = &channel;
  }
  const bool fits = same != nullptr || channels.size() < options_.channels_max;
  if (!fits || !InstallPermission(allocation, request.now, peer->address.address())) {
    return Refuse(request, errors::kInsufficientCapacity);
  }
  if (same == nullptr) same = &channels.emplace_back(Channel{number->number, peer->address, {}});
  same->expiry = request.now + kChannelLifetime;
  Acknowledge(request);
}

// --- Data

void TurnServer::OnSendIndication(const Request& indication) {
  const MessageView& message = indication.message;
  Allocation* const allocation = FindOpen(indication.five_tuple);
  if (allocation == nullptr || message.HasUnknownRequired(understood_)) return;
  if (allocation->transport != Transport::kUdp) return;
  const std::optional<XorPeerAddress> peer = message.Get<XorPeerAddress>();
  const std::optional<Data> data = message.Get<Data>();
  if (!peer.has_value() || !data.has_value()) return;
  if (!Permits(*allocation, indication.now, peer->address.address())) return;
  ToPeer(*allocation, peer->address, data->bytes, message.Has(AttributeType::kDontFragment), indication.tag);
}

void TurnServer::OnChannelData(net::Instant now, const FiveTuple& five_tuple, net::ByteView datagram,
                               net::PacketTag tag) {
  const std::optional<ChannelDataView> message = ChannelDataView::Parse(datagram);
  Allocation* const allocation = FindOpen(five_tuple);
  if (!message.has_value() || allocation == nullptr) return;
  for (const Channel& channel : allocation->channels) {
    if (channel.number != message->channel || channel.expiry <= now) continue;
    if (Permits(*allocation, now, channel.peer.address())) {
      ToPeer(*allocation, channel.peer, message->data, false, tag);
    }
    return;
  }
}

void TurnServer::ToPeer(const Allocation& allocation, const net::SocketAddress& peer, net::ByteView payload,
                        bool dont_fragment, net::PacketTag tag) {
  outputs_.Push(SendFromRelay{allocation.relay, peer, payload, dont_fragment, tag});
}

void TurnServer::OnRelayedDatagram(net::Instant now, RelayId relay, const net::SocketAddress& from,
                                   net::ByteView payload, net::PacketTag tag) {
  outputs_.BeginInput();
  Expire(now);
  Allocation* const allocation = FindOpen(relay);
  if (allocation == nullptr || !Permits(*allocation, now, from.address())) return;
  if (payload.size() + kDataOverheadMax > kDatagramBytesMax) return;

  if (const Channel* channel = FindChannel(*allocation, now, from)) {
    const Transport transport = allocation->five_tuple.transport;
    const std::span<std::uint8_t> bytes = outputs_.NewBytes(ChannelDataBytes(transport, payload.size()));
    WriteChannelData(bytes, channel->number, payload);
    return ToClient(*allocation, bytes, tag);
  }
  MessageBuilder message(outputs_.NewBytes(kDataOverheadMax + payload.size()), MessageClass::kIndication, Method::kData,
                         TransactionId::Random(*random_));
  const std::optional<net::ByteView> bytes = message.Add(XorPeerAddress{from}).Add(Data{payload}).Finish();
  if (bytes.has_value()) ToClient(*allocation, *bytes, tag);
}

void TurnServer::OnRelayIcmp(net::Instant now, RelayId relay, const net::SocketAddress& destination, std::uint8_t type,
                             std::uint8_t code, std::uint32_t mtu_bytes, net::PacketTag tag) {
  outputs_.BeginInput();
  Expire(now);
  Allocation* const allocation = FindOpen(relay);
  if (allocation == nullptr || !IsRelayedIcmpType(allocation->family, type)) return;
  if (!Permits(*allocation, now, destination.address())) return;

  MessageBuilder message(outputs_.NewBytes(kIcmpIndicationBytes), MessageClass::kIndication, Method::kData,
                         TransactionId::Random(*random_));
  const std::uint32_t error_data = IsTooBig(allocation->family, type, code) ? mtu_bytes : 0;
  const std::optional<net::ByteView> bytes =
      message.Add(XorPeerAddress{destination}).Add(Icmp{type, code, error_data}).Finish();
  if (bytes.has_value()) ToClient(*allocation, *bytes, tag);
}

void TurnServer::ToClient(const Allocation& allocation, net::ByteView bytes, net::PacketTag tag) {
  outputs_.Push(SendToClient{allocation.five_tuple, bytes, net::PacketClass::kOther, tag});
}

// --- Responses, time

template <typename Add>
void TurnServer::Respond(const Request& request, MessageClass message_class, const Add& add) {
  const Method method = request.message.method();
  MessageBuilder response(outputs_.NewBytes(kMessageBytesMax), message_class, method, request.message.transaction_id());
  add(response);
  const bool with_software = method == Method::kAllocate || method == Method::kRefresh;
  if (with_software && !options_.software.empty()) response.Add(Software{options_.software});
  if (request.user != nullptr) response.AddIntegrity(request.user->key);
  if (request.message.HasFingerprint()) response.AddFingerprint();
  const std::optional<net::ByteView> bytes = response.Finish();
  if (!bytes.has_value()) return;
  outputs_.Push(SendToClient{request.five_tuple, *bytes, net::PacketClass::kTurn, request.tag});
}

void TurnServer::Refuse(const Request& request, const ErrorCode& error) {
  Respond(request, MessageClass::kError, [&](MessageBuilder& response) { response.Add(error); });
}

void TurnServer::Acknowledge(const Request& request) {
  Respond(request, MessageClass::kSuccess, [](MessageBuilder&) {});
}

void TurnServer::OnTimer(net::Instant now) {
  outputs_.BeginInput();
  Expire(now);
}

net::Instant TurnServer::NextTimer() const {
  const net::Instant expiry = expiries_.empty() ? net::kNever : expiries_.begin()->first;
  return std::min(peers_.NextTimer(), expiry);
}

std::optional<TurnServer::Output> TurnServer::PollOutput() { return outputs_.Poll(); }

}  // namespace pinhole::stun
