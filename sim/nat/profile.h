#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "net/ip_address.h"
#include "net/socket_address.h"
#include "net/time.h"
#include "sim/nat/tcp_behavior.h"

// The behavior of one NAT, as data: the terms of RFC 4787 (UDP), RFC 5508 (ICMP), RFC 6888 and RFC 7857, and behaviors
// of real devices that no RFC names. The fields are independent of each other, except for combinations that no device
// could have; validate.h refuses those. A default-constructed profile is a port-preserving "port-restricted cone", with
// the defaults of the schema (scenarios/nat_profile.proto).
namespace pinhole::sim {

// The condition under which two packets of one inside endpoint X:x share an external endpoint (RFC 4787 §4.1).
enum class Mapping : std::uint8_t {
  kEndpointIndependent,      // always
  kAddressDependent,         // when they go to the same address
  kAddressAndPortDependent,  // when they go to the same address and port
  // As Linux maps: one tuple (external endpoint, remote endpoint) for each pair of inside endpoint X:x and remote
  // endpoint. A new tuple tries the external endpoint of the newest session of X:x, then the inside port, then random
  // ports. Any number of inside endpoints share an external port as long as their remote endpoints differ
  // (conntrack_ports.h).
  kConntrack,
};

// Who may send in through a mapping that exists (RFC 4787 §5).
enum class Filtering : std::uint8_t {
  kEndpointIndependent,      // anyone
  kAddressDependent,         // any port of an address that was sent to
  kAddressAndPortDependent,  // an address and port that was sent to
};

// The packets by which a filter decides whether a remote address "was sent to": those of an inside endpoint through all
// of its mappings, or through one.
enum class FilterMemory : std::uint8_t {
  kEndpoint,  // the inside endpoint, through any of its mappings (RFC 4787 §5)
  kMapping,   // the inside endpoint, through this mapping only
};

// The external port that a new mapping asks for first (RFC 4787 §4.2.1).
enum class PortAllocation : std::uint8_t {
  kPreserve,  // the inside port; if it is taken, TransportBehavior::collision decides
  // The inside port, which inside endpoints share as long as their remote endpoints differ (RFC 7857 §3). If the tuple
  // of external and remote endpoint is taken, TransportBehavior::collision decides.
  kPreserveOverloading,
  kSequential,  // the last port plus sequential_step, modulo the range; taken ports are skipped
  kRandom,      // a random port of the range; if taken, the next free port above it
};

// The choice of a port if port preservation finds the port taken or outside the range.
enum class PortCollision : std::uint8_t {
  kRandom,        // as PortAllocation::kRandom
  kNextFree,      // the next free port above, modulo the range
  kOtherAddress,  // the same port on another external address of the pool, then as kRandom
  kTakeOver,      // the old mapping is forgotten
  kRefuse,        // the packet is dropped
};

// The fate of a packet that needs a mapping when no port is free.
enum class Exhaustion : std::uint8_t {
  kDrop,             // silently
  kAdminProhibited,  // dropped, and ICMP type 3 code 13 tells the sender (RFC 5508 §6 REQ-8)
  kEvictOldest,      // the oldest mapping on that external address is removed, and its port is used
};

// Whether the external port is odd exactly if the inside port is odd (RFC 4787 §4.2.2).
enum class PortParity : std::uint8_t { kAny, kPreserve };

// Which packets start the timer of a mapping again (RFC 4787 §4.3).
enum class Refresh : std::uint8_t {
  kOutbound,
  kInbound,
  kBoth,
  kNone,  // no packet: a mapping ends a fixed time after it was made
};

// What happens to packets from inside to an external endpoint of the same NAT (RFC 4787 §6).
enum class Hairpin : std::uint8_t {
  kNone,            // taken as packets for the box itself: `unsolicited` decides
  kInternalSource,  // delivered with the inside source
  kExternalSource,  // delivered with the external source, which a host outside would have seen
};

// What happens to packets from outside that no mapping or filter lets in.
enum class Unsolicited : std::uint8_t {
  kDrop,
  kPortUnreachable,  // dropped, and ICMP type 3 code 3 tells the sender
  kHostUnreachable,  // dropped, and ICMP type 3 code 1 tells the sender
  kAdminProhibited,  // dropped, and ICMP type 3 code 13 tells the sender
  // Accepted on the input path of the box. A program of the box gets the packet. If there is no such program, the box
  // answers UDP with ICMP port unreachable, and TCP with a RST.
  kInput,
  kReset,  // TCP only: dropped, and a RST tells the sender
};

// Which of several external addresses a new mapping gets (RFC 4787 §4.1).
enum class Pooling : std::uint8_t {
  kPaired,  // the external address that the inside address has already; a new inside address gets the next of the pool
  kArbitrary,  // a random external address for each mapping
};

// The behavior when a limit on mappings is reached.
enum class WhenFull : std::uint8_t {
  kRefuse,       // the packet is dropped
  kEvictOldest,  // the oldest mapping is removed: of that host, or of all hosts
  kReboot,       // the box forgets everything
};

struct PortRange {
  std::uint16_t first = 1024;
  std::uint16_t last = 65535;  // included

