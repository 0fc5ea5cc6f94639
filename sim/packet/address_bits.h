#pragma once

#include <cstdint>

#include "net/ip_address.h"

namespace pinhole::sim {

// An address as numbers that compare and mask quickly; IPv4 stands in the top of `high`.
struct AddressBits {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  net::Family family = net::Family::kIpv4;

  AddressBits() = default;
  explicit AddressBits(const net::IpAddress& address)
      : high(address.high()), low(address.low()), family(address.family()) {}
  friend bool operator==(const AddressBits&, const AddressBits&) = default;
};

}  // namespace pinhole::sim
