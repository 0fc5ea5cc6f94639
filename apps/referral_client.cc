#include "apps/referral_client.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace pinhole::apps {

ReferralClient::ReferralClient(net::Host& host, Options options) : host_(host), options_(std::move(options)) {}

absl::Status ReferralClient::Open() {
  if (options_.session.size() > kReferralNameBytesMax || options_.side.size() > kReferralNameBytesMax) {
    status_ = absl::InvalidArgumentError("referral: session or side name is too long");
    return status_;
  }
  const auto server = std::find_if(options_.servers.begin(), options_.servers.end(), [this](const auto& address) {
    return host_.SourceFor(address.address()).has_value();
  });
  if (server == options_.servers.end()) {
    status_ = absl::NotFoundError("referral: no route to the server");
    return status_;
  }
  server_ = *server;
  const absl::StatusOr<net::SocketId> socket =
      host_.OpenUdp(net::SocketAddress(net::IpAddress::Unspecified(server_.family()), 0));
  if (!socket.ok()) {
    status_ = absl::Status(socket.status().code(), absl::StrCat("referral: ", socket.status().message()));
    return status_;
  }
  socket_ = *socket;
  return absl::OkStatus();
}

bool ReferralClient::OnDatagram(const net::Datagram& datagram) {
  if (!socket_ || datagram.socket != *socket_) return false;
  if (datagram.from != server_) return true;
  const std::optional<ReferralMessage> message = ReferralMessage::Parse(datagram.payload);
  if (!message || message->session != options_.session || message->side != options_.side) return true;
  if (message->kind == ReferralKind::kPublished) {
    outgoing_.OnAcknowledged(message->number, message->index);
    if (outgoing_.done() && !incoming_.complete() && !alive_at_) alive_at_ = host_.Now() + kReferralAliveInterval;
  } else if (message->kind == ReferralKind::kDeliver) {
    if (incoming_.Add(*message)) {
      peer_description_.emplace(incoming_.bytes().begin(), incoming_.bytes().end());
      alive_at_.reset();
    }
    ReferralMessage answer = *message;
    answer.kind = ReferralKind::kDelivered;
    answer.payload = {};
    Send(answer, datagram.tag);
  }
  return true;
}

bool ReferralClient::OnIcmpError(const net::IcmpError& error) {
  // A server that is not up yet may be up at the next sending.
  return socket_ && error.socket == *socket_;
}

void ReferralClient::OnTimer() {
  const net::Instant now = host_.Now();
  SendWaiting({});
  if (outgoing_.given_up() && status_.ok()) {
    status_ = absl::DeadlineExceededError(absl::StrCat("referral: no answer from server ", server_.ToString()));
  }
  if (alive_at_ && now >= *alive_at_) {
    alive_at_ = now + kReferralAliveInterval;
    Send({.kind = ReferralKind::kAlive, .session = options_.session, .side = options_.side, .payload = {}}, {});
  }
}

std::optional<net::Instant> ReferralClient::NextTimer() const {
  const std::optional<net::Instant> resend = outgoing_.NextTimer();
  if (!resend) return alive_at_;
  if (!alive_at_) return resend;
  return std::min(*resend, *alive_at_);
}

void ReferralClient::Publish(net::ByteView description) {
  if (description.size() > kReferralDescriptionBytesMax) {
    status_ = absl::InvalidArgumentError("referral: the description is too long");
    return;
  }
  outgoing_ = ReferralTransfer(host_.Now(), next_number_++, description);
  SendWaiting({});
}

std::optional<std::vector<std::uint8_t>> ReferralClient::TakePeerDescription() {
  return std::exchange(peer_description_, std::nullopt);
}

void ReferralClient::SendWaiting(net::PacketTag cause) {
  if (!outgoing_.Due(host_.Now())) return;
  for (std::uint8_t index = 0; index < outgoing_.count(); ++index) {
    if (!outgoing_.Waits(index)) continue;
    Send({.kind = ReferralKind::kPublish,
          .number = outgoing_.number(),
          .index = index,
          .count = outgoing_.count(),
          .session = options_.session,
          .side = options_.side,
          .payload = outgoing_.Fragment(index)},
         cause);
  }
}

void ReferralClient::Send(const ReferralMessage& message, net::PacketTag cause) {
  if (!socket_) return;
  std::array<std::uint8_t, kReferralDatagramBytesMax> buffer;
  net::SendOptions options;
  options.packet_class = net::PacketClass::kSignalling;
  options.cause = cause;
  host_.SendTo(*socket_, server_, message.Write(buffer), options);
}

}  // namespace pinhole::apps
