#include "net/posix/open_socket.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "net/posix/list_interfaces.h"
#include "net/posix/sockaddr.h"

namespace pinhole::net {
namespace {

absl::Status BindError(const SocketAddress& local, int error) {
  const std::string what = absl::StrCat("bind ", local.ToString(), ": ", std::strerror(error));
  switch (error) {
    case EADDRINUSE:
      return local.port() == 0 ? absl::ResourceExhaustedError(what) : absl::AlreadyExistsError(what);
    case EACCES:
    case EPERM:
      return absl::PermissionDeniedError(what);
    case ENOBUFS:
    case ENOMEM:
      return absl::ResourceExhaustedError(what);
    default:
      return absl::InvalidArgumentError(what);
  }
}

std::uint32_t InterfaceOf(const IpAddress& link_local) {
  for (const Interface& interface : ListInterfaces()) {
    for (const InterfaceAddress& address : interface.addresses) {
      if (address.address == link_local) return static_cast<std::uint32_t>(interface.id);
    }
  }
  return 0;
}

}  // namespace

absl::StatusOr<BoundSocket> OpenBound(int type, const SocketAddress& local,
                                      absl::FunctionRef<bool(int fd)> set_options) {
  const bool v4 = local.address().is_v4();
  BoundSocket opened;
  opened.local = local;
  if (!v4 && local.address().IsLinkLocal()) opened.scope = InterfaceOf(local.address());
  opened.fd = socket(v4 ? AF_INET : AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (opened.fd < 0) {
    const std::string what = absl::StrCat("socket for ", local.ToString(), ": ", std::strerror(errno));
    return errno == EAFNOSUPPORT ? absl::InvalidArgumentError(what) : absl::ResourceExhaustedError(what);
  }
  const Sockaddr name(local, opened.scope);
  if ((!v4 && !SetOption(opened.fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)) || !set_options(opened.fd) ||
      bind(opened.fd, name.get(), name.size()) != 0) {
    const absl::Status status = BindError(local, errno);
    close(opened.fd);
    return status;
  }
  opened.local = LocalNameOf(opened.fd).value_or(local);
  return opened;
}

std::optional<SocketAddress> LocalNameOf(int fd) {
  sockaddr_storage name = {};
  socklen_t length = sizeof(name);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&name), &length) != 0) return std::nullopt;
  return FromSockaddr(reinterpret_cast<const sockaddr*>(&name));
}

bool SetOption(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof(value)) == 0;
}

bool SetTtlOf(int fd, Family family, std::uint8_t ttl) {
  const int value = ttl == 0 ? -1 : ttl;  // -1: the system's default
  return family == Family::kIpv4 ? SetOption(fd, IPPROTO_IP, IP_TTL, value)
                                 : SetOption(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, value);
}

}  // namespace pinhole::net
