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

// A TURN server over UDP and TCP (RFC 8656) that also answers Binding requests. Any number of clients; the owner has
// the sockets: the listening ones, their TCP connections, and one per relayed address that it opens when told to.
//
// TCP allocations too (RFC 6062), where a relayed address is a TCP listener. The engine says which connection of a peer
// belongs to which of a client; the owner makes them and moves the bytes between the two.
//
// Give every input with the time, drain PollOutput(), sleep until NextTimer(). Views in outputs are valid until
// the next input, or as long as the datagram handed in, whichever ends first. OnRelayOpened() may be called
// while draining. All state is bounded by Options; unauthenticated senders leave none.
class TurnServer {
 public:
  struct Options {
    std::string realm = "pinhole";
    std::string software;    // SOFTWARE of Binding, Allocate and Refresh responses; none if empty
    bool relay_ipv4 = true;  // families it has relayed addresses of
    bool relay_ipv6 = false;
    bool relay_udp = true;              // UDP allocations; else 403 (RFC 6062 §5.1)
    bool relay_tcp = false;             // TCP allocations; else 442
    bool can_set_dont_fragment = true;  // else DONT-FRAGMENT is an unknown attribute (RFC 8656 §7.2)
    bool allow_loopback_peers = false;  // else 403: peers would reach services of the relay's own machine
    net::Duration lifetime_max = std::chrono::seconds(3600);    // RECOMMENDED by RFC 8656 §7.2
    net::Duration nonce_lifetime = std::chrono::seconds(3600);  // RFC 8656 §5: at least once every hour
    std::size_t allocations_max = 16384;           // 508 beyond: the ports 49152-65535 of one address (RFC 8656 §7.2)
    std::size_t allocations_per_user_max = 16384;  // 486 beyond
    std::size_t permissions_max = 256;             // per allocation, 508 beyond: 2.5 full ICE check lists
    std::size_t channels_max = 256;                // per allocation, 508 beyond; the RFC's numbers end at 4096
    // With peers, per TCP allocation, 508 beyond; more that peers make are closed.
    std::size_t peer_connections_max = 64;
    std::size_t peer_connections_in_all_max = 4096;  // of all allocations, with the same consequences
  };

