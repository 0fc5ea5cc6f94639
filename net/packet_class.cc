#include "net/packet_class.h"

#include "net/contract.h"

namespace pinhole::net {

const char* ToString(PacketClass packet_class) {
  switch (packet_class) {
    case PacketClass::kOther:
      return "other";
    case PacketClass::kDiscovery:
      return "discovery";
    case PacketClass::kTurn:
      return "turn";
    case PacketClass::kSignalling:
      return "signalling";
    case PacketClass::kCheck:
      return "check";
    case PacketClass::kRetransmittedCheck:
      return "retransmitted_check";
    case PacketClass::kResponse:
      return "response";
    case PacketClass::kConsent:
      return "consent";
    case PacketClass::kData:
      return "data";
  }
  net::CannotHappen();
}

}  // namespace pinhole::net
