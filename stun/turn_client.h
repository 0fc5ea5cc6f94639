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

// The client of one allocation on a TURN server (RFC 8656). It uses one UDP socket, or one TCP connection to the
// server.
//
//     kIdle --Start--> kAllocating --success--> kAllocated --Release--> kReleasing --> kClosed
//                          |---refused, no answer--> kClosed <--lost--'
//                          `---Release--> kReleasing
// A lost TCP connection leads from every state to kClosed.
//
// The client answers the server's challenge and keeps allocation, permissions and channels alive. It wraps data for
// peers, in Send indications until a channel is bound, then in ChannelData, and it unwraps data from peers. Give every
// input with the time, drain PollOutput(), and call OnTimer() at NextTimer(). Views in outputs are valid until the next
// input; the payload of DataFromPeer is valid as long as the datagram that was given to OnDatagram(). INVARIANT:
// NextTimer() is not net::kNever exactly while kAllocating, kAllocated and kReleasing. Sending and receiving data does
// not allocate memory once the buffers have grown.
class TurnClient {
 public:
  struct Options {
    net::SocketAddress server;
    Transport transport = Transport::kUdp;  // between client and server
    // kTcp asks for a TCP allocation (RFC 6062), which has Connect() and ConnectionAttempt in place of channels and
    // data. It needs `transport` kTcp; otherwise Start() fails with kNotForTransport.
    Transport relayed_transport = Transport::kUdp;
    std::string username;  // username and password are given as OpaqueString leaves them
    std::string password;
    std::optional<net::Family> family;              // REQUESTED-ADDRESS-FAMILY; nullopt: IPv4 (RFC 8656 §7.2)
    std::optional<std::uint32_t> lifetime_seconds;  // requested LIFETIME; nullopt: the server's default
    std::string software;                           // SOFTWARE of Allocate and Refresh requests; empty: none
    ClientTransaction::Options transaction;         // timing of every request over UDP
    net::Duration ti = kDefaultTi;                  // Ti of every request over TCP
  };
  enum class State : std::uint8_t { kIdle, kAllocating, kAllocated, kReleasing, kClosed };
  enum class Reason : std::uint8_t {
    kTimedOut,           // no response to a request
    kIntegrityViolated,  // responses came, but only with a wrong integrity
    kRefused,            // an error response; see `code`
    // A success response without a needed attribute, or with an address of another family than requested.
    kBadResponse,
    kHardIcmpError,
    kConnectionLost,   // the TCP connection to the server
    kNoAllocation,     // the request needs an allocation, and there is none
    kLimit,            // more than kPeersMax peers
    kRequestTooLong,   // realm, nonce and username do not fit a request
    kExpired,          // the allocation expired before a Refresh was answered
    kTooSoon,          // less than 10 s after a 447 for the same peer (RFC 6062 §4.3)
    kNotForTransport,  // a channel on a TCP allocation, a connection on a UDP allocation, or a TCP allocation over UDP
  };

  // Asks the owner to send `bytes` to Options::server: as a datagram, or over TCP as a whole message, padding included,
  // after the messages before it. If a TCP stream is full, the owner may drop whole messages with `send` 0, never
  // others.
  struct SendToServer {
    net::ByteView bytes;
    net::PacketClass packet_class;  // kTurn, or the class given to Send()
    net::PacketTag cause;           // the received datagram that led to this one, if any
    int send = 0;                   // number of the transmission of a request, from 1; 0: data for a peer
  };
  struct Allocated {
    net::SocketAddress relayed;
    net::SocketAddress mapped;  // this client's address as the server sees it
    net::Duration lifetime;
  };
  // The Allocate request has failed: there is no allocation. `code` is the error code for kRefused, otherwise 0.
  struct AllocationFailed {
    Reason reason;
    int code;
  };
  // The allocation has ended after it was made: relayed address, permissions and channels are gone. `code` is the error
  // code for kRefused, otherwise 0.
  struct AllocationLost {
    Reason reason;
    int code;
  };
  // Release() has finished, with or without an answer of the server.
  struct Released {};
  // The server has a permission for the peer's address: the peer may now reach this client, and Send() sends at once.
  // Reported once for each CreatePermission() or first Send(), not for refreshes.
  struct PermissionReady {
    net::IpAddress peer;
  };
  // A permission could not be made or refreshed. Payloads that waited for it are dropped.
  struct PermissionFailed {
    net::IpAddress peer;
    Reason reason;
    int code;
  };
  struct ChannelReady {
    net::SocketAddress peer;
    std::uint16_t channel;
  };
  // A channel could not be bound or refreshed. Data is still sent in Send indications.
  struct ChannelFailed {
    net::SocketAddress peer;
    Reason reason;
    int code;
  };
  struct DataFromPeer {
    net::SocketAddress peer;
    net::ByteView payload;
  };
  // The server received an ICMP error for a datagram of this client to `peer` (RFC 8656 §11.6).
  struct IcmpFromPeer {
    net::SocketAddress peer;
    std::uint8_t type;
    std::uint16_t code;
    std::uint32_t mtu_bytes;  // 0 unless "too big"
  };
  // TCP allocations only: the server has a connection with `peer`. To use it, the owner opens a new TCP connection to
  // Options::server within 30 s and runs a TurnDataConnection on it.
  struct PeerConnected {
    net::SocketAddress peer;
    PeerConnectionId connection;
  };
  struct ConnectFailed {
    net::SocketAddress peer;
    Reason reason;
    int code;
  };
  // TCP allocations only: the peer has connected to the relayed address. The owner may use the connection as after
  // PeerConnected, or ignore it (RFC 6062 §4.4).
  struct ConnectionAttempt {
    net::SocketAddress peer;
    PeerConnectionId connection;
  };
  using Output = std::variant<SendToServer, Allocated, AllocationFailed, AllocationLost, Released, PermissionReady,
                              PermissionFailed, ChannelReady, ChannelFailed, DataFromPeer, IcmpFromPeer, PeerConnected,
                              ConnectFailed, ConnectionAttempt>;

