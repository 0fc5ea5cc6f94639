#include "net/posix/sockaddr.h"

#include <arpa/inet.h>

#include <cstring>

#include "net/contract.h"

namespace pinhole::net {

Sockaddr::Sockaddr(const SocketAddress& address, std::uint32_t scope) {
  if (address.address().is_v4()) {
    sockaddr_in in = {};
    in.sin_family = AF_INET;
    in.sin_port = htons(address.port());
    in.sin_addr = ToInAddr(address.address());
    std::memcpy(&storage_, &in, sizeof(in));
    size_ = sizeof(in);
    return;
  }
  sockaddr_in6 in6 = {};
  in6.sin6_family = AF_INET6;
  in6.sin6_port = htons(address.port());
  in6.sin6_addr = ToIn6Addr(address.address());
  if (address.address().IsLinkLocal()) in6.sin6_scope_id = scope;
  std::memcpy(&storage_, &in6, sizeof(in6));
  size_ = sizeof(in6);
}

std::optional<SocketAddress> FromSockaddr(const sockaddr* address) {
  if (address == nullptr) return std::nullopt;
  if (address->sa_family == AF_INET) {
    sockaddr_in in;
    std::memcpy(&in, address, sizeof(in));
    return SocketAddress(FromInAddr(in.sin_addr), ntohs(in.sin_port));
  }
  if (address->sa_family == AF_INET6) {
    sockaddr_in6 in6;
    std::memcpy(&in6, address, sizeof(in6));
    return SocketAddress(FromIn6Addr(in6.sin6_addr), ntohs(in6.sin6_port));
  }
  return std::nullopt;
}

IpAddress FromInAddr(const in_addr& address) { return IpAddress::V4(ntohl(address.s_addr)); }

IpAddress FromIn6Addr(const in6_addr& address) { return *IpAddress::FromBytes(ByteView(address.s6_addr, 16)); }

in_addr ToInAddr(const IpAddress& address) { return in_addr{.s_addr = htonl(address.v4())}; }

in6_addr ToIn6Addr(const IpAddress& address) {
  PINHOLE_REQUIRES(address.is_v6());
  in6_addr in6;
  std::memcpy(in6.s6_addr, address.bytes().data(), 16);
  return in6;
}

}  // namespace pinhole::net
