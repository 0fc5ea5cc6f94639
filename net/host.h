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

// An ICMP or ICMPv6 error about a datagram or segment that a socket of ours sent.
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

  // TCP. A connection that fails or ends gets exactly one of OnTcpClosed and OnTcpReset, last.
  virtual void OnTcpAccepted(SocketId listener, SocketId connection, const SocketAddress& from) {
    (void)listener, (void)connection, (void)from;
  }
  virtual void OnTcpConnected(SocketId connection) { (void)connection; }
  virtual void OnTcpReadable(SocketId connection) { (void)connection; }
  virtual void OnTcpWritable(SocketId connection) { (void)connection; }
  virtual void OnTcpClosed(SocketId connection) { (void)connection; }  // the peer has finished sending
  virtual void OnTcpReset(SocketId connection, const absl::Status& why) { (void)connection, (void)why; }
};

struct TcpOptions {
  std::uint8_t ttl = 0;        // 0: the host's default
  bool reuse_address = false;  // listen and connect on one local port at once
  Duration keepalive{};        // 0: off
  int listen_backlog = 16;
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
  // alarm set before; nullopt takes it away.
  virtual void WakeAt(std::optional<Instant> when) = 0;

  // UDP. `local` may have the unspecified address (any) and port 0 (an ephemeral port).
  // InvalidArgument: not an address of this machine. AlreadyExists: the port is taken.
  // ResourceExhausted: no ephemeral port is left.
  virtual absl::StatusOr<SocketId> OpenUdp(const SocketAddress& local) = 0;
  virtual SendStatus SendTo(SocketId socket, const SocketAddress& to, ByteView payload, const SendOptions& options) = 0;

  // Where a socket, listener or connection is bound, the port always known; nullopt if it is closed.
  virtual std::optional<SocketAddress> LocalAddress(SocketId socket) const = 0;
  // Gives a socket back. A TCP connection sends what it holds and a FIN. Does nothing if closed already.
  virtual void Close(SocketId socket) = 0;

  // TCP. `local` as for OpenUdp. Connect() may name the port of a listener if both have reuse_address.
  virtual absl::StatusOr<SocketId> Listen(const SocketAddress& local, const TcpOptions& options) = 0;
  virtual absl::StatusOr<SocketId> Connect(const SocketAddress& local, const SocketAddress& remote,
                                           const TcpOptions& options) = 0;
  // Takes as many leading bytes as fit; OnTcpWritable follows when fewer were taken than given.
  virtual absl::StatusOr<std::size_t> Write(SocketId connection, ByteView bytes, const SendOptions& options) = 0;
  // Gives up to buffer.size() bytes; 0: nothing there now.
  virtual absl::StatusOr<std::size_t> Read(SocketId connection, std::span<std::uint8_t> buffer) = 0;
  virtual absl::Status FinishWriting(SocketId connection) = 0;
  // Ends a connection with RST and frees it (RFC 9293 §3.10.5).
  virtual absl::Status Abort(SocketId connection) = 0;
  virtual absl::Status SetTtl(SocketId socket, std::uint8_t ttl) = 0;

  // Privileged. PermissionDenied or Unimplemented for a host that does not grant it.
  virtual absl::Status SendRawTcp(const RawTcpSegment& segment) = 0;
  // The initial sequence number that a connection of ours used or will use.
  virtual absl::StatusOr<std::uint32_t> InitialSequenceNumber(SocketId connection) = 0;
};

}  // namespace pinhole::net
