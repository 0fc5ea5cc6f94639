#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "net/bytes.h"
#include "net/ip_address.h"
#include "net/packet_class.h"
#include "net/random.h"
#include "net/socket_address.h"
#include "net/time.h"

// What a program needs of the machine it runs on. There are two: a simulated host (sim/) and POSIX
// (net/posix/). A program that knows only this header cannot tell which one it has: what is swept is
// what runs.
namespace pinhole::net {

// Names a UDP socket, TCP listener or TCP connection of one Host. Never reused by that Host.
enum class SocketId : std::uint32_t {};
// Names an interface of one Host; the same as long as the interface exists.
enum class InterfaceId : std::uint32_t {};

enum class InterfaceKind : std::uint8_t { kEthernet, kWifi, kCellular, kVpn, kLoopback };
// RFC 4862 §2. A deprecated address still works but should not start anything new.
enum class AddressLife : std::uint8_t { kTentative, kPreferred, kDeprecated };

struct InterfaceAddress {
  IpAddress address;
  int prefix_length = 32;
  AddressLife life = AddressLife::kPreferred;
  bool temporary = false;  // RFC 8981
};

struct Interface {
  InterfaceId id{};
  std::string name;
  InterfaceKind kind = InterfaceKind::kEthernet;
  bool up = true;
  std::uint32_t mtu_bytes = 1500;
  std::vector<InterfaceAddress> addresses;
};

// What became of a send, as far as this machine can know at once.
enum class SendStatus : std::uint8_t {
  kSent,
  kWouldBlock,    // a queue of this machine is full; OnWritable or a later try
  kNoRoute,       // ENETUNREACH, EHOSTUNREACH
  kTooBig,        // larger than the path MTU known here, with DF; or than a datagram can be
  kNotPermitted,  // refused by this machine's policy (EPERM, EACCES)
  kBadAddress,    // a family, port or source that this socket cannot use
  kClosed,        // the socket is closed or never was
  kPendingError,  // an ICMP error reported on this socket was taken instead of sending (POSIX); try again
};
const char* ToString(SendStatus status);

struct SendOptions {
  PacketClass packet_class = PacketClass::kOther;
  PacketTag cause;       // the received datagram that led to this one
  std::uint8_t ttl = 0;  // 0: the host's default (64)
  bool dont_fragment = false;
  std::optional<IpAddress> source;  // for a socket bound to "any": send from this local address
};

// A datagram that arrived. `payload` is valid during the call only.
struct Datagram {
  SocketId socket{};
  SocketAddress from;
  SocketAddress to;          // the local address it was sent to, also on a socket bound to "any"
  InterfaceId interface {};  // where it came in
  std::uint8_t ttl = 0;      // as it arrived
  PacketTag tag;
  ByteView payload;
};

// An ICMP or ICMPv6 error about a datagram or segment that a socket of ours sent. About segments POSIX tells none;
// what such an error does to a connection comes as OnTcpReset().
struct IcmpError {
  enum class Kind : std::uint8_t {
    kNetUnreachable,
    kHostUnreachable,
    kProtocolUnreachable,
    kPortUnreachable,
    kAdminProhibited,
    kTtlExceeded,
    kPacketTooBig,
    kOther,
  };
  SocketId socket{};
  Kind kind = Kind::kOther;
  SocketAddress destination;    // where the quoted packet was going
  IpAddress reporter;           // who says so; unspecified if not known
  std::uint32_t mtu_bytes = 0;  // kPacketTooBig only
  PacketTag tag;
};
const char* ToString(IcmpError::Kind kind);

// A program. Its host calls it, one call at a time, never from inside a call that the program makes.
// Every function has an empty default so that a program names only what it needs.
class App {
 public:
  virtual ~App() = default;

