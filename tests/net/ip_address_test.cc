#include "net/ip_address.h"

#include <arpa/inet.h>

#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "net/random.h"

namespace pinhole::net {
namespace {

IpAddress Ip(absl::string_view text) {
  const std::optional<IpAddress> address = IpAddress::Parse(text);
  EXPECT_TRUE(address.has_value()) << text;
  return address.value_or(IpAddress());
}

struct Canonical {
  const char* given;
  const char* canonical;
};

TEST(Rfc5952, Section4TextOfEveryExample) {
  constexpr Canonical kTable[] = {
      // RFC 5952 §1 and §2: eight spellings of one address.
      {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
      {"2001:0db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
      {"2001:db8::1:0:0:1", "2001:db8::1:0:0:1"},
      {"2001:db8::0:1:0:0:1", "2001:db8::1:0:0:1"},
      {"2001:0db8::1:0:0:1", "2001:db8::1:0:0:1"},
      {"2001:db8:0:0:1::1", "2001:db8::1:0:0:1"},
      {"2001:db8:0000:0:1::1", "2001:db8::1:0:0:1"},
      {"2001:DB8:0:0:1::1", "2001:db8::1:0:0:1"},
      // RFC 5952 §4.1 leading zeros go; a single zero group stays one digit.
      {"2001:0db8::0001", "2001:db8::1"},
      {"2001:db8:aaaa:bbbb:cccc:dddd:eeee:0001", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:1"},
      // RFC 5952 §4.2.1: "::" replaces as many groups as possible.
      {"2001:db8:0:0:0:0:2:1", "2001:db8::2:1"},
      {"2001:db8::0:1", "2001:db8::1"},
      // RFC 5952 §4.2.2 but never one group alone.
      {"2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
      // RFC 5952 §4.2.3 the longest run, and the first of equals.
      {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
      {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
      // RFC 5952 §4.3 lower case.
      {"2001:DB8::ABCD:EF", "2001:db8::abcd:ef"},
      // RFC 5952 §5 the well-known prefix of mapped addresses keeps the IPv4 form.
      {"::ffff:c000:201", "::ffff:192.0.2.1"},
      {"0:0:0:0:0:ffff:192.0.2.1", "::ffff:192.0.2.1"},
      // The ends.
      {"0:0:0:0:0:0:0:0", "::"},
      {"0:0:0:0:0:0:0:1", "::1"},
      {"1:0:0:0:0:0:0:0", "1::"},
      {"0:0:0:0:1:0:0:0", "::1:0:0:0"},
      {"1:0:0:1:0:0:0:0", "1:0:0:1::"},
      {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
      {"0:2:3:4:5:6:7:0", "0:2:3:4:5:6:7:0"},
      {"fe80::", "fe80::"},
  };
  for (const Canonical& row : kTable) EXPECT_EQ(Ip(row.given).ToString(), row.canonical) << row.given;
}

TEST(Rfc4291, Section2_2EveryFormIsRead) {
  constexpr Canonical kTable[] = {
      {"ABCD:EF01:2345:6789:ABCD:EF01:2345:6789", "abcd:ef01:2345:6789:abcd:ef01:2345:6789"},
      {"2001:DB8:0:0:8:800:200C:417A", "2001:db8::8:800:200c:417a"},
      {"2001:DB8::8:800:200C:417A", "2001:db8::8:800:200c:417a"},
      {"FF01:0:0:0:0:0:0:101", "ff01::101"},
      {"FF01::101", "ff01::101"},
      {"0:0:0:0:0:0:13.1.68.3", "::d01:4403"},
      {"::13.1.68.3", "::d01:4403"},
      {"0:0:0:0:0:FFFF:129.144.52.38", "::ffff:129.144.52.38"},
      {"::FFFF:129.144.52.38", "::ffff:129.144.52.38"},
      {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
      {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
      {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
  };
  for (const Canonical& row : kTable) EXPECT_EQ(Ip(row.given).ToString(), row.canonical) << row.given;
}

TEST(IpAddress, WhatIsNoAddressIsRefused) {
  for (const char* text :
       {"", " ", "1", "1.2.3", "1.2.3.4.5", "1.2.3.", ".1.2.3", "1..2.3", "1.2.3.256", "1.2.3.04", "01.2.3.4",
        "1.2.3.-4", "1.2.3.+4", "1.2.3.4 ", " 1.2.3.4", "1.2.3.4\n", "0x1.2.3.4", "1.2.3.99999999999",
        // IPv6
        ":", ":::", "1:", ":1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8:", ":1:2:3:4:5:6:7:8", "1::2::3",
        "1:::2", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "1:2:3:4::5:6:7:8", "12345::", "g::", "::1%lo", "fe80::1%1",
        "[::1]", "::1 ", "::1.2.3", "::1.2.3.4.5", "1.2.3.4::", "::1.2.3.4:5", "1:2:3:4:5:6:7:1.2.3.4",
        "1:2:3:4:5:1.2.3.4", "::ffff:1.2.3.04", "2001:db8::/32", "-1::"}) {
    EXPECT_EQ(IpAddress::Parse(text), std::nullopt) << '"' << text << '"';
  }
  EXPECT_EQ(IpAddress::Parse(absl::string_view("::1\0", 4)), std::nullopt);
}

TEST(IpAddress, AgreesWithTheSystemOnRandomAddresses) {
  SeededRandom random(1, "addresses");
  for (int i = 0; i < 20'000; ++i) {
    std::array<std::uint8_t, 16> bytes;
    random.Fill(bytes);
    // Many zero groups, so that every shape of "::" turns up.
    for (int group = 0; group < 8; ++group) {
      if (random.Below(3) != 0) bytes[2 * group] = bytes[2 * group + 1] = 0;
    }
    const IpAddress address = IpAddress::V6(bytes);
    EXPECT_EQ(IpAddress::Parse(address.ToString()), address);
    in6_addr system;
    ASSERT_EQ(inet_pton(AF_INET6, address.ToString().c_str(), &system), 1) << address.ToString();
    EXPECT_EQ(IpAddress::FromBytes(ByteView(system.s6_addr, 16)), address);
    char text[INET6_ADDRSTRLEN];
    std::copy(bytes.begin(), bytes.end(), system.s6_addr);
    inet_ntop(AF_INET6, &system, text, sizeof(text));
    EXPECT_EQ(IpAddress::Parse(text), address) << text;
  }
}

TEST(IpAddress, BytesRoundTripAndOtherLengthsAreRefused) {
  EXPECT_EQ(IpAddress::FromBytes(Ip("192.0.2.1").bytes()), Ip("192.0.2.1"));
  EXPECT_EQ(IpAddress::FromBytes(Ip("2001:db8::1").bytes()), Ip("2001:db8::1"));
  const std::vector<std::uint8_t> bytes(32);
  for (const std::size_t length : {0u, 3u, 5u, 15u, 17u, 32u}) {
    EXPECT_EQ(IpAddress::FromBytes(ByteView(bytes.data(), length)), std::nullopt) << length;
  }
  EXPECT_EQ(IpAddress::V4(0xc0000201).ToString(), "192.0.2.1");
  EXPECT_EQ(Ip("192.0.2.1").v4(), 0xc0000201u);
  EXPECT_EQ(IpAddress::Loopback(Family::kIpv6).ToString(), "::1");
  EXPECT_EQ(IpAddress::Loopback(Family::kIpv4).ToString(), "127.0.0.1");
  EXPECT_EQ(IpAddress::Unspecified(Family::kIpv6).ToString(), "::");
}

struct Edge {
  const char* first;
  const char* last;
  const char* before;
  const char* after;
};

void ExpectRange(bool (IpAddress::*is)() const, std::initializer_list<Edge> edges) {
  for (const Edge& edge : edges) {
    SCOPED_TRACE(edge.first);
    EXPECT_TRUE((Ip(edge.first).*is)());
    EXPECT_TRUE((Ip(edge.last).*is)());
    EXPECT_FALSE((Ip(edge.before).*is)());
    EXPECT_FALSE((Ip(edge.after).*is)());
  }
}

TEST(IpAddress, SpecialRangesEndWhereTheirRfcsSay) {
  ExpectRange(&IpAddress::IsLoopback,
              {{"127.0.0.0", "127.255.255.255", "126.255.255.255", "128.0.0.0"}, {"::1", "::1", "::", "::2"}});
  ExpectRange(&IpAddress::IsLinkLocal,
              {{"169.254.0.0", "169.254.255.255", "169.253.255.255", "169.255.0.0"},
               {"fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe7f:ffff::", "fec0::"}});
  ExpectRange(&IpAddress::IsMulticast, {{"224.0.0.0", "239.255.255.255", "223.255.255.255", "240.0.0.0"},
                                        {"ff00::", "ffff::", "feff::", "::ff00"}});
  ExpectRange(&IpAddress::IsPrivate, {{"10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0"},
                                      {"172.16.0.0", "172.31.255.255", "172.15.255.255", "172.32.0.0"},
                                      {"192.168.0.0", "192.168.255.255", "192.167.255.255", "192.169.0.0"},
                                      {"fc00::", "fdff:ffff::", "fbff::", "fe00::"}});
  ExpectRange(&IpAddress::IsShared, {{"100.64.0.0", "100.127.255.255", "100.63.255.255", "100.128.0.0"}});
  ExpectRange(&IpAddress::IsV4Mapped, {{"::ffff:0.0.0.0", "::ffff:255.255.255.255", "::fffe:1.2.3.4", "::1:0:0:0"}});
  ExpectRange(&IpAddress::IsV4Compatible, {{"::2", "::255.255.255.255", "::1", "::1:0:0"}});
  ExpectRange(&IpAddress::IsSiteLocal, {{"fec0::", "feff:ffff::", "febf:ffff::", "ff00::"}});
  EXPECT_TRUE(Ip("0.0.0.0").IsUnspecified());
  EXPECT_TRUE(Ip("::").IsUnspecified());
  EXPECT_FALSE(Ip("0.0.0.1").IsUnspecified());
  EXPECT_FALSE(Ip("::1").IsUnspecified());
  // Bytes that mean something in one family mean nothing in the other.
  EXPECT_FALSE(Ip("7f00::1").IsLoopback());
  EXPECT_FALSE(Ip("254.128.0.1").IsLinkLocal());
  EXPECT_FALSE(Ip("0a00::1").IsPrivate());
  EXPECT_FALSE(Ip("6440::").IsShared());
}

TEST(IpAddress, OrderIsFamilyThenNumber) {
  const std::vector<IpAddress> sorted = {Ip("0.0.0.0"),   Ip("0.0.0.255"),       Ip("0.0.1.0"), Ip("127.255.255.255"),
                                         Ip("128.0.0.0"), Ip("255.255.255.255"), Ip("::"),      Ip("::1"),
                                         Ip("::ffff"),    Ip("0:0:0:1::"),       Ip("1::"),     Ip("8000::")};
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    for (std::size_t k = 0; k < sorted.size(); ++k) {
      EXPECT_EQ(sorted[i] < sorted[k], i < k) << i << " " << k;
      EXPECT_EQ(sorted[i] == sorted[k], i == k) << i << " " << k;
    }
  }
}

TEST(IpPrefix, ContainsExactlyTheAddressesWithItsLeadingBits) {
  struct Row {
    const char* prefix;
    const char* in;
    const char* out;
  };
  constexpr Row kTable[] = {
      {"192.168.1.0/24", "192.168.1.255", "192.168.2.0"},
      {"192.168.1.77/24", "192.168.1.0", "192.168.0.255"},
      {"10.0.0.0/8", "10.255.0.1", "11.0.0.0"},
      {"192.0.2.1/32", "192.0.2.1", "192.0.2.0"},
      {"128.0.0.0/1", "255.255.255.255", "127.0.0.1"},
      {"100.64.0.0/10", "100.127.255.255", "100.128.0.0"},
      {"0.0.0.0/0", "255.255.255.255", "::"},
      {"::/0", "ffff::", "0.0.0.0"},
      {"2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"},
      {"2001:db8::/64", "2001:db8::ffff:0:0:1", "2001:db8:0:1::"},
      {"2001:db8::/65", "2001:db8::7fff:0:0:1", "2001:db8::8000:0:0:0"},
      {"2001:db8::1/128", "2001:db8::1", "2001:db8::"},
      {"2001:db8::2/127", "2001:db8::3", "2001:db8::4"},
  };
  for (const Row& row : kTable) {
    SCOPED_TRACE(row.prefix);
    const std::optional<IpPrefix> prefix = IpPrefix::Parse(row.prefix);
    ASSERT_TRUE(prefix.has_value());
    EXPECT_TRUE(prefix->Contains(Ip(row.in)));
    EXPECT_FALSE(prefix->Contains(Ip(row.out)));
    EXPECT_EQ(prefix->ToString(), row.prefix);
  }
}

TEST(IpPrefix, WhatIsNoPrefixIsRefused) {
  for (const char* text : {"", "/", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0/8",
                           "::/129", "::/1 ", "::/0x1", "10.0.0.0/8/8", "/8"}) {
    EXPECT_EQ(IpPrefix::Parse(text), std::nullopt) << text;
  }
}

TEST(StableHash, OfAnAddressIsTheSameInEveryBuild) {
  // From a second implementation, in Python. Results and goldens rest on these numbers.
  EXPECT_EQ(StableHash(Ip("192.0.2.1")), 10319155576045343936u);
  EXPECT_EQ(StableHash(Ip("2001:db8::1")), 109378392875466482u);
}

TEST(StableHash, SpreadsNeighbouringAddresses) {
  std::set<std::uint64_t> low_bits;
  for (std::uint32_t i = 0; i < 4096; ++i) low_bits.insert(StableHash(IpAddress::V4(0x0a000000 + i)) & 0xffff);
  // 4096 balls in 65536 bins leave about 3970 bins hit.
  EXPECT_GT(low_bits.size(), 3900u);
  EXPECT_NE(StableHash(Ip("0.0.0.0")), StableHash(Ip("::")));
}

}  // namespace
}  // namespace pinhole::net
