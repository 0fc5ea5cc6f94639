#include "tests/ice/test_network.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace pinhole::ice {

SocketAddress Addr(absl::string_view text) { return SocketAddress::Parse(text).value(); }

LocalAddress Local(absl::string_view address, net::InterfaceKind kind) {
  LocalAddress local;
  local.address = net::IpAddress::Parse(address).value();
  local.kind = kind;
  return local;
}

SocketAddress TestNat::Outwards(const SocketAddress& from, const SocketAddress& to) {
  for (Mapping& mapping : mappings_) {
    if (mapping.inside != from || (mapping.only_to.has_value() && *mapping.only_to != to)) continue;
    mapping.sent_to.push_back(to);
    return mapping.outside;
  }
  Mapping mapping;
  mapping.inside = from;
  if (this->mapping == Dependence::kAddressAndPortDependent) mapping.only_to = to;
  mapping.outside = outside.WithPort(static_cast<std::uint16_t>(outside.port() + mappings_.size()));
  mapping.sent_to.push_back(to);
  mappings_.push_back(mapping);
  return mapping.outside;
}

std::optional<SocketAddress> TestNat::Inwards(const SocketAddress& from, const SocketAddress& to) const {
  for (const Mapping& mapping : mappings_) {
    if (mapping.outside != to) continue;
    const bool known = std::find(mapping.sent_to.begin(), mapping.sent_to.end(), from) != mapping.sent_to.end();
    if (filtering == Dependence::kAddressAndPortDependent && !known) return std::nullopt;
    return mapping.inside;
  }
  return std::nullopt;
}

int TestNetwork::Add(const std::string& name, const AgentOptions& options, std::vector<LocalAddress> addresses) {
  Endpoint& endpoint = endpoints_.emplace_back();
  endpoint.name = name;
  endpoint.random = std::make_unique<net::SeededRandom>(seed_, name);
  endpoint.agent = std::make_unique<Agent>(options, *endpoint.random, &endpoint.pacer);
  endpoint.addresses = std::move(addresses);
  return static_cast<int>(endpoints_.size()) - 1;
}

void TestNetwork::AddServer(const SocketAddress& address) {
  stun::TurnServer::Options options;
  options.relay_ipv6 = true;
  server_ = std::make_unique<stun::TurnServer>(options, server_random_);
  server_->AddUser("user", "secret");
  server_address_ = address;
}

void TestNetwork::AddSymmetricNat(int endpoint, const SocketAddress& outside) {
  TestNat& nat = (*this)[endpoint].nat.emplace(outside);
  nat.mapping = TestNat::Dependence::kAddressAndPortDependent;
  nat.filtering = TestNat::Dependence::kAddressAndPortDependent;
}

void TestNetwork::Introduce(int a, int b, Duration signalling) {
  (*this)[a].peer = b;
  (*this)[b].peer = a;
  signalling_ = signalling;
}

void TestNetwork::set_hairpin(const SocketAddress& outside, std::vector<int> inside, const SocketAddress& server) {
  hairpin_ = outside;
  hairpin_inside_ = std::move(inside);
  server_address_ = server;
}

void TestNetwork::Start(int index, Instant at) {
  At(at, [this, index] {
    agent(index).StartGathering(now_, (*this)[index].addresses);
    Drain(index);
  });
}

void TestNetwork::At(Instant at, std::function<void()> action) {
  events_.emplace(std::max(at, now_), std::move(action));
}

std::vector<WirePacket> TestNetwork::Sent(int sender, net::PacketClass packet_class) const {
  std::vector<WirePacket> found;
  for (const WirePacket& packet : packets_) {
    if (packet.sender == sender && packet.packet_class == packet_class) found.push_back(packet);
  }
  return found;
}

void TestNetwork::Drain(int index) {
  Endpoint& endpoint = (*this)[index];
  std::vector<OpenSocket> opened;
  while (std::optional<Output> output = endpoint.agent->PollOutput()) {
    if (const auto* open = std::get_if<OpenSocket>(&*output)) {
      opened.push_back(*open);
    } else if (const auto* close = std::get_if<CloseSocket>(&*output)) {
      endpoint.sockets.erase(close->tag);
      endpoint.closed.push_back(close->tag);
    } else if (const auto* send = std::get_if<SendDatagram>(&*output)) {
      const auto socket = endpoint.sockets.find(send->tag);
      if (socket != endpoint.sockets.end()) {
        Send(index, socket->second, send->to, send->bytes, send->packet_class, send->cause);
      }
    } else if (const auto* data = std::get_if<DataReceived>(&*output)) {
      endpoint.data.emplace_back(data->bytes.begin(), data->bytes.end());
    } else {
      endpoint.events.push_back(*output);
      if (std::holds_alternative<GatheringDone>(*output) && endpoint.peer >= 0 && !endpoint.reported) {
        endpoint.reported = true;
        Description description = endpoint.agent->LocalDescription();
        rewrite_(index, description);
        const std::string text = Serialize(description);
        At(now_ + signalling_, [this, text, peer = endpoint.peer] {
          const net::ByteView bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
          agent(peer).SetRemote(now_, ParseDescription(bytes).value());
          Drain(peer);
        });
      }
    }
  }
  for (const OpenSocket& open : opened) {
    const SocketAddress bound = open.local.WithPort(endpoint.next_port++);
    endpoint.sockets[open.tag] = bound;
    endpoint.agent->OnSocketOpened(now_, open.tag, bound);
    Drain(index);
  }
}

