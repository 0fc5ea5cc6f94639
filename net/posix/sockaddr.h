#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <optional>

#include "net/socket_address.h"

namespace pinhole::net {

// A sockaddr_in or sockaddr_in6 for system calls.
class Sockaddr {
 public:
  // `scope` is the index of the interface, for a link-local IPv6 address; otherwise it is ignored.
  explicit Sockaddr(const SocketAddress& address, std::uint32_t scope = 0);

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t size() const { return size_; }

 private:
  sockaddr_storage storage_ = {};
  socklen_t size_ = 0;
};

// Converts a sockaddr_in or sockaddr_in6. Returns nullopt for another family.
std::optional<SocketAddress> FromSockaddr(const sockaddr* address);

IpAddress FromInAddr(const in_addr& address);
IpAddress FromIn6Addr(const in6_addr& address);
// REQUIRES: is_v4().
in_addr ToInAddr(const IpAddress& address);
// REQUIRES: is_v6().
in6_addr ToIn6Addr(const IpAddress& address);

}  // namespace pinhole::net
