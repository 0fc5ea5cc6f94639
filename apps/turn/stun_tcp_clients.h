#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "apps/turn/message_stream.h"
#include "net/contract.h"
#include "net/host.h"
#include "net/server_patience.h"
#include "stun/turn_server.h"

namespace pinhole::apps {

// The TCP connections of clients to a STUN and TURN server. It accepts connections within limits, and returns their
// messages with the 5-tuples on which they came.
//
// After each call the owner calls TakeEnded() until it returns nullopt. TakeEnded() alone closes connections, because
// views of their messages must stay valid while outputs that refer to them are handled.
class StunTcpClients {
 public:
  struct Limits {
    std::size_t connections_max = 1024;  // further connections are accepted and reset
    // A connection without an allocation is closed if it is silent for this long (RFC 8489 §6.2.2). The mapping of the
    // connection lasts only while the connection is open, and an agent needs the mapping longer than it sends requests:
    // until the peer's description has arrived (2 min by default) and the checks after that have ended (at most 39.5 s
    // each).
    net::Duration idle_max = net::kStunTcpIdleMax;
    // The maximal size of a message on a connection without an allocation. The longest USERNAME, REALM and NONCE fit.
    std::size_t stranger_message_bytes_max = 4096;
    // The maximal number of bytes that wait for a client that does not read. Relayed data is dropped when half of it is
    // used. The connection is reset if a response does not fit.
    std::size_t unsent_bytes_max = 256 * 1024;
  };

  // `is_trusted` returns true for connections that have an allocation.
  StunTcpClients(net::Host& host, const Limits& limits, std::function<bool(const stun::FiveTuple&)> is_trusted)
      : host_(host), limits_(limits), is_trusted_(std::move(is_trusted)) {}

  absl::Status Listen(const net::SocketAddress& address);
  // The addresses, with ports, on which this object listens.
  std::vector<net::SocketAddress> addresses() const;

  // Returns false if the listener does not belong to this object.
  bool Accept(net::Instant now, net::SocketId listener, net::SocketId connection, const net::SocketAddress& from);
  bool Has(net::SocketId connection) const { return clients_.count(connection) != 0; }
  // REQUIRES: Has(connection).
  const stun::FiveTuple& FiveTupleOf(net::SocketId connection) const {
    PINHOLE_REQUIRES(Has(connection));
    return clients_.at(connection).five_tuple;
  }
  // The next message of a connection; to be called until it returns nullopt. Valid until the next call for this
  // connection. If the stream cannot be cut into messages any further, the connection has then ended.
  std::optional<net::ByteView> Next(net::Instant now, net::SocketId connection);
  void OnWritable(net::SocketId connection);
  // To be called when the client has finished sending, or its connection broke. `gone`: the host no longer knows the
  // connection.
  void End(net::SocketId connection, bool gone);

  enum class Need : std::uint8_t { kMust, kMayDrop };
  // False: there is no such connection, or `bytes` were dropped.
  bool Send(const stun::FiveTuple& five_tuple, net::ByteView bytes, const net::SendOptions& options, Need need);

  // Takes over a connection that carries no more messages, with the bytes that were read but not parsed and those that
  // were not sent yet. nullopt: there is no such connection.
  struct Released {
    net::SocketId connection;
    std::vector<std::uint8_t> read;
    std::vector<std::uint8_t> unsent;
  };
  std::optional<Released> Release(const stun::FiveTuple& five_tuple);

  // Early and repeated calls are harmless.
  void OnTimer(net::Instant now);
  net::Instant NextTimer() const { return sweep_at_; }

  // Removes a connection that has ended, and returns its 5-tuple; nullopt: none has ended.
  std::optional<stun::FiveTuple> TakeEnded();

  std::size_t size() const { return clients_.size(); }

 private:
  struct Client {
    stun::FiveTuple five_tuple;
    MessageStream stream;
    net::Instant last_heard;
    bool ending = false;
  };
  enum class How : std::uint8_t { kClose, kAbort, kGone };
  void Finish(net::SocketId connection, How how);

  struct Listener {
    net::SocketId socket;
    net::SocketAddress address;
  };

  net::Host& host_;
  const Limits limits_;
  std::function<bool(const stun::FiveTuple&)> is_trusted_;
  std::vector<Listener> listeners_;
  std::map<net::SocketId, Client> clients_;
  std::map<stun::FiveTuple, net::SocketId> by_five_tuple_;
  std::vector<std::pair<net::SocketId, How>> ending_;  // not returned by TakeEnded() yet
  net::Instant sweep_at_ = net::kNever;                // the next search for idle connections
};

}  // namespace pinhole::apps
