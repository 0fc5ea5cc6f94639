#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "net/bytes.h"
#include "net/ip_address.h"
#include "net/packet_class.h"
#include "net/random.h"
#include "net/socket_address.h"
#include "net/time.h"
#include "stun/client_transaction.h"
#include "stun/five_tuple.h"
#include "stun/long_term.h"
#include "stun/message.h"
#include "stun/output_queue.h"
#include "stun/transport.h"

namespace pinhole::stun {

// One allocation on a TURN server (RFC 8656), from one local socket: a UDP one, or a TCP connection to the server.
//
//     kIdle --Start--> kAllocating --success--> kAllocated --Release--> kReleasing --> kClosed
//                          |---refused, no answer--> kClosed <--lost--'
//                          `---Release--> kReleasing
// A lost connection leads from everywhere to kClosed.
//
// Answers the server's challenge, keeps allocation, permissions and channels alive, wraps what goes to peers
// (Send indications until a channel is bound, then ChannelData) and unwraps what comes.
// Give every input with the time, drain PollOutput(), sleep until NextTimer(). Views in outputs are valid
// until the next input; those of DataFromPeer as long as the datagram handed in. INVARIANT: NextTimer() is not
// net::kNever exactly while kAllocating, kAllocated and kReleasing. The steady path, data both ways, does not allocate.
class TurnClient {
 public:
  struct Options {
    net::SocketAddress server;
    Transport transport = Transport::kUdp;  // to the server
    // kTcp: a TCP allocation (RFC 6062): Connect() and ConnectionAttempt instead of channels and data. REQUIRES: TCP to
    // the server, else nothing is asked for.
    Transport relayed_transport = Transport::kUdp;
    std::string username;  // as OpaqueString leaves it, and so the password
    std::string password;
    std::optional<net::Family> family;              // REQUESTED-ADDRESS-FAMILY; without: IPv4 (RFC 8656 §7.2)
    std::optional<std::uint32_t> lifetime_seconds;  // LIFETIME asked for; without: the server's default
    std::string software;                           // SOFTWARE of Allocate and Refresh; none if empty
    ClientTransaction::Options transaction;         // of every request over UDP
    net::Duration ti = kDefaultTi;                  // and over TCP: how long an answer is waited for
  };
  enum class State : std::uint8_t { kIdle, kAllocating, kAllocated, kReleasing, kClosed };
  enum class Reason : std::uint8_t {
    kTimedOut,           // no answer to a request
    kIntegrityViolated,  // answers whose integrity was wrong; over UDP no other until the request timed out
    kRefused,            // an error response; see its code
    kBadResponse,        // a success response that lacks an address, or has one that was not asked for
    kHardIcmpError,
    kConnectionLost,   // the TCP connection to the server
    kNoAllocation,     // asked for something that needs one
    kLimit,            // more than kPeersMax peers
    kRequestTooLong,   // realm, nonce and username do not fit a request
    kExpired,          // the allocation ran out before a refresh was answered
    kTooSoon,          // less than 10 s after a 447 for the same peer (RFC 6062 §4.3)
    kNotForTransport,  // a channel of a TCP allocation, a connection of a UDP one
  };

