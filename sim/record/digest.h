#pragma once

#include <cstdint>

#include "net/bytes.h"
#include "net/time.h"
#include "sim/packet/packet.h"

namespace pinhole::sim {

// A change of state that belongs to a run's `full` digest. The values must not change, because digests depend on them.
enum class StateKind : std::uint8_t {
  kDrop = 1,
  kDeliver = 2,
  kSocketOpened = 3,
  kSocketClosed = 4,
  kAddressAdded = 5,
  kAddressRemoved = 6,
  kInterfaceUp = 8,
  kRouteAdded = 9,
  kRouteRemoved = 10,
  kLinkChanged = 11,
  kProgramStarted = 12,
  kMappingCreated = 13,
  kMappingRemoved = 14,
  kPathMtu = 17,
  kTcpState = 18,
};

// Two running digests of the events of a run, in order.
//   wire  time, place and bytes of every packet put on a link
//   full  the same and every change of state
// Only numbers of fixed width go in, in a fixed byte order, so that every build and machine agrees.
class Digest {
 public:
  // `place`: the number of the link direction. `payload_hash`: the hash of packet.payload's bytes.
  void AddPacket(net::Instant at, std::uint32_t place, const Packet& packet, std::uint64_t payload_hash);
  void AddState(net::Instant at, std::uint32_t place, StateKind kind, std::uint64_t a, std::uint64_t b);

  std::uint64_t wire() const { return wire_; }
  std::uint64_t full() const { return full_; }

 private:
  std::uint64_t wire_ = 0;
  std::uint64_t full_ = 0;
};

}  // namespace pinhole::sim
