#include "net/posix/posix_tcp.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "net/posix/posix_host.h"
#include "net/posix/sockaddr.h"

namespace pinhole::net {
namespace {

constexpr std::uint32_t kEvents = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

absl::Status Closed() { return absl::NotFoundError("the connection is closed"); }

// Converts the errno of a connection into the codes of App::OnTcpReset().
absl::Status StatusOfErrno(int error) {
  const std::string what = std::strerror(error);
  switch (error) {
    case ECONNREFUSED:
      return absl::UnavailableError(what);
    case ECONNRESET:
    case EPIPE:  // a RST came after the peer's FIN
      return absl::AbortedError(what);
    case ETIMEDOUT:
      return absl::DeadlineExceededError(what);
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
    case ENOPROTOOPT:
      return absl::NotFoundError(what);
    case EACCES:
    case EPERM:
      return absl::PermissionDeniedError(what);
    default:
      return absl::UnknownError(what);
  }
}

bool SetOptions(int fd, Family family, const TcpOptions& options) {
  if (options.reuse_address &&
      !(SetOption(fd, SOL_SOCKET, SO_REUSEADDR, 1) && SetOption(fd, SOL_SOCKET, SO_REUSEPORT, 1))) {
    return false;
  }
  if (options.ttl != 0 && !SetTtlOf(fd, family, options.ttl)) return false;
  if (options.keepalive > Duration::zero()) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(options.keepalive).count();
    // Linux accepts at most 32,767 seconds.
    const int bounded = static_cast<int>(std::min<std::int64_t>(seconds, 32767));
    if (!SetOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1) || !SetOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, bounded) ||
        !SetOption(fd, IPPROTO_TCP, TCP_KEEPINTVL, bounded)) {
      return false;
    }
  }
  return SetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

// Returns the pending error of a socket and clears it.
int TakeError(int fd) {
  int error = 0;
  socklen_t length = sizeof(error);
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0) return errno;
  return error;
}

bool HasBytes(int fd) {
  std::uint8_t byte;
  return recv(fd, &byte, 1, MSG_PEEK) > 0;
}

}  // namespace

PosixTcp::~PosixTcp() {
  while (!sockets_.empty()) Forget(sockets_.begin()->first);
}

absl::StatusOr<SocketId> PosixTcp::Add(const Socket& socket) {
  const SocketId id = host_.NewSocketId();
  const std::optional<std::uint64_t> key = loop_.Add(socket.fd, kEvents, {&host_, id});
  if (!key) {
    const std::string what = absl::StrCat("epoll for ", socket.local.ToString(), ": ", std::strerror(errno));
    close(socket.fd);
    return absl::ResourceExhaustedError(what);
  }
  sockets_.emplace(id, socket).first->second.key = *key;
  return id;
}

PosixTcp::Socket* PosixTcp::FindConnection(SocketId id) {
  const auto found = sockets_.find(id);
  return found == sockets_.end() || found->second.state == State::kListening ? nullptr : &found->second;
}

void PosixTcp::Forget(SocketId id) {
  const auto found = sockets_.find(id);
  if (found == sockets_.end()) return;
  loop_.Remove(found->second.fd, found->second.key);
  close(found->second.fd);
  sockets_.erase(found);
  // A listener that could not accept for lack of a descriptor is registered again, because epoll then reports the
  // connections that wait to be accepted.
  for (auto& [other_id, other] : sockets_) {
    if (!std::exchange(other.starved, false)) continue;
    loop_.Remove(other.fd, other.key);
    other.key = loop_.Add(other.fd, kEvents, {&host_, other_id}).value_or(0);
  }
}