  // Send `bytes` to Options::server: a datagram, or over TCP a whole message, padding included, to follow the one
  // before. A stream that is full may leave out whole messages on their way to a peer (`send` 0), never others.
  struct SendToServer {
    net::ByteView bytes;
    net::PacketClass packet_class;  // kTurn, or what Send() was given
    net::PacketTag cause;           // the datagram behind it, if there is one
    int send = 0;                   // of a request: 1 for the first transmission of it; 0: on its way to a peer
  };
  struct Allocated {
    net::SocketAddress relayed;
    net::SocketAddress mapped;  // where the server saw us
    net::Duration lifetime;
  };
  // Before it was there: nothing was allocated. `code` is that of the ERROR-CODE for kRefused, otherwise 0.
  struct AllocationFailed {
    Reason reason;
    int code;
  };
  // After it was there: relayed address, permissions and channels are gone.
  struct AllocationLost {
    Reason reason;
    int code;
  };
  // The end of Release(), whether the server answered or not.
  struct Released {};
  // The peer address may now reach us, and Send() goes straight out. Given once per CreatePermission() or
  // first Send(), not for refreshes.
  struct PermissionReady {
    net::IpAddress peer;
  };
  // Also when a permission could not be refreshed. What waited for it is dropped.
  struct PermissionFailed {
    net::IpAddress peer;
    Reason reason;
    int code;
  };
  struct ChannelReady {
    net::SocketAddress peer;
    std::uint16_t channel;
  };
  // Data goes on in Send indications.
  struct ChannelFailed {
    net::SocketAddress peer;
    Reason reason;
    int code;
  };
  struct DataFromPeer {
    net::SocketAddress peer;
    net::ByteView payload;
  };
  // An ICMP error that the relay got for a datagram of ours to `peer` (RFC 8656 §11.6).
  struct IcmpFromPeer {
    net::SocketAddress peer;
    std::uint8_t type;
    std::uint16_t code;
    std::uint32_t mtu_bytes;  // 0 unless "too big"
  };
  // TCP allocations: the server has a connection with `peer`. Within 30 s a new TCP connection to Options::server, run
  // by a TurnDataConnection, becomes the client's end of it.
  struct PeerConnected {
    net::SocketAddress peer;
    PeerConnectionId connection;
  };
  struct ConnectFailed {
    net::SocketAddress peer;
    Reason reason;
    int code;
  };
  // The same as PeerConnected, but the peer has connected to us; to be taken or left (RFC 6062 §4.4).
  struct ConnectionAttempt {
    net::SocketAddress peer;
    PeerConnectionId connection;
  };
  using Output = std::variant<SendToServer, Allocated, AllocationFailed, AllocationLost, Released, PermissionReady,
                              PermissionFailed, ChannelReady, ChannelFailed, DataFromPeer, IcmpFromPeer, PeerConnected,
                              ConnectFailed, ConnectionAttempt>;

  enum class SendResult : std::uint8_t {
    kSent,     // a SendToServer is in the queue
    kWaiting,  // goes out when the permission is there
    kDropped,  // no allocation, wrong family, too long, or too many waiting
  };

  // Permissions and channels one client asks for: more remote candidates than any ICE agent pairs (its check
  // list has at most 100 pairs, RFC 8445 §6.1.2.5).
  static constexpr std::size_t kPeersMax = 128;
  // Payloads that wait for their permissions, in all, so that a silent server costs a stated amount.
  static constexpr std::size_t kWaitingMax = 64;
  // A request is challenged (401, 438) at most so often: once to learn realm and nonce, and a server that calls
  // each new nonce stale is given up on.
  static constexpr int kChallengesMax = 4;

  // `random` gives the transaction ids and outlives the client.
  TurnClient(Options options, net::RandomSource& random);

  // Sends the first Allocate. Once only; over TCP when the connection is there.
  void Start(net::Instant now);
  // Takes what came from the server's address to the local socket, over TCP message by message as StreamSplitter
  // gives them. False, with nothing changed, for what is
  // not this allocation's: another sender, no TURN message, another transaction.
  bool OnDatagram(net::Instant now, const net::SocketAddress& from, net::ByteView datagram, net::PacketTag tag = {});
  // A hard ICMP error (RFC 1122 §4.2.3.9) came for what was sent to the server.
  void OnHardIcmpError(net::Instant now);
  // The TCP connection to the server failed, broke or was closed by the server: the allocation has gone with it, and
  // whoever wants another begins anew with a new client.
  void OnConnectionLost();
  // Lets `peer` in, and keeps it so. PermissionReady comes at once if it is let in already.
  void CreatePermission(net::Instant now, const net::IpAddress& peer);
  // Binds a channel to `peer`, permission included, and keeps both. ChannelReady comes at once if bound.
  void BindChannel(net::Instant now, const net::SocketAddress& peer);
  // No longer refreshes the permission of this address nor the channels to it; they stay until they expire.
  void Forget(const net::IpAddress& peer);
  // Sends `payload` to `peer` through the relay, creating the permission first if there is none.
  SendResult Send(net::Instant now, const net::SocketAddress& peer, net::ByteView payload,
                  net::PacketClass packet_class, net::PacketTag cause = {});
  // Asks the server to connect to `peer`: PeerConnected or ConnectFailed. Does nothing while that is being asked.
  void Connect(net::Instant now, const net::SocketAddress& peer);
  // Gives the allocation back (Refresh with LIFETIME 0), resent until it is answered or has failed. While kAllocating
  // it waits for the answer, since what has been asked for may yet be granted, and gives that back; only an Allocate
  // with credentials, to a server that is known to be there, is still resent. Before Start() it just closes.
  void Release(net::Instant now);
  // Early and repeated calls are harmless.
  void OnTimer(net::Instant now);
  net::Instant NextTimer() const;
  std::optional<Output> PollOutput();

