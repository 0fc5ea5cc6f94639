// Fuzzes a TURN server over UDP and TCP. The input is a list of steps. A step is an operation byte (64 or more: over
// TCP), a length byte and that many bytes. A message of a client that knows the password (operation 0) gets correct
// length, credentials and fingerprint, so that mutations get past these checks.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "net/random.h"
#include "stun/attributes.h"
#include "stun/message.h"
#include "stun/message_builder.h"
#include "stun/turn_server.h"

namespace pinhole::stun {
namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

constexpr absl::string_view kUser = "alice";
constexpr absl::string_view kPassword = "wonderland";
const net::SocketAddress kClient(net::IpAddress::V4(203, 0, 113, 5), 40000);
const net::SocketAddress kListening(net::IpAddress::V4(192, 0, 2, 1), 3478);
const net::SocketAddress kPeer(net::IpAddress::V4(198, 51, 100, 7), 5000);

class Run {
 public:
  Run() : server_(Options(), random_) {
    server_.AddUser(kUser, kPassword);
    // Gets realm and nonce from the challenge, as a client does.
    Deliver(Build(Method::kAllocate, {}, false));
  }

  void Step(std::uint8_t operation, net::ByteView bytes) {
    five_tuple_.transport = operation < 64 ? Transport::kUdp : Transport::kTcp;
    five_tuple_.client = kClient.WithPort(static_cast<std::uint16_t>(kClient.port() + (operation >= 128 ? 1 : 0)));
    switch (operation % 9) {
      case 0:
        authenticated_ = true;
        if (bytes.size() >= kHeaderBytes) Deliver(Repaired(bytes));
        authenticated_ = false;
        break;
      case 1:
        Deliver(bytes);
        break;
      case 2:
        if (!open_.empty() && bytes.size() < 200) server_.OnRelayedDatagram(now_, *open_.begin(), kPeer, bytes);
        break;
      case 3:
        if (!bytes.empty()) now_ += std::chrono::seconds(bytes[0]);
        server_.OnTimer(now_);
        break;
      case 4:
        if (bytes.size() >= 3 && !open_.empty()) {
          server_.OnRelayIcmp(now_, *open_.begin(), kPeer, bytes[0], bytes[1], bytes[2]);
        }
        break;
      case 5:
        server_.OnConnectionClosed(now_, five_tuple_);
        break;
      case 6:
        if (!open_.empty() && !bytes.empty()) Accept(kPeer.WithPort(bytes[0]));
        break;
      case 7:
        if (!connecting_.empty()) {
          const PeerConnectionId id = *connecting_.begin();
          connecting_.erase(id);
          server_.OnPeerConnected(now_, id);
        }
        break;
      case 8:
        if (!peers_.empty()) {
          const PeerConnectionId id = *peers_.begin();
          Forget(id);
          server_.OnPeerClosed(now_, id);
        }
        break;
    }
    Drain();
    Require(server_.NextTimer() > now_ - std::chrono::hours(1));
    Require(server_.allocations() <= Options().allocations_max);
  }

 private:
  static TurnServer::Options Options() {
    return {.relay_ipv6 = true,
            .relay_tcp = true,
            .allocations_max = 4,
            .permissions_max = 3,
            .channels_max = 3,
            .peer_connections_max = 3};
  }

  void Accept(const net::SocketAddress& from) {
    const std::optional<PeerConnectionId> id = server_.OnPeerAccepted(now_, *open_.begin(), from);
    if (!id.has_value()) return;
    Require(tcp_.count(*open_.begin()) == 1);
    Require(peers_.insert(*id).second && peers_.size() <= 12);
  }
  void Forget(PeerConnectionId id) {
    peers_.erase(id);
    connecting_.erase(id);
    joined_.erase(id);
  }

  void Deliver(net::ByteView bytes) {
    server_.OnClientDatagram(now_, five_tuple_, bytes);
    Drain();
  }

