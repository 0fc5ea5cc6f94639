#include "stun/demux.h"

#include "net/contract.h"
#include "stun/message.h"

namespace pinhole::stun {

Protocol Classify(net::ByteView datagram) {
  if (datagram.empty()) return Protocol::kUnknown;
  const std::uint8_t first = datagram[0];
  if (first <= 3) return Protocol::kStun;
  if (first >= 16 && first <= 19) return Protocol::kZrtp;
  if (first >= 20 && first <= 63) return Protocol::kDtls;
  if (first >= 64 && first <= 79) return Protocol::kTurnChannel;
  if (first >= 128 && first <= 191) return Protocol::kRtp;
  return Protocol::kUnknown;
}

// The first byte only needs the two leading zero bits (RFC 8489 §5). RFC 7983 gives the values 4 to 63 to other
// protocols, but their packets do not have the magic cookie.
bool LooksLikeStun(net::ByteView datagram) {
  return datagram.size() >= kHeaderBytes && (datagram[0] & 0xC0) == 0 && (datagram.size() & 3) == 0 &&
         net::LoadU16(datagram.data() + 2) == datagram.size() - kHeaderBytes &&
         net::LoadU32(datagram.data() + 4) == kMagicCookie;
}

bool LooksLikeChannelData(net::ByteView datagram) {
  return datagram.size() >= 4 && Classify(datagram) == Protocol::kTurnChannel;
}

}  // namespace pinhole::stun
