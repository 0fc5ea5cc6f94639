#include "ice/description.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "net/random.h"
#include "tests/ice/test_network.h"

namespace pinhole::ice {
namespace {

using namespace std::chrono_literals;

std::optional<Description> Parse(const std::string& text) {
  return ParseDescription(net::ByteView(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

constexpr char kCredentials[] = "a=ice-ufrag:8hhY\na=ice-pwd:asd88fgpdd777uzjYhagZg\n";

// RFC 8839 §5.1's example.
TEST(Description, ReadsTheCandidateOfRfc8839Section5_1) {
  const std::optional<Candidate> candidate =
      ParseCandidate("a=candidate:2 1 UDP 1694498815 192.0.2.3 45664 typ srflx raddr 203.0.113.141 rport 8998", 0);
  ASSERT_TRUE(candidate.has_value());
  EXPECT_EQ(candidate->foundation.text(), "2");
  EXPECT_EQ(candidate->component, 1);
  EXPECT_EQ(candidate->priority, 1694498815u);
  EXPECT_EQ(candidate->address, Addr("192.0.2.3:45664"));
  EXPECT_EQ(candidate->type, CandidateType::kServerReflexive);
  EXPECT_EQ(candidate->related, Addr("203.0.113.141:8998"));
  EXPECT_EQ(ToString(*candidate),
            "candidate:2 1 UDP 1694498815 192.0.2.3 45664 typ srflx raddr 203.0.113.141 rport 8998");
}

TEST(Description, WhatIsWrittenIsReadBack) {
  Description description;
  description.ufrag = "8hhY";
  description.password = "asd88fgpdd777uzjYhagZg";
  description.ta = 20ms;
  description.streams = 2;
  for (const char* line : {"candidate:1 1 UDP 2130706431 192.0.2.1 50000 typ host",
                           "candidate:4 2 UDP 16777214 2001:db8::5 50001 typ relay raddr 2001:db8::1 rport 7"}) {
    description.candidates.push_back(*ParseCandidate(line, static_cast<int>(description.candidates.size())));
  }
  const std::optional<Description> read = Parse(Serialize(description));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->ufrag, "8hhY");
  EXPECT_EQ(read->password, "asd88fgpdd777uzjYhagZg");
  EXPECT_EQ(read->ta, net::Duration(20ms));
  EXPECT_EQ(read->streams, 2);
  EXPECT_TRUE(read->ice2);
  EXPECT_TRUE(read->complete);
  ASSERT_EQ(read->candidates.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(ToString(read->candidates[i]), ToString(description.candidates[i]));
    EXPECT_EQ(read->candidates[i].stream, static_cast<int>(i));
  }
  EXPECT_EQ(Serialize(*read), Serialize(description));
}

TEST(Description, CandidatesThatCannotBeUsedArePassedOver) {
  for (const char* line :
       {"a=candidate:1 1 SCTP 2105458943 192.0.2.1 9 typ host",                                     // another transport
        "a=candidate:1 1 TCP 2105458943 192.0.2.1 9 typ host",                                      // TCP of no type
        "a=candidate:1 1 TCP 2105458943 192.0.2.1 9 typ host tcptype holdconn",                     // of an unknown one
        "a=candidate:1 1 UDP 2130706431 host.example 50000 typ host",                               // a name
        "a=candidate:1 1 UDP 2130706431 192.0.2.1 50000 typ magic",                                 // an unknown type
        "a=candidate:1 0 UDP 2130706431 192.0.2.1 50000 typ host",                                  // component 0
        "a=candidate:1 257 UDP 2130706431 192.0.2.1 50000 typ host",                                // component 257
        "a=candidate:1 1 UDP 0 192.0.2.1 50000 typ host",                                           // priority 0
        "a=candidate:1 1 UDP 2147483648 192.0.2.1 50000 typ host",                                  // priority 2^31
        "a=candidate:1 1 UDP 2130706431 192.0.2.1 0 typ host",                                      // port 0
        "a=candidate:1 1 UDP 2130706431 192.0.2.1 65536 typ host",                                  // port 65536
        "a=candidate:1 1 UDP 2130706431 0.0.0.0 50000 typ host",                                    // unspecified
        "a=candidate:1 1 UDP 2130706431 224.0.0.1 50000 typ host",                                  // multicast
        "a=candidate:123456789012345678901234567890123 1 UDP 2130706431 192.0.2.1 50000 typ host",  // 33 chars
        "a=candidate:! 1 UDP 2130706431 192.0.2.1 50000 typ host",                                  // not an ice-char
        "a=candidate:1 1 UDP -1 192.0.2.1 50000 typ host", "a=candidate:1 1 UDP", "a=candidate:"}) {
    const std::optional<Description> read = Parse(std::string(kCredentials) + line + "\n");
    ASSERT_TRUE(read.has_value()) << line;
    EXPECT_TRUE(read->candidates.empty()) << line;
  }
}

TEST(Description, UnknownLinesAndExtensionsArePassedOver) {
  const std::optional<Description> read =
      Parse(std::string("v=0\r\na=whatever:1\r\n") + kCredentials +
            "a=candidate:1 1 udp 2130706431 192.0.2.1 50000 typ host generation 0 network-cost 10\r\n");
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->candidates.size(), 1u);
}

TEST(Description, IsRefusedWithoutCredentialsOfTheRightForm) {
  for (const char* text : {"", "a=ice-ufrag:8hhY\n", "a=ice-pwd:asd88fgpdd777uzjYhagZg\n",
                           "a=ice-ufrag:8hh\na=ice-pwd:asd88fgpdd777uzjYhagZg\n",  // 3 characters
                           "a=ice-ufrag:8hhY\na=ice-pwd:asd88fgpdd777uzjYhagZ\n",  // 21 characters
                           "a=ice-ufrag:8h:Y\na=ice-pwd:asd88fgpdd777uzjYhagZg\n"}) {
    EXPECT_FALSE(Parse(text).has_value()) << text;
  }
  EXPECT_FALSE(Parse("a=ice-ufrag:" + std::string(257, 'x') + "\na=ice-pwd:asd88fgpdd777uzjYhagZg\n").has_value());
}

TEST(Description, IsRefusedBeyondItsLimits) {
  std::string many = kCredentials;
  for (int i = 0; i <= Description::kCandidatesMax; ++i) {
    many += "a=candidate:1 1 UDP 2130706431 192.0.2.1 50000 typ host\n";
  }
  EXPECT_FALSE(Parse(many).has_value());
  std::string streams = kCredentials;
  for (int i = 0; i <= Description::kStreamsMax; ++i) streams += "a=mid:x\n";
  EXPECT_FALSE(Parse(streams).has_value());
  EXPECT_FALSE(Parse(kCredentials + std::string(Description::kBytesMax, '\n')).has_value());
}

TEST(Description, SurvivesAnyBytes) {
  net::SeededRandom random(1, "garbage");
  std::string good = std::string(kCredentials) + "a=candidate:1 1 UDP 2130706431 192.0.2.1 50000 typ host\n";
  for (int i = 0; i < 20000; ++i) {
    std::string text = good;
    for (int k = 0; k < 4; ++k) text[random.Below(text.size())] = static_cast<char>(random.NextU64());
    if (i % 3 == 0) text.resize(random.Below(text.size()));
    const std::optional<Description> read = Parse(text);
    if (read.has_value()) {
      EXPECT_LE(read->candidates.size(), 1u);
    }
  }
}

}  // namespace
}  // namespace pinhole::ice
