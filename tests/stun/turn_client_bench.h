#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "net/random.h"
#include "stun/turn_client.h"
#include "tests/stun/turn_bench.h"

// A TURN client whose server is the test. The messages that the client sends are recorded. Its inputs are made by hand
// or by a real TurnServer.
namespace pinhole::stun {

class TurnClientBench {
 public:
  explicit TurnClientBench(TurnClient::Options options = {}) : client_(Complete(std::move(options)), random_) {}

  TurnClient& client() { return client_; }
  net::Instant now() const { return now_; }

  // Each of the following functions first clears the outputs of the one before.
  void Start() {
    Clear();
    client_.Start(now_);
    Drain();
  }
  bool Deliver(net::ByteView bytes, net::PacketTag tag = {}) { return DeliverFrom(kTuple.server, bytes, tag); }
  bool DeliverFrom(const net::SocketAddress& from, net::ByteView bytes, net::PacketTag tag = {}) {
    Clear();
    const bool taken = client_.OnDatagram(now_, from, bytes, tag);
    Drain();
    return taken;
  }
  template <typename Input>
  void Do(Input input) {
    Clear();
    input();
    Drain();
  }
  void Advance(net::Duration by) {
    Clear();
    const net::Instant end = now_ + by;
    for (auto next = client_.NextTimer(); next <= end; next = client_.NextTimer()) {
      now_ = next;
      client_.OnTimer(now_);
      Drain();
    }
    now_ = end;
  }

  // The response to the last request; `add` adds its attributes. With a `key` it is authenticated.
  template <typename Add>
  std::vector<std::uint8_t> Answer(MessageClass message_class, Add add, const HmacSha1Key* key) const {
    return AnswerTo(sent.back(), message_class, add, key);
  }
  template <typename Add>
  static std::vector<std::uint8_t> AnswerTo(const Message& request, MessageClass message_class, Add add,
                                            const HmacSha1Key* key) {
    std::vector<std::uint8_t> buffer(1000);
    MessageBuilder message(buffer, message_class, request.view().method(), request.view().transaction_id());
    add(message);
    if (key != nullptr) message.AddIntegrity(*key);
    const net::ByteView bytes = message.Finish().value();
    return std::vector<std::uint8_t>(bytes.begin(), bytes.end());
  }
  void Challenge(int code = 401, absl::string_view nonce = "nonce1", absl::string_view realm = "realm") {
    Deliver(Answer(
        MessageClass::kError,
        [&](MessageBuilder& m) {
          m.Add(ErrorCode{code, ""}).Add(Realm{realm}).Add(Nonce{nonce});
        },
        nullptr));
  }
  // Makes an allocation: start, challenge, success response.
  void Allocate(std::uint32_t lifetime = 600) {
    Start();
    Challenge();
    Deliver(Answer(
        MessageClass::kSuccess, [&](MessageBuilder& m) { AddAllocated(m, lifetime); }, &key));
  }
  static void AddAllocated(MessageBuilder& m, std::uint32_t lifetime = 600) {
    m.Add(XorRelayedAddress{Addr("192.0.2.2:49152")}).Add(Lifetime{lifetime}).Add(XorMappedAddress{kTuple.client});
  }
  void Succeed() {
    Deliver(Answer(
        MessageClass::kSuccess, [](MessageBuilder&) {}, &key));
  }
  void Refuse(int code) {
    Deliver(Answer(
        MessageClass::kError,
        [&](MessageBuilder& m) {
          m.Add(ErrorCode{code, ""});
        },
        &key));
  }
  void Permit(const net::SocketAddress& peer) {
    Do([&] { client_.CreatePermission(now_, peer.address()); });
    Succeed();
  }

  template <typename T>
  std::vector<T> Events() const {
    std::vector<T> found;
    for (const TurnClient::Output& output : events) {
      if (const T* event = std::get_if<T>(&output)) found.push_back(*event);
    }
    return found;
  }
  Method SentMethod() const { return sent.back().view().method(); }

  std::vector<Message> sent;
  std::vector<TurnClient::Output> events;  // all but SendToServer
  std::vector<std::string> payloads;       // of DataFromPeer
  const HmacSha1Key key{net::ByteView(LongTermKeyMd5(kUser, "realm", kPassword))};

 private:
  static TurnClient::Options Complete(TurnClient::Options options) {
    options.server = kTuple.server;
    options.username = std::string(kUser);
    options.password = std::string(kPassword);
    return options;
  }
  void Clear() {
    sent.clear();
    events.clear();
    payloads.clear();
  }
  void Drain() {
    while (const std::optional<TurnClient::Output> output = client_.PollOutput()) {
      if (const auto* send = std::get_if<TurnClient::SendToServer>(&*output)) {
        sent.push_back({std::vector<std::uint8_t>(send->bytes.begin(), send->bytes.end()), kTuple, send->packet_class,
                        send->cause});
        continue;
      }
      if (const auto* data = std::get_if<TurnClient::DataFromPeer>(&*output)) {
        payloads.push_back(std::string(AsText(data->payload)));
      }
      events.push_back(*output);
    }
  }

  net::SeededRandom random_{2, "turn_client_bench"};
  TurnClient client_;
  net::Instant now_{std::chrono::hours(7)};
};

}  // namespace pinhole::stun
