#include "net/posix/icmp_kind.h"

namespace pinhole::net {

IcmpError::Kind IcmpKindV4(std::uint8_t type, std::uint8_t code) {
  constexpr std::uint8_t kDestinationUnreachable = 3, kTimeExceeded = 11;
  if (type == kTimeExceeded) return code == 0 ? IcmpError::Kind::kTtlExceeded : IcmpError::Kind::kOther;
  if (type != kDestinationUnreachable) return IcmpError::Kind::kOther;
  switch (code) {
    case 0:   // net unreachable
    case 6:   // destination network unknown
    case 11:  // network unreachable for type of service
      return IcmpError::Kind::kNetUnreachable;
    case 1:   // host unreachable
    case 7:   // destination host unknown
    case 8:   // source host isolated
    case 12:  // host unreachable for type of service
      return IcmpError::Kind::kHostUnreachable;
    case 2:
      return IcmpError::Kind::kProtocolUnreachable;
    case 3:
      return IcmpError::Kind::kPortUnreachable;
    case 4:
      return IcmpError::Kind::kPacketTooBig;
    case 9:   // network administratively prohibited
    case 10:  // host administratively prohibited
    case 13:  // communication administratively prohibited
      return IcmpError::Kind::kAdminProhibited;
    default:
      return IcmpError::Kind::kOther;
  }
}

IcmpError::Kind IcmpKindV6(std::uint8_t type, std::uint8_t code) {
  constexpr std::uint8_t kDestinationUnreachable = 1, kPacketTooBig = 2, kTimeExceeded = 3, kParameterProblem = 4;
  switch (type) {
    case kPacketTooBig:
      return IcmpError::Kind::kPacketTooBig;
    case kTimeExceeded:
      return code == 0 ? IcmpError::Kind::kTtlExceeded : IcmpError::Kind::kOther;
    case kParameterProblem:  // code 1: unrecognized Next Header
      return code == 1 ? IcmpError::Kind::kProtocolUnreachable : IcmpError::Kind::kOther;
    case kDestinationUnreachable:
      switch (code) {
        case 0:  // no route to destination
          return IcmpError::Kind::kNetUnreachable;
        case 3:  // address unreachable
          return IcmpError::Kind::kHostUnreachable;
        case 4:
          return IcmpError::Kind::kPortUnreachable;
        case 1:  // administratively prohibited
        case 5:  // source address failed ingress or egress policy
        case 6:  // reject route to destination
          return IcmpError::Kind::kAdminProhibited;
        default:
          return IcmpError::Kind::kOther;
      }
    default:
      return IcmpError::Kind::kOther;
  }
}

}  // namespace pinhole::net
