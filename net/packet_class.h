#pragma once

#include <cstdint>

namespace pinhole::net {

// What a packet is for, said by the program that sends it. Measures and ladders count by class, so
// nobody has to parse a payload a second time. POSIX hosts ignore it.
enum class PacketClass : std::uint8_t {
  kOther,               // not said
  kDiscovery,           // STUN Binding to a server, to learn a mapping
  kTurn,                // TURN control: Allocate, Refresh, CreatePermission, ChannelBind, and answers
  kSignalling,          // referral server traffic
  kCheck,               // first transmission of an ICE connectivity check
  kRetransmittedCheck,  // any later transmission of the same check
  kResponse,            // answer to a check (success or error)
  kConsent,             // consent check, its answer, or a keepalive after selection
  kData,                // application data
};
inline constexpr int kPacketClassCount = 9;

// Stable lower-case name, such as "retransmitted_check".
const char* ToString(PacketClass packet_class);

// Opaque mark of one datagram. A host puts the tag of every received datagram into its event; a program
// that sends because of that datagram hands it back in SendOptions::cause, so that a trace can tell which
// packet led to which. Zero: none. POSIX hosts give zero and ignore it.
struct PacketTag {
  std::uint64_t value = 0;
  friend bool operator==(const PacketTag&, const PacketTag&) = default;
};

}  // namespace pinhole::net
