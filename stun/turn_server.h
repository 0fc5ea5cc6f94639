#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/string_view.h"
#include "net/bytes.h"
#include "net/ip_address.h"
#include "net/packet_class.h"
#include "net/random.h"
#include "net/socket_address.h"
#include "net/time.h"
#include "stun/attributes_error.h"
#include "stun/binding_server.h"
#include "stun/five_tuple.h"
#include "stun/long_term.h"
#include "stun/message.h"
#include "stun/message_builder.h"
#include "stun/output_queue.h"
#include "stun/transport.h"
#include "stun/turn_lifetimes.h"
#include "stun/turn_peer_connections.h"

namespace pinhole::stun {

// A TURN server over UDP and TCP (RFC 8656), which also answers Binding requests, for any number of clients. The owner
// has the sockets: those on which the server listens, their TCP connections, and one for each relayed address, which it
// opens for an OpenRelay output.
//
// The server may also make TCP allocations (RFC 6062), whose relayed address is a TCP listener. The engine decides
// which connection with a peer belongs to which connection of a client. The owner opens the connections and copies the
// bytes between the two.
//
// Give every input with the time, drain PollOutput(), and call OnTimer() at NextTimer(). Views in outputs are valid
// until the next input, or as long as the datagram that was given in, whichever ends first. OnRelayOpened() may be
// called while draining. All state is bounded by Options; senders without authentication leave no state.
class TurnServer {
 public:
  struct Options {
    std::string realm = "pinhole";
    std::string software;    // SOFTWARE of Binding, Allocate and Refresh responses; empty: none
    bool relay_ipv4 = true;  // true: the server has IPv4 relayed addresses; false: a request for one gets 440
    bool relay_ipv6 = false;
    bool relay_udp = true;   // true: UDP allocations are made; false: a request for one gets 403 (RFC 6062 §5.1)
    bool relay_tcp = false;  // true: TCP allocations are made; false: a request for one gets 442
    bool can_set_dont_fragment = true;  // false: DONT-FRAGMENT is an unknown attribute (RFC 8656 §7.2)
    // False: a loopback peer gets 403, because a client could reach services of the server's own machine.
    bool allow_loopback_peers = false;
    // The longest lifetime that is granted, as RFC 8656 §7.2 recommends.
    net::Duration lifetime_max = std::chrono::seconds(3600);
    // The lifetime of a nonce. RFC 8656 §5 recommends a new nonce at least once every hour.
    net::Duration nonce_lifetime = std::chrono::seconds(3600);
    // The limit of allocations. Further Allocate requests get 508. The default is the number of ports 49152-65535 of
    // one address (RFC 8656 §7.2).
    std::size_t allocations_max = 16384;
    std::size_t allocations_per_user_max = 16384;  // the limit of allocations per user; further requests get 486
    // The limit of permissions per allocation. Further requests get 508. The default is 2.5 times the pairs of a full
    // ICE checklist set.
    std::size_t permissions_max = 256;
    // The limit of channels per allocation. Further requests get 508. The RFC has numbers for 4096 channels.
    std::size_t channels_max = 256;
    // Connections with peers per TCP allocation. Beyond it a Connect request gets 508, and a connection that a peer
    // opens is closed.
    std::size_t peer_connections_max = 64;
    std::size_t peer_connections_in_all_max = 4096;  // the same limit for all allocations together
  };