void TestNetwork::Send(int sender, const SocketAddress& from, const SocketAddress& to, net::ByteView bytes,
                       net::PacketClass packet_class, net::PacketTag cause) {
  WirePacket packet{now_, sender, from, to, packet_class, cause, {bytes.begin(), bytes.end()}};
  packets_.push_back(packet);
  SocketAddress source = from;
  if (sender >= 0 && (*this)[sender].nat.has_value()) source = (*this)[sender].nat->Outwards(from, to);
  SocketAddress target = to;
  if (hairpin_.has_value() &&
      std::find(hairpin_inside_.begin(), hairpin_inside_.end(), sender) != hairpin_inside_.end()) {
    if (to == server_address_) {
      auto known = std::find(hairpin_sockets_.begin(), hairpin_sockets_.end(), from);
      if (known == hairpin_sockets_.end()) known = hairpin_sockets_.insert(known, from);
      source = hairpin_->WithPort(static_cast<std::uint16_t>(hairpin_->port() + (known - hairpin_sockets_.begin())));
    }
  }
  if (hairpin_.has_value() && to.address() == hairpin_->address()) {
    const std::size_t index = static_cast<std::size_t>(to.port() - hairpin_->port());
    if (index >= hairpin_sockets_.size()) return;
    target = hairpin_sockets_[index];
  }
  const std::optional<Duration> delay = link_(packet);
  if (!delay.has_value()) return;
  At(now_ + *delay, [this, source, target, bytes = std::move(packet.bytes)] { Deliver(source, target, bytes); });
}

void TestNetwork::Deliver(const SocketAddress& from, const SocketAddress& to, const std::vector<std::uint8_t>& bytes) {
  if (server_ != nullptr) {
    if (to == server_address_) {
      server_->OnClientDatagram(now_, {from, to}, bytes, {next_tag_++});
      return DrainServer();
    }
    for (const auto& [relay, address] : relays_) {
      if (address != to) continue;
      server_->OnRelayedDatagram(now_, relay, from, bytes, {next_tag_++});
      return DrainServer();
    }
  }
  for (std::size_t i = 0; i < endpoints_.size(); ++i) {
    Endpoint& endpoint = endpoints_[i];
    SocketAddress inside = to;
    if (endpoint.nat.has_value()) {
      const std::optional<SocketAddress> through = endpoint.nat->Inwards(from, to);
      if (!through.has_value()) continue;
      inside = *through;
    }
    for (const auto& [tag, address] : endpoint.sockets) {
      if (address != inside) continue;
      endpoint.agent->OnDatagram(now_, tag, from, bytes, {next_tag_++});
      return Drain(static_cast<int>(i));
    }
  }
}

void TestNetwork::Inject(int index, const SocketAddress& from, net::ByteView bytes) {
  Endpoint& endpoint = (*this)[index];
  endpoint.agent->OnDatagram(now_, endpoint.sockets.begin()->first, from, bytes, {next_tag_++});
  Drain(index);
}

void TestNetwork::DrainServer() {
  while (std::optional<stun::TurnServer::Output> output = server_->PollOutput()) {
    if (const auto* send = std::get_if<stun::TurnServer::SendToClient>(&*output)) {
      Send(-1, send->five_tuple.server, send->five_tuple.client, send->bytes, send->packet_class, send->cause);
    } else if (const auto* open = std::get_if<stun::TurnServer::OpenRelay>(&*output)) {
      const SocketAddress address = server_address_.WithPort(next_relay_port_++);
      relays_[open->relay] = address;
      server_->OnRelayOpened(now_, open->relay, address);
    } else if (const auto* relayed = std::get_if<stun::TurnServer::SendFromRelay>(&*output)) {
      Send(-1, relays_.at(relayed->relay), relayed->peer, relayed->bytes, net::PacketClass::kOther, relayed->cause);
    } else if (const auto* close = std::get_if<stun::TurnServer::CloseRelay>(&*output)) {
      relays_.erase(close->relay);
    }
  }
}

bool TestNetwork::Step(Instant until) {
  Instant next = events_.empty() ? net::kNever : events_.begin()->first;
  int who = -1;
  for (std::size_t i = 0; i < endpoints_.size(); ++i) {
    const Instant timer = endpoints_[i].agent->NextTimer();
    if (timer < next) {
      next = timer;
      who = static_cast<int>(i);
    }
  }
  if (next > until) {
    now_ = std::max(now_, until);
    return false;
  }
  idle_steps_ = next > now_ ? 0 : idle_steps_ + 1;
  if (idle_steps_ > 100'000) {
    ADD_FAILURE() << "time does not move: a deadline in the past loops";
    return false;
  }
  now_ = std::max(now_, next);
  if (who >= 0) {
    agent(who).OnTimer(now_);
    Drain(who);
  } else {
    const std::function<void()> action = std::move(events_.begin()->second);
    events_.erase(events_.begin());
    action();
  }
  return true;
}

void TestNetwork::RunUntil(Instant until) {
  while (Step(until)) {
  }
  for (const Endpoint& endpoint : endpoints_) EXPECT_STREQ(endpoint.agent->BrokenInvariant(), nullptr);
}

void TestNetwork::RunUntilConcluded(int a, int b, Instant until) {
  const auto concluded = [this](int index) {
    return agent(index).times().connected.has_value() || agent(index).failure().has_value();
  };
  while (!(concluded(a) && concluded(b)) && Step(until)) {
  }
}

}  // namespace pinhole::ice
