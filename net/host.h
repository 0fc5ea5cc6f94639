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

// The interface between a program and the machine on which it runs. There are two machines: a simulated host (sim/) and
// a POSIX host (net/posix/). A program that includes only this header cannot know on which of them it runs. Therefore
// the code that is tested in the simulator is the code that runs on a real network.
namespace pinhole::net {

// Identifies a UDP socket, TCP listener or TCP connection of one Host. A Host never uses an id again.
enum class SocketId : std::uint32_t {};
// Identifies an interface of one Host. It stays the same as long as the interface exists.
enum class InterfaceId : std::uint32_t {};

enum class InterfaceKind : std::uint8_t { kEthernet, kWifi, kCellular, kVpn, kLoopback };
// The state of an address (RFC 4862 §2). A deprecated address still works, but new communication should not use it.
enum class AddressLife : std::uint8_t { kTentative, kPreferred, kDeprecated };

struct InterfaceAddress {
  IpAddress address;
  int prefix_length = 32;
  AddressLife life = AddressLife::kPreferred;
  bool temporary = false;  // true: a temporary address (RFC 8981)
};

struct Interface {
  InterfaceId id{};
  std::string name;
  InterfaceKind kind = InterfaceKind::kEthernet;
  bool up = true;
  std::uint32_t mtu_bytes = 1500;
  std::vector<InterfaceAddress> addresses;
};

// The result of a send, as far as this machine knows it at once.
enum class SendStatus : std::uint8_t {
  kSent,
  kWouldBlock,    // a queue of this machine is full; try again later, or for TCP after OnTcpWritable()
  kNoRoute,       // there is no route (ENETUNREACH, EHOSTUNREACH)
  kTooBig,        // larger than a datagram can be, or with DF larger than the known path MTU
  kNotPermitted,  // forbidden by the policy of this machine (EPERM, EACCES)
  kBadAddress,    // the socket cannot use this family, port or source
  kClosed,        // the socket is closed or never existed
  kPendingError,  // POSIX only: the send returned an earlier ICMP error of this socket, and nothing was sent; try again
};
const char* ToString(SendStatus status);

struct SendOptions {
  PacketClass packet_class = PacketClass::kOther;
  PacketTag cause;       // the received datagram because of which this one is sent
  std::uint8_t ttl = 0;  // 0: the host's default (64)
  bool dont_fragment = false;
  std::optional<IpAddress> source;  // only for a socket bound to "any": the local address from which to send
};

// A datagram that arrived. `payload` is valid only during the call.
struct Datagram {
  SocketId socket{};
  SocketAddress from;
  SocketAddress to;          // the local address to which it was sent, also on a socket bound to "any"
  InterfaceId interface {};  // the interface on which it arrived
  std::uint8_t ttl = 0;      // on arrival
  PacketTag tag;
  ByteView payload;
};

// An ICMP or ICMPv6 error about a datagram or a segment that was sent from a socket of this program. POSIX does not
// report errors about segments; if such an error ends a connection, OnTcpReset() is called.
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
  SocketAddress destination;    // the destination of the quoted packet
  IpAddress reporter;           // the node that sent the error; unspecified if unknown
  std::uint32_t mtu_bytes = 0;  // kPacketTooBig only
  PacketTag tag;
};
const char* ToString(IcmpError::Kind kind);

// A program. Its host calls it, one call at a time, and never while the program is inside a call to the host. Every
// function has an empty default, so a program overrides only the functions that it needs.
class App {
 public:
  virtual ~App() = default;

  // The first call, made once. The program may open sockets from now on.
  virtual void OnStart() {}
  virtual void OnDatagram(const Datagram& datagram) { (void)datagram; }
  virtual void OnIcmpError(const IcmpError& error) { (void)error; }
  // The time given to WakeAt() has come. The call may also come too early, or twice.
  virtual void OnTimer() {}
  // Interfaces() has changed: an interface or an address was added, removed or changed, or the life of an address
  // changed.
  virtual void OnInterfacesChanged() {}