  // Asks the owner to send `bytes` from the address `five_tuple.server` to `five_tuple.client`. Over TCP `bytes` are a
  // whole message, padding included, for the existing connection. If the stream is full, the owner may drop relayed
  // data, but not responses.
  struct SendToClient {
    FiveTuple five_tuple;
    net::ByteView bytes;
    net::PacketClass packet_class;  // kDiscovery (Binding), kTurn, or kOther for relayed data
    net::PacketTag cause;
  };
  // Asks the owner to open a UDP socket, or a TCP listener that shares its port with connections to peers, at a relayed
  // address of this family. The port may be any (`even_port`: any even one). The owner answers with OnRelayOpened().
  struct OpenRelay {
    RelayId relay;
    net::Family family;
    bool even_port = false;
    Transport transport = Transport::kUdp;
  };
  struct SendFromRelay {
    RelayId relay;
    net::SocketAddress peer;
    net::ByteView bytes;
    bool dont_fragment;
    net::PacketTag cause;  // the received datagram; its packet class is the class of this one, too
  };
  struct CloseRelay {
    RelayId relay;
  };
  // Asks the owner to connect from the relayed address to `peer`. The owner answers with OnPeerConnected() or
  // OnPeerClosed(). It must not read from the connection before JoinPeer.
  struct ConnectPeer {
    PeerConnectionId connection;
    RelayId relay;
    net::SocketAddress peer;
  };
  // Asks the owner to join a connection with a peer and a client's connection. The response that was sent before is the
  // last STUN message on the client's connection. All later bytes of the client go unchanged to the peer, and all bytes
  // of the peer, from the first, go to the client. When both directions have ended, or one connection has broken, the
  // owner closes both connections and calls OnPeerClosed().
  struct JoinPeer {
    PeerConnectionId connection;
    FiveTuple client;
  };
  // Asks the owner to close the connection with the peer and the client's connection that was joined to it.
  struct ClosePeer {
    PeerConnectionId connection;
  };
  using Output = std::variant<SendToClient, OpenRelay, SendFromRelay, CloseRelay, ConnectPeer, JoinPeer, ClosePeer>;

  // `random` gives the secret key of the nonces and the transaction ids of indications. It must outlive the server.
  TurnServer(const Options& options, net::RandomSource& random);

  // Both texts are given as OpaqueString leaves them.
  void AddUser(absl::string_view username, absl::string_view password);

  // A datagram of a client, or over TCP a message from StreamSplitter, has arrived.
  void OnClientDatagram(net::Instant now, const FiveTuple& five_tuple, net::ByteView datagram, net::PacketTag tag = {});
  // A TCP connection of a client was closed or broke. Its allocation ends, because nothing can be sent on its 5-tuple
  // any more (RFC 8489 §6.2.2).
  void OnConnectionClosed(net::Instant now, const FiveTuple& five_tuple);
  // The answer to OpenRelay. `address` is the address of the socket; nullopt: no address or port is left.
  void OnRelayOpened(net::Instant now, RelayId relay, const std::optional<net::SocketAddress>& address);
  void OnRelayedDatagram(net::Instant now, RelayId relay, const net::SocketAddress& from, net::ByteView payload,
                         net::PacketTag tag = {});
  // An ICMP error (type and code as on the wire) about a datagram from `relay` to `destination` (RFC 8656 §11.5).
  void OnRelayIcmp(net::Instant now, RelayId relay, const net::SocketAddress& destination, std::uint8_t type,
                   std::uint8_t code, std::uint32_t mtu_bytes, net::PacketTag tag = {});
  // The answer to ConnectPeer: the connection is open.
  void OnPeerConnected(net::Instant now, PeerConnectionId connection);
  // A peer has connected to the listener of `relay`. Returns the id of the connection; nullopt: the owner closes it at
  // once (RFC 6062 §5.3).
  std::optional<PeerConnectionId> OnPeerAccepted(net::Instant now, RelayId relay, const net::SocketAddress& peer);
  // A connection with a peer could not be established, broke, or has ended. The owner has closed it.
  void OnPeerClosed(net::Instant now, PeerConnectionId connection);
  // Ends expired allocations, and connections with peers that no client has claimed in time. Early and repeated calls
  // are harmless.
  void OnTimer(net::Instant now);
  // When the next allocation or connection expires. Permissions and channels are not counted, because their expiry is
  // checked when they are used.
  net::Instant NextTimer() const;
  std::optional<Output> PollOutput();

  std::size_t allocations() const { return allocations_.size(); }
  bool HasAllocation(const FiveTuple& five_tuple) const { return by_five_tuple_.count(five_tuple) != 0; }

