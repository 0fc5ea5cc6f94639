#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "net/host.h"
#include "stun/stream_framing.h"

namespace pinhole::apps {

// STUN and ChannelData messages over one TCP connection of a host (RFC 8489 §6.2.2, RFC 8656 §12.5): cuts what comes
// in, and keeps what the connection does not take yet. Both ends use it. The connection is the owner's.
class MessageStream {
 public:
  struct Options {
    std::size_t message_bytes_max = stun::kStreamMessageBytesMax;  // of what comes in
    // Kept for a peer that does not read, before whole messages are refused. One message may go beyond it.
    std::size_t unsent_bytes_max = 64 * 1024;
  };

  MessageStream(net::Host& host, net::SocketId connection, const Options& options)
      : host_(host), connection_(connection), options_(options), splitter_({options.message_bytes_max}) {}
  MessageStream(net::Host& host, net::SocketId connection) : MessageStream(host, connection, Options()) {}

  // Sends a message whole, now or later; false: refused whole, for too much is waiting, or the connection is gone.
  bool Send(net::ByteView message, const net::SendOptions& options);
  // OnTcpConnected() or OnTcpWritable() has come.
  void OnWritable();
  // The next message, reading as needed; nullopt: no more now, or the stream broke: see fault(). Valid until the next
  // call. To be called until nullopt after OnTcpReadable().
  std::optional<net::ByteView> Next();

  net::SocketId connection() const { return connection_; }
  stun::StreamSplitter::Fault fault() const { return splitter_.fault(); }
  void set_message_bytes_max(std::size_t bytes) { splitter_.set_message_bytes_max(bytes); }
  // Read and not given by Next(); and what waits to be sent.
  net::ByteView rest() const { return splitter_.rest(); }
  std::vector<std::uint8_t> unsent() const;
  std::size_t unsent_bytes() const { return unsent_bytes_; }

 private:
  struct Unsent {
    std::vector<std::uint8_t> bytes;
    net::SendOptions options;
  };

  net::Host& host_;
  net::SocketId connection_;
  Options options_;
  stun::StreamSplitter splitter_;
  std::deque<Unsent> unsent_;  // the front one in part
  std::size_t unsent_bytes_ = 0;
};

}  // namespace pinhole::apps
