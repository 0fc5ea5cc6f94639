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
#include "stun/turn_server.h"

namespace pinhole::apps {

// The TCP connections of clients to a STUN and TURN server: accepts them within limits and gives their messages with
// the 5-tuple that they came on.
//
// After each call the owner empties TakeEnded(): connections end there and nowhere else, so that views of their
// messages stay whole while outputs that point into them are carried out.
class StunTcpClients {
 public:
  struct Limits {
    std::size_t connections_max = 1024;  // more are reset when they have been accepted
    // One without an allocation that says nothing for so long has timed out and is closed (RFC 8489 §6.2.2). Its
    // mapping lasts only while it is open, and an agent needs that for longer than it speaks: until its peer's
    // description has come, for which it waits 2 min if not told otherwise, and the checks after it have ended, of
    // which each takes 39.5 s at most.
    net::Duration idle_max = std::chrono::minutes(5);
    // Of a message on a connection without an allocation: the longest USERNAME, REALM and NONCE, and more.
    std::size_t stranger_message_bytes_max = 4096;
    // What waits for a client that does not read. Relayed data beyond half of it is left out; when a response does
    // not fit, the connection is reset.
    std::size_t unsent_bytes_max = 256 * 1024;
  };

  // `is_trusted` says which connections have an allocation.
  StunTcpClients(net::Host& host, const Limits& limits, std::function<bool(const stun::FiveTuple&)> is_trusted)
      : host_(host), limits_(limits), is_trusted_(std::move(is_trusted)) {}

  absl::Status Listen(const net::SocketAddress& address);
  // Where it listens, ports known.
  std::vector<net::SocketAddress> addresses() const;

  // False: the listener, or connection, is another's.
  bool Accept(net::Instant now, net::SocketId listener, net::SocketId connection, const net::SocketAddress& from);
  bool Has(net::SocketId connection) const { return clients_.count(connection) != 0; }
  // REQUIRES: Has(connection).
  const stun::FiveTuple& FiveTupleOf(net::SocketId connection) const {
    PINHOLE_REQUIRES(Has(connection));
    return clients_.at(connection).five_tuple;
  }
  // The next message of a connection, until nullopt. Valid until the next call about it. A stream that cannot be cut
  // any further has ended then.
  std::optional<net::ByteView> Next(net::Instant now, net::SocketId connection);
  void OnWritable(net::SocketId connection);
  // The client has finished sending, or its connection broke; `gone`: the host has forgotten it.
  void End(net::SocketId connection, bool gone);

  enum class Need : std::uint8_t { kMust, kMayDrop };
  // False: there is no such connection, or `bytes` were left out.
  bool Send(const stun::FiveTuple& five_tuple, net::ByteView bytes, const net::SendOptions& options, Need need);

  // A connection that carries no more messages, with what it has sent and not been sent yet; nullopt if there is none.
  struct Released {
    net::SocketId connection;
    std::vector<std::uint8_t> read;
    std::vector<std::uint8_t> unsent;
  };
  std::optional<Released> Release(const stun::FiveTuple& five_tuple);

  // Early and repeated calls are harmless.
  void OnTimer(net::Instant now);
  net::Instant NextTimer() const { return sweep_at_; }

  // A connection that has been given back to the host.
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
  std::vector<std::pair<net::SocketId, How>> ending_;  // not taken yet
  net::Instant sweep_at_ = net::kNever;                // when to look for idle ones
};

}  // namespace pinhole::apps
