#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "net/host.h"
#include "stun/stream_framing.h"

namespace pinhole::apps {

// STUN and ChannelData messages over one TCP connection of a host (RFC 8489 §6.2.2, RFC 8656 §12.5). Cuts incoming
// bytes into messages, and keeps outgoing bytes that the connection does not take yet. Clients and servers both use
// this class. The owner of a MessageStream also owns the connection.
class MessageStream {
 public:
  struct Options {
    std::size_t message_bytes_max = stun::kStreamMessageBytesMax;  // of an incoming message
    // The number of bytes that are kept for a peer that does not read, before whole messages are refused. The last
    // message that is kept may exceed this limit.
    std::size_t unsent_bytes_max = 64 * 1024;
  };

  MessageStream(net::Host& host, net::SocketId connection, const Options& options)
      : host_(host), connection_(connection), options_(options), splitter_({options.message_bytes_max}) {}
  MessageStream(net::Host& host, net::SocketId connection) : MessageStream(host, connection, Options()) {}

  // Sends a whole message, now or later. False: the whole message is refused, because too much is waiting or the
  // connection is closed.
  bool Send(net::ByteView message, const net::SendOptions& options);
  // To be called for OnTcpConnected() and OnTcpWritable().
  void OnWritable();
  // The next message; reads from the connection as needed. nullopt: there is no message now, or the stream broke (see
  // fault()). Valid until the next call. After OnTcpReadable() it must be called until it returns nullopt.
  std::optional<net::ByteView> Next();

  net::SocketId connection() const { return connection_; }
  stun::StreamSplitter::Fault fault() const { return splitter_.fault(); }
  void set_message_bytes_max(std::size_t bytes) { splitter_.set_message_bytes_max(bytes); }
  // rest(): bytes that were read but not returned by Next(). unsent(): bytes that wait to be sent.
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
  std::deque<Unsent> unsent_;  // the front entry may be partly sent
  std::size_t unsent_bytes_ = 0;
};

}  // namespace pinhole::apps
