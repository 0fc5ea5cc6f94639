#include "sim/packet/wire.h"

#include <algorithm>

namespace pinhole::sim {
namespace {

constexpr std::uint32_t IpHeaderBytes(net::Family family) {
  return family == net::Family::kIpv4 ? kIpv4HeaderBytes : kIpv6HeaderBytes;
}

// The headers of UDP and ICMP have the same size, so TransportHeaderBytes() need not tell them apart.
static_assert(kUdpHeaderBytes == kIcmpHeaderBytes);

// The size of the transport header behind the IP header. `tcp` is the header if the protocol is TCP.
std::uint32_t TransportHeaderBytes(IpProtocol protocol, const TcpHeader& tcp) {
  return protocol == IpProtocol::kTcp ? TcpHeaderBytes(tcp) : kUdpHeaderBytes;
}

std::uint32_t QuotedBytes(const Packet& packet) {
  const bool v4 = packet.is_v4();
  const std::uint32_t whole = IpHeaderBytes(packet.quoted.source.family()) +
                              TransportHeaderBytes(packet.quoted.protocol, packet.tcp) + packet.payload.size_bytes;
  const std::uint32_t room =
      (v4 ? kIcmpv4ErrorBytesMax : kIcmpv6ErrorBytesMax) - IpHeaderBytes(packet.source.family()) - kIcmpHeaderBytes;
  return std::min(whole, room);
}

struct IpFields {
  net::IpAddress source;
  net::IpAddress destination;
  IpProtocol protocol;
  std::uint8_t ttl;
  std::uint8_t dscp_ecn;
  std::uint16_t ip_id;
  bool dont_fragment;
};

void WriteIpHeader(net::ByteWriter& writer, std::span<std::uint8_t> out, const IpFields& ip, std::size_t body_bytes) {
  const std::size_t start = writer.size();
  if (ip.source.is_v4()) {
    writer.WriteU8(0x45);
    writer.WriteU8(ip.dscp_ecn);
    writer.WriteU16(static_cast<std::uint16_t>(kIpv4HeaderBytes + body_bytes));
    writer.WriteU16(ip.ip_id);
    writer.WriteU16(ip.dont_fragment ? 0x4000 : 0);
    writer.WriteU8(ip.ttl);
    writer.WriteU8(static_cast<std::uint8_t>(ip.protocol));
    writer.WriteU16(0);  // checksum, below
    writer.WriteBytes(ip.source.bytes());
    writer.WriteBytes(ip.destination.bytes());
    if (writer.ok()) {
      const std::uint32_t sum = ChecksumAdd(0, net::ByteView(out.data() + start, kIpv4HeaderBytes));
      net::StoreU16(out.data() + start + 10, ChecksumFinish(sum));
    }
  } else {
    writer.WriteU32(0x60000000u | std::uint32_t{ip.dscp_ecn} << 20);
    writer.WriteU16(static_cast<std::uint16_t>(body_bytes));
    writer.WriteU8(static_cast<std::uint8_t>(ip.protocol));
    writer.WriteU8(ip.ttl);
    writer.WriteBytes(ip.source.bytes());
    writer.WriteBytes(ip.destination.bytes());
  }
}

// The checksum of the pseudo header (RFC 768, RFC 8200 §8.1).
std::uint32_t PseudoHeaderSum(const IpFields& ip, std::uint32_t body_bytes) {
  std::uint32_t sum = ChecksumAdd(0, ip.source.bytes());
  sum = ChecksumAdd(sum, ip.destination.bytes());
  sum += static_cast<std::uint32_t>(ip.protocol);
  sum += body_bytes >> 16;
  return sum + (body_bytes & 0xffff);
}

std::uint16_t UdpChecksum(const IpFields& ip, std::uint16_t source_port, std::uint16_t destination_port,
                          net::ByteView payload) {
  const std::uint32_t length = static_cast<std::uint32_t>(kUdpHeaderBytes + payload.size());
  std::uint32_t sum = PseudoHeaderSum(ip, length);
  sum += source_port;
  sum += destination_port;
  sum += length;
  const std::uint16_t checksum = ChecksumFinish(ChecksumAdd(sum, payload));
  return checksum == 0 ? 0xffff : checksum;  // RFC 768: 0 would mean that there is none
}

// Writes a TCP header (RFC 9293 §3.1, §3.2). The options have the order in which Linux sends them. Each option except
// the first has no-operations in front of it that align it to 4 bytes.
void WriteTcpHeader(net::ByteWriter& writer, std::span<std::uint8_t> out, const IpFields& ip, std::uint16_t source_port,
                    std::uint16_t destination_port, const TcpHeader& tcp, net::ByteView payload) {
  constexpr std::uint8_t kNop = 1, kMss = 2, kWindowScale = 3, kSackPermitted = 4, kSack = 5;
  const std::size_t start = writer.size();
  const std::uint32_t header_bytes = TcpHeaderBytes(tcp);
  writer.WriteU16(source_port);
  writer.WriteU16(destination_port);
  writer.WriteU32(tcp.sequence);
  writer.WriteU32(tcp.acknowledgment);
  writer.WriteU8(static_cast<std::uint8_t>(header_bytes / 4 << 4));
  writer.WriteU8(tcp.flags);
  writer.WriteU16(tcp.window);
  writer.WriteU16(0);  // checksum, below
  writer.WriteU16(0);  // urgent pointer
  if (tcp.mss_bytes != 0) {
    writer.WriteU8(kMss);
    writer.WriteU8(4);
    writer.WriteU16(tcp.mss_bytes);
  }
  if (tcp.sack_permitted) {
    writer.WriteU16(kNop << 8 | kNop);
    writer.WriteU8(kSackPermitted);
    writer.WriteU8(2);
  }
  if (tcp.window_scale != TcpHeader::kNoWindowScale) {
    writer.WriteU8(kNop);
    writer.WriteU8(kWindowScale);
    writer.WriteU8(3);
    writer.WriteU8(tcp.window_scale);
  }
  if (tcp.sack_count != 0) {
    writer.WriteU16(kNop << 8 | kNop);
    writer.WriteU8(kSack);
    writer.WriteU8(static_cast<std::uint8_t>(2 + 8 * tcp.sack_count));
    for (int i = 0; i < tcp.sack_count; ++i) {
      writer.WriteU32(tcp.sack[static_cast<std::size_t>(i)].left);
      writer.WriteU32(tcp.sack[static_cast<std::size_t>(i)].right);
    }
  }
  if (!writer.ok()) return;
  std::uint32_t sum = PseudoHeaderSum(ip, static_cast<std::uint32_t>(header_bytes + payload.size()));
  sum = ChecksumAdd(sum, net::ByteView(out.data() + start, header_bytes));
  net::StoreU16(out.data() + start + 16, ChecksumFinish(ChecksumAdd(sum, payload)));
}

// The checksum of an ICMP message, which is `header` and `body`. ICMPv6 includes a pseudo header (RFC 4443 §2.3), ICMP
// does not.
std::uint16_t IcmpChecksum(const IpFields& ip, const IcmpHeader& header, net::ByteView body) {
  std::uint32_t sum = 0;
  if (ip.protocol == IpProtocol::kIcmpv6) {
    sum = PseudoHeaderSum(ip, static_cast<std::uint32_t>(kIcmpHeaderBytes + body.size()));
  }
  sum += std::uint32_t{header.type} << 8 | header.code;
  sum += header.rest >> 16;
  sum += header.rest & 0xffff;
  return ChecksumFinish(ChecksumAdd(sum, body));
}

void WriteIcmpHeader(net::ByteWriter& writer, const IcmpHeader& header, std::uint16_t checksum) {
  writer.WriteU8(header.type);
  writer.WriteU8(header.code);
  writer.WriteU16(checksum);
  writer.WriteU32(header.rest);
}

void WriteUdpHeader(net::ByteWriter& writer, const IpFields& ip, std::uint16_t source_port,
                    std::uint16_t destination_port, net::ByteView payload) {
  writer.WriteU16(source_port);
  writer.WriteU16(destination_port);
  writer.WriteU16(static_cast<std::uint16_t>(kUdpHeaderBytes + payload.size()));
  writer.WriteU16(UdpChecksum(ip, source_port, destination_port, payload));
}

IpFields FieldsOf(const Packet& packet) {
  return {
      packet.source.address(), packet.destination.address(), packet.protocol, packet.ttl, packet.dscp_ecn, packet.ip_id,
      packet.dont_fragment};
}

// Writes the quote of an ICMP error: the headers of the packet that the error is about, as the reporting node saw them,
// and as much of the packet's data as there is room for.
void WriteQuote(net::ByteWriter& writer, std::span<std::uint8_t> out, const Packet& packet, net::ByteView payload) {
  const QuotedPacket& quoted = packet.quoted;
  const IpFields ip = {
      quoted.source.address(), quoted.destination.address(), quoted.protocol, quoted.ttl, quoted.dscp_ecn, quoted.ip_id,
      quoted.dont_fragment};
  const std::uint32_t header_bytes = TransportHeaderBytes(quoted.protocol, packet.tcp);
  WriteIpHeader(writer, out, ip, header_bytes + payload.size());
  if (quoted.protocol == IpProtocol::kUdp) {
    WriteUdpHeader(writer, ip, quoted.source.port(), quoted.destination.port(), payload);
  } else if (quoted.protocol == IpProtocol::kTcp) {
    WriteTcpHeader(writer, out, ip, quoted.source.port(), quoted.destination.port(), packet.tcp, payload);
  } else {
    WriteIcmpHeader(writer, quoted.icmp, IcmpChecksum(ip, quoted.icmp, payload));
  }
  const std::size_t data_bytes = QuotedBytes(packet) - IpHeaderBytes(quoted.source.family()) - header_bytes;
  writer.WriteBytes(payload.first(data_bytes));
}

}  // namespace

std::uint32_t ChecksumAdd(std::uint32_t sum, net::ByteView part) {
  std::size_t i = 0;
  for (; i + 1 < part.size(); i += 2) sum += net::LoadU16(part.data() + i);
  if (i < part.size()) sum += std::uint32_t{part[i]} << 8;
  return sum;
}

std::uint16_t ChecksumFinish(std::uint32_t sum) {
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

std::uint32_t WireSize(const Packet& packet) {
  const std::uint32_t ip_bytes = IpHeaderBytes(packet.source.family());
  if (packet.is_icmp() && IsIcmpError(packet)) return ip_bytes + kIcmpHeaderBytes + QuotedBytes(packet);
  return ip_bytes + TransportHeaderBytes(packet.protocol, packet.tcp) + packet.payload.size_bytes;
}

std::size_t Serialise(const Packet& packet, net::ByteView payload, std::span<std::uint8_t> out) {
  if (packet.source.family() != packet.destination.family()) return 0;
  const std::uint32_t size = WireSize(packet);
  if (out.size() < size) return 0;
  net::ByteWriter writer(out);
  const IpFields ip = FieldsOf(packet);
  const std::uint32_t ip_bytes = IpHeaderBytes(packet.source.family());
  WriteIpHeader(writer, out, ip, size - ip_bytes);
  if (packet.is_tcp()) {
    WriteTcpHeader(writer, out, ip, packet.source.port(), packet.destination.port(), packet.tcp, payload);
    writer.WriteBytes(payload);
  } else if (!packet.is_icmp()) {
    WriteUdpHeader(writer, ip, packet.source.port(), packet.destination.port(), payload);
    writer.WriteBytes(payload);
  } else if (!IsIcmpError(packet)) {
    WriteIcmpHeader(writer, packet.icmp, IcmpChecksum(ip, packet.icmp, payload));
    writer.WriteBytes(payload);
  } else {
    // The quote is written first, because the checksum covers it.
    const std::size_t header_at = writer.size();
    writer.WriteZeros(kIcmpHeaderBytes);
    const std::size_t quote_at = writer.size();
    WriteQuote(writer, out, packet, payload);
    const net::ByteView quote(out.data() + quote_at, writer.size() - quote_at);
    net::ByteWriter header(out.subspan(header_at));
    WriteIcmpHeader(header, packet.icmp, IcmpChecksum(ip, packet.icmp, quote));
  }
  return writer.ok() ? writer.size() : 0;
}

}  // namespace pinhole::sim
