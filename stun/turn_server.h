#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "net/bytes.h"
#include "net/ip_address.h"
#include "net/packet_class.h"
#include "net/random.h"
#include "net/socket_address.h"
#include "net/time.h"
#include "stun/binding_server.h"
#include "stun/long_term.h"
#include "stun/message.h"
#include "stun/message_builder.h"
#include "stun/output_queue.h"

namespace pinhole::stun {

// Names the relayed transport address of one allocation, and so the socket behind it. Never reused.
enum class RelayId : std::uint32_t {};

// What tells allocations apart; the fifth part, the transport, is UDP (RFC 8656 §2).
struct FiveTuple {
  net::SocketAddress client;  // as the server sees it
  net::SocketAddress server;  // the address that it sent to

  friend bool operator==(const FiveTuple&, const FiveTuple&) = default;
  friend std::strong_ordering operator<=>(const FiveTuple&, const FiveTuple&) = default;
};

// Lifetimes of RFC 8656 §6, §9, §12.
inline constexpr net::Duration kDefaultAllocationLifetime = std::chrono::seconds(600);
inline constexpr net::Duration kPermissionLifetime = std::chrono::seconds(300);
inline constexpr net::Duration kChannelLifetime = std::chrono::seconds(600);

// A TURN server over UDP (RFC 8656) that also answers Binding requests. Any number of clients; the owner has
// the sockets: the listening ones, and one per relayed address that it opens when told to.
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
    bool can_set_dont_fragment = true;  // else DONT-FRAGMENT is an unknown attribute (§7.2)
    bool allow_loopback_peers = false;  // else 403: peers would reach services of the relay's own machine
    net::Duration lifetime_max = std::chrono::seconds(3600);    // RECOMMENDED by §7.2
    net::Duration nonce_lifetime = std::chrono::seconds(3600);  // §5: at least once every hour
    std::size_t allocations_max = 16384;           // 508 beyond: the ports 49152-65535 of one address (§7.2)
    std::size_t allocations_per_user_max = 16384;  // 486 beyond
    std::size_t permissions_max = 256;             // per allocation, 508 beyond: 2.5 full ICE check lists
    std::size_t channels_max = 256;                // per allocation, 508 beyond; the RFC's numbers end at 4096
  };

  // Send `bytes` from the address `server` to `client`.
  struct SendToClient {
    net::SocketAddress client;
    net::SocketAddress server;
    net::ByteView bytes;
    net::PacketClass packet_class;  // kDiscovery (Binding), kTurn, or kOther for relayed data
    net::PacketTag cause;
  };
  // Open a socket at a relayed address of this family, on any port, and call OnRelayOpened().
  struct OpenRelay {
    RelayId relay;
    net::Family family;
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
  using Output = std::variant<SendToClient, OpenRelay, SendFromRelay, CloseRelay>;

  // `random` gives the secret behind the nonces, and is used during construction only.
  TurnServer(const Options& options, net::RandomSource& random);

  // Both as OpaqueString leaves them.
  void AddUser(absl::string_view username, absl::string_view password);

  void OnClientDatagram(net::Instant now, const FiveTuple& five_tuple, net::ByteView datagram, net::PacketTag tag = {});
  // The answer to OpenRelay: where the socket is bound; nullopt if there is no address or port left.
  void OnRelayOpened(net::Instant now, RelayId relay, const std::optional<net::SocketAddress>& address);
  void OnRelayedDatagram(net::Instant now, RelayId relay, const net::SocketAddress& from, net::ByteView payload,
                         net::PacketTag tag = {});
  // An ICMP error (type and code as on the wire) about a datagram from `relay` to `destination` (§11.5).
  void OnRelayIcmp(net::Instant now, RelayId relay, const net::SocketAddress& destination, std::uint8_t type,
                   std::uint8_t code, std::uint32_t mtu_bytes, net::PacketTag tag = {});
  // Expires allocations. Early and repeated calls are harmless.
  void OnTimer(net::Instant now);
  // When the next allocation expires. Permissions and channels are looked at when used.
  std::optional<net::Instant> NextTimer() const;
  std::optional<Output> PollOutput();

  std::size_t allocations() const { return allocations_.size(); }

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
    TransactionId allocate_id;   // of the Allocate that made it, to know a retransmission (§7.2)
    bool fingerprint;            // that Allocate had one
    bool open = false;           // the relayed address is known and the client has been told
    bool address_error = false;  // ADDITIONAL-ADDRESS-FAMILY was asked for and not given
    net::Family family;
    net::SocketAddress relayed;
    net::Instant expiry;
    net::Duration lifetime;  // asked for, until `open`
    net::PacketTag cause;    // the Allocate, until `open`
    std::vector<Permission> permissions;
    std::vector<Channel> channels;
  };
  // A request that has been authenticated, and what its response needs.
  struct Authenticated {
    net::Instant now;
    const FiveTuple& five_tuple;
    const MessageView& message;
    const LongTermServer::User& user;
    net::PacketTag tag;
  };

  void OnRequest(net::Instant now, const FiveTuple& five_tuple, const MessageView& request, net::PacketTag tag);
  void OnAllocate(const Authenticated& request);
  void OnRefresh(const Authenticated& request, Allocation& allocation);
  void OnCreatePermission(const Authenticated& request, Allocation& allocation);
  void OnChannelBind(const Authenticated& request, Allocation& allocation);
  void OnSendIndication(net::Instant now, const FiveTuple& five_tuple, const MessageView& indication,
                        net::PacketTag tag);
  void OnChannelData(net::Instant now, const FiveTuple& five_tuple, net::ByteView datagram, net::PacketTag tag);

  // Code of the error that a peer address draws, 0 for none.
  int RefusePeer(const Allocation& allocation, const std::optional<net::SocketAddress>& peer) const;
  bool InstallPermission(Allocation& allocation, net::Instant now, const net::IpAddress& peer);
  void RespondAllocated(net::Instant now, const Allocation& allocation, net::PacketTag tag);
  template <typename AddAttributes>
  void Respond(const Authenticated& request, MessageClass message_class, AddAttributes add);
  void Refuse(const Authenticated& request, int code);
  void Remove(Allocation& allocation);
  Allocation* Find(const FiveTuple& five_tuple);
  Allocation* Find(RelayId relay);
  void SetExpiry(Allocation& allocation, net::Instant expiry);
  net::Duration GrantedLifetime(const MessageView& request) const;

  Options options_;
  LongTermServer credentials_;
  BindingServer binding_;
  AttributeSet understood_;
  std::uint32_t next_relay_ = 1;
  std::map<RelayId, std::unique_ptr<Allocation>> allocations_;
  std::map<FiveTuple, Allocation*> by_five_tuple_;
  std::set<std::pair<net::Instant, RelayId>> expiries_;
  std::map<std::string, std::size_t, std::less<>> allocations_by_user_;
  OutputQueue<Output> outputs_;
};

}  // namespace pinhole::stun