  // Called once, first; sockets may be opened from here on.
  virtual void OnStart() {}
  virtual void OnDatagram(const Datagram& datagram) { (void)datagram; }
  virtual void OnIcmpError(const IcmpError& error) { (void)error; }
  // The time given to WakeAt() has come. May also come early or twice.
  virtual void OnTimer() {}
  // Interfaces() has changed: an address, its life, or an interface came, went or changed.
  virtual void OnInterfacesChanged() {}

  // TCP. What a program hears of one connection, in this order:
  //   OnTcpConnected (its own) or OnTcpAccepted (a listener's), unless it fails before,
  //   OnTcpReadable and OnTcpWritable any number of times; after OnTcpClosed only OnTcpWritable,
  //   OnTcpClosed at most once,
  //   OnTcpReset at most once and last: the id is gone before the call.
  // A connection lives until Close(), Abort() or OnTcpReset(): one that ended well is given back by Close(),
  // after which nothing more is heard of it.
  //
  // A handshake with a listener is complete. Connections that fail before are the listener's own business.
  virtual void OnTcpAccepted(SocketId listener, SocketId connection, const SocketAddress& from) {
    (void)listener, (void)connection, (void)from;
  }
  virtual void OnTcpConnected(SocketId connection) { (void)connection; }
  // Read() has something to give. Comes again only after a Read() that gave less than it had room for.
  virtual void OnTcpReadable(SocketId connection) { (void)connection; }
  // A Write() that took less than it was given may go on.
  virtual void OnTcpWritable(SocketId connection) { (void)connection; }
  // The peer has finished sending (FIN). What it sent before may still be read, and the program may still write.
  virtual void OnTcpClosed(SocketId connection) { (void)connection; }
  // The connection failed or broke; what was not read is lost. `why`, by its code:
  //   kUnavailable       a RST or an ICMP port unreachable answered the SYN: refused (ECONNREFUSED)
  //   kAborted           a RST later (ECONNRESET, EPIPE)
  //   kDeadlineExceeded  no answer: to SYNs, to data or to keep-alives (ETIMEDOUT)
  //   kNotFound          ICMP: no way there, or none that speaks TCP (ENETUNREACH, EHOSTUNREACH, ENOPROTOOPT)
  //   kPermissionDenied  ICMP: administratively prohibited (Linux says so for IPv6 only, else kNotFound)
  virtual void OnTcpReset(SocketId connection, const absl::Status& why) { (void)connection, (void)why; }
};

// For listeners and connections; an accepted connection has its listener's. Nagle's algorithm is off.
struct TcpOptions {
  std::uint8_t ttl = 0;  // 0: the host's default
  // Listen and connect on one local port at once. All sockets of the port must have it.
  bool reuse_address = false;
  // A probe after so long without a word from the peer, and more until it is answered or given up; 0: off.
  // POSIX rounds up to seconds.
  Duration keepalive{};
  // SYNs answered whose handshakes are not complete; more are dropped, to be sent again.
  int listen_backlog = 16;
  // Of segments without data. SYN, FIN and RST have it, for they are about the connection; an ACK is about data, and
  // has the class of the last data that came, that of a retransmitted check being a check's, or this if none has.
  PacketClass packet_class = PacketClass::kOther;
};

// One TCP segment with everything in it said by the caller, source address included.
struct RawTcpSegment {
  SocketAddress from;
  SocketAddress to;
  std::uint32_t sequence = 0;
  std::uint32_t acknowledgment = 0;
  std::uint8_t flags = 0;  // FIN 1, SYN 2, RST 4, PSH 8, ACK 16
  std::uint16_t window = 65535;
  std::uint8_t ttl = 0;  // 0: the host's default
  PacketClass packet_class = PacketClass::kOther;
};

// A part that a Host does not have answers absl::UnimplementedError.
class Host {
 public:
  virtual ~Host() = default;

