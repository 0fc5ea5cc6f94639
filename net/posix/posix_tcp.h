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
//   state of a socket     what happens                  next state                    callback to the program
//   (none)                the program calls Connect()   kConnecting
//   (none)                the program calls Listen()    kListening
//   kConnecting           the handshake is complete     kOpen                         OnTcpConnected()
//   kListening            a connection comes in         the new socket: kOpen         OnTcpAccepted()
//   kConnecting, kOpen    an error                      removed                       OnTcpReset()
//   any                   Close() or Abort()            removed
//
// Sockets are registered edge-triggered. An event says only that something changed, and a system call finds out what.
// The flags of a connection record which callbacks were made, so that none is made twice.
class PosixTcp {
 public:
  PosixTcp(PosixHost& host, PosixLoop& loop) : host_(host), loop_(loop) {}
  // Closes all sockets.
  ~PosixTcp();
  PosixTcp(const PosixTcp&) = delete;
  PosixTcp& operator=(const PosixTcp&) = delete;

  // These functions implement the functions of Host with the same names.
  absl::StatusOr<SocketId> Listen(const SocketAddress& local, const TcpOptions& options);
  absl::StatusOr<SocketId> Connect(const SocketAddress& local, const SocketAddress& remote, const TcpOptions& options);
  absl::StatusOr<std::size_t> Write(SocketId id, ByteView bytes);
  absl::StatusOr<std::size_t> Read(SocketId id, std::span<std::uint8_t> buffer);
  absl::Status FinishWriting(SocketId id);
  absl::Status Abort(SocketId id);
  absl::Status SetTtl(SocketId id, std::uint8_t ttl);
  std::optional<SocketAddress> LocalAddress(SocketId id) const;
  void Close(SocketId id) { Forget(id); }

  // Called by the loop when epoll reports `events` for the socket.
  void OnSocketEvent(SocketId id, std::uint32_t events);

 private:
  enum class State : std::uint8_t { kListening, kConnecting, kOpen };
  struct Socket {
    int fd = -1;
    std::uint64_t key = 0;  // of its registration at the loop
    State state = State::kOpen;
    SocketAddress local;
    bool finished = false;        // FinishWriting() was called
    bool told_readable = false;   // OnTcpReadable() was called, and no Read() has returned less than its buffer since
    bool told_closed = false;     // OnTcpClosed() was called
    bool wants_to_write = false;  // a Write() took less than it was given
    int error = 0;                // errno that a system call returned before the event came
    bool starved = false;         // kListening only: a connection waits because no file descriptor is free
  };

  // Registers a descriptor at the loop; closes it if that fails.
  absl::StatusOr<SocketId> Add(const Socket& socket);
  Socket* FindConnection(SocketId id);
  void Forget(SocketId id);
  void Accept(SocketId id);
  // Removes the connection, then calls OnTcpReset().
  void Reset(SocketId id, int error);

  PosixHost& host_;
  PosixLoop& loop_;
  std::map<SocketId, Socket> sockets_;
};

}  // namespace pinhole::net
