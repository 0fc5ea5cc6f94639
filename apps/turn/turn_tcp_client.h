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
//     Start --> Allocated --> Connect(peer), or a peer in Permit() connects --> Stream{connection, peer}
//
// This is not a net::App. The owner passes events on, is told for each of them whether it belonged to this object, and
// then empties PollOutput().
class TurnTcpClient {
 public:
  // A data connection that was bound. `first` are bytes that arrived directly after the server's answer; they come
  // before those of Read(). The owner must Read() at once, because OnTcpReadable() may have been called already.
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
  // May come before or after Allocated. No output follows. Streams break when the server closes them.
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

  // Returns false if the connection does not belong to this object, for example after it was given away in a Stream.
  bool OnConnected(net::SocketId connection);
  bool OnReadable(net::SocketId connection);
  bool OnWritable(net::SocketId connection);
  // The server has closed the connection, or it broke (`gone`).
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
