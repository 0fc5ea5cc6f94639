#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "net/ip_address.h"
#include "net/socket_address.h"
#include "net/time.h"
#include "sim/nat/tcp_behavior.h"

// How one NAT behaves, as data: the words of RFC 4787 (UDP), RFC 5508 (ICMP), RFC 6888 and RFC 7857, and what
// devices do besides. Every field is independent of the others as far as a device could exist that has them so;
// validate.h refuses the rest. A default-constructed profile is a port-preserving "port-restricted cone", with the
// defaults of the schema (scenarios/nat_profile.proto).
namespace pinhole::sim {

// When two packets of one inside endpoint X:x share an external endpoint (RFC 4787 §4.1).
enum class Mapping : std::uint8_t {
  kEndpointIndependent,      // always
  kAddressDependent,         // when they go to the same address
  kAddressAndPortDependent,  // when they go to the same address and port
  // Linux's rule: one tuple (external endpoint, remote endpoint) for each (X:x, remote endpoint). A new one keeps
  // the endpoint that the newest session of X:x has, then the inside port, then draws; an external port is shared
  // by any number of inside endpoints as long as their remote endpoints differ (conntrack_ports.h).
  kConntrack,
};

// Who may send in through a mapping that exists (RFC 4787 §5).
enum class Filtering : std::uint8_t {
  kEndpointIndependent,      // anyone
  kAddressDependent,         // any port of an address that was sent to
  kAddressAndPortDependent,  // an address and port that was sent to
};

// "That was sent to" by whom?
enum class FilterMemory : std::uint8_t {
  kEndpoint,  // by the inside endpoint, through whatever mapping (RFC 4787 §5's words)
  kMapping,   // through this very mapping
};

// The external port that a new mapping asks for first (RFC 4787 §4.2.1).
enum class PortAllocation : std::uint8_t {
  kPreserve,             // the inside port; when taken, as `collision` says
  kPreserveOverloading,  // the inside port, shared by inside endpoints while their remote endpoints differ
                         // (RFC 7857 §3); when the very tuple is taken, as `collision` says
  kSequential,           // the last one plus sequential_step, around the range; taken ones are skipped
  kRandom,               // uniform over the range; from there upwards to one that is free
};

// What port preservation does when the port is taken or outside the range.
enum class PortCollision : std::uint8_t {
  kRandom,        // as PortAllocation::kRandom
  kNextFree,      // the next free port above, around the range
  kOtherAddress,  // the same port on another external address of the pool, then as kRandom
  kTakeOver,      // the old mapping is forgotten
  kRefuse,        // the packet is dropped
};

// What happens to a packet that needs a mapping when no port is left for it.
enum class Exhaustion : std::uint8_t {
  kDrop,             // silently
  kAdminProhibited,  // and ICMP type 3 code 13 tells the sender (RFC 5508 §6 REQ-8)
  kEvictOldest,      // the mapping made first on that external address gives up its port
};

// Whether an odd inside port gets an odd external port, and an even one an even (RFC 4787 §4.2.2).
enum class PortParity : std::uint8_t { kAny, kPreserve };

// Which packets start the timer of a mapping again (RFC 4787 §4.3).
enum class Refresh : std::uint8_t {
  kOutbound,
  kInbound,
  kBoth,
  kNone,  // none: a mapping's life is absolute
};

// Packets from inside to an external endpoint of the same NAT (RFC 4787 §6).
enum class Hairpin : std::uint8_t {
  kNone,            // they are for the box itself: `unsolicited` decides
  kInternalSource,  // delivered with the inside source
  kExternalSource,  // delivered with the source that anyone outside would have seen
};

// Packets from outside that no mapping or filter lets in.
enum class Unsolicited : std::uint8_t {
  kDrop,
  kPortUnreachable,  // dropped, and ICMP type 3 code 3 tells the sender
  kHostUnreachable,  // code 1
  kAdminProhibited,  // code 13
  kInput,            // accepted on the box's own input path: a program of the box gets it, or there is none
                     // and the box answers, UDP with ICMP port unreachable and TCP with RST
  kReset,            // TCP only: dropped, and a RST tells the sender
};

// Which of several external addresses a new mapping gets (RFC 4787 §4.1).
enum class Pooling : std::uint8_t {
  kPaired,     // the one that its inside address has; a new inside address gets the next in turn
  kArbitrary,  // a random one for each mapping
};

// What happens when a limit on mappings is reached.
enum class WhenFull : std::uint8_t {
  kRefuse,       // the packet is dropped
  kEvictOldest,  // the mapping made first is forgotten: of that host, or of all
  kReboot,       // the box forgets everything
};

struct PortRange {
  std::uint16_t first = 1024;
  std::uint16_t last = 65535;  // included

