#include "net/posix/posix_host.h"

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "net/contract.h"
#include "net/posix/icmp_kind.h"
#include "net/posix/list_interfaces.h"
#include "net/posix/open_socket.h"
#include "net/posix/sockaddr.h"

namespace pinhole::net {
namespace {

constexpr std::size_t kDatagramMax = 65536;
// The number of datagrams that are read from one socket before other sockets are served.
constexpr int kDatagramsPerTurn = 32;

// Room for the control messages of one sent or received datagram: packet info, TTL, extended error with the offender's
// address.
union ControlBuffer {
  char bytes[512];
  cmsghdr align;
};

bool SetDontFragment(int fd, Family family, bool dont_fragment) {
  if (family == Family::kIpv4) {
    return SetOption(fd, IPPROTO_IP, IP_MTU_DISCOVER, dont_fragment ? IP_PMTUDISC_DO : IP_PMTUDISC_DONT);
  }
  return SetOption(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, dont_fragment ? IPV6_PMTUDISC_DO : IPV6_PMTUDISC_WANT);
}

bool SetUdpOptions(int fd, Family family) {
  if (family == Family::kIpv4) {
    return SetOption(fd, IPPROTO_IP, IP_PKTINFO, 1) && SetOption(fd, IPPROTO_IP, IP_RECVTTL, 1) &&
           SetOption(fd, IPPROTO_IP, IP_RECVERR, 1) && SetDontFragment(fd, family, false);
  }
  return SetOption(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) && SetOption(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1) &&
         SetOption(fd, IPPROTO_IPV6, IPV6_RECVERR, 1) && SetDontFragment(fd, family, false);
}

SendStatus StatusOfErrno(int error) {
  switch (error) {
    case EAGAIN:
    case ENOBUFS:
    case ENOMEM:
      return SendStatus::kWouldBlock;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
      return SendStatus::kNoRoute;
    case EMSGSIZE:
      return SendStatus::kTooBig;
    case EINVAL:
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
    case ENODEV:
      return SendStatus::kBadAddress;
    case ECONNREFUSED:  // this and the next three are caused by ICMP errors only
    case EPROTO:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
      return SendStatus::kPendingError;
    default:
      return SendStatus::kNotPermitted;
  }
}

// Appends control messages to a message header. REQUIRES: they fit.
class ControlWriter {
 public:
  ControlWriter(msghdr& message, ControlBuffer& buffer) : message_(message), buffer_(buffer) {
    std::memset(&buffer, 0, sizeof(buffer));
  }

  template <typename T>
  void Add(int level, int type, const T& value) {
    PINHOLE_REQUIRES(message_.msg_controllen + CMSG_SPACE(sizeof(T)) <= sizeof(buffer_.bytes));
    message_.msg_control = buffer_.bytes;
    cmsghdr* const header = reinterpret_cast<cmsghdr*>(buffer_.bytes + message_.msg_controllen);
    header->cmsg_level = level;
    header->cmsg_type = type;
    header->cmsg_len = CMSG_LEN(sizeof(T));
    std::memcpy(CMSG_DATA(header), &value, sizeof(T));
    message_.msg_controllen += CMSG_SPACE(sizeof(T));
  }