  // The TCP functions. The host calls them for one connection in this order:
  //   1. OnTcpConnected() for a connection of this program, or OnTcpAccepted() for a connection to its listener.
  //      Neither comes if the connection fails before.
  //   2. OnTcpReadable() and OnTcpWritable(), any number of times. After OnTcpClosed() only OnTcpWritable() comes.
  //   3. OnTcpClosed(), at most once.
  //   4. OnTcpReset(), at most once, as the last call. The id is already invalid during this call.
  //
  // A connection lives until Close(), Abort() or OnTcpReset(). The program must also Close() a connection that ended
  // well. No call comes after Close().
  //
  // OnTcpAccepted(): a handshake with a listener is complete. A connection that fails before is not reported.
  virtual void OnTcpAccepted(SocketId listener, SocketId connection, const SocketAddress& from) {
    (void)listener, (void)connection, (void)from;
  }
  virtual void OnTcpConnected(SocketId connection) { (void)connection; }
  // Read() has bytes to return. The call is repeated only after a Read() that returned less than the size of its
  // buffer.
  virtual void OnTcpReadable(SocketId connection) { (void)connection; }
  // A Write() took less than it was given, and may be continued now.
  virtual void OnTcpWritable(SocketId connection) { (void)connection; }
  // The peer has finished sending (FIN). Bytes that it sent before can still be read, and the program may still write.
  virtual void OnTcpClosed(SocketId connection) { (void)connection; }
  // The connection failed or broke. Bytes that were not read are lost. The code of `why` is one of:
  //   kUnavailable       refused: a RST or an ICMP port unreachable answered the SYN (ECONNREFUSED)
  //   kAborted           a RST arrived later (ECONNRESET, EPIPE)
  //   kDeadlineExceeded  no answer to SYNs, data or keep-alive probes (ETIMEDOUT)
  //   kNotFound          ICMP: no route, or no TCP at the destination (ENETUNREACH, EHOSTUNREACH, ENOPROTOOPT)
  //   kPermissionDenied  ICMP: administratively prohibited (Linux reports it for IPv6 only; for IPv4 kNotFound)
  virtual void OnTcpReset(SocketId connection, const absl::Status& why) { (void)connection, (void)why; }
};

// Options of listeners and connections. An accepted connection has the options of its listener. Nagle's algorithm is
// off.
struct TcpOptions {
  std::uint8_t ttl = 0;  // 0: the host's default
  // The program listens and connects on one local port at the same time. All sockets on the port must set this.
  bool reuse_address = false;
  // If nothing has arrived from the peer for this long, a probe is sent, and repeated until the peer answers or the
  // connection is given up. 0: no probes. POSIX rounds up to seconds.
  Duration keepalive{};
  // The maximal number of handshakes of a listener that are not complete. Further SYNs are dropped; their senders
  // resend them.
  int listen_backlog = 16;
  // The class of segments without data. SYN, FIN and RST have this class, because they are about the connection. An ACK
  // is about data: it has the class of the last data that arrived (for a retransmitted check: the class of a check). If
  // no data has arrived, it has this class.
  PacketClass packet_class = PacketClass::kOther;
};

// One TCP segment. The caller sets all fields, the source address included.
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

// A host may not implement every function; it then returns absl::UnimplementedError.
class Host {
 public:
  virtual ~Host() = default;

  // The current time of the machine.
  virtual Instant Now() const = 0;
  // The random stream for one purpose, such as "ice/ufrag". The host owns it, and returns the same object each time.
  virtual RandomSource& Random(absl::string_view purpose) = 0;
  // All interfaces in their current state, in a stable order. Valid until the next call into the program.
  virtual const std::vector<Interface>& Interfaces() const = 0;
  // Asks for calls of OnInterfacesChanged(). Unimplemented: this host cannot detect changes.
  virtual absl::Status WatchInterfaces() = 0;
  // The source address with which a packet to `destination` would leave (RFC 6724 §5). nullopt if there is no route.
  virtual std::optional<IpAddress> SourceFor(const IpAddress& destination) const = 0;

