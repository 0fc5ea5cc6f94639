#pragma once

#include <cstdint>

namespace pinhole::net {

// The purpose of a packet. The sending program sets it. Measures and diagrams count packets by class, so they need not
// parse payloads. POSIX hosts ignore it.
enum class PacketClass : std::uint8_t {
  kOther,               // not set
  kDiscovery,           // STUN Binding request to a server, to learn a mapping, and its answer
  kTurn,                // TURN control: Allocate, Refresh, CreatePermission, ChannelBind, and their answers
  kSignalling,          // referral server traffic
  kCheck,               // first transmission of an ICE connectivity check
  kRetransmittedCheck,  // any later transmission of the same check
  kResponse,            // answer to a check (success or error)
  kConsent,             // consent check, its answer, or a keepalive after selection
  kData,                // application data
};
inline constexpr int kPacketClassCount = 9;

// The stable lower-case name, such as "retransmitted_check".
const char* ToString(PacketClass packet_class);

// An opaque mark of one datagram. A host puts the tag of a received datagram into its event. If a program sends because
// of that datagram, it copies the tag into SendOptions::cause, so that a trace can show which packet caused which.
// Zero: no tag. POSIX hosts set zero and ignore it.
struct PacketTag {
  std::uint64_t value = 0;
  friend bool operator==(const PacketTag&, const PacketTag&) = default;
};

}  // namespace pinhole::net
