#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "ice/framing.h"
#include "ice/output_queue.h"
#include "net/time.h"
#include "stun/stream_framing.h"

namespace pinhole::ice {

// One TCP connection of an agent, to its peer or to a server (RFC 6544).
struct TcpConnection {
  //   kConnecting --OnConnected--> kOpen
  //     |     ^ fails               |
  //     v     | pause over          v
  //   kPausing                   kClosed (also from the others)
  enum class State : std::uint8_t { kConnecting, kPausing, kOpen, kClosed };

  ConnectionTag tag{};
  State state = State::kConnecting;
  int base = 0;
  net::SocketAddress local;  // the port is known from OnConnecting() on
  net::SocketAddress remote;
  net::PacketClass packet_class = net::PacketClass::kOther;
  bool to_server = false;    // the stream holds STUN messages as they are (RFC 8489 §6.2.2), without frames
  bool opened_here = false;  // false: a listener accepted it
  bool trusted = false;      // a message has come on it that only the peer can have made
  bool answered = false;     // a check of this agent was answered on it: data may be sent (RFC 6544 §11.1)
  bool spoke_stun = false;   // the first frame was a STUN message
  net::Instant retry_at{};   // when to connect again, while kPausing

  FrameReader frames;
  std::optional<stun::StreamSplitter> messages;  // if to_server

  bool open() const { return state == State::kOpen; }
};

// The TCP connections of an agent. Closed connections are deleted at the start of the next input, so that the bytes
// that were read from them can be handled to the end in this one.
class TcpConnections {
 public:
  // The limit of accepted connections on which no message has come that only the peer can have made. At the limit a new
  // connection closes the oldest of these.
  static constexpr int kStrangersMax = 16;
  // The limit of all connections. At the limit no more connections are accepted.
  static constexpr std::size_t kAllMax = 256;
  // The limit of connections to one address of the peer that are being opened at the same time. Without it, whoever
  // writes the peer's candidates could make the agent probe many ports of another machine at once (RFC 6544 §12).
  static constexpr int kAttemptsMax = 5;

  // To be called first in every input.
  void BeginInput();

  TcpConnection* Find(ConnectionTag tag);
  // The connection of `base` to this address of the peer, in any state except kClosed; null: there is none.
  TcpConnection* FindPeer(int base, const net::SocketAddress& remote);

  // The number of connections to this address of the peer that are not established yet (kConnecting or kPausing).
  int Attempts(const net::IpAddress& remote) const;

  // Starts to open a connection.
  TcpConnection& Open(int base, const net::SocketAddress& local, const net::SocketAddress& remote,
                      net::PacketClass packet_class, bool to_server, OutputQueue& out);
  // Adds a connection that a listener has accepted. null: the connection is refused.
  TcpConnection* Accept(int base, const net::SocketAddress& local, const net::SocketAddress& from, OutputQueue& out);
  void Close(TcpConnection& connection, OutputQueue& out);
  // Marks a connection as closed that the owner of the agent no longer has.
  static void Forget(TcpConnection& connection) { connection.state = TcpConnection::State::kClosed; }

  // The connection has failed. RetryDue() opens it again at `at`, from the same port.
  static void Pause(TcpConnection& connection, net::Instant at);
  void RetryDue(net::Instant now, OutputQueue& out);
  net::Instant NextTimer() const;

  // Sends one frame. False: the connection is not open, or `bytes` has more bytes than a frame can hold.
  static bool SendFrame(const TcpConnection& connection, net::ByteView bytes, net::PacketClass packet_class,
                        net::PacketTag cause, OutputQueue& out);

  const std::vector<std::unique_ptr<TcpConnection>>& all() const { return all_; }

 private:
  TcpConnection& Add(int base, const net::SocketAddress& local, const net::SocketAddress& remote);
  void Connect(TcpConnection& connection, OutputQueue& out);

  // Pointers, so that views into the buffers stay valid during an input.
  std::vector<std::unique_ptr<TcpConnection>> all_;
  std::uint32_t next_tag_ = 0;
};

}  // namespace pinhole::ice
