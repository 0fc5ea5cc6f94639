#include "ice/check_message.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <string>

#include "tests/ice/lone_agent.h"
#include "tests/ice/test_network.h"

namespace pinhole::ice {
namespace {

// RFC 8445 appendix C, figure 12: the bits per second if one check is sent each Ta, by Ta and length of the ufrag.
struct Row {
  int ta_ms;
  const char* by_ufrag[4];
};
constexpr int kUfrags[4] = {4, 8, 12, 16};
constexpr Row kIpv4[] = {
    {500, {"1.86k", "1.98k", "2.11k", "2.24k"}}, {200, {"4.64k", "4.96k", "5.28k", "5.6k"}},
    {100, {"9.28k", "9.92k", "10.6k", "11.2k"}}, {50, {"18.6k", "19.8k", "21.1k", "22.4k"}},
    {20, {"46.4k", "49.6k", "52.8k", "56.0k"}},  {10, {"92.8k", "99.2k", "105k", "112k"}},
    {5, {"185k", "198k", "211k", "224k"}},       {2, {"464k", "496k", "528k", "560k"}},
    {1, {"928k", "992k", "1.06M", "1.12M"}},
};
constexpr Row kIpv6[] = {
    {500, {"2.18k", "2.3k", "2.43k", "2.56k"}},  {200, {"5.44k", "5.76k", "6.08k", "6.4k"}},
    {100, {"10.9k", "11.5k", "12.2k", "12.8k"}}, {50, {"21.8k", "23.0k", "24.3k", "25.6k"}},
    {20, {"54.4k", "57.6k", "60.8k", "64.0k"}},  {10, {"108k", "115k", "121k", "128k"}},
    {5, {"217k", "230k", "243k", "256k"}},       {2, {"544k", "576k", "608k", "640k"}},
    {1, {"1.09M", "1.15M", "1.22M", "1.28M"}},
};

double Printed(const char* text) {
  double value = 0;
  char unit = 0;
  std::sscanf(text, "%lf%c", &value, &unit);
  return value * (unit == 'M' ? 1e6 : 1e3);
}

// Whether both numbers have the same three leading digits, rounded or truncated.
bool AgreesInThreeDigits(double exact, double printed) {
  const double unit = std::pow(10, std::floor(std::log10(exact)) - 2);
  const double cut = std::floor(exact / unit) * unit;
  const double rounded = std::floor(exact / unit + 0.5) * unit;
  return std::abs(printed - cut) < unit / 10 || std::abs(printed - rounded) < unit / 10;
}

std::size_t CheckBytes(int ufrag_length, bool use_candidate) {
  const std::string ufrag(static_cast<std::size_t>(ufrag_length), 'x');
  std::array<std::uint8_t, stun::kMessageBytesMax> buffer;
  return WriteCheck(buffer, {}, {.username = ufrag + ":" + ufrag, .use_candidate = use_candidate}, {}).size();
}

constexpr std::size_t kIpv4AndUdp = 20 + 8;
constexpr std::size_t kIpv6AndUdp = 40 + 8;

TEST(CheckMessage, Rfc8445AppendixCPacketIs108Plus2UBytesOverIpv4And128Over6) {
  for (int u = 4; u <= 32; u += 2) {
    EXPECT_EQ(CheckBytes(u, false) + kIpv4AndUdp, 108u + 2 * static_cast<std::size_t>(u));
    EXPECT_EQ(CheckBytes(u, false) + kIpv6AndUdp, 128u + 2 * static_cast<std::size_t>(u));
  }
}

TEST(CheckMessage, Rfc8445AppendixCAll72CellsAgreeInThreeDigits) {
  const auto expect_table = [](const auto& table, std::size_t headers) {
    for (const Row& row : table) {
      for (int i = 0; i < 4; ++i) {
        const double exact = 8.0 * static_cast<double>(CheckBytes(kUfrags[i], false) + headers) * 1000 / row.ta_ms;
        EXPECT_TRUE(AgreesInThreeDigits(exact, Printed(row.by_ufrag[i])))
            << row.ta_ms << " ms, ufrag " << kUfrags[i] << ": " << exact << " against " << row.by_ufrag[i];
      }
    }
  };
  expect_table(kIpv4, kIpv4AndUdp);
  expect_table(kIpv6, kIpv6AndUdp);
}

TEST(CheckMessage, TheAgentsOwnCheckHasThatLengthAndOneThatNominatesFourMore) {
  AgentOptions options;
  options.ufrag_length = 8;
  LoneAgent lone(options);
  Description remote = LoneAgent::Remote({LoneAgent::Host("192.0.2.9:9000")});
  remote.ufrag = "PEERPEER";
  lone.SetRemote(remote);
  const Sent check = lone.NextCheck();
  EXPECT_EQ(check.bytes.size() + kIpv4AndUdp, 108u + 2 * 8);
  lone.AnswerSuccess(check);
  EXPECT_EQ(lone.NextCheck().bytes.size() + kIpv4AndUdp, 108u + 2 * 8 + 4);
}

}  // namespace
}  // namespace pinhole::ice