 private:
  struct Permission {
    net::IpAddress peer;
    net::Instant expiry;
  };
  struct Channel {
    std::uint16_t number;
    net::SocketAddress peer;
    net::Instant expiry;
  };
  struct Allocation {
    RelayId relay;
    FiveTuple five_tuple;
    const LongTermServer::User* user;
    net::Family family;
    Transport transport;  // of the relayed address
    net::Instant expiry;
    // The Allocate request that made the allocation. It serves to recognize a retransmission (RFC 8656 §7.2), and to
    // respond when the relayed address is open.
    TransactionId allocate_id;
    bool fingerprint;
    bool ipv6_refused;       // ADDITIONAL-ADDRESS-FAMILY requested a second address
    net::Duration lifetime;  // granted
    net::PacketTag cause;

    bool open = false;  // true: the relayed address is known, and the client has got its response
    net::SocketAddress relayed = {};
    std::vector<Permission> permissions = {};
    std::vector<Channel> channels = {};
  };
  // A request that is being checked.
  struct Request {
    net::Instant now;
    const FiveTuple& five_tuple;
    const MessageView& message;
    net::PacketTag tag;
    const LongTermServer::User* user = nullptr;  // set once authenticated; the user's key protects the response
  };

  void OnRequest(Request request);
  void OnAllocate(const Request& request);
  void OnRefresh(const Request& request, Allocation& allocation);
  void OnCreatePermission(const Request& request, Allocation& allocation);
  void OnChannelBind(const Request& request, Allocation& allocation);
  void OnConnect(const Request& request, const Allocation& allocation);
  void OnConnectionBind(const Request& request);
  // The client's address on the control connection to which the ConnectionBind request belongs. A nonce for this
  // address also counts on data connections (RFC 6062 §4.3).
  std::optional<net::SocketAddress> ControlConnectionOf(const MessageView& connection_bind);
  // Responds to the Connect request that asked for `connection`.
  template <typename Add>
  void RespondToConnect(const PeerConnections::Connection& connection, MessageClass message_class, const Add& add);
  void ExpirePeers(net::Instant now);
  bool HasRoomForPeer(RelayId relay) const;
  void OnSendIndication(const Request& indication);
  void OnChannelData(net::Instant now, const FiveTuple& five_tuple, net::ByteView datagram, net::PacketTag tag);

  // Queues the response to `request`. `add(MessageBuilder&)` adds its attributes; Respond() adds the authentication.
  template <typename Add>
  void Respond(const Request& request, MessageClass message_class, const Add& add);
  void Refuse(const Request& request, const ErrorCode& error);
  void Acknowledge(const Request& request);  // a success response without attributes
  void RespondAllocated(net::Instant now, const Allocation& allocation, net::PacketTag tag);
  void ToClient(const Allocation& allocation, net::ByteView bytes, net::PacketTag tag);
  void ToPeer(const Allocation& allocation, const net::SocketAddress& peer, net::ByteView payload, bool dont_fragment,
              net::PacketTag tag);

  // The error code for a peer address that may not be used; nullptr: it may be used.
  const ErrorCode* WrongWithPeer(const Allocation& allocation, const std::optional<net::SocketAddress>& peer) const;
  // False: the limit of permissions is reached.
  bool InstallPermission(Allocation& allocation, net::Instant now, const net::IpAddress& peer) const;
  static bool Permits(const Allocation& allocation, net::Instant now, const net::IpAddress& peer);
  static const Channel* FindChannel(const Allocation& allocation, net::Instant now, const net::SocketAddress& peer);
  bool SupportsFamily(net::Family family) const;
  net::Duration LifetimeFor(const MessageView& request) const;

  // The allocation if it is open; nullptr: there is none.
  Allocation* FindOpen(const FiveTuple& five_tuple);
  Allocation* FindOpen(RelayId relay);
  void SetExpiry(Allocation& allocation, net::Instant expiry);
  void Remove(Allocation& allocation);
  void Expire(net::Instant now);

  Options options_;
  LongTermServer credentials_;
  BindingServer binding_;
  AttributeSet understood_;
  net::RandomSource* random_;
  std::uint32_t relays_made_ = 0;
  std::map<RelayId, std::unique_ptr<Allocation>> allocations_;
  std::map<FiveTuple, Allocation*> by_five_tuple_;
  std::set<std::pair<net::Instant, RelayId>> expiries_;
  PeerConnections peers_;
  std::map<absl::string_view, std::size_t> count_by_user_;  // the keys point into credentials_
  OutputQueue<Output> outputs_;
};

}  // namespace pinhole::stun
