#pragma once

#include <cstdint>

#include "net/contract.h"
#include "net/socket_address.h"

namespace pinhole::sim::nat {

// An IPv4 endpoint in eight bytes. Two inside networks may use the same addresses, so an inside endpoint also has the
// number of its network. External and remote endpoints have network 0.
struct Endpoint {
  std::uint32_t address = 0;
  std::uint16_t port = 0;
  std::uint16_t network = 0;

  // REQUIRES: address.family() is IPv4.
  static Endpoint Of(const net::SocketAddress& address, int network = 0) {
    PINHOLE_REQUIRES(address.address().is_v4());
    return {address.address().v4(), address.port(), static_cast<std::uint16_t>(network)};
  }
  net::SocketAddress ToSocketAddress() const { return net::SocketAddress(net::IpAddress::V4(address), port); }

  // The endpoint as one number, for keys.
  constexpr std::uint64_t bits() const {
    return (std::uint64_t{address} << 32) | (std::uint64_t{port} << 16) | network;
  }
  Endpoint WithPort(std::uint16_t other) const { return {address, other, network}; }
  // The endpoint with port 0, as a key for records about all ports of the address.
  Endpoint AddressOnly() const { return {address, 0, network}; }

  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

}  // namespace pinhole::sim::nat
