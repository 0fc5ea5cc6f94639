#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ice/agent.h"
#include "ice/framing.h"
#include "net/random.h"
#include "stun/attributes.h"
#include "stun/message.h"
#include "stun/message_builder.h"

// One agent whose peer is the test. The test writes the peer's messages byte by byte and reads the messages that the
// agent sends.
namespace pinhole::ice {

// A datagram that the agent sent.
struct Sent {
  net::Instant at;
  SocketTag tag{};
  net::SocketAddress to;
  net::PacketClass packet_class = net::PacketClass::kOther;
  std::vector<std::uint8_t> bytes;

  stun::MessageView message() const { return stun::MessageView::Parse(bytes).value(); }
  bool is_stun() const { return stun::MessageView::Parse(bytes).has_value(); }
};

// A frame that the agent sent over a TCP connection.
struct SentFrame {
  net::Instant at;
  ConnectionTag connection{};
  net::PacketClass packet_class = net::PacketClass::kOther;
  std::vector<std::uint8_t> bytes;

  stun::MessageView message() const { return stun::MessageView::Parse(bytes).value(); }
  bool is_stun() const { return stun::MessageView::Parse(bytes).has_value(); }
};

// A TCP connection that the agent has asked its owner to open.
struct Opened {
  net::Instant at;
  ConnectionTag tag{};
  net::SocketAddress local;
  net::SocketAddress remote;
};

// The contents of a check of the peer. The defaults make a correct check.
struct PeerCheck {
  std::uint32_t priority = 1862270975;  // (110 << 24) + (65535 << 8) + 255
  bool use_candidate = false;
  std::optional<Role> role = Role::kControlled;  // the peer's
  std::uint64_t tie_breaker = 1;
  std::string username;  // "LOCAL:PEER" if empty
  std::string password;  // the agent's if empty
  bool with_priority = true;
  bool with_username = true;
  bool with_integrity = true;
  bool with_fingerprint = true;
  std::uint16_t unknown_attribute = 0;
  std::optional<stun::TransactionId> id;  // to send the same check again
};

class LoneAgent {
 public:
  static constexpr char kPeerUfrag[] = "PEER";
  static constexpr char kPeerPassword[] = "peerpasswordpeerpassword";

  explicit LoneAgent(const AgentOptions& options = {}, std::vector<std::string> addresses = {"192.0.2.1"});

  // The constructor calls StartGathering(). Each socket opens at once, on the ports 50000, 50001, and so on.
  Agent& agent() { return agent_; }
  const Agent& agent() const { return agent_; }
  HostPacer& pacer() { return pacer_; }
  net::Instant now() const { return now_; }

  // A description of the peer with these candidates.
  static Description Remote(std::vector<Candidate> candidates);
  static Candidate Host(const std::string& address, const std::string& foundation = "1", int component = 1,
                        int stream = 0, std::uint32_t priority = 0);
  void SetRemote(std::vector<Candidate> candidates) { SetRemote(Remote(std::move(candidates))); }
  void SetRemote(const Description& remote);

  // Lets the agent's timers run up to and including `until`.
  void RunUntil(net::Instant until);
  void RunFor(net::Duration duration) { RunUntil(now_ + duration); }

  void Receive(const net::SocketAddress& from, net::ByteView bytes, SocketTag tag = SocketTag(0));
  stun::TransactionId ReceiveCheck(const net::SocketAddress& from, const PeerCheck& check = {},
                                   SocketTag tag = SocketTag(0));
  // The peer answers `request` with success. `mapped` is the agent's address as the peer sees it; by default the
  // address from which the agent sent.
  void AnswerSuccess(const Sent& request, std::optional<net::SocketAddress> mapped = {},
                     std::optional<net::SocketAddress> from = {}, const std::string& password = kPeerPassword);
  void AnswerError(const Sent& request, int code, const std::string& password = kPeerPassword);

  // TCP. Listeners open at once, as sockets do. A connection opens when the test calls Connected(), and fails when it
  // calls Ended().
  const std::vector<Opened>& opened() const { return opened_; }
  const std::vector<ConnectionTag>& closed_connections() const { return closed_connections_; }
  bool IsClosed(ConnectionTag tag) const;
  // The connection is open. `local` is its local address, if the agent asked for port 0.
  void Connected(ConnectionTag tag, std::optional<net::SocketAddress> local = {});
  void Ended(ConnectionTag tag, ConnectionEnd why);
  std::optional<ConnectionTag> Accept(SocketTag listener, const net::SocketAddress& from);
  void ReceiveStream(ConnectionTag tag, net::ByteView bytes);
  void ReceiveFrame(ConnectionTag tag, net::ByteView payload);
  stun::TransactionId ReceiveCheckOver(ConnectionTag tag, const PeerCheck& check = {});
  // The peer answers over the connection. `mapped` is the agent's address as the peer sees it.
  void AnswerOver(const SentFrame& request, const net::SocketAddress& mapped,
                  const std::string& password = kPeerPassword);
  std::vector<SentFrame> TakeFrames();
  // The bytes that the agent wrote to a connection to a server. They have no frames.
  const std::vector<std::uint8_t>& written(ConnectionTag tag) { return written_[tag]; }

  // The datagrams that were sent since the last call: all, or those of one class.
  std::vector<Sent> TakeSent();
  std::vector<Sent> TakeSent(net::PacketClass packet_class);
  // All datagrams that were ever sent.
  const std::vector<Sent>& all_sent() const { return all_sent_; }
  // Runs until the agent sends its next check (first transmission) and returns that check. Fails the test if there is
  // none within 60 s.
  Sent NextCheck();

  PairView PairTo(const net::SocketAddress& remote) const;
  const std::vector<Output>& events() const { return events_; }
  template <typename T>
  int Count() const {
    int count = 0;
    for (const Output& output : events_) count += std::holds_alternative<T>(output);
    return count;
  }
  net::SocketAddress address(SocketTag tag) const { return sockets_[static_cast<std::size_t>(tag)]; }
  const std::vector<SocketTag>& closed() const { return closed_; }
  const std::vector<std::vector<std::uint8_t>>& data() const { return data_; }
  void Drain();

 private:
  std::vector<std::uint8_t> BuildCheck(const PeerCheck& check, const stun::TransactionId& id) const;

  net::SeededRandom random_{7, "lone"};
  net::SeededRandom peer_random_{7, "peer"};
  HostPacer pacer_;
  Agent agent_;
  net::Instant now_;
  std::vector<net::SocketAddress> sockets_;
  std::vector<SocketTag> closed_;
  std::vector<Sent> sent_;
  std::vector<Sent> all_sent_;
  std::vector<Output> events_;
  std::vector<std::vector<std::uint8_t>> data_;
  std::vector<Opened> opened_;
  std::vector<ConnectionTag> closed_connections_;
  std::vector<SentFrame> frames_;
  std::map<ConnectionTag, FrameReader> readers_;
  std::map<ConnectionTag, std::vector<std::uint8_t>> written_;
};

}  // namespace pinhole::ice
