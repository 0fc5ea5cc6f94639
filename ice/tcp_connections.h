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
  bool to_server = false;    // STUN as it is (RFC 8489 §6.2.2), not framed
  bool opened_here = false;  // not accepted
  bool trusted = false;      // a message came on it that only the peer can have made
  bool answered = false;     // a check of ours did: data may be sent (RFC 6544 §11.1)
  bool spoke_stun = false;   // the first frame was a STUN message
  net::Instant retry_at{};   // kPausing

  FrameReader frames;
  std::optional<stun::StreamSplitter> messages;  // to_server

  bool open() const { return state == State::kOpen; }
};

// The TCP connections of an agent. Those that are closed are forgotten before the next input, so that what was read
// from one can be handled to the end.
class TcpConnections {
 public:
  // Accepted ones that nothing trustworthy has come on: one more costs the oldest.
  static constexpr int kStrangersMax = 16;
  // In all; no more are accepted.
  static constexpr std::size_t kAllMax = 256;
  // Being made to one address of the peer. Who names our peer's candidates could have us knock at a stranger's ports
  // all at once (RFC 6544 §12).
  static constexpr int kAttemptsMax = 5;

  // To be called first in every input.
  void BeginInput();

  TcpConnection* Find(ConnectionTag tag);
  // The one to this address of the peer, whatever its state but closed; null: there is none.
  TcpConnection* FindPeer(int base, const net::SocketAddress& remote);

  // To this address of the peer, not established yet: being made, or to be tried again.
  int Attempts(const net::IpAddress& remote) const;

  // Starts to connect.
  TcpConnection& Open(int base, const net::SocketAddress& local, const net::SocketAddress& remote,
                      net::PacketClass packet_class, bool to_server, OutputQueue& out);
  // One that has come in, open; null: it is refused.
  TcpConnection* Accept(int base, const net::SocketAddress& local, const net::SocketAddress& from, OutputQueue& out);
  void Close(TcpConnection& connection, OutputQueue& out);
  // Its owner has said that it is gone.
  static void Forget(TcpConnection& connection) { connection.state = TcpConnection::State::kClosed; }

  // A failed one is to be tried again at `at`, from the same port.
  static void Pause(TcpConnection& connection, net::Instant at);
  void RetryDue(net::Instant now, OutputQueue& out);
  net::Instant NextTimer() const;

  // One frame. False: not open, or more bytes than a frame holds.
  static bool SendFrame(const TcpConnection& connection, net::ByteView bytes, net::PacketClass packet_class,
                        net::PacketTag cause, OutputQueue& out);

  const std::vector<std::unique_ptr<TcpConnection>>& all() const { return all_; }

 private:
  TcpConnection& Add(int base, const net::SocketAddress& local, const net::SocketAddress& remote);
  void Connect(TcpConnection& connection, OutputQueue& out);

  std::vector<std::unique_ptr<TcpConnection>> all_;  // Views into their buffers last through the input.
  std::uint32_t next_tag_ = 0;
};

}  // namespace pinhole::ice