 private:
  msghdr& message_;
  ControlBuffer& buffer_;
};

template <typename T>
T ControlData(const cmsghdr* header) {
  T value;
  std::memcpy(&value, CMSG_DATA(header), sizeof(T));
  return value;
}

bool Is(const cmsghdr* header, int level, int type) { return header->cmsg_level == level && header->cmsg_type == type; }

// Whether this is an address of this machine: a socket can be bound to it.
bool IsOwnAddress(const IpAddress& address) {
  const int fd = socket(address.is_v4() ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const Sockaddr name(SocketAddress(address, 0));
  const bool own = bind(fd, name.get(), name.size()) == 0;
  close(fd);
  return own;
}

}  // namespace

PosixHost::PosixHost(PosixLoop& loop) : loop_(loop), tcp_(*this, loop), buffer_(new std::uint8_t[kDatagramMax]) {
  loop_.AddHost(this);
}

PosixHost::~PosixHost() {
  while (!sockets_.empty()) Close(sockets_.begin()->first);
  loop_.RemoveHost(this);
}

void PosixHost::Start(App& app) {
  if (app_ != nullptr) std::abort();
  app_ = &app;
  Program().OnStart();
}

App& PosixHost::Program() {
  interfaces_known_ = false;
  return *app_;
}

RandomSource& PosixHost::Random(absl::string_view) { return random_; }

const std::vector<Interface>& PosixHost::Interfaces() const {
  if (!interfaces_known_) {
    interfaces_ = ListInterfaces();
    interfaces_known_ = true;
  }
  return interfaces_;
}

absl::Status PosixHost::WatchInterfaces() {
  return absl::UnimplementedError("no interface changes on POSIX hosts yet");
}

std::optional<IpAddress> PosixHost::SourceFor(const IpAddress& destination) const {
  const int fd = socket(destination.is_v4() ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return std::nullopt;
  std::optional<IpAddress> source;
  // Connecting a UDP socket chooses its source address and sends nothing. The port does not matter.
  const Sockaddr to(SocketAddress(destination, 9));
  sockaddr_storage name = {};
  socklen_t length = sizeof(name);
  if (connect(fd, to.get(), to.size()) == 0 && getsockname(fd, reinterpret_cast<sockaddr*>(&name), &length) == 0) {
    const std::optional<SocketAddress> local = FromSockaddr(reinterpret_cast<const sockaddr*>(&name));
    if (local) source = local->address();
  }
  close(fd);
  return source;
}

absl::StatusOr<SocketId> PosixHost::OpenUdp(const SocketAddress& local) {
  const absl::StatusOr<BoundSocket> bound =
      OpenBound(SOCK_DGRAM, local, [&](int fd) { return SetUdpOptions(fd, local.family()); });
  if (!bound.ok()) return bound.status();
  const SocketId id = NewSocketId();
  const std::optional<std::uint64_t> key = loop_.Add(bound->fd, EPOLLIN, {this, id});
  if (!key) {
    const std::string what = absl::StrCat("epoll for ", local.ToString(), ": ", std::strerror(errno));
    close(bound->fd);
    return absl::ResourceExhaustedError(what);
  }
  UdpSocket& opened = sockets_[id];
  opened.fd = bound->fd;
  opened.key = *key;
  opened.local = bound->local;
  opened.scope = bound->scope;
  return id;
}

SendStatus PosixHost::SendTo(SocketId id, const SocketAddress& to, ByteView payload, const SendOptions& options) {
  const auto found = sockets_.find(id);
  if (found == sockets_.end()) return SendStatus::kClosed;
  UdpSocket& socket = found->second;
  const IpAddress& own = socket.local.address();
  // Linux would send to this machine if the destination is 0.0.0.0 or ::.
  if (to.family() != own.family() || to.port() == 0 || to.address().IsUnspecified() || to.address().IsV4Mapped()) {
    return SendStatus::kBadAddress;
  }
  if (options.source && (options.source->family() != own.family() || options.source->IsUnspecified() ||
                         (!own.IsUnspecified() && *options.source != own))) {
    return SendStatus::kBadAddress;
  }
  if (options.dont_fragment != socket.dont_fragment) {
    if (!SetDontFragment(socket.fd, own.family(), options.dont_fragment)) return SendStatus::kNotPermitted;
    socket.dont_fragment = options.dont_fragment;
  }

  const Sockaddr name(to, socket.scope);
  iovec vector = {.iov_base = const_cast<std::uint8_t*>(payload.data()), .iov_len = payload.size()};
  msghdr message = {};
  message.msg_name = const_cast<sockaddr*>(name.get());
  message.msg_namelen = name.size();
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  ControlBuffer buffer;
  ControlWriter control(message, buffer);
  if (own.is_v4()) {
    if (options.ttl != 0) control.Add(IPPROTO_IP, IP_TTL, int{options.ttl});
    if (options.source) {
      in_pktinfo info = {};
      info.ipi_spec_dst = ToInAddr(*options.source);
      control.Add(IPPROTO_IP, IP_PKTINFO, info);
    }
  } else {
    if (options.ttl != 0) control.Add(IPPROTO_IPV6, IPV6_HOPLIMIT, int{options.ttl});
    if (options.source) {
      in6_pktinfo info = {};
      info.ipi6_addr = ToIn6Addr(*options.source);
      control.Add(IPPROTO_IPV6, IPV6_PKTINFO, info);
    }
  }
  if (sendmsg(socket.fd, &message, MSG_NOSIGNAL) >= 0) return SendStatus::kSent;
  // The errno may be an ICMP error about an earlier datagram. The first send has removed that error from the socket, so
  // the result of a second send is about this datagram.
  if (StatusOfErrno(errno) == SendStatus::kWouldBlock) return SendStatus::kWouldBlock;
  if (sendmsg(socket.fd, &message, MSG_NOSIGNAL) >= 0) return SendStatus::kSent;
  const SendStatus status = StatusOfErrno(errno);
  // For IPv4, Linux returns "no route" if the source is not an address of this machine.
  if (status == SendStatus::kNoRoute && options.source && !IsOwnAddress(*options.source)) {
    return SendStatus::kBadAddress;
  }
  return status;
}

std::optional<SocketAddress> PosixHost::LocalAddress(SocketId socket) const {
  const auto found = sockets_.find(socket);
  if (found == sockets_.end()) return tcp_.LocalAddress(socket);
  return found->second.local;
}

void PosixHost::Close(SocketId socket) {
  const auto found = sockets_.find(socket);
  if (found == sockets_.end()) {
    tcp_.Close(socket);
    return;
  }
  loop_.Remove(found->second.fd, found->second.key);
  close(found->second.fd);
  sockets_.erase(found);
}

absl::Status PosixHost::SetTtl(SocketId socket, std::uint8_t ttl) {
  const auto found = sockets_.find(socket);
  if (found == sockets_.end()) return tcp_.SetTtl(socket, ttl);
  if (SetTtlOf(found->second.fd, found->second.local.family(), ttl)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("set TTL ", ttl, ": ", std::strerror(errno)));
}

void PosixHost::OnSocketEvent(SocketId id, std::uint32_t events) {
  if (sockets_.find(id) == sockets_.end()) {
    if (app_ != nullptr) tcp_.OnSocketEvent(id, events);
    return;
  }
  // The program may close the socket in any call, so the socket is looked up before each call.
  if ((events & EPOLLERR) != 0) {
    for (auto socket = sockets_.find(id); socket != sockets_.end(); socket = sockets_.find(id)) {
      if (!ReceiveError(id, socket->second)) break;
    }
  }
  for (int i = 0; i < kDatagramsPerTurn; ++i) {
    const auto socket = sockets_.find(id);
    if (socket == sockets_.end() || !ReceiveDatagram(id, socket->second)) return;
  }
}

bool PosixHost::ReceiveDatagram(SocketId id, const UdpSocket& socket) {
  sockaddr_storage from = {};
  iovec vector = {.iov_base = buffer_.get(), .iov_len = kDatagramMax};
  ControlBuffer control;
  msghdr message = {};
  message.msg_name = &from;
  message.msg_namelen = sizeof(from);
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof(control.bytes);
  const ssize_t size = recvmsg(socket.fd, &message, 0);
  if (size < 0) return errno != EAGAIN;  // recvmsg() has returned an ICMP error; its details are in the error queue
  const std::optional<SocketAddress> sender = FromSockaddr(reinterpret_cast<const sockaddr*>(&from));
  if (app_ == nullptr || !sender) return true;

  Datagram datagram;
  datagram.socket = id;
  datagram.from = *sender;
  datagram.to = socket.local;
  datagram.payload = ByteView(buffer_.get(), static_cast<std::size_t>(size));
  for (const cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, const_cast<cmsghdr*>(header))) {
    if (Is(header, IPPROTO_IP, IP_PKTINFO)) {
      const auto info = ControlData<in_pktinfo>(header);
      datagram.to = SocketAddress(FromInAddr(info.ipi_addr), socket.local.port());
      datagram.interface = InterfaceId{static_cast<std::uint32_t>(info.ipi_ifindex)};
    } else if (Is(header, IPPROTO_IPV6, IPV6_PKTINFO)) {
      const auto info = ControlData<in6_pktinfo>(header);
      datagram.to = SocketAddress(FromIn6Addr(info.ipi6_addr), socket.local.port());
      datagram.interface = InterfaceId{static_cast<std::uint32_t>(info.ipi6_ifindex)};
    } else if (Is(header, IPPROTO_IP, IP_TTL) || Is(header, IPPROTO_IPV6, IPV6_HOPLIMIT)) {
      datagram.ttl = static_cast<std::uint8_t>(ControlData<int>(header));
    }
  }
  Program().OnDatagram(datagram);
  return true;
}

bool PosixHost::ReceiveError(SocketId id, const UdpSocket& socket) {
  sockaddr_storage destination = {};
  ControlBuffer control;
  msghdr message = {};  // without room for the quoted payload, which is not needed
  message.msg_name = &destination;
  message.msg_namelen = sizeof(destination);
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof(control.bytes);
  if (recvmsg(socket.fd, &message, MSG_ERRQUEUE) < 0) return false;
  const std::optional<SocketAddress> quoted = FromSockaddr(reinterpret_cast<const sockaddr*>(&destination));
  for (const cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, const_cast<cmsghdr*>(header))) {
    if (!Is(header, IPPROTO_IP, IP_RECVERR) && !Is(header, IPPROTO_IPV6, IPV6_RECVERR)) continue;
    const auto extended = ControlData<sock_extended_err>(header);
    const bool v4 = extended.ee_origin == SO_EE_ORIGIN_ICMP;
    // An error that this machine has made itself, not ICMP, was already returned by sendmsg().
    if (app_ == nullptr || !quoted || (!v4 && extended.ee_origin != SO_EE_ORIGIN_ICMP6)) continue;
    IcmpError error;
    error.socket = id;
    error.kind = v4 ? IcmpKindV4(extended.ee_type, extended.ee_code) : IcmpKindV6(extended.ee_type, extended.ee_code);
    error.destination = *quoted;
    error.reporter = IpAddress::Unspecified(quoted->family());
    const std::size_t offender_offset = CMSG_LEN(sizeof(sock_extended_err));
    if (header->cmsg_len >= offender_offset + sizeof(sockaddr_in)) {
      sockaddr_storage offender = {};
      std::memcpy(&offender, CMSG_DATA(header) + sizeof(sock_extended_err),
                  std::min(sizeof(offender), header->cmsg_len - offender_offset));
      const std::optional<SocketAddress> reporter = FromSockaddr(reinterpret_cast<const sockaddr*>(&offender));
      if (reporter) error.reporter = reporter->address();
    }
    if (error.kind == IcmpError::Kind::kPacketTooBig) error.mtu_bytes = extended.ee_info;
    Program().OnIcmpError(error);
    break;
  }
  return true;
}

void PosixHost::RunAlarm() {
  if (app_ == nullptr || alarm_ > loop_.Now()) return;
  alarm_ = kNever;
  Program().OnTimer();
}

absl::StatusOr<SocketId> PosixHost::Listen(const SocketAddress& local, const TcpOptions& options) {
  return tcp_.Listen(local, options);
}
absl::StatusOr<SocketId> PosixHost::Connect(const SocketAddress& local, const SocketAddress& remote,
                                            const TcpOptions& options) {
  return tcp_.Connect(local, remote, options);
}
absl::StatusOr<std::size_t> PosixHost::Write(SocketId connection, ByteView bytes, const SendOptions&) {
  return tcp_.Write(connection, bytes);
}
absl::StatusOr<std::size_t> PosixHost::Read(SocketId connection, std::span<std::uint8_t> buffer) {
  return tcp_.Read(connection, buffer);
}
absl::Status PosixHost::FinishWriting(SocketId connection) { return tcp_.FinishWriting(connection); }
absl::Status PosixHost::Abort(SocketId connection) { return tcp_.Abort(connection); }
absl::Status PosixHost::SendRawTcp(const RawTcpSegment&) {
  return absl::UnimplementedError("POSIX hosts grant no raw segments");
}
absl::StatusOr<std::uint32_t> PosixHost::InitialSequenceNumber(SocketId) {
  return absl::UnimplementedError("POSIX hosts do not tell initial sequence numbers");
}

}  // namespace pinhole::net