  State state() const { return state_; }
  const Options& options() const { return options_; }
  // With what the server's challenge taught it.
  const LongTermClient& credential() const { return credential_; }
  // Valid while kAllocated.
  const net::SocketAddress& relayed() const { return relayed_; }
  const net::SocketAddress& mapped() const { return mapped_; }
  bool HasPermission(net::Instant now, const net::IpAddress& peer) const;
  bool HasChannel(net::Instant now, const net::SocketAddress& peer) const;

 private:
  // What a request is for.
  struct Purpose {
    enum class Kind : std::uint8_t { kAllocate, kRefresh, kRelease, kPermission, kChannel, kConnect } kind;
    net::SocketAddress peer;    // kPermission (port 0), kChannel, kConnect
    std::uint16_t channel = 0;  // kChannel
    friend bool operator==(const Purpose&, const Purpose&) = default;
  };
  using Kind = Purpose::Kind;

  // A request on its way; at most one for one purpose.
  struct Request {
    Purpose purpose;
    bool authenticated;  // bears credentials
    int retries;         // requests before it for the same purpose that were answered by a challenge
    ClientTransaction transaction;
  };
  struct Permission {
    net::IpAddress peer;
    bool announced = false;              // PermissionReady has been given
    bool kept = true;                    // to be refreshed in time
    std::optional<net::Instant> expiry;  // nullopt: not installed yet
    net::Instant refresh_at;             // meaningful if kept and installed
  };
  struct Channel {
    net::SocketAddress peer;
    std::uint16_t number;
    bool announced = false;
    bool kept = true;
    std::optional<net::Instant> expiry;  // nullopt: not bound yet
    net::Instant refresh_at;
  };
  // A peer that the server could not reach.
  struct Unreached {
    net::SocketAddress peer;
    net::Instant again;  // not to be asked for before
  };
  // A payload that came before its permission.
  struct Waiting {
    net::SocketAddress peer;
    net::PacketClass packet_class;
    net::PacketTag cause;
    std::vector<std::uint8_t> payload;
  };
  struct Due {
    enum class What : std::uint8_t { kRequest, kExpiry, kRefresh, kPermission, kChannel } what;
    net::Instant at;
    std::size_t index;
  };

  // At no time, if nothing is.
  Due EarliestDue() const;
  void StartRequest(net::Instant now, const Purpose& purpose, int retries, net::PacketTag cause);
  bool IsUnderWay(const Purpose& purpose) const;
  bool IsUnderWayFor(const net::IpAddress& peer) const;
  void EnsurePermission(net::Instant now, const net::IpAddress& peer, net::PacketTag cause);
  bool OnResponse(net::Instant now, const MessageView& response, net::PacketTag tag);
  void OnSuccess(net::Instant now, const Purpose& purpose, const MessageView& response, net::PacketTag tag);
  void OnAllocateSuccess(net::Instant now, const MessageView& response, net::PacketTag tag);
  void OnFailure(net::Instant now, const Purpose& purpose, Reason reason, int code, net::PacketTag tag);
  bool OnDataIndication(net::Instant now, const MessageView& message);
  bool OnConnectionAttempt(net::Instant now, const MessageView& message);
  void OnConnectFailure(net::Instant now, const net::SocketAddress& peer, Reason reason, int code);
  bool OnChannelData(net::Instant now, net::ByteView datagram);
  void SetLifetime(net::Instant now, const MessageView& response);
  void InstallPermission(net::Instant now, const net::IpAddress& peer);
  void PollRequest(std::size_t index, net::PacketTag cause);
  void EndFailedRequest(net::Instant now, std::size_t index, net::PacketTag tag);
  Permission* FindPermission(const net::IpAddress& peer);
  Channel* FindChannel(const net::SocketAddress& peer);
  SendResult Emit(net::Instant now, const net::SocketAddress& peer, net::ByteView payload,
                  net::PacketClass packet_class, net::PacketTag cause);
  void Close();

  Options options_;
  net::RandomSource* random_;
  LongTermClient credential_;
  State state_ = State::kIdle;
  net::SocketAddress relayed_;
  net::SocketAddress mapped_;
  net::Instant expiry_;            // meaningful while kAllocated
  net::Instant refresh_at_;        // and this
  std::vector<Request> requests_;  // in the order they were started
  std::vector<Permission> permissions_;
  std::vector<Channel> channels_;  // in the order of their numbers, which are never used twice
  std::vector<Waiting> waiting_;
  std::vector<Unreached> unreached_;
  OutputQueue<Output> outputs_;
};

}  // namespace pinhole::stun
