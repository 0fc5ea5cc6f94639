#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "apps/turn/stun_tcp_clients.h"
#include "apps/turn/turn_peer_links.h"
#include "net/host.h"
#include "stun/binding_server.h"
#include "stun/turn_server.h"

namespace pinhole::apps {

// A STUN and TURN server over UDP and TCP. It answers Binding on every address on which it listens, and offers relays
// if asked to. The engine (stun/) decides; this class opens the listening sockets and one socket for each relayed
// address.
class StunTurnServer final : public net::App {
 public:
  struct User {
    std::string name;
    std::string password;
  };
  struct Options {
    std::vector<net::SocketAddress> listen;      // for UDP; "any" is allowed
    std::vector<net::SocketAddress> listen_tcp;  // for TCP
    StunTcpClients::Limits tcp_limits;
    bool turn = true;             // answers Allocate requests
    bool tcp_allocations = true;  // RFC 6062, for clients that use TCP
    // Addresses of the host at which relays are made; the first one of each family is used. Default: the first address
    // on which it listens.
    std::vector<net::IpAddress> relay_addresses;
    std::vector<User> users;
    std::string realm = "pinhole.example";
    std::string software;               // SOFTWARE attribute of responses; none if empty
    bool allow_loopback_peers = false;  // allows relays to loopback addresses of this machine
    bool silent = false;                // accepts datagrams and connections, but answers none
  };
  struct Counters {
    std::uint64_t relayed_to_peers = 0;  // in datagrams
    std::uint64_t relayed_to_clients = 0;
    std::uint64_t allocations = 0;  // made since the start
    std::uint64_t left_out = 0;     // relayed datagrams that were dropped, because a client over TCP was too slow
  };

  // REQUIRES: `host` outlives the server.
  StunTurnServer(net::Host& host, Options options);

  void OnStart() override;
  void OnDatagram(const net::Datagram& datagram) override;
  void OnIcmpError(const net::IcmpError& error) override;
  void OnTimer() override;
  void OnTcpAccepted(net::SocketId listener, net::SocketId connection, const net::SocketAddress& from) override;
  void OnTcpConnected(net::SocketId connection) override;
  void OnTcpReadable(net::SocketId connection) override;
  void OnTcpWritable(net::SocketId connection) override;
  void OnTcpClosed(net::SocketId connection) override;
  void OnTcpReset(net::SocketId connection, const absl::Status& why) override;

  // The reason why the server does not listen on all of its addresses; OK if it does.
  const absl::Status& status() const { return status_; }
  // addresses(): where the server listens for UDP. tcp_addresses(): where it listens for TCP. Both have ports, and are
  // known after the start.
  std::vector<net::SocketAddress> addresses() const;
  std::vector<net::SocketAddress> tcp_addresses() const { return tcp_clients_.addresses(); }
  // tcp_connections(): connections of STUN and TURN clients. peer_links(): connections with the peers of TCP
  // allocations.
  std::size_t tcp_connections() const { return tcp_clients_.size(); }
  const TurnPeerLinks& peer_links() const { return peer_links_; }
  const Counters& counters() const { return counters_; }

 private:
  struct Listener {
    net::SocketId socket{};
    net::SocketAddress address;
  };

  void OnClientMessage(const stun::FiveTuple& five_tuple, net::ByteView message, net::PacketTag tag);
  void SendToClient(const stun::FiveTuple& five_tuple, net::ByteView bytes, const net::SendOptions& options,
                    StunTcpClients::Need need);
  // Handles all outputs of the engine, and sets the alarm for the engine and the connections.
  void Drain();
  void Handle(const stun::TurnServer::SendToClient& output);
  void Handle(const stun::TurnServer::OpenRelay& output);
  void Handle(const stun::TurnServer::SendFromRelay& output);
  void Handle(const stun::TurnServer::CloseRelay& output);
  void Handle(const stun::TurnServer::ConnectPeer& output);
  void Handle(const stun::TurnServer::JoinPeer& output);
  void Handle(const stun::TurnServer::ClosePeer& output);
  absl::StatusOr<net::SocketId> OpenRelaySocket(const net::IpAddress& address, bool even_port);
  bool IsListener(net::SocketId socket) const;
  std::optional<net::IpAddress> RelayAddress(net::Family family) const;

  net::Host& host_;
  const Options options_;
  absl::Status status_;
  std::vector<Listener> listeners_;
  stun::BindingServer binding_;
  std::optional<stun::TurnServer> turn_;
  StunTcpClients tcp_clients_;
  TurnPeerLinks peer_links_;
  // These maps are never iterated, because their order is not deterministic.
  absl::flat_hash_map<net::SocketId, stun::RelayId> relay_of_socket_;
  absl::flat_hash_map<stun::RelayId, net::SocketId> socket_of_relay_;
  Counters counters_;
};

}  // namespace pinhole::apps
