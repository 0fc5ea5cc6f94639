#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "net/host.h"
#include "net/posix/posix_loop.h"
#include "net/posix/posix_tcp.h"

namespace pinhole::net {

// The machine on which this process runs, for one program: UDP, TCP and timers over Linux sockets. WatchInterfaces()
// and the privileged functions return Unimplemented.
//
// A local link-local IPv6 address belongs to the interface that has it. A remote one is taken to be on the interface to
// which the sending socket is bound. SourceFor() finds no source for a remote link-local address.
//
// If an ICMP error has arrived for a socket, Linux returns the error from the next send on the socket and sends
// nothing. SendTo() then tries once more. So kPendingError means that a second error arrived in between. The errors
// themselves are reported by OnIcmpError().
class PosixHost final : public Host {
 public:
  // REQUIRES: `loop` outlives the host.
  explicit PosixHost(PosixLoop& loop);
  // Closes all sockets. REQUIRES: not called from inside a call into its own program.
  ~PosixHost() override;
  PosixHost(const PosixHost&) = delete;
  PosixHost& operator=(const PosixHost&) = delete;

  // Makes `app` the program of this host and calls its OnStart(). May be called once. Datagrams that arrive before are
  // dropped. REQUIRES: `app` lives as long as the loop serves this host.
  void Start(App& app);

  Instant Now() const override { return loop_.Now(); }
  RandomSource& Random(absl::string_view purpose) override;
  const std::vector<Interface>& Interfaces() const override;
  absl::Status WatchInterfaces() override;
  std::optional<IpAddress> SourceFor(const IpAddress& destination) const override;
  void WakeAt(Instant when) override { alarm_ = when; }

  // Besides the errors of Host::OpenUdp(), OpenUdp() returns PermissionDenied for a port that needs privileges.
  absl::StatusOr<SocketId> OpenUdp(const SocketAddress& local) override;
  SendStatus SendTo(SocketId socket, const SocketAddress& to, ByteView payload, const SendOptions& options) override;
  std::optional<SocketAddress> LocalAddress(SocketId socket) const override;
  void Close(SocketId socket) override;
  absl::Status SetTtl(SocketId socket, std::uint8_t ttl) override;

  absl::StatusOr<SocketId> Listen(const SocketAddress& local, const TcpOptions& options) override;
  absl::StatusOr<SocketId> Connect(const SocketAddress& local, const SocketAddress& remote,
                                   const TcpOptions& options) override;
  absl::StatusOr<std::size_t> Write(SocketId connection, ByteView bytes, const SendOptions& options) override;
  absl::StatusOr<std::size_t> Read(SocketId connection, std::span<std::uint8_t> buffer) override;
  absl::Status FinishWriting(SocketId connection) override;
  absl::Status Abort(SocketId connection) override;
  absl::Status SendRawTcp(const RawTcpSegment& segment) override;
  absl::StatusOr<std::uint32_t> InitialSequenceNumber(SocketId connection) override;

 private:
  friend class PosixLoop;
  friend class PosixTcp;

  struct UdpSocket {
    int fd = -1;
    std::uint64_t key = 0;  // of its registration at the loop
    SocketAddress local;
    std::uint32_t scope = 0;     // index of the interface, if `local` is a link-local address
    bool dont_fragment = false;  // the current option of the descriptor
  };

  // Called by the loop with epoll's events for `socket`.
  void OnSocketEvent(SocketId socket, std::uint32_t events);
  // Called by the loop. Calls OnTimer() if the alarm is due.
  void RunAlarm();

  SocketId NewSocketId() { return SocketId{next_socket_++}; }
  // ReceiveDatagram() receives one datagram, ReceiveError() one message of the error queue of the socket. They pass it
  // to the program, and return false if there was none.
  bool ReceiveDatagram(SocketId id, const UdpSocket& socket);
  bool ReceiveError(SocketId id, const UdpSocket& socket);
  // Returns the program, for one call into it. Program() marks `interfaces_` as unknown, because interfaces may change
  // between two calls.
  App& Program();

  PosixLoop& loop_;
  App* app_ = nullptr;
  SystemRandom random_;
  Instant alarm_ = kNever;
  std::uint32_t next_socket_ = 1;
  std::map<SocketId, UdpSocket> sockets_;
  PosixTcp tcp_;
  std::unique_ptr<std::uint8_t[]> buffer_;  // for received datagrams
  mutable std::vector<Interface> interfaces_;
  mutable bool interfaces_known_ = false;  // interfaces_ was read after the last call into the program
};

}  // namespace pinhole::net
