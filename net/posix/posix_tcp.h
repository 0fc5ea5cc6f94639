#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "net/host.h"
#include "net/posix/open_socket.h"
#include "net/posix/posix_loop.h"

namespace pinhole::net {

class PosixHost;

// The TCP listeners and connections of one PosixHost.
//
//   Connect --> kConnecting --OnTcpConnected--> kOpen --error--> (gone) OnTcpReset
//   Listen --OnTcpAccepted------------------------^ `-- Close, Abort --> (gone)
//
// Registered edge-triggered: an event tells that something changed, a system call what, and the flags of the
// connection what the program has not been told yet.
class PosixTcp {
 public:
  PosixTcp(PosixHost& host, PosixLoop& loop) : host_(host), loop_(loop) {}
  // Closes all.
  ~PosixTcp();
  PosixTcp(const PosixTcp&) = delete;
  PosixTcp& operator=(const PosixTcp&) = delete;

  // As Host says.
  absl::StatusOr<SocketId> Listen(const SocketAddress& local, const TcpOptions& options);
  absl::StatusOr<SocketId> Connect(const SocketAddress& local, const SocketAddress& remote, const TcpOptions& options);
  absl::StatusOr<std::size_t> Write(SocketId id, ByteView bytes);
  absl::StatusOr<std::size_t> Read(SocketId id, std::span<std::uint8_t> buffer);
  absl::Status FinishWriting(SocketId id);
  absl::Status Abort(SocketId id);
  absl::Status SetTtl(SocketId id, std::uint8_t ttl);
  std::optional<SocketAddress> LocalAddress(SocketId id) const;
  void Close(SocketId id) { Forget(id); }

  // From the loop.
  void OnSocketEvent(SocketId id, std::uint32_t events);

 private:
  enum class State : std::uint8_t { kListening, kConnecting, kOpen };
  struct Socket {
    int fd = -1;
    std::uint64_t key = 0;  // at the loop
    State state = State::kOpen;
    SocketAddress local;
    bool finished = false;       // FinishWriting() was called
    bool told_readable = false;  // and Read() has not come to the end since
    bool told_closed = false;
    bool wants_to_write = false;  // a Write() was cut short
    int error = 0;                // errno that a call took before its event came
    bool starved = false;         // kListening: a connection waits for a file descriptor
  };

  // Registers a descriptor, which is closed if that fails.
  absl::StatusOr<SocketId> Add(const Socket& socket);
  Socket* FindConnection(SocketId id);
  void Forget(SocketId id);
  void Accept(SocketId id);
  // Tells the program, after the connection is gone.
  void Reset(SocketId id, int error);

  PosixHost& host_;
  PosixLoop& loop_;
  std::map<SocketId, Socket> sockets_;
};

}  // namespace pinhole::net
