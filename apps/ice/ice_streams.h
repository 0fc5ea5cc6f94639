#pragma once

#include <optional>
#include <vector>

#include "ice/agent.h"
#include "net/host.h"

namespace pinhole::apps {

// The TCP side of an ICE agent on a host: the agent's connections, the bytes that wait to be written, and the bytes
// that arrive. While outputs of the agent are being handled, nothing may be passed to the agent. Results are kept until
// FeedBack().
class IceStreams {
 public:
  // The maximal number of bytes that wait to be written in one connection. A connection to a peer that reads too slowly
  // is closed. Bytes that may be dropped are dropped when a quarter of this limit is waiting.
  static constexpr std::size_t kPendingBytesMax = 256 * 1024;

  // REQUIRES: `host` and `agent` outlive this object.
  IceStreams(net::Host& host, ice::Agent& agent) : host_(host), agent_(agent) {}

  // Each function carries out one output of the agent.
  void Handle(const ice::Connect& output);
  void Handle(const ice::SendStream& output);
  void Handle(const ice::CloseConnection& output);
  // Passes to the agent the results of its outputs. Returns true if there were any.
  bool FeedBack();

  // To be called with the TCP events of the host. Events of connections that do not belong to the agent are ignored.
  void OnAccepted(ice::SocketTag listener, net::SocketId connection, const net::SocketAddress& from);
  void OnConnected(net::SocketId connection);
  void OnReadable(net::SocketId connection);
  void OnWritable(net::SocketId connection);
  void OnClosed(net::SocketId connection);
  void OnReset(net::SocketId connection, const absl::Status& why);

 private:
  struct Stream {
    ice::ConnectionTag tag{};
    net::SocketId socket{};
    std::vector<std::uint8_t> pending;  // not written yet
    net::SendOptions options;           // of the last bytes in `pending`
  };
  struct Started {
    ice::ConnectionTag tag{};
    net::SocketAddress local;
  };
  struct Ended {
    ice::ConnectionTag tag{};
    ice::ConnectionEnd why{};
  };

  Stream* Find(net::SocketId socket);
  Stream* Find(ice::ConnectionTag tag);
  void Erase(ice::ConnectionTag tag);
  // Writes as much of `bytes` as possible, and returns how much. nullopt: the connection can no longer be used.
  std::optional<std::size_t> Write(Stream& stream, net::ByteView bytes);

  net::Host& host_;
  ice::Agent& agent_;
  std::vector<Stream> streams_;
  std::vector<Started> started_;
  std::vector<Ended> ended_;
};

}  // namespace pinhole::apps
