#include "apps/referral_server.h"

#include <algorithm>
#include <utility>

#include "ice/description.h"

namespace pinhole::apps {
namespace {

// Every transport address that `text` names, each once: what anybody who relays a description can read.
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
  const absl::StatusOr<net::SocketId> socket = host_.OpenUdp(options_.listen);
  if (socket.ok()) {
    socket_ = *socket;
  } else {
    status_ = socket.status();
  }
}

std::optional<net::SocketAddress> ReferralServer::address() const {
  if (!socket_) return std::nullopt;
  return host_.LocalAddress(*socket_);
}

void ReferralServer::OnDatagram(const net::Datagram& datagram) {
  const std::optional<ReferralMessage> message = ReferralMessage::Parse(datagram.payload);
  if (!message) return;
  if (message->kind == ReferralKind::kPublished || message->kind == ReferralKind::kDeliver) return;
  Session* session = nullptr;
  Side* side = FindOrAddSide(*message, &session);
  if (side == nullptr) return;
  side->seen_at = datagram.from;
  const std::size_t index = static_cast<std::size_t>(side - session->sides.data());
  if (message->kind == ReferralKind::kPublish) {
    const bool completed = side->description.Add(*message);
    ReferralMessage answer = *message;
    answer.kind = ReferralKind::kPublished;
    answer.payload = {};
    Send(datagram.from, answer, datagram.tag);
    if (completed) {
      side->published = host_.Now();
      if (session->sides.size() == 2) {
        StartDelivery(*session, 1 - index, datagram.tag);
        // The one who came second gets what was waiting, once.
        if (!side->delivering) StartDelivery(*session, index, datagram.tag);
      }
    }
  } else if (message->kind == ReferralKind::kDelivered) {
    side->delivery.OnAcknowledged(message->number, message->index);
    if (side->delivering && side->delivery.done() && !side->delivered) side->delivered = host_.Now();
  } else if (side->delivering && side->delivery.given_up()) {
    // It was gone for long and is back.
    side->delivering = false;
    StartDelivery(*session, index, datagram.tag);
  }
  SetAlarm();
}

void ReferralServer::OnTimer() {
  const net::Instant now = host_.Now();
  while (!alarms_.empty() && alarms_.top().when <= now) {
    const Alarm alarm = alarms_.top();
    alarms_.pop();
    SendWaiting(by_serial_[alarm.session]->second, alarm.side, {});
  }
  SetAlarm();
}

ReferralServer::Side* ReferralServer::FindOrAddSide(const ReferralMessage& message, Session** session) {
  auto it = sessions_.find(message.session);
  if (it == sessions_.end()) {
    if (message.kind != ReferralKind::kPublish || sessions_.size() >= options_.sessions_max) return nullptr;
    it = sessions_.emplace(std::string(message.session), Session()).first;
    it->second.serial = static_cast<std::uint32_t>(by_serial_.size());
    by_serial_.push_back(it);
  }
  *session = &it->second;
  std::vector<Side>& sides = it->second.sides;
  for (Side& side : sides) {
    if (side.name == message.side) return &side;
  }
  if (message.kind != ReferralKind::kPublish || sides.size() == 2) return nullptr;
  sides.reserve(2);
  sides.emplace_back().name = std::string(message.side);
  return &sides.back();
}

void ReferralServer::StartDelivery(Session& session, std::size_t to, net::PacketTag cause) {
  Side& receiver = session.sides[to];
  const Side& sender = session.sides[1 - to];
  if (!sender.description.complete() || !receiver.published) return;
  receiver.delivery = ReferralTransfer(host_.Now(), receiver.next_number++, sender.description.bytes());
  receiver.delivering = true;
  SendWaiting(session, to, cause);
}

void ReferralServer::SendWaiting(Session& session, std::size_t to, net::PacketTag cause) {
  Side& receiver = session.sides[to];
  if (!receiver.delivering || !receiver.delivery.Due(host_.Now())) return;
  for (std::uint8_t index = 0; index < receiver.delivery.count(); ++index) {
    if (!receiver.delivery.Waits(index)) continue;
    Send(receiver.seen_at,
         {.kind = ReferralKind::kDeliver,
          .number = receiver.delivery.number(),
          .index = index,
          .count = receiver.delivery.count(),
          .session = by_serial_[session.serial]->first,
          .side = receiver.name,
          .payload = receiver.delivery.Fragment(index)},
         cause);
  }
  if (const std::optional<net::Instant> next = receiver.delivery.NextTimer()) {
    alarms_.push({*next, session.serial, static_cast<std::uint8_t>(to)});
  }
}

void ReferralServer::Send(const net::SocketAddress& to, const ReferralMessage& message, net::PacketTag cause) {
  if (!socket_) return;
  std::array<std::uint8_t, kReferralDatagramBytesMax> buffer;
  net::SendOptions options;
  options.packet_class = net::PacketClass::kSignalling;
  options.cause = cause;
  host_.SendTo(*socket_, to, message.Write(buffer), options);
}

void ReferralServer::SetAlarm() {
  // Alarms of deliveries that have been acknowledged are thrown away here rather than waking the machine.
  while (!alarms_.empty()) {
    const Alarm& alarm = alarms_.top();
    const Side& side = by_serial_[alarm.session]->second.sides[alarm.side];
    const std::optional<net::Instant> next = side.delivery.NextTimer();
    if (next && *next == alarm.when) break;
    alarms_.pop();
  }
  host_.WakeAt(alarms_.empty() ? std::nullopt : std::optional<net::Instant>(alarms_.top().when));
}

std::vector<ReferralServer::Introduction> ReferralServer::Learned() const {
  std::vector<Introduction> learned;
  for (const auto& [name, session] : sessions_) {
    Introduction introduction;
    introduction.session = name;
    for (const Side& side : session.sides) {
      Party party;
      party.side = side.name;
      party.seen_at = side.seen_at;
      party.published = side.published;
      party.delivered = side.delivered;
      if (side.description.complete()) party.addresses = AddressesIn(side.description.bytes());
      introduction.parties.push_back(std::move(party));
    }
    learned.push_back(std::move(introduction));
  }
  return learned;
}

}  // namespace pinhole::apps
