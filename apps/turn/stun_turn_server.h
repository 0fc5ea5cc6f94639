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

// A STUN and TURN server over UDP and TCP: Binding on every address it listens on, and relays if it is asked to offer
// them. The engine decides; this opens the sockets, listening ones and one for each relayed address.
class StunTurnServer final : public net::App {
 public:
  struct User {
    std::string name;
    std::string password;
  };
  struct Options {
    std::vector<net::SocketAddress> listen;      // over UDP; "any" is allowed
    std::vector<net::SocketAddress> listen_tcp;  // and over TCP
    StunTcpClients::Limits tcp_limits;
    bool turn = true;             // answers Allocate
    bool tcp_allocations = true;  // RFC 6062, for clients over TCP
    // Addresses of the host that relays are made on, the first of each family counting. None: the first listened on.
    std::vector<net::IpAddress> relay_addresses;
    std::vector<User> users;
    std::string realm = "pinhole.example";
    std::string software;               // SOFTWARE of responses; none if empty
    bool allow_loopback_peers = false;  // relays to this machine's own loopback addresses
    bool silent = false;                // takes datagrams and connections, and answers none
  };
  struct Counters {
    std::uint64_t relayed_to_peers = 0;  // datagrams
    std::uint64_t relayed_to_clients = 0;
    std::uint64_t allocations = 0;  // made, all told
    std::uint64_t left_out = 0;     // relayed datagrams that a client over TCP was too slow for
  };

  // `host` must outlive the server.
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

  // Why it does not listen on all of its addresses; OK when it does.
  const absl::Status& status() const { return status_; }
  // Where it listens over UDP, and over TCP, ports known, once started.
  std::vector<net::SocketAddress> addresses() const;
  std::vector<net::SocketAddress> tcp_addresses() const { return tcp_clients_.addresses(); }
  // Of clients that speak STUN; and with peers of TCP allocations.
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
  // Does all that the engine wants, and sleeps until it or a connection has something to do.
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
  // Never iterated.
  absl::flat_hash_map<net::SocketId, stun::RelayId> relay_of_socket_;
  absl::flat_hash_map<stun::RelayId, net::SocketId> socket_of_relay_;
  Counters counters_;
};

}  // namespace pinhole::apps
