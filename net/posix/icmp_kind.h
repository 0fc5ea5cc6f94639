#pragma once

#include <cstdint>

#include "net/host.h"

namespace pinhole::net {

// The kind of an ICMP error with this type and code (RFC 792, RFC 1812 §5.2.7.1).
IcmpError::Kind IcmpKindV4(std::uint8_t type, std::uint8_t code);
// The kind of an ICMPv6 error with this type and code (RFC 4443 §3).
IcmpError::Kind IcmpKindV6(std::uint8_t type, std::uint8_t code);

}  // namespace pinhole::net
