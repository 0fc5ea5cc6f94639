#pragma once

#include <cstdint>
#include <optional>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "net/socket_address.h"

namespace pinhole::net {

// A file descriptor of a socket that is non-blocking and bound. The owner closes it.
struct BoundSocket {
  int fd = -1;
  SocketAddress local;      // after bind(), so the port is known
  std::uint32_t scope = 0;  // index of the interface, if `local` is a link-local address
};

// Opens a socket and binds it. `type` is SOCK_DGRAM or SOCK_STREAM. `set_options` is called before bind(); if it
// returns false, errno has the reason. Errors: those of Host::OpenUdp(), and PermissionDenied for a port that needs
// privileges.
absl::StatusOr<BoundSocket> OpenBound(int type, const SocketAddress& local,
                                      absl::FunctionRef<bool(int fd)> set_options);

// The local address of a socket; nullopt if the system does not return one.
std::optional<SocketAddress> LocalNameOf(int fd);

// Calls setsockopt() with an int. Returns false if it fails; errno has the reason.
bool SetOption(int fd, int level, int name, int value);
// Sets the TTL or hop limit of the packets of a socket. 0: the default of the system.
bool SetTtlOf(int fd, Family family, std::uint8_t ttl);

}  // namespace pinhole::net