  // The machine itself.
  virtual Instant Now() const = 0;
  // The random stream for one purpose ("ice/ufrag"). Owned by the host, the same object each time.
  virtual RandomSource& Random(absl::string_view purpose) = 0;
  // All interfaces in a stable order, as they are now. Valid until the next call into the program.
  virtual const std::vector<Interface>& Interfaces() const = 0;
  // Asks for OnInterfacesChanged(). A host that cannot tell answers Unimplemented.
  virtual absl::Status WatchInterfaces() = 0;
  // The source address that a packet to `destination` would leave with (RFC 6724 §5), if there is a route.
  virtual std::optional<IpAddress> SourceFor(const IpAddress& destination) const = 0;

  // The one alarm of the program: OnTimer() comes at `when`, or at once if that is past. Replaces the
  // alarm set before; kNever takes it away.
  virtual void WakeAt(Instant when) = 0;

  // UDP. `local` may have the unspecified address (any) and port 0 (an ephemeral port).
  // InvalidArgument: not an address of this machine. AlreadyExists: the port is taken.
  // ResourceExhausted: no ephemeral port is left.
  virtual absl::StatusOr<SocketId> OpenUdp(const SocketAddress& local) = 0;
  virtual SendStatus SendTo(SocketId socket, const SocketAddress& to, ByteView payload, const SendOptions& options) = 0;

  // Where a socket, listener or connection is bound, the port always known, a connection's address too;
  // nullopt if it is closed.
  virtual std::optional<SocketAddress> LocalAddress(SocketId socket) const = 0;
  // Gives a socket back; does nothing if that is done. A connection sends what it was given and a FIN, without
  // the program; what the peer sends then, and what was not read, may be answered by RST (RFC 9293 §3.10.4,
  // RFC 1122 §4.2.2.13). One that is still connecting sends nothing.
  virtual void Close(SocketId socket) = 0;

  // TCP. `local` as for OpenUdp. A socket that is closed already, and an id that never was: NotFound.
  //
  // AlreadyExists: the port is taken by a socket without reuse_address, by a listener (when listening), or this
  // pair of endpoints by a connection, TIME-WAIT included (when connecting).
  virtual absl::StatusOr<SocketId> Listen(const SocketAddress& local, const TcpOptions& options) = 0;
  // Sends a SYN. NotFound: there is no route. May also fail at once as OnTcpReset() says.
  virtual absl::StatusOr<SocketId> Connect(const SocketAddress& local, const SocketAddress& remote,
                                           const TcpOptions& options) = 0;
  // Takes as many leading bytes as fit; OnTcpWritable follows when fewer were taken than given. Before
  // OnTcpConnected, which is then the sign to try again, takes none. Of `options` the class and cause count.
  // FailedPrecondition: after FinishWriting(). As OnTcpReset() says, if that is about to come.
  virtual absl::StatusOr<std::size_t> Write(SocketId connection, ByteView bytes, const SendOptions& options) = 0;
  // Gives up to buffer.size() bytes; 0: nothing there now, or, after OnTcpClosed, any more.
  virtual absl::StatusOr<std::size_t> Read(SocketId connection, std::span<std::uint8_t> buffer) = 0;
  // Sends a FIN after what was written; reading goes on. Once more does nothing.
  // FailedPrecondition: not connected yet.
  virtual absl::Status FinishWriting(SocketId connection) = 0;
  // Ends a connection with RST and frees it (RFC 9293 §3.10.5); one that is still connecting sends nothing.
  virtual absl::Status Abort(SocketId connection) = 0;
  // For what is sent from now on, retransmissions included; a listener's, by what it accepts. 0: the host's.
  virtual absl::Status SetTtl(SocketId socket, std::uint8_t ttl) = 0;

  // Privileged. PermissionDenied or Unimplemented for a host that does not grant it.
  virtual absl::Status SendRawTcp(const RawTcpSegment& segment) = 0;
  // The initial sequence number that a connection of ours used or will use.
  virtual absl::StatusOr<std::uint32_t> InitialSequenceNumber(SocketId connection) = 0;
};

}  // namespace pinhole::net
