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

// The client of a TCP allocation (RFC 6062 §4) on a host: the control connection to the server with its TurnClient,
// and a data connection to the same address for each connection with a peer, until the server has bound it. Then it is
// an ordinary TCP connection of the owner's, whose bytes are the peer's.
//
//     Start --> Allocated --> Connect(peer), or a peer in Permit() connects --> Stream{connection, peer}
//
// Not a net::App: the owner passes events on, each is told whether it was for this, and empties PollOutput().
class TurnTcpClient {
 public:
  // Bytes that came in right behind the answer are `first`, before those that Read() gives; to be read at once, for
  // OnTcpReadable() may have come already.
  struct Stream {
    net::SocketId connection{};
    net::SocketAddress peer;
    bool incoming = false;  // the peer has connected
    std::vector<std::uint8_t> first;
  };
  struct StreamFailed {
    net::SocketAddress peer;
    stun::TurnClient::Reason reason;
    int code;
  };
  using Allocated = stun::TurnClient::Allocated;
  // Before or after Allocated: nothing more comes. Streams break when the server closes them.
  struct Ended {
    stun::TurnClient::Reason reason;
    int code;
  };
  using Output = std::variant<Allocated, Ended, Stream, StreamFailed>;

  // Data connections under way, of peers that connect; more are left to time out at the server.
  static constexpr std::size_t kBindingMax = 64;

  // Transports are set here. `local` is where connections leave from, any port; every one has its own (§4.3).
  TurnTcpClient(net::Host& host, stun::TurnClient::Options options, const net::IpAddress& local);

  void Start();
  // Takes peers at this address in.
  void Permit(const net::IpAddress& peer);
  void Connect(const net::SocketAddress& peer);
  // Gives the allocation back with its connection; streams end with it.
  void Close();

  // False: another's. A connection that was given away in a Stream is.
  bool OnConnected(net::SocketId connection);
  bool OnReadable(net::SocketId connection);
  bool OnWritable(net::SocketId connection);
  // The server has closed it, or it broke (`gone`).
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
  // Does what a data connection wants; it may have left bindings_ then.
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
