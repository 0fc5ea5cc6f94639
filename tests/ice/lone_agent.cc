#include "tests/ice/lone_agent.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "tests/ice/test_network.h"

namespace pinhole::ice {

LoneAgent::LoneAgent(const AgentOptions& options, std::vector<std::string> addresses)
    : agent_(options, random_, &pacer_) {
  std::vector<LocalAddress> local;
  for (const std::string& address : addresses) local.push_back(Local(address));
  agent_.StartGathering(now_, local);
  Drain();
}

void LoneAgent::Drain() {
  std::vector<OpenSocket> opened;  // and listeners
  while (std::optional<Output> output = agent_.PollOutput()) {
    if (const auto* open = std::get_if<OpenSocket>(&*output)) {
      opened.push_back(*open);
    } else if (const auto* listener = std::get_if<OpenListener>(&*output)) {
      opened.push_back({listener->tag, listener->local});
    } else if (const auto* connect = std::get_if<Connect>(&*output)) {
      opened_.push_back({now_, connect->connection, connect->local, connect->remote});
    } else if (const auto* closing = std::get_if<CloseConnection>(&*output)) {
      closed_connections_.push_back(closing->connection);
    } else if (const auto* stream = std::get_if<SendStream>(&*output)) {
      std::vector<std::uint8_t>& written = written_[stream->connection];
      written.insert(written.end(), stream->bytes.begin(), stream->bytes.end());
      FrameReader& reader = readers_[stream->connection];
      reader.Append(stream->bytes);
      while (const auto frame = reader.Next()) {
        frames_.push_back({now_, stream->connection, stream->packet_class, {frame->begin(), frame->end()}});
      }
    } else if (const auto* close = std::get_if<CloseSocket>(&*output)) {
      closed_.push_back(close->tag);
    } else if (const auto* send = std::get_if<SendDatagram>(&*output)) {
      Sent sent{now_, send->tag, send->to, send->packet_class, {send->bytes.begin(), send->bytes.end()}};
      sent_.push_back(sent);
      all_sent_.push_back(sent);
    } else if (const auto* data = std::get_if<DataReceived>(&*output)) {
      data_.emplace_back(data->bytes.begin(), data->bytes.end());
    } else {
      events_.push_back(*output);
    }
  }
  for (const OpenSocket& open : opened) {
    const auto at = static_cast<std::size_t>(open.tag);
    if (sockets_.size() <= at) sockets_.resize(at + 1);
    sockets_[at] = open.local.WithPort(static_cast<std::uint16_t>(50000 + at));
    agent_.OnSocketOpened(now_, open.tag, sockets_[at]);
    Drain();
  }
}

Candidate LoneAgent::Host(const std::string& address, const std::string& foundation, int component, int stream,
                          std::uint32_t priority) {
  Candidate candidate;
  candidate.stream = stream;
  candidate.component = component;
  candidate.address = Addr(address);
  candidate.base = candidate.address;
  candidate.related = candidate.address;
  candidate.priority = priority != 0 ? priority : 2130706688u - static_cast<std::uint32_t>(component);
  candidate.foundation = Foundation(foundation);
  return candidate;
}

Description LoneAgent::Remote(std::vector<Candidate> candidates) {
  Description remote;
  remote.ufrag = kPeerUfrag;
  remote.password = kPeerPassword;
  remote.candidates = std::move(candidates);
  return remote;
}

void LoneAgent::SetRemote(const Description& remote) {
  agent_.SetRemote(now_, remote);
  Drain();
}

void LoneAgent::RunUntil(net::Instant until) {
  for (int idle = 0; agent_.NextTimer() <= until; ++idle) {
    if (agent_.NextTimer() > now_) idle = 0;
    if (idle > 1000) {
      ADD_FAILURE() << "a deadline in the past loops";
      break;
    }
    now_ = std::max(now_, agent_.NextTimer());
    agent_.OnTimer(now_);
    Drain();
  }
  now_ = until;
}

void LoneAgent::Receive(const net::SocketAddress& from, net::ByteView bytes, SocketTag tag) {
  agent_.OnDatagram(now_, tag, from, bytes, {1});
  Drain();
}

bool LoneAgent::IsClosed(ConnectionTag tag) const {
  return std::find(closed_connections_.begin(), closed_connections_.end(), tag) != closed_connections_.end();
}

void LoneAgent::Connected(ConnectionTag tag, std::optional<net::SocketAddress> local) {
  if (local.has_value()) agent_.OnConnecting(now_, tag, *local);
  agent_.OnConnected(now_, tag);
  Drain();
}

void LoneAgent::Ended(ConnectionTag tag, ConnectionEnd why) {
  agent_.OnConnectionEnded(now_, tag, why);
  Drain();
}

std::optional<ConnectionTag> LoneAgent::Accept(SocketTag listener, const net::SocketAddress& from) {
  const std::optional<ConnectionTag> tag = agent_.OnAccepted(now_, listener, from);
  Drain();
  return tag;
}

void LoneAgent::ReceiveStream(ConnectionTag tag, net::ByteView bytes) {
  agent_.OnStreamBytes(now_, tag, bytes);
  Drain();
}

void LoneAgent::ReceiveFrame(ConnectionTag tag, net::ByteView payload) {
  const auto header = FrameHeader(payload.size());
  std::vector<std::uint8_t> frame(header.begin(), header.end());
  frame.insert(frame.end(), payload.begin(), payload.end());
  ReceiveStream(tag, frame);
}

stun::TransactionId LoneAgent::ReceiveCheckOver(ConnectionTag tag, const PeerCheck& check) {
  const stun::TransactionId id = check.id.has_value() ? *check.id : stun::TransactionId::Random(peer_random_);
  ReceiveFrame(tag, BuildCheck(check, id));
  return id;
}

void LoneAgent::AnswerOver(const SentFrame& request, const net::SocketAddress& mapped, const std::string& password) {
  std::array<std::uint8_t, stun::kMessageBytesMax> buffer;
  stun::MessageBuilder message(buffer, stun::MessageClass::kSuccess, stun::Method::kBinding,
                               request.message().transaction_id());
  message.Add(stun::XorMappedAddress{mapped});
  message.AddIntegrity(stun::HmacSha1Key(absl::string_view(password))).AddFingerprint();
  ReceiveFrame(request.connection, message.Finish().value());
}

std::vector<SentFrame> LoneAgent::TakeFrames() { return std::exchange(frames_, {}); }

stun::TransactionId LoneAgent::ReceiveCheck(const net::SocketAddress& from, const PeerCheck& check, SocketTag tag) {
  const stun::TransactionId id = check.id.has_value() ? *check.id : stun::TransactionId::Random(peer_random_);
  Receive(from, BuildCheck(check, id), tag);
  return id;
}

std::vector<std::uint8_t> LoneAgent::BuildCheck(const PeerCheck& check, const stun::TransactionId& id) const {
  const Description local = agent_.LocalDescription();
  const std::string username = check.username.empty() ? local.ufrag + ":" + kPeerUfrag : check.username;
  const std::string password = check.password.empty() ? local.password : check.password;
  std::array<std::uint8_t, stun::kMessageBytesMax> buffer;
  stun::MessageBuilder message(buffer, stun::MessageClass::kRequest, stun::Method::kBinding, id);
  if (check.with_username) message.Add(stun::Username{username});
  if (check.with_priority) message.Add(stun::Priority{check.priority});
  if (check.role == Role::kControlling) message.Add(stun::IceControlling{check.tie_breaker});
  if (check.role == Role::kControlled) message.Add(stun::IceControlled{check.tie_breaker});
  if (check.use_candidate) message.Add(stun::UseCandidate{});
  if (check.unknown_attribute != 0) {
    message.AppendBytes(static_cast<stun::AttributeType>(check.unknown_attribute), {});
  }
  if (check.with_integrity) message.AddIntegrity(stun::HmacSha1Key(absl::string_view(password)));
  if (check.with_fingerprint) message.AddFingerprint();
  const net::ByteView bytes = message.Finish().value();
  return {bytes.begin(), bytes.end()};
}

void LoneAgent::AnswerSuccess(const Sent& request, std::optional<net::SocketAddress> mapped,
                              std::optional<net::SocketAddress> from, const std::string& password) {
  std::array<std::uint8_t, stun::kMessageBytesMax> buffer;
  stun::MessageBuilder message(buffer, stun::MessageClass::kSuccess, stun::Method::kBinding,
                               request.message().transaction_id());
  message.Add(stun::XorMappedAddress{mapped.value_or(address(request.tag))});
  message.AddIntegrity(stun::HmacSha1Key(absl::string_view(password))).AddFingerprint();
  Receive(from.value_or(request.to), message.Finish().value(), request.tag);
}

void LoneAgent::AnswerError(const Sent& request, int code, const std::string& password) {
  std::array<std::uint8_t, stun::kMessageBytesMax> buffer;
  stun::MessageBuilder message(buffer, stun::MessageClass::kError, stun::Method::kBinding,
                               request.message().transaction_id());
  message.Add(stun::ErrorCode{code, "because"});
  message.AddIntegrity(stun::HmacSha1Key(absl::string_view(password))).AddFingerprint();
  Receive(request.to, message.Finish().value(), request.tag);
}

std::vector<Sent> LoneAgent::TakeSent() { return std::exchange(sent_, {}); }

std::vector<Sent> LoneAgent::TakeSent(net::PacketClass packet_class) {
  std::vector<Sent> taken;
  for (Sent& sent : TakeSent()) {
    if (sent.packet_class == packet_class) taken.push_back(std::move(sent));
  }
  return taken;
}

Sent LoneAgent::NextCheck() {
  const net::Instant limit = now_ + std::chrono::seconds(60);
  for (;;) {
    for (std::size_t i = 0; i < sent_.size(); ++i) {
      if (sent_[i].packet_class != net::PacketClass::kCheck) continue;
      Sent found = sent_[i];
      sent_.erase(sent_.begin(), sent_.begin() + static_cast<std::ptrdiff_t>(i) + 1);
      return found;
    }
    const net::Instant next = agent_.NextTimer();
    if (next > limit) {
      ADD_FAILURE() << "no check within 60 s";
      return {};
    }
    RunUntil(next);
  }
}

PairView LoneAgent::PairTo(const net::SocketAddress& remote) const {
  for (const PairView& pair : agent_.CheckListSnapshot()) {
    if (pair.remote.address == remote) return pair;
  }
  ADD_FAILURE() << "no pair to " << remote.ToString();
  return {};
}

}  // namespace pinhole::ice