  // Send `bytes` from the address `five_tuple.server` to `five_tuple.client`; over TCP on the connection that there
  // is, a whole message, padding included. Relayed data may be left out if the stream is full, responses may not.
  struct SendToClient {
    FiveTuple five_tuple;
    net::ByteView bytes;
    net::PacketClass packet_class;  // kDiscovery (Binding), kTurn, or kOther for relayed data
    net::PacketTag cause;
  };
  // Open a UDP socket, or a TCP listener that shares its port with connections to peers, at a relayed address of this
  // family, on any port (any even one), and call OnRelayOpened().
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
    net::PacketTag cause;  // the packet class is that of the datagram behind it
  };
  struct CloseRelay {
    RelayId relay;
  };
  // Connect from the relayed address to `peer`, and call OnPeerConnected() or OnPeerClosed(). Nothing is read before
  // JoinPeer.
  struct ConnectPeer {
    PeerConnectionId connection;
    RelayId relay;
    net::SocketAddress peer;
  };
  // What has been sent on the client's connection is the last STUN there: what follows it goes to the peer as it is,
  // and what the peer says, from its first byte, to the client. When both directions have ended, or one connection
  // has broken, close both and call OnPeerClosed().
  struct JoinPeer {
    PeerConnectionId connection;
    FiveTuple client;
  };
  // Close the connection with the peer, and the client's that it was joined to.
  struct ClosePeer {
    PeerConnectionId connection;
  };
  using Output = std::variant<SendToClient, OpenRelay, SendFromRelay, CloseRelay, ConnectPeer, JoinPeer, ClosePeer>;

  // `random` gives the secret behind the nonces and the transaction ids of Data indications; it outlives the server.
  TurnServer(const Options& options, net::RandomSource& random);

  // Both as OpaqueString leaves them.
  void AddUser(absl::string_view username, absl::string_view password);

  // A datagram, or over TCP a message as StreamSplitter gives it.
  void OnClientDatagram(net::Instant now, const FiveTuple& five_tuple, net::ByteView datagram, net::PacketTag tag = {});
  // A TCP connection of a client is closed or broken. Its allocation ends, for nothing can be sent on its 5-tuple any
  // more (RFC 8489 §6.2.2: what was learned over a connection lasts as long as that).
  void OnConnectionClosed(net::Instant now, const FiveTuple& five_tuple);
  // The answer to OpenRelay: where the socket is bound; nullopt if there is no address or port left.
  void OnRelayOpened(net::Instant now, RelayId relay, const std::optional<net::SocketAddress>& address);
  void OnRelayedDatagram(net::Instant now, RelayId relay, const net::SocketAddress& from, net::ByteView payload,
                         net::PacketTag tag = {});
  // An ICMP error (type and code as on the wire) about a datagram from `relay` to `destination` (RFC 8656 §11.5).
  void OnRelayIcmp(net::Instant now, RelayId relay, const net::SocketAddress& destination, std::uint8_t type,
                   std::uint8_t code, std::uint32_t mtu_bytes, net::PacketTag tag = {});
  // The answer to ConnectPeer when the connection is there.
  void OnPeerConnected(net::Instant now, PeerConnectionId connection);
  // A peer has connected to the listener of `relay`. nullopt: close the connection at once (RFC 6062 §5.3).
  std::optional<PeerConnectionId> OnPeerAccepted(net::Instant now, RelayId relay, const net::SocketAddress& peer);
  // A connection with a peer could not be made, broke or has ended; its owner has closed it.
  void OnPeerClosed(net::Instant now, PeerConnectionId connection);
  // Expires allocations, and connections with peers that nobody wants. Early and repeated calls are harmless.
  void OnTimer(net::Instant now);
  // When the next of them expires. Permissions and channels are looked at when used.
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
    // The Allocate that made it: to know a retransmission (RFC 8656 §7.2), and to answer when the relay is open.
    TransactionId allocate_id;
    bool fingerprint;
    bool ipv6_refused;       // ADDITIONAL-ADDRESS-FAMILY asked for a second address
    net::Duration lifetime;  // granted
    net::PacketTag cause;

    bool open = false;  // the relayed address is known, and the client told
    net::SocketAddress relayed = {};
    std::vector<Permission> permissions = {};
    std::vector<Channel> channels = {};
  };
  // A request on its way through the checks.
  struct Request {
    net::Instant now;
    const FiveTuple& five_tuple;
    const MessageView& message;
    net::PacketTag tag;
    const LongTermServer::User* user = nullptr;  // once authenticated: its key protects the response
  };

  void OnRequest(Request request);
  void OnAllocate(const Request& request);
  void OnRefresh(const Request& request, Allocation& allocation);
  void OnCreatePermission(const Request& request, Allocation& allocation);
  void OnChannelBind(const Request& request, Allocation& allocation);
  void OnConnect(const Request& request, const Allocation& allocation);
  void OnConnectionBind(const Request& request);
  // Where the client's control connection comes from, whose nonce also counts on its data connections (RFC 6062 §4.3).
  std::optional<net::SocketAddress> ControlConnectionOf(const MessageView& connection_bind);
  // The answer to the Connect that `connection` was made for.
  template <typename Add>
  void RespondToConnect(const PeerConnections::Connection& connection, MessageClass message_class, const Add& add);
  void ExpirePeers(net::Instant now);
  bool HasRoomForPeer(RelayId relay) const;
  void OnSendIndication(const Request& indication);
  void OnChannelData(net::Instant now, const FiveTuple& five_tuple, net::ByteView datagram, net::PacketTag tag);

  // The response to `request`, filled by `add(MessageBuilder&)`, then authenticated and queued.
  template <typename Add>
  void Respond(const Request& request, MessageClass message_class, const Add& add);
  void Refuse(const Request& request, const ErrorCode& error);
  void Acknowledge(const Request& request);  // success, without attributes
  void RespondAllocated(net::Instant now, const Allocation& allocation, net::PacketTag tag);
  void ToClient(const Allocation& allocation, net::ByteView bytes, net::PacketTag tag);
  void ToPeer(const Allocation& allocation, const net::SocketAddress& peer, net::ByteView payload, bool dont_fragment,
              net::PacketTag tag);

  // What is wrong with a peer address; nullptr if nothing is.
  const ErrorCode* WrongWithPeer(const Allocation& allocation, const std::optional<net::SocketAddress>& peer) const;
  // False: no room for another.
  bool InstallPermission(Allocation& allocation, net::Instant now, const net::IpAddress& peer) const;
  static bool Permits(const Allocation& allocation, net::Instant now, const net::IpAddress& peer);
  static const Channel* FindChannel(const Allocation& allocation, net::Instant now, const net::SocketAddress& peer);
  bool SupportsFamily(net::Family family) const;
  net::Duration LifetimeFor(const MessageView& request) const;

  // Those that are open and have not expired.
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
  std::map<absl::string_view, std::size_t> count_by_user_;  // keys are owned by credentials_
  OutputQueue<Output> outputs_;
};

}  // namespace pinhole::stun
