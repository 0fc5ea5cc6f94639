#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "apps/turn/message_stream.h"
#include "net/host.h"
#include "net/random.h"
#include "stun/turn_client.h"
#include "stun/turn_data_connection.h"

namespace pinhole::apps {

// The client of a TCP allocation (RFC 6062 §4) on a host. It has the control connection to the server with its
// TurnClient, and for each connection with a peer a data connection to the same server address. When the server has
// bound the data connection, it becomes an ordinary TCP connection of the owner, whose bytes are those of the peer.
//
//     the owner calls            output that follows
//     Start()                    Allocated, or Ended
//     Connect(peer)              Stream, or StreamFailed
//     Permit(peer)               Stream or StreamFailed, each time that a peer with this address connects
//
// This is not a net::App. The owner passes the events of its host on; each function returns whether the event belonged
// to this object. Then the owner calls PollOutput() until it returns nullopt.
class TurnTcpClient {
 public:
  // A data connection that was bound. `first` are bytes that arrived directly after the server's answer, in front of
  // those that Host::Read() returns. The owner must call Host::Read() at once, because OnTcpReadable() may have been
  // called already.
  struct Stream {
    net::SocketId connection{};
    net::SocketAddress peer;
    bool incoming = false;  // the peer opened the connection
    std::vector<std::uint8_t> first;
  };
  struct StreamFailed {
    net::SocketAddress peer;
    stun::TurnClient::Reason reason;
    int code;
  };
  using Allocated = stun::TurnClient::Allocated;
  // There is no allocation: it was refused, or it has ended. This is the last output. Streams break when the server
  // closes them.
  struct Ended {
    stun::TurnClient::Reason reason;
    int code;
  };
  using Output = std::variant<Allocated, Ended, Stream, StreamFailed>;

  // The maximal number of data connections that are being bound for peers that connect. Further ones time out at the
  // server.
  static constexpr std::size_t kBindingMax = 64;

  // Sets the transports in `options`. `local` is the address from which connections are opened; each has a port of its
  // own (RFC 6062 §4.3).
  TurnTcpClient(net::Host& host, stun::TurnClient::Options options, const net::IpAddress& local);

  void Start();
  // Allows peers at this address to connect.
  void Permit(const net::IpAddress& peer);
  void Connect(const net::SocketAddress& peer);
  // Releases the allocation and closes its connection. The streams end with it.
  void Close();

  // The three functions return false if the connection does not belong to this object, for example after it was handed
  // to the owner in a Stream.
  bool OnConnected(net::SocketId connection);
  bool OnReadable(net::SocketId connection);
  bool OnWritable(net::SocketId connection);
  // To be called when the server has closed the connection, or, with `gone`, when the connection broke. Returns false
  // as OnConnected() does.
  bool OnLost(net::SocketId connection, bool gone);
  void OnTimer();
  net::Instant NextTimer() const;
  std::optional<Output> PollOutput();

  const stun::TurnClient& client() const { return client_; }

 private:
  struct Binding {
    Binding(net::Host& host, net::SocketId connection, stun::TurnDataConnection::Options options,
            net::RandomSource& random, const net::SocketAddress& peer_address, bool is_incoming)
        : stream(host, connection), engine(std::move(options), random), peer(peer_address), incoming(is_incoming) {}
    MessageStream stream;
    stun::TurnDataConnection engine;
    net::SocketAddress peer;
    bool incoming;
  };

  void DrainClient();
  // Handles the outputs of a data connection, which may remove it from `bindings_`.
  void DrainBinding(net::SocketId connection);
  void Bind(const net::SocketAddress& peer, stun::PeerConnectionId id, bool incoming);
  void EndControl(bool gone);

  net::Host& host_;
  net::RandomSource& random_;
  const net::SocketAddress local_;
  stun::TurnClient client_;
  std::optional<MessageStream> control_;
  std::map<net::SocketId, std::unique_ptr<Binding>> bindings_;
  std::vector<Output> outputs_;
  std::size_t next_output_ = 0;
};

}  // namespace pinhole::apps