  int size() const { return last - first + 1; }
  bool Contains(std::uint16_t port) const { return port >= first && port <= last; }
  friend bool operator==(const PortRange&, const PortRange&) = default;
};

// How long a mapping lives after the packet that started its timer. Which of the four applies is judged before
// that packet counts: the first answer still gets `unreplied`. A mapping is dead at the very end of its time.
struct UdpTimeouts {
  std::optional<net::Duration> first;                 // after the first packet only; absent: as unreplied
  net::Duration unreplied = std::chrono::minutes(5);  // RFC 4787 §4.3 REQ-5c
  net::Duration replied = std::chrono::minutes(5);
  net::Duration assured = std::chrono::minutes(5);
  // A replied mapping is assured once it is older than this when a packet comes (Linux: 2 s).
  net::Duration assured_after = std::chrono::seconds(2);
  friend bool operator==(const UdpTimeouts&, const UdpTimeouts&) = default;
};

// How addresses and ports are translated, and who may send in: what RFC 4787 (UDP) and RFC 5382 (TCP) have in
// common. A NAT may set the two transports apart.
struct TransportBehavior {
  Mapping mapping = Mapping::kEndpointIndependent;
  Filtering filtering = Filtering::kAddressAndPortDependent;
  FilterMemory filter_memory = FilterMemory::kEndpoint;
  // A packet (TCP: a SYN) let in makes a session: what its inside endpoint sends back to that remote endpoint leaves
  // by the external endpoint it came in by, and the newest such packet decides.
  bool inbound_sessions = false;

  PortAllocation port_allocation = PortAllocation::kPreserve;
  int sequential_step = 1;  // not 0; may be negative
  // Ports that mappings may have. Absent: the inside port's own class, 1-1023 or 1024-65535 (RFC 4787 §4.2.1 REQ-3a);
  // for Mapping::kConntrack Linux's three classes.
  std::optional<PortRange> ports = std::nullopt;
  PortParity parity = PortParity::kAny;
  // Next to the mapping of the neighbouring inside port, if that is free (RFC 4787 §4.2.3).
  bool contiguity = false;
  PortCollision collision = PortCollision::kRandom;
  Exhaustion exhaustion = Exhaustion::kDrop;
  // Each inside address gets whole blocks of so many ports (RFC 6888, RFC 7422); 0: no blocks.
  int block_ports = 0;
  int blocks_per_host = 1;

  Hairpin hairpin = Hairpin::kNone;
  Unsolicited unsolicited = Unsolicited::kDrop;

  friend bool operator==(const TransportBehavior&, const TransportBehavior&) = default;
};

struct UdpBehavior : TransportBehavior {
  UdpTimeouts timeouts = {};
  Refresh refresh = Refresh::kOutbound;
  // A filter remembers the last N destinations only; 0: all.
  int destinations_remembered = 0;
  // A destination is forgotten this long after the last packet out to it; absent: when its own timer, kept and
  // refreshed as a mapping's, has run out.
  std::optional<net::Duration> filter_timeout = std::nullopt;
  // A packet accepted by kInput claims its tuple (external endpoint, remote endpoint) for the box, for
  // timeouts.unreplied after each such packet: the tuple is not given to a mapping, and is not let in.
  bool poisoning = false;

  friend bool operator==(const UdpBehavior&, const UdpBehavior&) = default;
};

// An external port that is always open towards one inside endpoint.
struct PortForward {
  net::SocketAddress external;  // unspecified address: the first external address
  net::SocketAddress inside;
  friend bool operator==(const PortForward&, const PortForward&) = default;
};

// An inside address with an external address of its own; ports are kept (basic NAT, RFC 3022 §2.1).
struct OneToOne {
  net::IpAddress external;  // not one of the pool
  net::IpAddress inside;
  friend bool operator==(const OneToOne&, const OneToOne&) = default;
};

struct TcpBehavior : TransportBehavior {
  TcpTracking tracking = {};
  // A SYN that is unsolicited gets its RST or ICMP so long after it came, unless the inside host's own SYN to that
  // remote endpoint goes out before (RFC 5382 §4.3 REQ-4). Zero: at once.
  net::Duration unsolicited_hold = std::chrono::seconds(6);

  friend bool operator==(const TcpBehavior&, const TcpBehavior&) = default;
};

struct NatProfile {
  UdpBehavior udp;
  TcpBehavior tcp;

  Pooling pooling = Pooling::kPaired;
  // Paired only: an inside address whose external address has no port left may use another (RFC 7857 §4).
  bool soft_pairing = false;
  // UDP and TCP mappings of one inside address may have different external addresses.
  bool pools_per_transport = false;
  std::vector<PortForward> port_forwards;
  std::vector<OneToOne> one_to_one;

  // Limits on mappings; 0: none.
  int mappings_max = 0;
  int mappings_per_host_max = 0;
  WhenFull when_full = WhenFull::kRefuse;

  // ICMP errors about packets of a mapping are translated and passed on (RFC 5508 §4.2.1 REQ-4, §4.2.2 REQ-5).
  bool icmp_errors_translated = true;
  // ... and end the mapping, against RFC 4787 §9 REQ-12.
  bool icmp_errors_close = false;

  // Packets between inside networks, or back into the one they came from, are routed; else dropped.
  bool routes_inside = true;

  friend bool operator==(const NatProfile&, const NatProfile&) = default;
};

const char* ToString(Mapping value);
const char* ToString(Filtering value);
const char* ToString(FilterMemory value);
const char* ToString(PortAllocation value);
const char* ToString(Refresh value);
const char* ToString(Hairpin value);
const char* ToString(Unsolicited value);

}  // namespace pinhole::sim
