#include "apps/ice/data_confirmation.h"

#include "gtest/gtest.h"
#include "net/random.h"

namespace pinhole::apps {
namespace {

using namespace std::chrono_literals;

// Takes one message from `from` and, if `arrives`, gives it to `to`. True: there was a message.
bool Carry(DataConfirmation& from, DataConfirmation& to, net::Instant now, bool arrives = true) {
  const std::optional<net::ByteView> message = from.PollOutput();
  if (message && arrives) to.OnData(now, *message);
  return message.has_value();
}

TEST(DataConfirmation, Rfc7983Section7FirstByteIsNeitherStunNorChannelData) {
  DataConfirmation a({});
  a.OnSelected(net::Instant{});
  const std::optional<net::ByteView> message = a.PollOutput();
  ASSERT_TRUE(message.has_value());
  EXPECT_GE((*message)[0], 0x80);
  EXPECT_EQ(message->size(), 100u);
}

TEST(DataConfirmation, BothSidesConfirmByFourMessagesAndFallSilent) {
  DataConfirmation a({});
  DataConfirmation b({});
  const net::Instant now{};
  a.OnSelected(now);
  b.OnSelected(now);
  int messages = 0;
  while (true) {
    const int moved = int{Carry(a, b, now)} + int{Carry(b, a, now)};
    if (moved == 0) break;
    messages += moved;
    ASSERT_LT(messages, 10);
  }
  EXPECT_LE(messages, 4);
  EXPECT_TRUE(a.confirmed());
  EXPECT_TRUE(b.confirmed());
  EXPECT_EQ(a.NextTimer(), net::kNever);
  EXPECT_EQ(b.NextTimer(), net::kNever);
}

TEST(DataConfirmation, APathThatCarriesOneWayOnlyIsNotConfirmed) {
  DataConfirmation a({});
  DataConfirmation b({});
  a.OnSelected(net::Instant{});
  b.OnSelected(net::Instant{});
  for (net::Instant now{}; now < net::Instant(100s); now += 100ms) {
    a.OnTimer(now);
    b.OnTimer(now);
    Carry(a, b, now, true);
    Carry(b, a, now, false);
  }
  EXPECT_FALSE(a.confirmed());
  EXPECT_FALSE(b.confirmed()) << "b has had data, but knows of none of its own that arrived";
  EXPECT_TRUE(b.first_received().has_value());
  EXPECT_TRUE(a.given_up());
  EXPECT_TRUE(b.given_up());
}

TEST(DataConfirmation, TheSideSelectedLateConfirmsToo) {
  DataConfirmation a({});
  DataConfirmation b({});
  a.OnSelected(net::Instant{});
  for (net::Instant now{}; now < net::Instant(20s); now += 100ms) {
    if (now == net::Instant(10s)) b.OnSelected(now);
    a.OnTimer(now);
    b.OnTimer(now);
    while (Carry(a, b, now) || Carry(b, a, now)) {
    }
    EXPECT_EQ(a.confirmed(), now >= net::Instant(10s)) << now.time_since_epoch().count();
  }
  EXPECT_TRUE(b.confirmed());
}

TEST(DataConfirmation, EveryDatagramArrivesThoughAThirdOfTheMessagesIsLost) {
  DataConfirmation a({.datagrams = 20});
  DataConfirmation b({.datagrams = 20});
  a.OnSelected(net::Instant{});
  b.OnSelected(net::Instant{});
  net::SeededRandom random(1, "loss");
  for (net::Instant now{}; now < net::Instant(60s); now += 10ms) {
    a.OnTimer(now);
    b.OnTimer(now);
    while (Carry(a, b, now, random.Below(3) != 0) || Carry(b, a, now, random.Below(3) != 0)) {
    }
  }
  EXPECT_TRUE(a.confirmed());
  EXPECT_TRUE(b.confirmed());
}

TEST(DataConfirmation, FirstSendingsKeepTheInterval) {
  DataConfirmation a({.datagrams = 5, .interval = 20ms, .resend = 500ms});
  std::vector<net::Duration> sent;
  a.OnSelected(net::Instant{});
  for (net::Instant now{}; now < net::Instant(400ms); now += 1ms) {
    a.OnTimer(now);
    while (a.PollOutput()) sent.push_back(now.time_since_epoch());
  }
  EXPECT_EQ(sent, (std::vector<net::Duration>{0ms, 20ms, 40ms, 60ms, 80ms}));
}

TEST(DataConfirmation, HoldingKeepsSendingAndMeasuresTheLargestGap) {
  DataConfirmation a({.interval = 20ms, .hold = true});
  DataConfirmation b({.interval = 20ms, .hold = true});
  a.OnSelected(net::Instant{});
  b.OnSelected(net::Instant{});
  for (net::Instant now{}; now < net::Instant(10s); now += 10ms) {
    a.OnTimer(now);
    b.OnTimer(now);
    const bool up = now < net::Instant(5s) || now >= net::Instant(7s);
    while (Carry(a, b, now, up) || Carry(b, a, now, up)) {
    }
  }
  EXPECT_TRUE(a.confirmed());
  EXPECT_GE(b.largest_gap(), 2000ms);
  EXPECT_LE(b.largest_gap(), 2040ms);
}

TEST(DataConfirmation, ForeignBytesCountForNothing) {
  DataConfirmation a({});
  a.OnSelected(net::Instant{});
  const std::vector<std::uint8_t> zeros(100, 0);
  const std::vector<std::uint8_t> stub = {DataConfirmation::kFirstByte, 0, 0, 0, 0, 0, 0, 1};
  a.OnData(net::Instant{}, zeros);
  a.OnData(net::Instant{}, stub);
  EXPECT_FALSE(a.first_received().has_value());
  EXPECT_FALSE(a.confirmed());
}

}  // namespace
}  // namespace pinhole::apps
