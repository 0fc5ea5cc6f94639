#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sim/nat/profile.h"

// Refuses profiles that no NAT could have. The refusal names a field, so that the loader of a scenario file can tell
// its author the place.
namespace pinhole::sim {

// The fields of NatProfile that can contradict another field or have no effect, in the order of the structs.
enum class NatField : std::uint8_t {
  // Fields of TransportBehavior, in NatProfile::udp or NatProfile::tcp.
  kFiltering,
  kFilterMemory,
  kInboundSessions,
  kPortAllocation,
  kSequentialStep,
  kPorts,
  kParity,
  kContiguity,
  kCollision,
  kExhaustion,
  kBlockPorts,
  kBlocksPerHost,
  kHairpin,
  kUnsolicited,

  // Fields of UdpBehavior and of its UdpTimeouts.
  kFirstTimeout,
  kUnrepliedTimeout,
  kRepliedTimeout,
  kAssuredTimeout,
  kAssuredAfter,
  kDestinationsRemembered,
  kFilterTimeout,
  kPoisoning,

  // Fields of TcpBehavior, its TcpTracking and its TcpTimeouts.
  kTracking,  // TcpTracking::depth
  kSimultaneousOpen,
  kLoose,
  kLiberal,
  kInvalid,
  kIdle,
  kRetransmissionsMax,
  kSynSentTimeout,
  kSynReceivedTimeout,
  kEstablishedTimeout,
  kFinWaitTimeout,
  kCloseWaitTimeout,
  kLastAckTimeout,
  kTimeWaitTimeout,
  kCloseTimeout,
  kUnacknowledgedTimeout,
  kRetransmittedTimeout,
  kUnsolicitedHold,

  // Fields of NatProfile itself.
  kSoftPairing,
  kPoolsPerTransport,
  kPortForwards,
  kOneToOne,
  kMappingsMax,
  kMappingsPerHostMax,
  kWhenFull,
};
inline constexpr int kNatFieldCount = static_cast<int>(NatField::kWhenFull) + 1;

// The part of a NatProfile in which a NatField stands.
enum class NatPart : std::uint8_t { kWhole, kUdp, kTcp };

struct NatContradiction {
  NatPart part;
  NatField field;
  std::string why;  // without the field: "0 never moves on"
};

// The first field that contradicts another field or has no effect; nullopt: the profile is valid.
std::optional<NatContradiction> FindContradiction(const NatProfile& profile);
inline bool IsValid(const NatProfile& profile) { return !FindContradiction(profile).has_value(); }

}  // namespace pinhole::sim