  void Drain() {
    while (const std::optional<TurnServer::Output> output = server_.PollOutput()) {
      if (const auto* open = std::get_if<TurnServer::OpenRelay>(&*output)) {
        Require(authenticated_);  // only an authenticated client gets an allocation
        const bool v4 = open->family == net::Family::kIpv4;
        const net::IpAddress address = v4 ? net::IpAddress::V4(192, 0, 2, 2) : net::IpAddress::V6({0x20, 1});
        Require(open->transport == Transport::kUdp || five_tuple_.transport == Transport::kTcp);
        open_.insert(open->relay);
        if (open->transport == Transport::kTcp) tcp_.insert(open->relay);
        server_.OnRelayOpened(now_, open->relay, net::SocketAddress(address, next_port_++));
      } else if (const auto* close = std::get_if<TurnServer::CloseRelay>(&*output)) {
        Require(open_.erase(close->relay) == 1);
      } else if (const auto* relayed = std::get_if<TurnServer::SendFromRelay>(&*output)) {
        Require(open_.count(relayed->relay) == 1 && tcp_.count(relayed->relay) == 0);
        Require(!relayed->peer.address().IsLoopback() && !relayed->peer.address().IsMulticast());
      } else if (const auto* connect = std::get_if<TurnServer::ConnectPeer>(&*output)) {
        Require(authenticated_ && tcp_.count(connect->relay) == 1);
        Require(!connect->peer.address().IsLoopback() && !connect->peer.address().IsMulticast());
        Require(peers_.insert(connect->connection).second && peers_.size() <= 12);
        connecting_.insert(connect->connection);
      } else if (const auto* join = std::get_if<TurnServer::JoinPeer>(&*output)) {
        Require(authenticated_ && join->client.transport == Transport::kTcp);
        Require(peers_.count(join->connection) == 1 && connecting_.count(join->connection) == 0);
        Require(joined_.insert(join->connection).second);  // each connection is joined only once
      } else if (const auto* closed = std::get_if<TurnServer::ClosePeer>(&*output)) {
        Require(peers_.count(closed->connection) == 1);
        Forget(closed->connection);
      } else {
        const auto& send = std::get<TurnServer::SendToClient>(*output);
        Require(send.five_tuple.client.address() == kClient.address() && send.bytes.size() <= 65507);
        Require(send.five_tuple.transport == Transport::kUdp || send.bytes.size() % 4 == 0);
        if (const std::optional<MessageView> message = MessageView::Parse(send.bytes)) Learn(*message);
      }
    }
  }

  void Learn(const MessageView& message) {
    if (const auto realm = message.Get<Realm>()) realm_ = std::string(realm->text);
    if (const auto nonce = message.Get<Nonce>()) nonce_ = std::string(nonce->text);
  }

  // Keeps the type and the attributes up to the integrity attribute, and makes the rest correct.
  std::vector<std::uint8_t> Repaired(net::ByteView bytes) {
    std::vector<std::uint8_t> copy(bytes.begin(), bytes.begin() + bytes.size() / 4 * 4);
    net::StoreU16(&copy[2], static_cast<std::uint16_t>(copy.size() - kHeaderBytes));
    net::StoreU32(&copy[4], kMagicCookie);
    copy[0] &= 0x3F;
    const std::optional<MessageView> message = MessageView::Parse(copy);
    if (!message.has_value()) return copy;
    const Method method = message->method();
    // Finds the end of the attributes before the first one that concerns credentials.
    std::size_t end = kHeaderBytes;
    while (end < copy.size()) {
      const auto type = static_cast<AttributeType>(net::LoadU16(&copy[end]));
      if (type == AttributeType::kMessageIntegrity || type == AttributeType::kMessageIntegritySha256 ||
          type == AttributeType::kFingerprint || type == AttributeType::kUsername || type == AttributeType::kRealm ||
          type == AttributeType::kNonce) {
        break;
      }
      end += 4 + (net::LoadU16(&copy[end + 2]) + 3) / 4 * 4;
    }
    return Build(method, net::ByteView(copy).subspan(kHeaderBytes, end - kHeaderBytes), true);
  }

  std::vector<std::uint8_t> Build(Method method, net::ByteView attributes, bool with_credentials) {
    std::vector<std::uint8_t> buffer(2000);
    MessageBuilder message(buffer, MessageClass::kRequest, method, TransactionId::Random(random_));
    for (std::size_t at = 0; at < attributes.size();) {
      const std::size_t length = net::LoadU16(&attributes[at + 2]);
      message.AppendBytes(static_cast<AttributeType>(net::LoadU16(&attributes[at])),
                          attributes.subspan(at + 4, length));
      at += 4 + (length + 3) / 4 * 4;
    }
    if (with_credentials) {
      const Md5Digest key = LongTermKeyMd5(kUser, realm_, kPassword);
      message.Add(Username{kUser}).Add(Realm{realm_}).Add(Nonce{nonce_});
      message.AddIntegrity(HmacSha1Key(net::ByteView(key)));
    }
    const net::ByteView bytes = message.AddFingerprint().Finish().value_or(net::ByteView());
    return std::vector<std::uint8_t>(bytes.begin(), bytes.end());
  }

  net::SeededRandom random_{1, "turn_server_fuzz"};
  net::Instant now_{std::chrono::hours(2)};
  TurnServer server_;
  FiveTuple five_tuple_ = {kClient, kListening, Transport::kUdp};
  std::set<RelayId> open_, tcp_;
  std::set<PeerConnectionId> peers_, connecting_, joined_;
  std::uint16_t next_port_ = 49152;
  std::string realm_, nonce_;
  bool authenticated_ = false;
};

}  // namespace
}  // namespace pinhole::stun

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pinhole::stun::Run run;
  for (std::size_t at = 0; at + 2 <= size;) {
    const std::size_t length = std::min<std::size_t>(data[at + 1], size - at - 2);
    run.Step(data[at], pinhole::net::ByteView(data + at + 2, length));
    at += 2 + length;
  }
  return 0;
}