  // Sets the one alarm of the program: OnTimer() is called at `when`, or at once if `when` is past. Replaces the alarm
  // that was set before. kNever removes the alarm.
  virtual void WakeAt(Instant when) = 0;

  // OpenUdp() opens a UDP socket, SendTo() sends a datagram from it. `local` may have the unspecified address (any) and
  // port 0 (an ephemeral port). Errors of OpenUdp(): InvalidArgument: `local` is not an address of this machine.
  // AlreadyExists: the port is taken. ResourceExhausted: no ephemeral port is left.
  virtual absl::StatusOr<SocketId> OpenUdp(const SocketAddress& local) = 0;
  virtual SendStatus SendTo(SocketId socket, const SocketAddress& to, ByteView payload, const SendOptions& options) = 0;

  // The local address of a socket, listener or connection. The port is always known, and for a connection also the
  // address. nullopt: the socket is closed.
  virtual std::optional<SocketAddress> LocalAddress(SocketId socket) const = 0;
  // Releases a socket; does nothing if it is already released. The host still sends a connection's written bytes and
  // then a FIN. It may answer what the peer sends afterwards with RST, and also sends RST if received bytes were not
  // read (RFC 9293 §3.10.4, RFC 1122 §4.2.2.13). A connection that is still connecting sends nothing.
  virtual void Close(SocketId socket) = 0;

  // The TCP functions, Listen() to SetTtl(). In Listen() and Connect(), `local` may have the unspecified address (any)
  // and port 0 (an ephemeral port). The functions that take a socket return NotFound for a closed socket and for an id
  // that never existed.
  //
  // Listen() and Connect() return AlreadyExists if the port is taken by a socket without reuse_address. Listen()
  // returns it also if the port has another listener, Connect() if a connection, which may be in TIME-WAIT, has the
  // same two endpoints.
  virtual absl::StatusOr<SocketId> Listen(const SocketAddress& local, const TcpOptions& options) = 0;
  // Sends a SYN. NotFound: there is no route. Connect() may also return at once one of the errors that are listed at
  // App::OnTcpReset().
  virtual absl::StatusOr<SocketId> Connect(const SocketAddress& local, const SocketAddress& remote,
                                           const TcpOptions& options) = 0;
  // Takes as many leading bytes as fit. If it takes fewer than given, OnTcpWritable() follows. Before OnTcpConnected()
  // it takes none; OnTcpConnected() is then the sign to try again. Only the class and the cause of `options` are used.
  // FailedPrecondition: FinishWriting() was called. If OnTcpReset() is about to be called, Write() returns the error
  // that OnTcpReset() will get.
  virtual absl::StatusOr<std::size_t> Write(SocketId connection, ByteView bytes, const SendOptions& options) = 0;
  // Returns the number of bytes put into `buffer`. 0: no byte is there now; after OnTcpClosed(), none will come any
  // more.
  virtual absl::StatusOr<std::size_t> Read(SocketId connection, std::span<std::uint8_t> buffer) = 0;
  // Sends a FIN after the bytes that were written; reading continues. A second call does nothing. FailedPrecondition:
  // the connection is not established yet.
  virtual absl::Status FinishWriting(SocketId connection) = 0;
  // Ends a connection with RST and releases it (RFC 9293 §3.10.5). A connection that is still connecting sends nothing.
  virtual absl::Status Abort(SocketId connection) = 0;
  // Sets the TTL of everything that is sent from now on, retransmissions included. For a listener it applies to the
  // connections that it accepts from now on. 0: the host's default.
  virtual absl::Status SetTtl(SocketId socket, std::uint8_t ttl) = 0;

  // Sends `segment` as it is. Like InitialSequenceNumber(), a privileged function, which returns PermissionDenied or
  // Unimplemented if the host does not allow it.
  virtual absl::Status SendRawTcp(const RawTcpSegment& segment) = 0;
  // The initial sequence number that a connection of this program used or will use. Privileged, as SendRawTcp() is.
  virtual absl::StatusOr<std::uint32_t> InitialSequenceNumber(SocketId connection) = 0;
};

}  // namespace pinhole::net