  int size() const { return last - first + 1; }
  bool Contains(std::uint16_t port) const { return port >= first && port <= last; }
  friend bool operator==(const PortRange&, const PortRange&) = default;
};

// How long a mapping lives after the packet that restarted its timer. The state before this packet decides which of the
// four times applies, so the first answer still gets `unreplied`. A mapping is dead from the instant on at which its
// time ends.
struct UdpTimeouts {
  std::optional<net::Duration> first;                 // after the first packet only; nullopt: as unreplied
  net::Duration unreplied = std::chrono::minutes(5);  // RFC 4787 §4.3 REQ-5c
  net::Duration replied = std::chrono::minutes(5);
  net::Duration assured = std::chrono::minutes(5);
  // A replied mapping is assured once it is older than this when a packet comes (Linux: 2 s).
  net::Duration assured_after = std::chrono::seconds(2);
  friend bool operator==(const UdpTimeouts&, const UdpTimeouts&) = default;
};

// The behavior that RFC 4787 (UDP) and RFC 5382 (TCP) have in common: how addresses and ports are translated, and who
// may send in. A NAT may behave differently for the two transports.
struct TransportBehavior {
  Mapping mapping = Mapping::kEndpointIndependent;
  Filtering filtering = Filtering::kAddressAndPortDependent;
  FilterMemory filter_memory = FilterMemory::kEndpoint;
  // A packet (TCP: a SYN) that is let in makes a session: the answers of the inside endpoint to that remote endpoint
  // leave by the external endpoint at which the packet arrived. The newest such packet decides.
  bool inbound_sessions = false;

  PortAllocation port_allocation = PortAllocation::kPreserve;
  int sequential_step = 1;  // not 0; may be negative
  // The ports that mappings may have. nullopt: the class of the inside port: 1-1023 or 1024-65535
  // (RFC 4787 §4.2.1 REQ-3a); for Mapping::kConntrack the three classes of Linux.
  std::optional<PortRange> ports = std::nullopt;
  PortParity parity = PortParity::kAny;
  // A mapping gets the port next to that of the neighbouring inside port's mapping, if it is free (RFC 4787 §4.2.3).
  bool contiguity = false;
  PortCollision collision = PortCollision::kRandom;
  Exhaustion exhaustion = Exhaustion::kDrop;
  // Each inside address gets whole blocks of this many ports (RFC 6888, RFC 7422); 0: no blocks.
  int block_ports = 0;
  int blocks_per_host = 1;

  Hairpin hairpin = Hairpin::kNone;
  Unsolicited unsolicited = Unsolicited::kDrop;

  friend bool operator==(const TransportBehavior&, const TransportBehavior&) = default;
};

struct UdpBehavior : TransportBehavior {
  UdpTimeouts timeouts = {};
  Refresh refresh = Refresh::kOutbound;
  // The number of latest destinations that a filter remembers for each owner; 0: all.
  int destinations_remembered = 0;
  // A filter forgets a destination this long after the last packet out to it. nullopt: the destination has a timer like
  // that of a mapping, with the same times and the same refreshing.
  std::optional<net::Duration> filter_timeout = std::nullopt;
  // A packet that Unsolicited::kInput accepts claims its tuple (external endpoint, remote endpoint) for the box, for
  // timeouts.unreplied after each such packet. A claimed tuple is not given to a mapping, and its packets do not reach
  // an inside host.
  bool poisoning = false;

  friend bool operator==(const UdpBehavior&, const UdpBehavior&) = default;
};

// An external port that is always open towards one inside endpoint.
struct PortForward {
  net::SocketAddress external;  // unspecified address: the first of the pool
  net::SocketAddress inside;
  friend bool operator==(const PortForward&, const PortForward&) = default;
};

// An inside address that has an external address for itself alone; ports are not changed (basic NAT, RFC 3022 §2.1).
struct OneToOne {
  net::IpAddress external;  // not one of the pool
  net::IpAddress inside;
  friend bool operator==(const OneToOne&, const OneToOne&) = default;
};

struct TcpBehavior : TransportBehavior {
  TcpTracking tracking = {};
  // An unsolicited SYN is answered with its RST or ICMP error this long after it arrived, unless the inside host sends
  // a SYN to that remote endpoint before (RFC 5382 §4.3 REQ-4). Zero: at once.
  net::Duration unsolicited_hold = std::chrono::seconds(6);

  friend bool operator==(const TcpBehavior&, const TcpBehavior&) = default;
};

struct NatProfile {
  UdpBehavior udp;
  TcpBehavior tcp;

  Pooling pooling = Pooling::kPaired;
  // With Pooling::kPaired only: an inside address whose external address has no free port may use another one
  // (RFC 7857 §4).
  bool soft_pairing = false;
  // UDP and TCP mappings of one inside address may have different external addresses.
  bool pools_per_transport = false;
  std::vector<PortForward> port_forwards;
  std::vector<OneToOne> one_to_one;

  // Limits on the number of mappings; 0: no limit.
  int mappings_max = 0;
  int mappings_per_host_max = 0;
  WhenFull when_full = WhenFull::kRefuse;

  // ICMP errors about packets of a mapping are translated and passed on (RFC 5508 §4.2.1 REQ-4, §4.2.2 REQ-5).
  bool icmp_errors_translated = true;
  // ICMP errors about packets of a mapping end the mapping, against RFC 4787 §9 REQ-12.
  bool icmp_errors_close = false;

  // Whether packets between inside networks, or back into the same one, are routed. Otherwise they are dropped.
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
