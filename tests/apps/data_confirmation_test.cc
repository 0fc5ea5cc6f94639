#include "apps/data_confirmation.h"

#include "gtest/gtest.h"

namespace pinhole::apps {
namespace {

using namespace std::chrono_literals;

// Moves what `from` has to say to `to`, if `arrives`; true if there was something.
bool Carry(DataConfirmation& from, DataConfirmation& to, net::Instant now, bool arrives = true) {
  const std::optional<DataConfirmation::Message> message = from.PollOutput();
  if (message && arrives) to.OnData(now, *message);
  return message.has_value();
}

TEST(DataConfirmation, Rfc7983Section7FirstByteIsNeitherStunNorChannelData) {
  DataConfirmation a({});
  a.OnSelected(net::Instant{});
  const std::optional<DataConfirmation::Message> message = a.PollOutput();
  ASSERT_TRUE(message.has_value());
  EXPECT_GE((*message)[0], 0x80);
}

TEST(DataConfirmation, BothSidesConfirmAndFallSilent) {
  DataConfirmation a({});
  DataConfirmation b({});
  const net::Instant now{};
  a.OnSelected(now);
  b.OnSelected(now);
  int messages = 0;
  while (true) {
    const bool moved = Carry(a, b, now) | Carry(b, a, now);
    if (!moved) break;
    ASSERT_LT(++messages, 10);
  }
  EXPECT_TRUE(a.confirmed());
  EXPECT_TRUE(b.confirmed());
  EXPECT_FALSE(a.NextTimer().has_value());
  EXPECT_FALSE(b.NextTimer().has_value());
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
}

TEST(DataConfirmation, TheSideSelectedLateConfirmsToo) {
  DataConfirmation a({});
  DataConfirmation b({});
  a.OnSelected(net::Instant{});
  for (net::Instant now{}; now < net::Instant(20s); now += 100ms) {
    if (now == net::Instant(10s)) b.OnSelected(now);
    a.OnTimer(now);
    b.OnTimer(now);
    while (Carry(a, b, now) | Carry(b, a, now)) {
    }
    EXPECT_EQ(a.confirmed(), now >= net::Instant(10s)) << now.time_since_epoch().count();
  }
  EXPECT_TRUE(b.confirmed());
}

TEST(DataConfirmation, SendsByTimerEndAfterTheStatedNumber) {
  DataConfirmation a({.resend = 500ms, .sends_max = 5});
  a.OnSelected(net::Instant{});
  int sent = 0;
  for (net::Instant now{}; now < net::Instant(100s); now += 100ms) {
    a.OnTimer(now);
    while (a.PollOutput()) ++sent;
  }
  EXPECT_EQ(sent, 5);
  EXPECT_TRUE(a.given_up());
}

TEST(DataConfirmation, ForeignBytesCountForNothing) {
  DataConfirmation a({});
  a.OnSelected(net::Instant{});
  const std::array<std::uint8_t, 32> zeros = {};
  const std::array<std::uint8_t, 3> stub = {DataConfirmation::kFirstByte, 3, 0};
  a.OnData(net::Instant{}, zeros);
  a.OnData(net::Instant{}, stub);
  EXPECT_FALSE(a.first_received().has_value());
  EXPECT_FALSE(a.confirmed());
}

}  // namespace
}  // namespace pinhole::apps
