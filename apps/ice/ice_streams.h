#pragma once

#include <optional>
#include <vector>

#include "ice/agent.h"
#include "net/host.h"

namespace pinhole::apps {

// The TCP side of an ICE agent on a host: its connections, what it writes that does not go out at once, and what
// comes in. The agent is given nothing while its outputs are being handled: FeedBack() tells it the rest.
class IceStreams {
 public:
  // What may wait in one connection to be written; a peer that reads so slowly loses it. What may be left out is left
  // out from a quarter of it on.
  static constexpr std::size_t kPendingBytesMax = 256 * 1024;

  // Both outlive this.
  IceStreams(net::Host& host, ice::Agent& agent) : host_(host), agent_(agent) {}

  // Outputs of the agent.
  void Handle(const ice::Connect& output);
  void Handle(const ice::SendStream& output);
  void Handle(const ice::CloseConnection& output);
  // Tells the agent what its outputs led to. True if there was anything.
  bool FeedBack();

  // Events of the host. Those of connections that are not the agent's are passed over.
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
    net::SendOptions options;           // of the last of it
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
  // Takes from `bytes` what goes out at once; nullopt: the connection is no good any more.
  std::optional<std::size_t> Write(Stream& stream, net::ByteView bytes);

  net::Host& host_;
  ice::Agent& agent_;
  std::vector<Stream> streams_;
  std::vector<Started> started_;
  std::vector<Ended> ended_;
};

}  // namespace pinhole::apps
