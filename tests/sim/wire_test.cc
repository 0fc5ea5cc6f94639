#include "sim/packet/wire.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "sim/packet/packet_pool.h"

namespace pinhole::sim {
namespace {

net::SocketAddress At(absl::string_view text) { return net::SocketAddress::Parse(text).value(); }

net::ByteView Bytes(const std::string& text) {
  return net::ByteView(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
}

std::string Hex(const Packet& packet, const std::string& payload) {
  std::vector<std::uint8_t> out(65535);
  const std::size_t size = Serialise(packet, Bytes(payload), out);
  return absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(out.data()), size));
}

Packet Udp(absl::string_view from, absl::string_view to, std::size_t payload_bytes) {
  Packet packet;
  packet.source = At(from);
  packet.destination = At(to);
  packet.ttl = 63;
  packet.payload = {1, static_cast<std::uint32_t>(payload_bytes)};
  return packet;
}

Packet ErrorAbout(const Packet& about, const net::SocketAddress& reporter) {
  Packet error;
  error.protocol = about.is_v4() ? IpProtocol::kIcmp : IpProtocol::kIcmpv6;
  error.source = reporter;
  error.destination = net::SocketAddress(about.source.address(), 0);
  error.icmp.type = 3;
  error.quoted = {about.protocol, about.ttl,         about.dscp_ecn, about.dont_fragment, about.ip_id, about.icmp,
                  about.source,   about.destination, about.id};
  error.tcp = about.tcp;
  error.payload = about.payload;
  return error;
}

TEST(Wire, Rfc1071Section3ExampleChecksum) {
  const std::uint8_t bytes[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  EXPECT_EQ(ChecksumFinish(ChecksumAdd(0, bytes)), 0x220d);  // the sum is ddf2
}

// The expected bytes were made by a Python script with struct and socket alone.
TEST(Wire, Ipv4UdpToTheByte) {
  Packet packet = Udp("192.0.2.1:5000", "198.51.100.7:3478", 5);
  packet.ip_id = 0x1234;
  packet.dont_fragment = true;
  EXPECT_EQ(Hex(packet, "hello"), "45000021123440003f113d5cc0000201c633640713880d96000daea768656c6c6f");
}

TEST(Wire, Ipv6UdpToTheByte) {
  const Packet packet = Udp("[2001:db8::1]:5000", "[2001:db8:2::7]:3478", 5);
  EXPECT_EQ(Hex(packet, "hello"),
            "60000000000d113f20010db800000000000000000000000120010db8000200000000000000000007"
            "13880d96000d3f6868656c6c6f");
}

TEST(Wire, IcmpPortUnreachableQuotesTheDatagram) {
  Packet about = Udp("192.0.2.1:5000", "198.51.100.7:3478", 5);
  about.ip_id = 0x1234;
  about.dont_fragment = true;
  Packet error = ErrorAbout(about, At("198.51.100.7:0"));
  error.icmp.code = 3;
  error.ip_id = 7;
  EXPECT_EQ(Hex(error, "hello"),
            "4500003d0007000040018e7dc6336407c00002010303e95700000000"
            "45000021123440003f113d5cc0000201c633640713880d96000daea768656c6c6f");
}

TEST(Wire, Icmpv6TimeExceededQuotesTheDatagram) {
  Packet about = Udp("[2001:db8::1]:5000", "[2001:db8:2::7]:3478", 5);
  about.ttl = 1;
  EXPECT_EQ(Hex(ErrorAbout(about, At("[2001:db8::ff]:0")), "hello"),
            "60000000003d3a4020010db80000000000000000000000ff20010db800000000000000000000000103002f2600000000"
            "60000000000d110120010db800000000000000000000000120010db8000200000000000000000007"
            "13880d96000d3f6868656c6c6f");
}

Packet Tcp(absl::string_view from, absl::string_view to, const TcpHeader& header, std::size_t payload_bytes) {
  Packet packet = Udp(from, to, payload_bytes);
  packet.protocol = IpProtocol::kTcp;
  packet.tcp = header;
  return packet;
}

TEST(Wire, TcpSynWithOptionsToTheByte) {
  const TcpHeader syn = {.sequence = 0x01020304,
                         .window = 64240,
                         .mss_bytes = 1460,
                         .flags = kTcpSyn,
                         .window_scale = 7,
                         .sack_permitted = true};
  EXPECT_EQ(Hex(Tcp("192.0.2.1:5000", "198.51.100.7:443", syn, 0), ""),
            "45000034000000003f068f88c0000201c6336407138801bb01020304000000008002faf06e9b0000020405b401010402"
            "01030307");
}

TEST(Wire, Ipv6TcpDataWithSackBlocksToTheByte) {
  TcpHeader ack = {.sequence = 100, .acknowledgment = 0xfffffff0, .window = 501, .flags = kTcpAck | kTcpPsh};
  ack.sack_count = 2;
  ack.sack[0] = {5, 1465};
  ack.sack[1] = {0xfffffffe, 2};
  EXPECT_EQ(Hex(Tcp("[2001:db8::1]:5000", "[2001:db8:2::7]:443", ack, 3), "abc"),
            "60000000002b063f20010db800000000000000000000000120010db8000200000000000000000007138801bb00000064"
            "fffffff0a01801f51c7800000101051200000005000005b9fffffffe00000002616263");
}

TEST(Wire, IcmpErrorQuotesTheTcpHeader) {
  const Packet syn = Tcp("192.0.2.1:5000", "198.51.100.7:443", {.sequence = 7, .mss_bytes = 536, .flags = kTcpSyn}, 0);
  EXPECT_EQ(Hex(ErrorAbout(syn, At("198.51.100.7:0")), ""),
            "450000480000000040018e79c6336407c00002010300e95a000000004500002c000000003f068f90c0000201c6336407"
            "138801bb0000000700000000600200009a3c000002040218");
}

// RFC 768: a checksum that comes out as zero is sent as all ones.
TEST(Wire, UdpChecksumIsNeverZero) {
  for (int word = 0; word < 65536; ++word) {
    const Packet packet = Udp("192.0.2.1:5000", "192.0.2.2:3478", 2);
    const std::string payload = {static_cast<char>(word >> 8), static_cast<char>(word)};
    std::uint8_t out[30];
    ASSERT_EQ(Serialise(packet, Bytes(payload), out), 30u);
    ASSERT_NE(net::LoadU16(out + 26), 0);
  }
}

TEST(Wire, ComputedSizeIsSerialisedSize) {
  std::vector<std::uint8_t> out(70'000);
  for (const bool v4 : {true, false}) {
    for (const std::size_t size : {0u, 1u, 8u, 100u, 499u, 520u, 548u, 549u, 1183u, 1184u, 1185u, 1472u, 9000u}) {
      SCOPED_TRACE(testing::Message() << (v4 ? "IPv4 " : "IPv6 ") << size);
      const std::string payload(size, 'x');
      const Packet udp =
          v4 ? Udp("192.0.2.1:5000", "192.0.2.2:3478", size) : Udp("[2001:db8::1]:5000", "[2001:db8::2]:3478", size);
      EXPECT_EQ(WireSize(udp), (v4 ? 28 : 48) + size);
      EXPECT_EQ(Serialise(udp, Bytes(payload), out), WireSize(udp));

      Packet echo = udp;
      echo.protocol = v4 ? IpProtocol::kIcmp : IpProtocol::kIcmpv6;
      echo.icmp.type = v4 ? 8 : 128;
      EXPECT_EQ(WireSize(echo), (v4 ? 28 : 48) + size);
      EXPECT_EQ(Serialise(echo, Bytes(payload), out), WireSize(echo));

      TcpHeader header = {.mss_bytes = 1460, .flags = kTcpSyn, .window_scale = 7, .sack_permitted = true};
      const auto [from, to] = std::pair(udp.source.ToString(), udp.destination.ToString());
      const Packet syn = Tcp(from, to, header, size);
      EXPECT_EQ(WireSize(syn), (v4 ? 20 : 40) + 32 + size);
      EXPECT_EQ(Serialise(syn, Bytes(payload), out), WireSize(syn));
      header = {.flags = kTcpAck, .sack_count = 4};
      const Packet ack = Tcp(from, to, header, size);
      EXPECT_EQ(WireSize(ack), (v4 ? 20 : 40) + 56 + size);
      EXPECT_EQ(Serialise(ack, Bytes(payload), out), WireSize(ack));

      for (const Packet& about : {udp, echo, syn, ack}) {
        const Packet error = ErrorAbout(about, v4 ? At("192.0.2.2:0") : At("[2001:db8::2]:0"));
        // RFC 1812 §4.3.2.3 and RFC 4443 §2.4 (c): as much of the packet as fits.
        const std::uint32_t limit = v4 ? 576 : 1280;
        EXPECT_EQ(WireSize(error), std::min<std::uint32_t>(WireSize(about) + (v4 ? 28 : 48), limit));
        EXPECT_EQ(Serialise(error, Bytes(payload), out), WireSize(error));
      }
    }
  }
}

TEST(Wire, TooSmallABufferIsLeftAlone) {
  std::vector<std::uint8_t> out(32);
  EXPECT_EQ(Serialise(Udp("192.0.2.1:5000", "192.0.2.2:3478", 5), Bytes("hello"), out), 0u);
  EXPECT_EQ(Serialise(Udp("192.0.2.1:5000", "[2001:db8::2]:3478", 0), {}, out), 0u);
}

TEST(PayloadPool, BytesAreHeldUntilTheLastReference) {
  PayloadPool pool;
  const PayloadRef ref = pool.Add(Bytes("hello"));
  pool.AddReference(ref);
  pool.Release(ref);
  EXPECT_EQ(pool.slots_in_use(), 1u);
  EXPECT_EQ(pool.bytes(ref).size(), 5u);
  pool.Release(ref);
  EXPECT_EQ(pool.slots_in_use(), 0u);
  EXPECT_EQ(pool.Add({}).slot, 0u);  // no bytes, no slot
}

TEST(PayloadPool, WriterGetsACopyOnlyWhileOthersHoldTheBytes) {
  PayloadPool pool;
  PayloadRef mine = pool.Add(Bytes("hello"));
  const PayloadRef theirs = mine;
  pool.AddReference(theirs);
  const std::uint64_t hash = pool.Hash(theirs);
  pool.MakeWritable(mine)[0] = 'j';
  EXPECT_NE(mine.slot, theirs.slot);
  EXPECT_EQ(pool.bytes(theirs)[0], 'h');
  EXPECT_EQ(pool.bytes(mine)[0], 'j');
  EXPECT_EQ(pool.Hash(theirs), hash);
  EXPECT_NE(pool.Hash(mine), hash);
  const std::uint32_t slot = mine.slot;
  pool.MakeWritable(mine)[0] = 'h';  // alone now: no copy, but another hash
  EXPECT_EQ(mine.slot, slot);
  EXPECT_EQ(pool.Hash(mine), hash);
}

TEST(PayloadPool, EverySizeOfDatagramFits) {
  PayloadPool pool;
  for (const std::size_t size : {1u, 256u, 257u, 2048u, 2049u, 65527u}) {
    const std::string payload(size, 'x');
    const PayloadRef ref = pool.Add(Bytes(payload));
    EXPECT_EQ(pool.bytes(ref).size(), size);
    EXPECT_EQ(pool.bytes(ref)[size - 1], 'x');
  }
}

TEST(PacketPool, PacketGivesItsPayloadBack) {
  PayloadPool payloads;
  PacketPool packets(payloads);
  {
    PacketPtr packet = packets.New();
    packet->payload = payloads.Add(Bytes("hello"));
    PacketPtr copy = packets.Copy(*packet);
    EXPECT_EQ(payloads.references(packet->payload), 2u);
    EXPECT_EQ(packets.in_use(), 2u);
    EXPECT_NE(copy->pool_index, packet->pool_index);
  }
  EXPECT_EQ(packets.in_use(), 0u);
  EXPECT_EQ(payloads.slots_in_use(), 0u);
}

}  // namespace
}  // namespace pinhole::sim