  enum class SendResult : std::uint8_t {
    kSent,     // a SendToServer has been queued
    kWaiting,  // the payload is sent when the server has granted the permission
    kDropped,  // no allocation, a TCP allocation, a wrong family, too long, or too many payloads are waiting
  };

  // The limit of permissions and of channels for one client. It is more than an ICE agent needs, whose checklists have
  // at most 100 pairs (RFC 8445 §6.1.2.5).
  static constexpr std::size_t kPeersMax = 128;
  // The limit of payloads that wait for permissions. It bounds the memory that a silent server can cost.
  static constexpr std::size_t kWaitingMax = 64;
  // The limit of challenges (401, 438) to one request. The first gives realm and nonce. A server that calls each new
  // nonce stale is given up at the limit.
  static constexpr int kChallengesMax = 4;

  // `random` gives the transaction ids. It must outlive the client.
  TurnClient(Options options, net::RandomSource& random);

  // Sends the first Allocate request. To be called once; over TCP when the connection is open.
  void Start(net::Instant now);
  // Takes a datagram that came to the local socket, or over TCP a message from StreamSplitter. False, with nothing
  // changed: the datagram does not belong to this allocation, because it comes from another address, is not a TURN
  // message, or answers another transaction.
  bool OnDatagram(net::Instant now, const net::SocketAddress& from, net::ByteView datagram, net::PacketTag tag = {});
  // A hard ICMP error (RFC 1122 §4.2.3.9) has come for a packet to the server: all open requests fail.
  void OnHardIcmpError(net::Instant now);
  // The TCP connection to the server could not be established, broke, or was closed by the server. The allocation has
  // ended with it. A new allocation needs a new client.
  void OnConnectionLost();
  // Requests a permission for `peer` and keeps it alive. If there is one already, PermissionReady comes at once.
  void CreatePermission(net::Instant now, const net::IpAddress& peer);
  // Binds a channel to `peer`, which includes the permission, and keeps both alive. If the channel is bound already,
  // ChannelReady comes at once.
  void BindChannel(net::Instant now, const net::SocketAddress& peer);
  // Stops refreshing the permission of this address and the channels to it. They stay until they expire.
  void Forget(const net::IpAddress& peer);
  // Sends `payload` to `peer` through the relay. If there is no permission yet, requests one first.
  SendResult Send(net::Instant now, const net::SocketAddress& peer, net::ByteView payload,
                  net::PacketClass packet_class, net::PacketTag cause = {});
  // Asks the server to connect to `peer`. PeerConnected or ConnectFailed will answer. Does nothing while the same
  // request is open.
  void Connect(net::Instant now, const net::SocketAddress& peer);
  // Releases the allocation by a Refresh request with LIFETIME 0, which is resent until it is answered or has failed.
  // While kAllocating, the client waits for the response to Allocate, because the server may still grant the
  // allocation, and then releases it. It goes on resending an Allocate request only if that has credentials, because
  // then the server is known to exist. Before Start() the client just closes.
  void Release(net::Instant now);
  // Early and repeated calls are harmless.
  void OnTimer(net::Instant now);
  net::Instant NextTimer() const;
  std::optional<Output> PollOutput();

  State state() const { return state_; }
  const Options& options() const { return options_; }
  // The credentials, with the realm and the nonce of the server's challenge.
  const LongTermClient& credential() const { return credential_; }
  // Both are valid while kAllocated.
  const net::SocketAddress& relayed() const { return relayed_; }
  const net::SocketAddress& mapped() const { return mapped_; }
  bool HasPermission(net::Instant now, const net::IpAddress& peer) const;
  bool HasChannel(net::Instant now, const net::SocketAddress& peer) const;

 private:
  // The purpose of a request.
  struct Purpose {
    enum class Kind : std::uint8_t { kAllocate, kRefresh, kRelease, kPermission, kChannel, kConnect } kind;
    net::SocketAddress peer;    // kPermission (port 0), kChannel, kConnect
    std::uint16_t channel = 0;  // kChannel
    friend bool operator==(const Purpose&, const Purpose&) = default;
  };
  using Kind = Purpose::Kind;

  // An open request; there is at most one for each purpose.
  struct Request {
    Purpose purpose;
    bool authenticated;  // the request has credentials
    int retries;         // earlier requests for the same purpose that were answered by a challenge
    ClientTransaction transaction;
  };
  struct Permission {
    net::IpAddress peer;
    bool announced = false;              // PermissionReady has been reported
    bool kept = true;                    // true: refreshed before it expires
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
    net::Instant again;  // no new Connect request before this time
  };
  // A payload that waits for its permission.
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

  // The next thing to do, and when; `at` is net::kNever if there is nothing.
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
  net::Instant refresh_at_;        // meaningful while kAllocated
  std::vector<Request> requests_;  // in the order in which they were started
  std::vector<Permission> permissions_;
  std::vector<Channel> channels_;  // in the order of their numbers, which are never used twice
  std::vector<Waiting> waiting_;
  std::vector<Unreached> unreached_;
  OutputQueue<Output> outputs_;
};

}  // namespace pinhole::stun
