#include "apps/referral/referral_client.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace pinhole::apps {
namespace {

net::SendOptions Signalling() {
  net::SendOptions options;
  options.packet_class = net::PacketClass::kSignalling;
  return options;
}

}  // namespace

ReferralClient::ReferralClient(net::Host& host, Options options) : host_(host), options_(std::move(options)) {}

absl::Status ReferralClient::Open() {
  const auto is_name = [](const std::string& name) { return !name.empty() && name.size() <= kReferralNameBytesMax; };
  if (!is_name(options_.session) || !is_name(options_.side)) {
    status_ = absl::InvalidArgumentError(
        absl::StrCat("referral: names of a session and a side have 1 to ", kReferralNameBytesMax, " bytes"));
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
  without_since_ = host_.Now();
  Connect();
  return absl::OkStatus();
}

void ReferralClient::Connect() {
  retry_at_ = net::kNever;
  net::TcpOptions options;
  options.keepalive = kReferralKeepalive;
  options.packet_class = net::PacketClass::kSignalling;
  const absl::StatusOr<net::SocketId> connection =
      host_.Connect(net::SocketAddress(net::IpAddress::Unspecified(server_.family()), 0), server_, options);
  if (!connection.ok()) {
    Retry(connection.status());
    return;
  }
  connection_ = *connection;
  connected_ = false;
  try_ends_ = host_.Now() + kReferralConnectPatience;
  flush_at_ = net::kNever;
  in_ = {};
  out_.Clear();
}

void ReferralClient::Retry(const absl::Status& why) {
  connection_.reset();
  connected_ = false;
  last_failure_ = std::string(why.message());
  const net::Instant now = host_.Now();
  if (!without_since_) without_since_ = now;
  if (GiveUpIfLongWithout()) return;
  retry_at_ = now + retry_wait_;
  retry_wait_ = std::min(2 * retry_wait_, kReferralRetryMax);
}

bool ReferralClient::GiveUpIfLongWithout() {
  if (!without_since_ || host_.Now() - *without_since_ < kReferralPatience) return false;
  if (connection_) (void)host_.Abort(*connection_);
  connection_.reset();
  GiveUp(absl::DeadlineExceededError(
      absl::StrCat("referral: no connection with the server ", server_.ToString(), ": ", last_failure_)));
  return true;
}

void ReferralClient::GiveUp(absl::Status why) {
  status_ = std::move(why);
  without_since_.reset();
  retry_at_ = net::kNever;
}

bool ReferralClient::OnTcpConnected(net::SocketId connection) {
  if (!IsOwn(connection)) return false;
  connected_ = true;
  without_since_.reset();
  ReferralFrame{.kind = ReferralKind::kRegister, .session = options_.session, .side = options_.side, .description = {}}
      .AppendTo(out_.bytes());
  if (published_) ReferralFrame{.kind = ReferralKind::kPublish, .description = *published_}.AppendTo(out_.bytes());
  flush_at_ = host_.Now();
  return true;
}

bool ReferralClient::OnTcpReadable(net::SocketId connection) {
  if (!IsOwn(connection)) return false;
  while (connection_) {
    const std::span<std::uint8_t> space = in_.Space();
    const std::size_t count = space.empty() ? 0 : host_.Read(connection, space).value_or(0);
    in_.Filled(count);
    while (const std::optional<net::ByteView> bytes = in_.Next()) {
      const std::optional<ReferralFrame> frame = ReferralFrame::Parse(*bytes);
      if (frame) OnFrame(*frame);
      if (!connection_) return true;
    }
    if (in_.broken()) {
      // The server does not speak the referral protocol. Another try may reach a server that does.
      (void)host_.Abort(connection);
      Retry(absl::DataLossError("it does not speak the referral protocol"));
      return true;
    }
    if (count < space.size()) break;
  }
  return true;
}

void ReferralClient::OnFrame(const ReferralFrame& frame) {
  switch (frame.kind) {
    case ReferralKind::kDeliver: {
      // The connection works, so the next failure begins again with the shortest wait.
      retry_wait_ = kReferralRetryFirst;
      const auto same =
          std::equal(frame.description.begin(), frame.description.end(), delivered_.begin(), delivered_.end());
      if (same && !delivered_.empty()) return;  // a restarted server has delivered the same description again
      delivered_.assign(frame.description.begin(), frame.description.end());
      peer_description_ = delivered_;
      return;
    }
    case ReferralKind::kRefuse:
      host_.Close(*connection_);
      connection_.reset();
      connected_ = false;
      flush_at_ = net::kNever;
      GiveUp(absl::PermissionDeniedError(
          absl::StrCat("referral: the server ", server_.ToString(), " refuses: ", ToString(frame.refusal))));
      return;
    case ReferralKind::kRegister:
    case ReferralKind::kPublish:
      return;
  }
}

bool ReferralClient::OnTcpWritable(net::SocketId connection) {
  if (!IsOwn(connection)) return false;
  Flush();
  return true;
}

bool ReferralClient::OnTcpClosed(net::SocketId connection) {
  if (!IsOwn(connection)) return false;
  host_.Close(connection);
  Retry(absl::UnavailableError("the server closed the connection"));
  return true;
}

bool ReferralClient::OnTcpReset(net::SocketId connection, const absl::Status& why) {
  if (!IsOwn(connection)) return false;
  Retry(why);
  return true;
}

bool ReferralClient::OnIcmpError(const net::IcmpError& error) { return IsOwn(error.socket); }

void ReferralClient::OnTimer() {
  const net::Instant now = host_.Now();
  if (connection_ && !connected_ && now >= try_ends_) {
    (void)host_.Abort(*connection_);
    Retry(absl::DeadlineExceededError("no answer"));
  }
  if (now >= retry_at_) Connect();
  if (now >= flush_at_) Flush();
  GiveUpIfLongWithout();
}

net::Instant ReferralClient::NextTimer() const {
  if (flush_at_ != net::kNever) return flush_at_;
  const net::Instant next = connection_ && !connected_ ? try_ends_ : retry_at_;
  if (next == net::kNever || !without_since_) return next;
  return std::min(next, *without_since_ + kReferralPatience);
}

void ReferralClient::Publish(net::ByteView description) {
  if (description.size() > kReferralDescriptionBytesMax) {
    GiveUp(absl::InvalidArgumentError(
        absl::StrCat("referral: a description has at most ", kReferralDescriptionBytesMax, " bytes")));
    return;
  }
  published_.emplace(description.begin(), description.end());
  if (!connected_) return;  // it is sent with the registration
  ReferralFrame{.kind = ReferralKind::kPublish, .description = *published_}.AppendTo(out_.bytes());
  flush_at_ = host_.Now();
}

std::optional<std::vector<std::uint8_t>> ReferralClient::TakePeerDescription() {
  return std::exchange(peer_description_, std::nullopt);
}

void ReferralClient::Flush() {
  flush_at_ = net::kNever;
  if (!connected_ || out_.empty()) return;
  // If the write fails, OnTcpReset() follows.
  out_.Taken(host_.Write(*connection_, out_.rest(), Signalling()).value_or(0));
}

}  // namespace pinhole::apps
