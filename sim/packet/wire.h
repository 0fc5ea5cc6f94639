#pragma once

#include <cstdint>
#include <span>

#include "net/bytes.h"
#include "sim/packet/packet.h"

namespace pinhole::sim {

inline constexpr std::uint32_t kIpv4HeaderBytes = 20;  // without options
inline constexpr std::uint32_t kIpv6HeaderBytes = 40;
inline constexpr std::uint32_t kUdpHeaderBytes = 8;
inline constexpr std::uint32_t kIcmpHeaderBytes = 8;
// The size of a TCP header varies with its options; TcpHeaderBytes() computes it.

// The largest ICMP error in bytes, with its IP header and its quote: RFC 1812 §4.3.2.3, RFC 4443 §2.4 (c).
inline constexpr std::uint32_t kIcmpv4ErrorBytesMax = 576;
inline constexpr std::uint32_t kIcmpv6ErrorBytesMax = 1280;
inline constexpr std::uint32_t kUdpPayloadBytesMaxV4 = 65535 - kIpv4HeaderBytes - kUdpHeaderBytes;
inline constexpr std::uint32_t kUdpPayloadBytesMaxV6 = 65535 - kUdpHeaderBytes;

// Bytes of the IP packet on the wire, header included: exactly as many as Serialise() writes.
std::uint32_t WireSize(const Packet& packet);

// Writes the IP packet (RFC 791, RFC 8200) with UDP (RFC 768), TCP (RFC 9293) or ICMP (RFC 792, RFC 4443) in it, with
// correct checksums. `payload` is the bytes of packet.payload. Gives the number of bytes written; 0: `out` is too
// small, or source and destination differ in family.
std::size_t Serialise(const Packet& packet, net::ByteView payload, std::span<std::uint8_t> out);

// The Internet checksum (RFC 1071) over several parts in a row: start with 0, add each part, then finish. Every part
// but the last must have an even length.
std::uint32_t ChecksumAdd(std::uint32_t sum, net::ByteView part);
std::uint16_t ChecksumFinish(std::uint32_t sum);

}  // namespace pinhole::sim
