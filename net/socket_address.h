#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "net/ip_address.h"

namespace pinhole::net {

// An IP address and a port: the "transport address" of RFC 8445 §4, without the protocol.
class SocketAddress {
 public:
  constexpr SocketAddress() = default;  // 0.0.0.0:0
  constexpr SocketAddress(IpAddress address, std::uint16_t port) : address_(address), port_(port) {}

  // Parses "192.0.2.1:3478" or "[2001:db8::1]:3478". Returns nullopt for anything else.
  static std::optional<SocketAddress> Parse(absl::string_view text);
  // Writes the address in a form that Parse() takes; IPv6 as in RFC 5952 §6.
  std::string ToString() const;

  const IpAddress& address() const { return address_; }
  std::uint16_t port() const { return port_; }
  Family family() const { return address_.family(); }
  SocketAddress WithPort(std::uint16_t port) const { return SocketAddress(address_, port); }

  friend constexpr bool operator==(const SocketAddress&, const SocketAddress&) = default;
  friend constexpr std::strong_ordering operator<=>(const SocketAddress&, const SocketAddress&) = default;

 private:
  IpAddress address_;
  std::uint16_t port_ = 0;
};

// A hash that is the same in every process and build. Not safe against keys that an attacker chooses.
inline std::uint64_t StableHash(const SocketAddress& address) {
  return StableHash(address.address(), std::uint64_t{address.port()} + 1);
}

}  // namespace pinhole::net
