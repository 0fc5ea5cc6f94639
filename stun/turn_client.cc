#include "stun/turn_client.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <utility>

#include "net/contract.h"
#include "stun/attributes.h"
#include "stun/channel_data.h"
#include "stun/demux.h"
#include "stun/message_builder.h"
#include "stun/turn_lifetimes.h"

namespace pinhole::stun {
namespace {

using std::chrono::seconds;

// The longest lifetime that the client believes. A server may grant any number of seconds, and refreshing more often
// than needed does no harm.
constexpr std::uint32_t kLifetimeSecondsMax = 24 * 3600;
using net::kNever;

TurnClient::Reason ToReason(ClientTransaction::FailureReason reason) {
  switch (reason) {
    case ClientTransaction::FailureReason::kTimedOut:
      return TurnClient::Reason::kTimedOut;
    case ClientTransaction::FailureReason::kIntegrityViolated:
      return TurnClient::Reason::kIntegrityViolated;
    case ClientTransaction::FailureReason::kHardIcmpError:
      return TurnClient::Reason::kHardIcmpError;
    case ClientTransaction::FailureReason::kConnectionLost:
      return TurnClient::Reason::kConnectionLost;
  }
  net::CannotHappen();
}

}  // namespace

TurnClient::TurnClient(Options options, net::RandomSource& random)
    : options_(std::move(options)), random_(&random), credential_(options_.username, options_.password) {}

void TurnClient::Start(net::Instant now) {
  if (state_ != State::kIdle) return;
  outputs_.BeginInput();
  if (options_.relayed_transport == Transport::kTcp && options_.transport != Transport::kTcp) {
    outputs_.Push(AllocationFailed{Reason::kNotForTransport, 0});  // RFC 6062 §4.1
    return Close();
  }
  state_ = State::kAllocating;
  StartRequest(now, {Kind::kAllocate, {}}, 0, {});
}

// --- Requests

void TurnClient::StartRequest(net::Instant now, const Purpose& purpose, int retries, net::PacketTag cause) {
  Method method = Method::kRefresh;
  if (purpose.kind == Kind::kAllocate) method = Method::kAllocate;
  if (purpose.kind == Kind::kPermission) method = Method::kCreatePermission;
  if (purpose.kind == Kind::kChannel) method = Method::kChannelBind;
  if (purpose.kind == Kind::kConnect) method = Method::kConnect;

  std::array<std::uint8_t, kMessageBytesMax> buffer;
  MessageBuilder message(buffer, MessageClass::kRequest, method, TransactionId::Random(*random_));
  switch (purpose.kind) {
    case Kind::kAllocate:
      message.Add(RequestedTransport{options_.relayed_transport == Transport::kTcp ? RequestedTransport::kTcp
                                                                                   : RequestedTransport::kUdp});
      if (options_.family.has_value()) message.Add(RequestedAddressFamily{*options_.family});
      if (options_.lifetime_seconds.has_value()) message.Add(Lifetime{*options_.lifetime_seconds});
      break;
    case Kind::kRefresh:
      if (options_.lifetime_seconds.has_value()) message.Add(Lifetime{*options_.lifetime_seconds});
      break;
    case Kind::kRelease:
      message.Add(Lifetime{0});
      break;
    case Kind::kPermission:
    case Kind::kConnect:
      message.Add(XorPeerAddress{purpose.peer});
      break;
    case Kind::kChannel:
      message.Add(ChannelNumber{purpose.channel}).Add(XorPeerAddress{purpose.peer});
      break;
  }
  if (!options_.software.empty() && (method == Method::kAllocate || method == Method::kRefresh)) {
    message.Add(Software{options_.software});
  }
  credential_.AddTo(message);
  message.AddFingerprint();

  const std::optional<net::ByteView> bytes = message.Finish();
  if (!bytes.has_value()) return OnFailure(now, purpose, Reason::kRequestTooLong, 0, cause);
  const bool over_tcp = options_.transport == Transport::kTcp;
  const ClientTransaction transaction(
      now, *bytes, over_tcp ? ClientTransaction::Options::OverTcp(options_.ti) : options_.transaction);
  requests_.push_back({purpose, credential_.challenged(), retries, transaction});
  PollRequest(requests_.size() - 1, cause);
}

// Queues the messages that a request wants to send. Its end is read from the state of its transaction.
void TurnClient::PollRequest(std::size_t index, net::PacketTag cause) {
  while (std::optional<ClientTransaction::Output> output = requests_[index].transaction.PollOutput()) {
    if (const auto* send = std::get_if<ClientTransaction::SendRequest>(&*output)) {
      outputs_.Push(SendToServer{outputs_.Copy(send->bytes), net::PacketClass::kTurn, cause, send->send});
    }
  }
}

bool TurnClient::IsUnderWay(const Purpose& purpose) const {
  return std::any_of(requests_.begin(), requests_.end(),
                     [&](const Request& request) { return request.purpose == purpose; });
}

// Whether an open request will install a permission for `peer`. A ChannelBind request installs one too.
bool TurnClient::IsUnderWayFor(const net::IpAddress& peer) const {
  return std::any_of(requests_.begin(), requests_.end(), [&](const Request& request) {
    const bool installs = request.purpose.kind == Kind::kPermission || request.purpose.kind == Kind::kChannel;
    return installs && request.purpose.peer.address() == peer;
  });
}

bool TurnClient::OnDatagram(net::Instant now, const net::SocketAddress& from, net::ByteView datagram,
                            net::PacketTag tag) {
  outputs_.BeginInput();
  if (from != options_.server || state_ == State::kIdle || state_ == State::kClosed) return false;
  if (LooksLikeChannelData(datagram)) return OnChannelData(now, datagram);

  const std::optional<MessageView> message = MessageView::Parse(datagram);
  if (!message.has_value() || (message->HasFingerprint() && !message->FingerprintOk())) return false;
  switch (message->message_class()) {
    case MessageClass::kSuccess:
    case MessageClass::kError:
      return OnResponse(now, *message, tag);
    case MessageClass::kIndication:
      if (message->method() == Method::kConnectionAttempt) return OnConnectionAttempt(now, *message);
      return message->method() == Method::kData && OnDataIndication(now, *message);
    case MessageClass::kRequest:
      return false;
  }
  net::CannotHappen();
}

bool TurnClient::OnResponse(net::Instant now, const MessageView& response, net::PacketTag tag) {
  const auto found = std::find_if(requests_.begin(), requests_.end(),
                                  [&](const Request& request) { return request.transaction.IsFor(response); });
  if (found == requests_.end()) return false;

  const LongTermClient::Next next = credential_.OnResponse(response, found->authenticated);
  if (next == LongTermClient::Next::kIgnore) return true;
  if (next == LongTermClient::Next::kDiscard) {
    found->transaction.OnDiscardedResponse();
    if (found->transaction.state() == ClientTransaction::State::kFailed) {
      EndFailedRequest(now, static_cast<std::size_t>(found - requests_.begin()), tag);
    }
    return true;
  }
  const Purpose purpose = found->purpose;
  const int retries = found->retries + 1;
  requests_.erase(found);

  const std::optional<ErrorCode> error = response.Get<ErrorCode>();
  const int code = error.has_value() ? error->code : 0;
  const bool is_wanted = purpose.kind != Kind::kAllocate || state_ == State::kAllocating;
  if (response.HasUnknownRequired(kTurnAttributes)) {
    OnFailure(now, purpose, Reason::kBadResponse, code, tag);
  } else if (next == LongTermClient::Next::kRetry && retries <= kChallengesMax && is_wanted) {
    StartRequest(now, purpose, retries, tag);
  } else if (next == LongTermClient::Next::kProceed && response.message_class() == MessageClass::kSuccess) {
    OnSuccess(now, purpose, response, tag);
  } else {
    OnFailure(now, purpose, error.has_value() ? Reason::kRefused : Reason::kBadResponse, code, tag);
  }
  return true;
}

void TurnClient::EndFailedRequest(net::Instant now, std::size_t index, net::PacketTag tag) {
  const Purpose purpose = requests_[index].purpose;
  const Reason reason = ToReason(requests_[index].transaction.failure_reason());
  requests_.erase(requests_.begin() + static_cast<std::ptrdiff_t>(index));
  OnFailure(now, purpose, reason, 0, tag);
}

void TurnClient::OnSuccess(net::Instant now, const Purpose& purpose, const MessageView& response, net::PacketTag tag) {
  switch (purpose.kind) {
    case Kind::kAllocate:
      return OnAllocateSuccess(now, response, tag);
    case Kind::kRefresh:
      return SetLifetime(now, response);
    case Kind::kRelease:
      outputs_.Push(Released{});
      return Close();
    case Kind::kPermission:
      return InstallPermission(now, purpose.peer.address());
    case Kind::kConnect: {
      const std::optional<ConnectionId> id = response.Get<ConnectionId>();
      if (!id.has_value()) return OnConnectFailure(now, purpose.peer, Reason::kBadResponse, 0);
      return outputs_.Push(PeerConnected{purpose.peer, PeerConnectionId{id->value}});
    }
    case Kind::kChannel:
      break;
  }
  if (Channel* channel = FindChannel(purpose.peer)) {
    channel->expiry = now + kChannelLifetime;
    channel->refresh_at = now + kChannelLifetime - kRefreshMargin;
    if (!std::exchange(channel->announced, true)) outputs_.Push(ChannelReady{channel->peer, channel->number});
  }
  InstallPermission(now, purpose.peer.address());
}

void TurnClient::OnAllocateSuccess(net::Instant now, const MessageView& response, net::PacketTag tag) {
  const std::optional<XorRelayedAddress> relayed = response.Get<XorRelayedAddress>();
  const std::optional<XorMappedAddress> mapped = response.Get<XorMappedAddress>();
  const net::Family family = options_.family.value_or(net::Family::kIpv4);
  const bool usable = relayed.has_value() && mapped.has_value() && relayed->address.family() == family;
  if (!usable || state_ == State::kReleasing) {  // The allocation is useless or no longer wanted, so it is
                                                 // released (RFC 8656 §7.3).
    if (state_ == State::kAllocating) outputs_.Push(AllocationFailed{Reason::kBadResponse, 0});
    state_ = State::kReleasing;
    return StartRequest(now, {Kind::kRelease, {}}, 0, tag);
  }
  state_ = State::kAllocated;
  relayed_ = relayed->address;
  mapped_ = mapped->address;
  SetLifetime(now, response);
  outputs_.Push(Allocated{relayed_, mapped_, expiry_ - now});
}

void TurnClient::SetLifetime(net::Instant now, const MessageView& response) {
  const std::optional<Lifetime> granted = response.Get<Lifetime>();
  net::Duration lifetime = kDefaultAllocationLifetime;
  if (granted.has_value()) lifetime = seconds(std::min(granted->value, kLifetimeSecondsMax));
  expiry_ = now + lifetime;
  refresh_at_ = lifetime > 2 * kRefreshMargin ? expiry_ - kRefreshMargin : now + lifetime / 2;
}

void TurnClient::OnFailure(net::Instant now, const Purpose& purpose, Reason reason, int code, net::PacketTag tag) {
  constexpr int kAllocationMismatch = errors::kAllocationMismatch.code;
  const bool is_lost =
      purpose.kind == Kind::kRefresh || (code == kAllocationMismatch && purpose.kind != Kind::kAllocate);
  if (state_ == State::kReleasing) {
    outputs_.Push(Released{});  // The error 437 means that the allocation has already ended (RFC 8656 §8.3).
    Close();
  } else if (purpose.kind == Kind::kAllocate) {
    outputs_.Push(AllocationFailed{reason, code});
    Close();
  } else if (is_lost) {
    outputs_.Push(AllocationLost{reason, code});
    Close();
  } else if (purpose.kind == Kind::kConnect) {
    OnConnectFailure(now, purpose.peer, reason, code);
  } else if (purpose.kind == Kind::kPermission) {
    const net::IpAddress peer = purpose.peer.address();
    std::erase_if(permissions_, [&](const Permission& permission) { return permission.peer == peer; });
    std::erase_if(waiting_, [&](const Waiting& waiting) { return waiting.peer.address() == peer; });
    outputs_.Push(PermissionFailed{peer, reason, code});
  } else {
    if (Channel* channel = FindChannel(purpose.peer)) channel->kept = false;
    outputs_.Push(ChannelFailed{purpose.peer, reason, code});
    // ChannelBind would have installed the permission as well, so the permission is now requested on its own.
    const Permission* permission = FindPermission(purpose.peer.address());
    if (permission != nullptr && !permission->expiry.has_value() && !IsUnderWayFor(permission->peer)) {
      StartRequest(now, {Kind::kPermission, net::SocketAddress(permission->peer, 0)}, 0, tag);
    }
  }
}

void TurnClient::Close() {
  state_ = State::kClosed;
  requests_.clear();
  permissions_.clear();
  channels_.clear();
  waiting_.clear();
  unreached_.clear();
}

void TurnClient::OnHardIcmpError(net::Instant now) {
  outputs_.BeginInput();
  // OnFailure() may start new requests. Only the requests that are open now shall fail.
  std::vector<Purpose> failed;
  for (Request& request : requests_) failed.push_back(request.purpose);
  requests_.clear();
  for (const Purpose& purpose : failed) {
    if (state_ != State::kClosed) OnFailure(now, purpose, Reason::kHardIcmpError, 0, {});
  }
}

void TurnClient::OnConnectionLost() {
  outputs_.BeginInput();
  switch (state_) {
    case State::kIdle:
    case State::kAllocating:
      outputs_.Push(AllocationFailed{Reason::kConnectionLost, 0});
      break;
    case State::kAllocated:
      outputs_.Push(AllocationLost{Reason::kConnectionLost, 0});
      break;
    case State::kReleasing:
      outputs_.Push(Released{});
      break;
    case State::kClosed:
      return;
  }
  Close();
}

void TurnClient::Release(net::Instant now) {
  outputs_.BeginInput();
  if (state_ == State::kReleasing || state_ == State::kClosed) return;
  if (state_ == State::kAllocating) {
    state_ = State::kReleasing;
    for (Request& request : requests_) {
      if (!request.authenticated) request.transaction.StopRetransmitting(now);
    }
    return;
  }
  const bool allocated = state_ == State::kAllocated;
  Close();
  if (!allocated) return outputs_.Push(Released{});
  state_ = State::kReleasing;
  StartRequest(now, {Kind::kRelease, {}}, 0, {});
}

// --- Time

TurnClient::Due TurnClient::EarliestDue() const {
  Due earliest{Due::What::kExpiry, kNever, 0};
  const auto consider = [&](Due::What what, net::Instant at, std::size_t index) {
    if (at < earliest.at) earliest = {what, at, index};
  };
  for (std::size_t i = 0; i < requests_.size(); ++i) {
    consider(Due::What::kRequest, requests_[i].transaction.NextTimer(), i);
  }
  if (state_ != State::kAllocated) return earliest;
  consider(Due::What::kExpiry, expiry_, 0);
  consider(Due::What::kRefresh, refresh_at_, 0);
  for (std::size_t i = 0; i < permissions_.size(); ++i) {
    const Permission& permission = permissions_[i];
    if (permission.kept && permission.expiry.has_value()) consider(Due::What::kPermission, permission.refresh_at, i);
  }
  for (std::size_t i = 0; i < channels_.size(); ++i) {
    const Channel& channel = channels_[i];
    if (channel.kept && channel.expiry.has_value()) consider(Due::What::kChannel, channel.refresh_at, i);
  }
  return earliest;
}

void TurnClient::OnTimer(net::Instant now) {
  outputs_.BeginInput();
  while (true) {
    const Due due = EarliestDue();
    if (due.at == kNever || now < due.at) return;
    switch (due.what) {
      case Due::What::kRequest: {
        ClientTransaction& transaction = requests_[due.index].transaction;
        transaction.OnTimer(now);
        if (transaction.state() == ClientTransaction::State::kWaiting) {
          PollRequest(due.index, {});
          break;
        }
        EndFailedRequest(now, due.index, {});
        break;
      }
      case Due::What::kExpiry:
        outputs_.Push(AllocationLost{Reason::kExpired, 0});
        Close();
        break;
      case Due::What::kRefresh:
        refresh_at_ = kNever;  // until the response gives the next time
        StartRequest(now, {Kind::kRefresh, {}}, 0, {});
        break;
      case Due::What::kPermission: {
        Permission& permission = permissions_[due.index];
        permission.refresh_at = kNever;
        const net::IpAddress peer = permission.peer;
        if (!IsUnderWayFor(peer)) StartRequest(now, {Kind::kPermission, net::SocketAddress(peer, 0)}, 0, {});
        break;
      }
      case Due::What::kChannel: {
        Channel& channel = channels_[due.index];
        channel.refresh_at = kNever;
        const Purpose purpose = {Kind::kChannel, channel.peer, channel.number};
        if (!IsUnderWay(purpose)) StartRequest(now, purpose, 0, {});
        break;
      }
    }
  }
}

net::Instant TurnClient::NextTimer() const {
  const net::Instant at = EarliestDue().at;
  PINHOLE_INVARIANT((at != kNever) == (state_ != State::kIdle && state_ != State::kClosed));
  return at;
}

std::optional<TurnClient::Output> TurnClient::PollOutput() { return outputs_.Poll(); }

}  // namespace pinhole::stun
