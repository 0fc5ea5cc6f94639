#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "net/random.h"
#include "stun/attributes.h"
#include "stun/message.h"
#include "stun/message_builder.h"
#include "stun/turn_server.h"

// A TURN server whose inputs and outputs the test handles, and a client whose messages the test defines.
namespace pinhole::stun {

inline net::SocketAddress Addr(absl::string_view text) { return net::SocketAddress::Parse(text).value(); }
inline net::IpAddress Ip(absl::string_view text) { return net::IpAddress::Parse(text).value(); }

inline constexpr absl::string_view kUser = "alice";
inline constexpr absl::string_view kPassword = "wonderland";
inline const FiveTuple kTuple = {Addr("203.0.113.5:40000"), Addr("192.0.2.1:3478")};
inline const FiveTuple kOtherTuple = {Addr("203.0.113.6:40000"), Addr("192.0.2.1:3478")};
inline const net::SocketAddress kPeer = Addr("198.51.100.7:5000");

// The stored bytes of one message, with a view of them.
struct Message {
  std::vector<std::uint8_t> bytes;
  FiveTuple five_tuple;
  net::PacketClass packet_class{};
  net::PacketTag cause;

  MessageView view() const {
    const std::optional<MessageView> parsed = MessageView::Parse(bytes);
    EXPECT_TRUE(parsed.has_value());
    return parsed.value();
  }
  // The error code of a response; 0 for a success response.
  int code() const {
    const std::optional<ErrorCode> error = view().Get<ErrorCode>();
    return error.has_value() ? error->code : 0;
  }
};

struct FromRelay {
  RelayId relay;
  net::SocketAddress peer;
  std::string payload;
  bool dont_fragment;
  net::PacketTag cause;
};

class TurnServerBench {
 public:
  explicit TurnServerBench(const TurnServer::Options& options = {}) : server_(options, random_) {
    server_.AddUser(kUser, kPassword);
    server_.AddUser("bob", "builder");
  }

  TurnServer& server() { return server_; }
  net::Instant now() const { return now_; }

  // Each input first clears the recorded outputs of the input before.
  void Deliver(const FiveTuple& five_tuple, net::ByteView bytes, net::PacketTag tag = {}) {
    Clear();
    server_.OnClientDatagram(now_, five_tuple, bytes, tag);
    Drain();
  }
  void DeliverFromPeer(const net::SocketAddress& from, absl::string_view payload, net::PacketTag tag = {}) {
    Clear();
    server_.OnRelayedDatagram(now_, relays_.begin()->first, from, AsBytes(payload), tag);
    Drain();
  }
  void DeliverIcmp(const net::SocketAddress& destination, std::uint8_t type, std::uint8_t code, std::uint32_t mtu) {
    Clear();
    server_.OnRelayIcmp(now_, relays_.begin()->first, destination, type, code, mtu);
    Drain();
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
    for (auto next = server_.NextTimer(); next <= end; next = server_.NextTimer()) {
      now_ = next;
      server_.OnTimer(now_);
      Drain();
    }
    now_ = end;
  }

  bool ports_left = true;
  bool answer_open_relay = true;
  std::vector<Message> to_client;
  std::vector<FromRelay> from_relay;
  std::vector<RelayId> opened, closed;
  bool opened_even_port = false;  // whether the last OpenRelay asked for an even port
  Transport opened_transport = Transport::kUdp;
  std::vector<TurnServer::ConnectPeer> connects;
  std::vector<TurnServer::JoinPeer> joins;
  std::vector<PeerConnectionId> closed_peers;
  const std::map<RelayId, net::SocketAddress>& relays() const { return relays_; }

 private:
  void Clear() {
    to_client.clear();
    from_relay.clear();
    opened.clear();
    closed.clear();
    connects.clear();
    joins.clear();
    closed_peers.clear();
  }
  void Drain() {
    while (const std::optional<TurnServer::Output> output = server_.PollOutput()) {
      if (const auto* send = std::get_if<TurnServer::SendToClient>(&*output)) {
        to_client.push_back({std::vector<std::uint8_t>(send->bytes.begin(), send->bytes.end()), send->five_tuple,
                             send->packet_class, send->cause});
      } else if (const auto* relayed = std::get_if<TurnServer::SendFromRelay>(&*output)) {
        from_relay.push_back({relayed->relay, relayed->peer, std::string(AsText(relayed->bytes)),
                              relayed->dont_fragment, relayed->cause});
      } else if (const auto* open = std::get_if<TurnServer::OpenRelay>(&*output)) {
        opened.push_back(open->relay);
        opened_even_port = open->even_port;
        opened_transport = open->transport;
        if (!answer_open_relay) continue;
        std::optional<net::SocketAddress> address;
        if (ports_left) {
          address = net::SocketAddress(open->family == net::Family::kIpv4 ? Ip("192.0.2.2") : Ip("2001:db8::2"),
                                       next_port_++);
          relays_[open->relay] = *address;
        }
        server_.OnRelayOpened(now_, open->relay, address);
      } else if (const auto* close = std::get_if<TurnServer::CloseRelay>(&*output)) {
        closed.push_back(close->relay);
        relays_.erase(close->relay);
      } else if (const auto* connect = std::get_if<TurnServer::ConnectPeer>(&*output)) {
        connects.push_back(*connect);
      } else if (const auto* join = std::get_if<TurnServer::JoinPeer>(&*output)) {
        joins.push_back(*join);
      } else {
        closed_peers.push_back(std::get<TurnServer::ClosePeer>(*output).connection);
      }
    }
  }

