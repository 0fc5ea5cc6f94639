#include "net/host.h"

#include "net/contract.h"

namespace pinhole::net {

const char* ToString(SendStatus status) {
  switch (status) {
    case SendStatus::kSent:
      return "sent";
    case SendStatus::kWouldBlock:
      return "would block";
    case SendStatus::kNoRoute:
      return "no route";
    case SendStatus::kTooBig:
      return "too big";
    case SendStatus::kNotPermitted:
      return "not permitted";
    case SendStatus::kBadAddress:
      return "bad address";
    case SendStatus::kClosed:
      return "closed";
    case SendStatus::kPendingError:
      return "pending error";
  }
  net::CannotHappen();
}

const char* ToString(IcmpError::Kind kind) {
  switch (kind) {
    case IcmpError::Kind::kNetUnreachable:
      return "net unreachable";
    case IcmpError::Kind::kHostUnreachable:
      return "host unreachable";
    case IcmpError::Kind::kProtocolUnreachable:
      return "protocol unreachable";
    case IcmpError::Kind::kPortUnreachable:
      return "port unreachable";
    case IcmpError::Kind::kAdminProhibited:
      return "administratively prohibited";
    case IcmpError::Kind::kTtlExceeded:
      return "ttl exceeded";
    case IcmpError::Kind::kPacketTooBig:
      return "packet too big";
    case IcmpError::Kind::kOther:
      return "other";
  }
  net::CannotHappen();
}

}  // namespace pinhole::net
