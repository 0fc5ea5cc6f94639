#pragma once

#include <cstdint>
#include <optional>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "net/socket_address.h"

namespace pinhole::net {

// A descriptor, non-blocking and bound. Whoever has it closes it.
struct BoundSocket {
  int fd = -1;
  SocketAddress local;      // as bound: the port is known
  std::uint32_t scope = 0;  // interface of a link-local local address
};

// `type`: SOCK_DGRAM or SOCK_STREAM. `set_options` is called before bind(); false: errno tells why not.
// Errors as Host::OpenUdp() names them, and PermissionDenied.
absl::StatusOr<BoundSocket> OpenBound(int type, const SocketAddress& local,
                                      absl::FunctionRef<bool(int fd)> set_options);

// What the system calls the near end of a socket; nullopt if it does not say.
std::optional<SocketAddress> LocalNameOf(int fd);

// setsockopt() with an int; false: errno tells why not.
bool SetOption(int fd, int level, int name, int value);
// TTL or hop limit of what the socket sends; 0: the system's default again.
bool SetTtlOf(int fd, Family family, std::uint8_t ttl);

}  // namespace pinhole::net
