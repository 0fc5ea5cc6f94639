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

// The machine that this process runs on, for one program: UDP, TCP and timers over Linux sockets.
// WatchInterfaces() and the privileged part answer Unimplemented.
//
// A link-local IPv6 address is taken to belong to the interface that has it (local) or that the sending
// socket is bound to (remote); SourceFor() knows no source for one.
//
// When an ICMP error has arrived, Linux answers the next send on that socket with the error instead of
// sending. SendTo() then tries once more, so kPendingError means that a second error came in between. The
// errors themselves come as OnIcmpError().
class PosixHost final : public Host {
 public:
  // REQUIRES: `loop` lives longer.
  explicit PosixHost(PosixLoop& loop);
  // Closes all sockets. Not from inside a call into its own program.
  ~PosixHost() override;
  PosixHost(const PosixHost&) = delete;
  PosixHost& operator=(const PosixHost&) = delete;

  // Makes `app` the program of this host and calls its OnStart(). Once; before it, what arrives is dropped.
  // REQUIRES: `app` lives as long as the loop serves this host.
  void Start(App& app);

  Instant Now() const override { return loop_.Now(); }
  RandomSource& Random(absl::string_view purpose) override;
  const std::vector<Interface>& Interfaces() const override;
  absl::Status WatchInterfaces() override;
  std::optional<IpAddress> SourceFor(const IpAddress& destination) const override;
  void WakeAt(Instant when) override { alarm_ = when; }

  // PermissionDenied: a port that needs privileges.
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
    std::uint64_t key = 0;  // at the loop
    SocketAddress local;
    std::uint32_t scope = 0;     // interface of a link-local local address
    bool dont_fragment = false;  // what the descriptor is set to
  };

  // From the loop: epoll's events for `socket`.
  void OnSocketEvent(SocketId socket, std::uint32_t events);
  // From the loop: calls OnTimer() if the alarm is due.
  void RunAlarm();

  SocketId NewSocketId() { return SocketId{next_socket_++}; }
  // Take one message from a queue of the socket and hand it to the program; false if there was none.
  bool ReceiveDatagram(SocketId id, const UdpSocket& socket);
  bool ReceiveError(SocketId id, const UdpSocket& socket);
  // To be had before each call into the program.
  App& Program();

  PosixLoop& loop_;
  App* app_ = nullptr;
  SystemRandom random_;
  Instant alarm_ = kNever;
  std::uint32_t next_socket_ = 1;
  std::map<SocketId, UdpSocket> sockets_;
  PosixTcp tcp_;
  std::unique_ptr<std::uint8_t[]> buffer_;  // where datagrams are received
  mutable std::vector<Interface> interfaces_;
  mutable bool interfaces_known_ = false;  // interfaces_ was read since the last call into the program
};

}  // namespace pinhole::net