absl::StatusOr<SocketId> PosixTcp::Listen(const SocketAddress& local, const TcpOptions& options) {
  // A second listener is refused, because with SO_REUSEPORT Linux would distribute the connections between the two.
  for (const auto& [id, other] : sockets_) {
    if (other.state == State::kListening && local.port() != 0 && other.local == local) {
      return absl::AlreadyExistsError(absl::StrCat("listen ", local.ToString(), ": there is a listener"));
    }
  }
  const absl::StatusOr<BoundSocket> bound =
      OpenBound(SOCK_STREAM, local, [&](int fd) { return SetOptions(fd, local.family(), options); });
  if (!bound.ok()) return bound.status();
  if (listen(bound->fd, options.listen_backlog) != 0) {
    const std::string what = absl::StrCat("listen ", bound->local.ToString(), ": ", std::strerror(errno));
    const int error = errno;
    close(bound->fd);
    return error == EADDRINUSE ? absl::AlreadyExistsError(what) : absl::ResourceExhaustedError(what);
  }
  Socket socket;
  socket.fd = bound->fd;
  socket.state = State::kListening;
  socket.local = bound->local;
  return Add(socket);
}

absl::StatusOr<SocketId> PosixTcp::Connect(const SocketAddress& local, const SocketAddress& remote,
                                           const TcpOptions& options) {
  // Linux would connect to this machine if the remote address is 0.0.0.0 or ::.
  if (remote.family() != local.family() || remote.port() == 0 || remote.address().IsUnspecified() ||
      remote.address().IsV4Mapped() || remote.address().IsMulticast()) {
    return absl::InvalidArgumentError(absl::StrCat("connect ", local.ToString(), " to ", remote.ToString()));
  }
  const absl::StatusOr<BoundSocket> bound = OpenBound(SOCK_STREAM, local, [&](int fd) {
    // The ephemeral port is chosen in connect(), when the remote end is known. Then the port may be shared with other
    // connections, as long as the remote endpoints differ.
    return SetOptions(fd, local.family(), options) && SetOption(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
  });
  if (!bound.ok()) return bound.status();
  const Sockaddr name(remote, bound->scope);
  if (connect(bound->fd, name.get(), name.size()) != 0 && errno != EINPROGRESS) {
    const int error = errno;
    const std::string what =
        absl::StrCat("connect ", bound->local.ToString(), " to ", remote.ToString(), ": ", std::strerror(error));
    close(bound->fd);
    if (error == EADDRNOTAVAIL || error == EADDRINUSE) {
      return local.port() == 0 ? absl::ResourceExhaustedError(what) : absl::AlreadyExistsError(what);
    }
    return absl::Status(StatusOfErrno(error).code(), what);
  }
  Socket socket;
  socket.fd = bound->fd;
  socket.state = State::kConnecting;
  socket.local = LocalNameOf(bound->fd).value_or(bound->local);
  return Add(socket);
}

absl::StatusOr<std::size_t> PosixTcp::Write(SocketId id, ByteView bytes) {
  Socket* const socket = FindConnection(id);
  if (socket == nullptr) return Closed();
  if (socket->finished) return absl::FailedPreconditionError("write after the end");
  if (socket->error != 0) return StatusOfErrno(socket->error);
  if (socket->state == State::kConnecting || bytes.empty()) return std::size_t{0};
  const ssize_t taken = send(socket->fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (taken < 0 && errno != EAGAIN) {
    socket->error = errno;
    return StatusOfErrno(socket->error);
  }
  const std::size_t size = taken < 0 ? 0 : static_cast<std::size_t>(taken);
  if (size < bytes.size()) socket->wants_to_write = true;
  return size;
}

absl::StatusOr<std::size_t> PosixTcp::Read(SocketId id, std::span<std::uint8_t> buffer) {
  Socket* const socket = FindConnection(id);
  if (socket == nullptr) return Closed();
  if (socket->error != 0) return StatusOfErrno(socket->error);
  if (socket->state == State::kConnecting || buffer.empty()) return std::size_t{0};
  const ssize_t given = recv(socket->fd, buffer.data(), buffer.size(), 0);
  if (given < 0 && errno != EAGAIN) {
    socket->error = errno;
    return StatusOfErrno(socket->error);
  }
  const std::size_t size = given < 0 ? 0 : static_cast<std::size_t>(given);
  if (size < buffer.size()) socket->told_readable = false;
  return size;
}

absl::Status PosixTcp::FinishWriting(SocketId id) {
  Socket* const socket = FindConnection(id);
  if (socket == nullptr) return Closed();
  if (socket->state == State::kConnecting) return absl::FailedPreconditionError("finish writing: not connected yet");
  if (socket->finished) return absl::OkStatus();
  socket->finished = true;
  socket->wants_to_write = false;
  shutdown(socket->fd, SHUT_WR);  // fails only if OnTcpReset() is about to be called
  return absl::OkStatus();
}

absl::Status PosixTcp::Abort(SocketId id) {
  Socket* const socket = FindConnection(id);
  if (socket == nullptr) return Closed();
  const linger at_once = {.l_onoff = 1, .l_linger = 0};
  setsockopt(socket->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  Forget(id);
  return absl::OkStatus();
}

absl::Status PosixTcp::SetTtl(SocketId id, std::uint8_t ttl) {
  const auto found = sockets_.find(id);
  if (found == sockets_.end()) return Closed();
  if (SetTtlOf(found->second.fd, found->second.local.family(), ttl)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("set TTL ", ttl, ": ", std::strerror(errno)));
}

std::optional<SocketAddress> PosixTcp::LocalAddress(SocketId id) const {
  const auto found = sockets_.find(id);
  if (found == sockets_.end()) return std::nullopt;
  return found->second.local;
}

void PosixTcp::Reset(SocketId id, int error) {
  Forget(id);
  host_.Program().OnTcpReset(id, StatusOfErrno(error));
}

// Accepts connections until none is left, because the next event comes only with the next connection.
void PosixTcp::Accept(SocketId id) {
  for (auto found = sockets_.find(id); found != sockets_.end(); found = sockets_.find(id)) {
    sockaddr_storage name = {};
    socklen_t length = sizeof(name);
    const int fd = accept4(found->second.fd, reinterpret_cast<sockaddr*>(&name), &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      switch (errno) {
        case EINTR:
        case ECONNABORTED:
        // The following are network errors of the new connection (accept(2)).
        case ENETDOWN:
        case EPROTO:
        case ENOPROTOOPT:
        case EHOSTDOWN:
        case ENONET:
        case EHOSTUNREACH:
        case EOPNOTSUPP:
        case ENETUNREACH:
        case EPERM:
          continue;
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM:
          found->second.starved = true;
          return;
        default:
          return;
      }
    }
    Socket socket;
    socket.fd = fd;
    socket.local = LocalNameOf(fd).value_or(found->second.local);
    const std::optional<SocketAddress> from = FromSockaddr(reinterpret_cast<const sockaddr*>(&name));
    const absl::StatusOr<SocketId> added = Add(socket);
    if (added.ok()) host_.Program().OnTcpAccepted(id, *added, from.value_or(SocketAddress()));
  }
}

void PosixTcp::OnSocketEvent(SocketId id, std::uint32_t events) {
  // The program may end the connection in any call, so the connection is looked up before each call.
  const auto found = sockets_.find(id);
  if (found == sockets_.end()) return;
  if (found->second.state == State::kListening) {
    Accept(id);
    return;
  }
  Socket* socket = &found->second;
  const int error = (events & EPOLLERR) != 0 && socket->error == 0 ? TakeError(socket->fd) : socket->error;
  if (error != 0) {
    Reset(id, error);
    return;
  }
  if (socket->state == State::kConnecting) {
    if ((events & EPOLLOUT) == 0) return;
    socket->state = State::kOpen;
    host_.Program().OnTcpConnected(id);
    socket = FindConnection(id);
  }
  if (socket != nullptr && (events & EPOLLIN) != 0 && !socket->told_readable && HasBytes(socket->fd)) {
    socket->told_readable = true;
    host_.Program().OnTcpReadable(id);
    socket = FindConnection(id);
  }
  if (socket != nullptr && (events & EPOLLRDHUP) != 0 && !socket->told_closed) {
    socket->told_closed = true;
    host_.Program().OnTcpClosed(id);
    socket = FindConnection(id);
  }
  if (socket != nullptr && (events & EPOLLOUT) != 0 && socket->wants_to_write) {
    socket->wants_to_write = false;
    host_.Program().OnTcpWritable(id);
  }
}

}  // namespace pinhole::net
