#include "net/socket_address.h"

#include <set>

#include "gtest/gtest.h"

namespace pinhole::net {
namespace {

TEST(SocketAddress, TextRoundTripsInRfc5952Section6Form) {
  for (const char* text : {"192.0.2.1:3478", "0.0.0.0:0", "255.255.255.255:65535", "[2001:db8::1]:3478", "[::]:0",
                           "[::ffff:192.0.2.1]:80"}) {
    const std::optional<SocketAddress> address = SocketAddress::Parse(text);
    ASSERT_TRUE(address.has_value()) << text;
    EXPECT_EQ(address->ToString(), text);
  }
  EXPECT_EQ(SocketAddress::Parse("[2001:0DB8::0001]:443")->ToString(), "[2001:db8::1]:443");
}

TEST(SocketAddress, WhatIsNoAddressAndPortIsRefused) {
  for (const char* text : {"",
                           ":",
                           ":80",
                           "192.0.2.1",
                           "192.0.2.1:",
                           "192.0.2.1:65536",
                           "192.0.2.1:080",
                           "192.0.2.1:-1",
                           "192.0.2.1: 80",
                           "192.0.2.1:80 ",
                           "[192.0.2.1]:80",
                           "::1:80",
                           "[::1]",
                           "[::1]:",
                           "[::1]80",
                           "[::1:80",
                           "::1]:80",
                           "[]:80",
                           "[[::1]]:80",
                           "localhost:80",
                           "192.0.2.1:4294967376"}) {
    EXPECT_EQ(SocketAddress::Parse(text), std::nullopt) << '"' << text << '"';
  }
}

TEST(SocketAddress, OrderIsAddressThenPort) {
  const SocketAddress a = *SocketAddress::Parse("192.0.2.1:9");
  const SocketAddress b = *SocketAddress::Parse("192.0.2.1:10");
  const SocketAddress c = *SocketAddress::Parse("192.0.2.2:1");
  const SocketAddress d = *SocketAddress::Parse("[::]:0");
  EXPECT_LT(a, b);
  EXPECT_LT(b, c);
  EXPECT_LT(c, d);
  EXPECT_EQ(a.WithPort(10), b);
}

TEST(StableHash, OfASocketAddressIsTheSameInEveryBuild) {
  EXPECT_EQ(StableHash(*SocketAddress::Parse("192.0.2.1:3478")), 2261111759551252462u);
  EXPECT_EQ(StableHash(*SocketAddress::Parse("[2001:db8::1]:3478")), 3147889614398090653u);
}

TEST(StableHash, TellsEveryPortOfNeighbouringAddressesApart) {
  std::set<std::uint64_t> hashes;
  std::array<std::uint8_t, 16> bytes = {0x20, 0x01, 0x0d, 0xb8};
  for (int last = 0; last < 8; ++last) {
    bytes[15] = static_cast<std::uint8_t>(last);
    for (int port = 0; port < 65536; port += 7) {
      hashes.insert(StableHash(SocketAddress(IpAddress::V6(bytes), static_cast<std::uint16_t>(port))));
      hashes.insert(StableHash(SocketAddress(IpAddress::V4(10, 0, 0, bytes[15]), static_cast<std::uint16_t>(port))));
    }
  }
  EXPECT_EQ(hashes.size(), 2u * 8 * 9363);
}

}  // namespace
}  // namespace pinhole::net
