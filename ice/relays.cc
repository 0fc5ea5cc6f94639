#include "ice/relays.h"

#include <algorithm>
#include <utility>

namespace pinhole::ice {

int Relays::Add(int socket_base, int server, stun::TurnClient::Options options, net::RandomSource& random) {
  all_.emplace_back(socket_base, server, std::move(options), random);
  return size() - 1;
}

std::optional<int> Relays::FindConnection(ConnectionTag tag) const {
  const auto found =
      std::find_if(all_.begin(), all_.end(), [tag](const Relay& relay) { return relay.connection == tag; });
  if (found == all_.end()) return std::nullopt;
  return static_cast<int>(found - all_.begin());
}

void Relays::Send(int index, const stun::TurnClient::SendToServer& send, SocketTag tag, OutputQueue& out) const {
  const Relay& relay = (*this)[index];
  if (relay.connection.has_value()) {
    out.Push(SendStream{*relay.connection, {}, send.packet_class, send.cause, send.send == 0}, send.bytes);
  } else {
    out.Push(SendDatagram{tag, relay.client.options().server, {}, send.packet_class, send.cause}, send.bytes);
  }
}

void Relays::Route(net::Instant now, int index, const stun::TurnClient::SendToServer& send, SocketTag tag,
                   OutputQueue& out, TaPacer& pacer) {
  if (send.send != 1) {
    const bool held = send.send > 1 && std::any_of(held_.begin(), held_.end(), [&](const Held& other) {
                        return other.relay == index &&
                               std::equal(other.bytes.begin(), other.bytes.end(), send.bytes.begin(), send.bytes.end());
                      });
    if (!held) Send(index, send, tag, out);
    return;
  }
  if (held_.empty() && pacer.TryTake(now)) {
    ++transactions_;
    last_transaction_ = now;
    return Send(index, send, tag, out);
  }
  held_.push_back({index, tag, send.cause, {send.bytes.begin(), send.bytes.end()}});
}

void Relays::Drain(net::Instant now, int index, SocketTag tag, OutputQueue& out, TaPacer& pacer) {
  Relay& relay = (*this)[index];
  while (std::optional<stun::TurnClient::Output> output = relay.client.PollOutput()) {
    if (const auto* send = std::get_if<stun::TurnClient::SendToServer>(&*output)) {
      Route(now, index, *send, tag, out, pacer);
    } else if (!relay.released) {
      events_.push_back({index, std::move(*output)});
    }
  }
}

std::optional<Relays::Event> Relays::TakeEvent() {
  if (next_event_ == events_.size()) {
    events_.clear();
    next_event_ = 0;
    return std::nullopt;
  }
  return std::move(events_[next_event_++]);
}

void Relays::Release(net::Instant now, int index, SocketTag tag, OutputQueue& out) {
  Relay& relay = (*this)[index];
  relay.released = true;
  ForgetHeld(index);
  while (relay.client.PollOutput().has_value()) {
  }
  relay.client.Release(now);
  while (std::optional<stun::TurnClient::Output> output = relay.client.PollOutput()) {
    const auto* send = std::get_if<stun::TurnClient::SendToServer>(&*output);
    if (send == nullptr) continue;
    Send(index, *send, tag, out);
    ++transactions_;
  }
}

void Relays::OnConnectionLost(int index) {
  ForgetHeld(index);
  (*this)[index].client.OnConnectionLost();
}

void Relays::ForgetHeld(int index) {
  held_.erase(std::remove_if(held_.begin(), held_.end(), [&](const Held& held) { return held.relay == index; }),
              held_.end());
}

bool Relays::SendHeld(net::Instant now, OutputQueue& out) {
  if (held_.empty()) return false;
  const Held& first = held_.front();
  Send(first.relay, {.bytes = first.bytes, .packet_class = net::PacketClass::kTurn, .cause = first.cause, .send = 1},
       first.tag, out);
  ++transactions_;
  last_transaction_ = now;
  held_.erase(held_.begin());
  return true;
}

net::Instant Relays::NextTimer() const {
  net::Earliest earliest;
  for (const Relay& relay : all_) earliest.Add(relay.client.NextTimer());
  return earliest.at();
}

}  // namespace pinhole::ice
