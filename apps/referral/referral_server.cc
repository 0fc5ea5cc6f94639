#include "apps/referral/referral_server.h"

#include <algorithm>
#include <utility>

#include "ice/description.h"

namespace pinhole::apps {
namespace {

// Keepalives detect a client that has vanished, so that its connection is not kept forever.
constexpr net::Duration kKeepalive = std::chrono::minutes(2);

// Every transport address in the description `text`, each once. Whoever relays a description can read them.
std::vector<net::SocketAddress> AddressesIn(net::ByteView text) {
  std::vector<net::SocketAddress> addresses;
  const auto add = [&addresses](const net::SocketAddress& address) {
    if (address == net::SocketAddress()) return;
    if (std::find(addresses.begin(), addresses.end(), address) == addresses.end()) addresses.push_back(address);
  };
  const std::optional<ice::Description> description = ice::ParseDescription(text);
  if (!description) return addresses;
  for (const ice::Candidate& candidate : description->candidates) {
    add(candidate.address);
    add(candidate.related);
  }
  return addresses;
}

}  // namespace

ReferralServer::ReferralServer(net::Host& host, Options options) : host_(host), options_(std::move(options)) {}

void ReferralServer::OnStart() {
  started_ = host_.Now();
  Listen();
  SetAlarm();
}

void ReferralServer::Listen() {
  net::TcpOptions options;
  options.reuse_address = true;  // connections from before a restart may still use the port
  options.keepalive = kKeepalive;
  options.listen_backlog = 1024;
  options.packet_class = net::PacketClass::kSignalling;
  for (const net::SocketAddress& local : options_.listen) {
    const absl::StatusOr<net::SocketId> listener = host_.Listen(local, options);
    if (listener.ok()) {
      listeners_.push_back(*listener);
    } else {
      status_ = listener.status();
    }
  }
}

std::optional<net::SocketAddress> ReferralServer::address() const {
  if (listeners_.empty()) return std::nullopt;
  return host_.LocalAddress(listeners_.front());
}

void ReferralServer::OnTcpAccepted(net::SocketId, net::SocketId connection, const net::SocketAddress& from) {
  if (clients_.size() >= options_.connections_max) {
    (void)host_.Abort(connection);
    return;
  }
  clients_[connection].from = from;
  newcomers_.emplace_back(host_.Now(), connection);
  SetAlarm();
}

void ReferralServer::OnTcpReadable(net::SocketId connection) {
  const auto it = clients_.find(connection);
  if (it == clients_.end()) return;
  Client& client = it->second;
  while (true) {
    const std::span<std::uint8_t> space = client.in.Space();
    const std::size_t count = space.empty() ? 0 : host_.Read(connection, space).value_or(0);
    client.in.Filled(count);
    while (const std::optional<net::ByteView> bytes = client.in.Next()) {
      OnFrame(connection, client, ReferralFrame::Parse(*bytes));
      if (!clients_.contains(connection)) return;
    }
    if (client.in.broken()) {
      Refuse(connection, client, ReferralRefusal::kMalformed);
      return;
    }
    if (count < space.size()) return;
  }
}

void ReferralServer::OnFrame(net::SocketId connection, Client& client, const std::optional<ReferralFrame>& frame) {
  if (frame && frame->kind == ReferralKind::kRegister && client.side == nullptr) {
    if (const std::optional<ReferralRefusal> refusal = Register(connection, client, *frame)) {
      Refuse(connection, client, *refusal);
      return;
    }
    Deliver(*client.session, *client.side);
  } else if (frame && frame->kind == ReferralKind::kPublish && client.side != nullptr) {
    Side& side = *client.side;
    side.description.assign(frame->description.begin(), frame->description.end());
    side.has_description = true;
    side.published = host_.Now();
    side.handed_on.reset();
    for (Side& other : client.session->second) {
      if (&other != &side) Deliver(*client.session, other);
    }
  } else {
    Refuse(connection, client, ReferralRefusal::kMalformed);
  }
}

std::optional<ReferralRefusal> ReferralServer::Register(net::SocketId connection, Client& client,
                                                        const ReferralFrame& frame) {
  auto session = sessions_.find(frame.session);
  if (session == sessions_.end()) {
    if (sessions_.size() >= options_.sessions_max) return ReferralRefusal::kFull;
    session = sessions_.emplace(std::string(frame.session), std::list<Side>()).first;
  }
  std::list<Side>& sides = session->second;
  auto side = std::find_if(sides.begin(), sides.end(), [&](const Side& one) { return one.name == frame.side; });
  if (side == sides.end() || !side->current) {
    const auto current = std::count_if(sides.begin(), sides.end(), [](const Side& one) { return one.current; });
    if (current >= 2) return ReferralRefusal::kOtherSides;
  }
  if (side == sides.end()) {
    side = sides.emplace(sides.end());
    side->name = std::string(frame.side);
    side->registered = host_.Now();
  }
  // Either the client has lost its connection, which the server has not noticed, or a second client registers as the
  // same side. The older connection is refused.
  if (side->connection) Refuse(*side->connection, clients_.at(*side->connection), ReferralRefusal::kReplaced);
  side->current = true;
  side->connection = connection;
  if (std::find(side->seen_at.begin(), side->seen_at.end(), client.from) == side->seen_at.end()) {
    side->seen_at.push_back(client.from);
  }
  client.session = &*session;
  client.side = &*side;
  return std::nullopt;
}

void ReferralServer::Deliver(Sessions::value_type& session, Side& side) {
  if (!side.connection) return;
  const auto other = std::find_if(session.second.begin(), session.second.end(), [&side](const Side& one) {
    return &one != &side && one.current && one.has_description;
  });
  if (other == session.second.end()) return;
  Client& client = clients_.at(*side.connection);
  client.deliver_due = !client.out.empty();  // waiting bytes go first; then the latest description follows
  if (client.deliver_due) return;
  ReferralFrame{.kind = ReferralKind::kDeliver, .description = other->description}.AppendTo(client.out.bytes());
  if (!other->handed_on) other->handed_on = host_.Now();
  Flush(*side.connection, client);
}

void ReferralServer::Flush(net::SocketId connection, Client& client) {
  net::SendOptions options;
  options.packet_class = net::PacketClass::kSignalling;
  // If the write fails, OnTcpReset() follows.
  client.out.Taken(host_.Write(connection, client.out.rest(), options).value_or(0));
}

void ReferralServer::OnTcpWritable(net::SocketId connection) {
  const auto it = clients_.find(connection);
  if (it == clients_.end()) return;
  Client& client = it->second;
  Flush(connection, client);
  if (client.out.empty() && client.deliver_due) Deliver(*client.session, *client.side);
}

void ReferralServer::Refuse(net::SocketId connection, Client& client, ReferralRefusal refusal) {
  ReferralFrame{.kind = ReferralKind::kRefuse, .description = {}, .refusal = refusal}.AppendTo(client.out.bytes());
  Flush(connection, client);
  Forget(connection);
  host_.Close(connection);
}

void ReferralServer::OnTcpClosed(net::SocketId connection) {
  Forget(connection);
  host_.Close(connection);
}

void ReferralServer::OnTcpReset(net::SocketId connection, const absl::Status&) { Forget(connection); }

void ReferralServer::Forget(net::SocketId connection) {
  const auto it = clients_.find(connection);
  if (it == clients_.end()) return;
  if (it->second.side != nullptr) it->second.side->connection.reset();
  clients_.erase(it);
}

void ReferralServer::End() {
  for (const net::SocketId listener : listeners_) host_.Close(listener);
  for (const auto& [connection, client] : clients_) (void)host_.Abort(connection);
  listeners_.clear();
  clients_.clear();
  newcomers_.clear();
  for (auto& [name, sides] : sessions_) {
    for (Side& side : sides) {
      side.connection.reset();
      side.current = side.has_description = false;
    }
  }
}

void ReferralServer::OnTimer() {
  const net::Instant now = host_.Now();
  if (now >= up_again_at_) {
    up_again_at_ = net::kNever;
    Listen();
  }
  if (up_again_at_ == net::kNever && restarts_done_ < options_.restarts.size()) {
    const Restart& restart = options_.restarts[restarts_done_];
    if (now >= started_ + restart.after) {
      ++restarts_done_;
      End();
      up_again_at_ = now + restart.down;
    }
  }
  while (!newcomers_.empty() && now - newcomers_.front().first >= kReferralRegisterPatience) {
    const net::SocketId connection = newcomers_.front().second;
    newcomers_.pop_front();
    const auto it = clients_.find(connection);
    if (it == clients_.end() || it->second.side != nullptr) continue;
    Forget(connection);
    (void)host_.Abort(connection);
  }
  SetAlarm();
}

void ReferralServer::SetAlarm() {
  // Connections that have registered since need no alarm.
  while (!newcomers_.empty()) {
    const auto it = clients_.find(newcomers_.front().second);
    if (it != clients_.end() && it->second.side == nullptr) break;
    newcomers_.pop_front();
  }
  net::Instant next = up_again_at_;
  if (next == net::kNever && restarts_done_ < options_.restarts.size()) {
    next = started_ + options_.restarts[restarts_done_].after;
  }
  if (!newcomers_.empty()) next = std::min(next, newcomers_.front().first + kReferralRegisterPatience);
  host_.WakeAt(next);
}

std::vector<ReferralServer::Introduction> ReferralServer::Learned() const {
  std::vector<Introduction> learned;
  for (const auto& [name, sides] : sessions_) {
    Introduction introduction;
    introduction.session = name;
    for (const Side& side : sides) {
      Party party;
      party.side = side.name;
      party.seen_at = side.seen_at;
      party.registered = side.registered;
      party.published = side.published;
      party.handed_on = side.handed_on;
      party.addresses = AddressesIn(side.description);
      introduction.parties.push_back(std::move(party));
    }
    learned.push_back(std::move(introduction));
  }
  return learned;
}

}  // namespace pinhole::apps