  net::SeededRandom random_{1, "turn_server_bench"};
  TurnServer server_;
  net::Instant now_{std::chrono::hours(5)};
  std::uint16_t next_port_ = 49152;
  std::map<RelayId, net::SocketAddress> relays_;
};

// Builds and sends the messages of one client. A test may change the fields to make wrong messages.
class RawClient {
 public:
  explicit RawClient(TurnServerBench& bench, const FiveTuple& five_tuple = kTuple, absl::string_view username = kUser,
                     absl::string_view password = kPassword)
      : bench_(bench), five_tuple_(five_tuple), username(username), password(password), random_(7, username) {}

  // A request without credentials; `add` adds its attributes.
  template <typename Add>
  std::vector<std::uint8_t> Bare(Method method, Add add) {
    id = TransactionId::Random(random_);
    std::vector<std::uint8_t> buffer(2000);
    MessageBuilder message(buffer, MessageClass::kRequest, method, id);
    add(message);
    return Whole(message);
  }
  // A request with credentials; `add` adds its attributes.
  template <typename Add>
  std::vector<std::uint8_t> Signed(Method method, Add add) {
    id = TransactionId::Random(random_);
    std::vector<std::uint8_t> buffer(2000);
    MessageBuilder message(buffer, MessageClass::kRequest, method, id);
    add(message);
    message.Add(Username{username}).Add(Realm{realm}).Add(Nonce{nonce}).AddIntegrity(key());
    return Whole(message);
  }
  HmacSha1Key key() const { return HmacSha1Key(net::ByteView(LongTermKeyMd5(username, realm, password))); }

  // Sends a request and returns the response, of which there must be exactly one.
  Message Exchange(const std::vector<std::uint8_t>& request, net::PacketTag tag = {}) {
    bench_.Deliver(five_tuple_, request, tag);
    EXPECT_EQ(bench_.to_client.size(), 1u);
    return bench_.to_client.empty() ? Message{} : bench_.to_client[0];
  }
  template <typename Add>
  Message Ask(Method method, Add add) {
    return Exchange(Signed(method, add));
  }
  // Sends a request without credentials and stores the realm and the nonce of the challenge.
  Message Challenge() {
    const Message response = Exchange(Bare(Method::kAllocate, [](MessageBuilder& m) { m.Add(RequestedTransport{}); }));
    realm = std::string(response.view().Get<Realm>().value().text);
    nonce = std::string(response.view().Get<Nonce>().value().text);
    return response;
  }
  Message Allocate() {
    if (nonce.empty()) Challenge();
    return Ask(Method::kAllocate, [](MessageBuilder& m) { m.Add(RequestedTransport{}); });
  }
  Message Permit(const net::SocketAddress& peer) {
    return Ask(Method::kCreatePermission, [&](MessageBuilder& m) { m.Add(XorPeerAddress{peer}); });
  }
  Message Bind(std::uint16_t channel, const net::SocketAddress& peer) {
    return Ask(Method::kChannelBind,
               [&](MessageBuilder& m) { m.Add(ChannelNumber{channel}).Add(XorPeerAddress{peer}); });
  }
  Message Refresh(std::optional<std::uint32_t> seconds) {
    return Ask(Method::kRefresh, [&](MessageBuilder& m) {
      if (seconds.has_value()) m.Add(Lifetime{*seconds});
    });
  }
  template <typename Add>
  void Indicate(Method method, Add add, net::PacketTag tag = {}) {
    std::vector<std::uint8_t> buffer(3000);
    MessageBuilder message(buffer, MessageClass::kIndication, method, TransactionId::Random(random_));
    add(message);
    bench_.Deliver(five_tuple_, *message.Finish(), tag);
  }
  void SendTo(const net::SocketAddress& peer, absl::string_view payload, net::PacketTag tag = {}) {
    Indicate(
        Method::kSend, [&](MessageBuilder& m) { m.Add(XorPeerAddress{peer}).Add(Data{AsBytes(payload)}); }, tag);
  }
  void SendOn(std::uint16_t channel, absl::string_view payload, net::PacketTag tag = {}) {
    std::vector<std::uint8_t> bytes(4 + payload.size());
    net::StoreU16(&bytes[0], channel);
    net::StoreU16(&bytes[2], static_cast<std::uint16_t>(payload.size()));
    std::copy(payload.begin(), payload.end(), bytes.begin() + 4);
    bench_.Deliver(five_tuple_, bytes, tag);
  }

 private:
  static std::vector<std::uint8_t> Whole(MessageBuilder& message) {
    const net::ByteView bytes = message.Finish().value();
    return std::vector<std::uint8_t>(bytes.begin(), bytes.end());
  }

  TurnServerBench& bench_;
  FiveTuple five_tuple_;

 public:
  std::string username, password, realm, nonce;
  TransactionId id;  // of the last request

 private:
  net::SeededRandom random_;
};

}  // namespace pinhole::stun
