#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "apps/turn/tcp_joint.h"
#include "net/host.h"
#include "stun/five_tuple.h"

namespace pinhole::apps {

// The TCP side of a TURN server's TCP allocations (RFC 6062 §5). It has a listener for each relayed address, the
// connections with peers at that address, and the joint of each of them with the connection that a client has bound to
// it. Before it is joined, a peer's connection is not read: its bytes wait in the host's receive buffer, and the window
// stops the peer (RFC 6062 §5.3).
//
// The engine decides. After each event the owner must empty TakeEvent().
class TurnPeerLinks {
 public:
  struct Event {
    enum class Kind : std::uint8_t {
      kConnected,  // the connection that Connect() asked for is established
      kEnded,      // the link failed, broke or finished; its sockets are closed, and its id is not valid any more
    } kind;
    stun::PeerConnectionId link;
  };

  explicit TurnPeerLinks(net::Host& host) : host_(host) {}

  // Opens the listener of a relay on any port. nullopt: it cannot be opened.
  std::optional<net::SocketAddress> Listen(stun::RelayId relay, const net::IpAddress& address);
  void StopListening(stun::RelayId relay);
  // The relay to which this listener belongs.
  std::optional<stun::RelayId> RelayOf(net::SocketId listener) const;

  void Connect(stun::PeerConnectionId link, stun::RelayId relay, const net::SocketAddress& peer);
  // Gives an id to a connection that the listener accepted.
  void Adopt(stun::PeerConnectionId link, net::SocketId connection);
  // From now on `client` and the peer's connection are joined. `to_client` and `to_peer` are sent first.
  void Join(stun::PeerConnectionId link, net::SocketId client, std::vector<std::uint8_t> to_client,
            std::vector<std::uint8_t> to_peer);
  // Closes the connections of a link. No event follows.
  void Close(stun::PeerConnectionId link);

  // To be called with the TCP events of the host. Events of sockets that do not belong to this object are ignored.
  void OnConnected(net::SocketId connection);
  void OnMoved(net::SocketId connection);  // readable or writable
  void OnClosed(net::SocketId connection);
  void OnReset(net::SocketId connection);
  bool Has(net::SocketId connection) const { return link_of_.count(connection) != 0; }

  std::optional<Event> TakeEvent();
  std::uint64_t bytes_moved() const { return bytes_moved_; }
  std::size_t size() const { return links_.size(); }

 private:
  struct Link {
    net::SocketId peer{};
    std::optional<net::SocketId> client;
    std::optional<TcpJoint> joint;
    bool peer_finished = false;  // the peer has finished before the join
  };
  enum class How : std::uint8_t { kClose, kAbort };
  Link* Find(net::SocketId connection);
  void After(stun::PeerConnectionId link);
  void Drop(stun::PeerConnectionId link, How how, std::optional<net::SocketId> gone);

  net::Host& host_;
  std::map<stun::RelayId, net::SocketId> listener_of_;
  std::map<net::SocketId, stun::RelayId> relay_of_;
  std::map<stun::PeerConnectionId, Link> links_;
  std::map<net::SocketId, stun::PeerConnectionId> link_of_;
  std::vector<Event> events_;
  std::uint64_t bytes_moved_ = 0;  // of links that have ended
};

}  // namespace pinhole::apps
