#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

#include "net/packet_class.h"
#include "net/socket_address.h"
#include "sim/packet/tcp_header.h"

namespace pinhole::sim {

// Names a packet for the whole run; 0: none. Three kinds of packet get a new id whose parent is the id of an earlier
// packet (sim/record/lineage.h): a packet that a NAT has rewritten, a copy that a link makes, and a packet that a
// program sends because of another one.
enum class PacketId : std::uint32_t { kNone = 0 };

// IANA protocol numbers.
enum class IpProtocol : std::uint8_t {
  kIcmp = 1,
  kTcp = 6,
  kUdp = 17,
  kIcmpv6 = 58,
};

// A handle to the bytes of a payload in the world's PayloadPool (sim/packet/payload_pool.h), and their number. Plain
// data: copying the handle takes no reference. The packet that holds the handle has one reference, as long as the
// packet is in flight.
struct PayloadRef {
  std::uint32_t slot = 0;  // 0: no bytes
  std::uint32_t size_bytes = 0;
};

// The ICMP header (RFC 792, RFC 4443): type, code, and the four bytes after the checksum.
struct IcmpHeader {
  std::uint8_t type = 0;
  std::uint8_t code = 0;
  // Echo: identifier << 16 | sequence number. Too big: the MTU in bytes. Otherwise 0.
  std::uint32_t rest = 0;
};

// The packet that an ICMP error is about, as the node that reported it saw it. Ports are 0 for ICMP.
struct QuotedPacket {
  IpProtocol protocol = IpProtocol::kUdp;
  std::uint8_t ttl = 0;
  std::uint8_t dscp_ecn = 0;
  bool dont_fragment = false;
  std::uint16_t ip_id = 0;
  IcmpHeader icmp;  // for protocol kIcmp and kIcmpv6
  net::SocketAddress source;
  net::SocketAddress destination;
  PacketId id = PacketId::kNone;
};

// An IPv4 or IPv6 packet with UDP, TCP or ICMP, in one fixed shape. The IP version is the family of `source`, which
// `destination` shares. A packet lives in the world's pool and is passed on by PacketPtr. Whoever holds the PacketPtr
// may write to the packet.
//
// A translator rewrites only `source` or `destination`, in an ICMP error also `quoted`, and `tcp` if it shifts sequence
// numbers. Checksums are made when a packet is serialised (sim/packet/wire.h), so there are none to adjust.
struct Packet {
  PacketId id = PacketId::kNone;
  PacketId parent = PacketId::kNone;
  net::PacketClass packet_class = net::PacketClass::kOther;
  IpProtocol protocol = IpProtocol::kUdp;
  std::uint8_t ttl = 64;
  std::uint8_t dscp_ecn = 0;
  std::uint16_t ip_id = 0;     // IPv4 only
  bool dont_fragment = false;  // IPv4 only; IPv6 never fragments on the way
  net::SocketAddress source;   // ports are 0 for ICMP
  net::SocketAddress destination;
  // UDP, TCP, ICMP echo: the data. ICMP error: the whole payload of the quoted packet. The bytes of it that are on the
  // wire follow from the size limit of RFC 1812 §4.3.2.3 or RFC 4443 §2.4 (c).
  PayloadRef payload;

  // ICMP and ICMPv6 only.
  IcmpHeader icmp;
  QuotedPacket quoted;  // errors only

  // The header of a TCP segment. In an ICMP error about a TCP segment: the header of the quoted segment.
  TcpHeader tcp;

  // Not on the wire: the endpoints as the sender sent the packet, before any translation.
  net::SocketAddress emitted_source;
  net::SocketAddress emitted_destination;

  // Not on the wire: the bookkeeping of the simulator.
  std::uint32_t pool_index = 0;
  std::uint32_t link = 0;              // the link direction that the packet is on, or came by
  std::uint32_t link_destination = 0;  // the attachment (sim/fabric.h) that the packet goes to on this network
  std::uint32_t link_bytes = 0;        // the packet's WireSize() on that link

  bool is_v4() const { return source.address().is_v4(); }
  bool is_udp() const { return protocol == IpProtocol::kUdp; }
  bool is_tcp() const { return protocol == IpProtocol::kTcp; }
  bool is_icmp() const { return protocol == IpProtocol::kIcmp || protocol == IpProtocol::kIcmpv6; }
};
static_assert(std::is_trivially_copyable_v<Packet>);

// Whether `packet` is an ICMP or ICMPv6 error, which quotes another packet. No error is ever sent about an error.
bool IsIcmpError(const Packet& packet);

class PacketPool;

// Gives the packet, and its reference to the payload, back to the pool.
struct PacketDeleter {
  PacketPool* pool = nullptr;
  void operator()(Packet* packet) const;
};
// The one owner of a packet in flight.
using PacketPtr = std::unique_ptr<Packet, PacketDeleter>;

}  // namespace pinhole::sim
