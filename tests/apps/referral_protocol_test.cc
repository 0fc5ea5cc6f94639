#include "apps/referral_protocol.h"

#include <algorithm>

#include "gtest/gtest.h"

namespace pinhole::apps {
namespace {

using namespace std::chrono_literals;

std::vector<std::uint8_t> Pattern(std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 7 + i / 256);
  return bytes;
}

ReferralMessage FragmentOf(const ReferralTransfer& transfer, std::uint8_t index) {
  return {.kind = ReferralKind::kPublish,
          .number = transfer.number(),
          .index = index,
          .count = transfer.count(),
          .session = "call",
          .side = "alice",
          .payload = transfer.Fragment(index)};
}

TEST(ReferralProtocol, ADatagramReadsAsItWasWritten) {
  const std::vector<std::uint8_t> payload = Pattern(33);
  const ReferralMessage written = {.kind = ReferralKind::kDeliver,
                                   .number = 0xabcd,
                                   .index = 2,
                                   .count = 3,
                                   .session = "call",
                                   .side = "bob",
                                   .payload = payload};
  std::array<std::uint8_t, kReferralDatagramBytesMax> buffer;
  const std::optional<ReferralMessage> read = ReferralMessage::Parse(written.Write(buffer));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->kind, ReferralKind::kDeliver);
  EXPECT_EQ(read->number, 0xabcd);
  EXPECT_EQ(read->index, 2);
  EXPECT_EQ(read->count, 3);
  EXPECT_EQ(read->session, "call");
  EXPECT_EQ(read->side, "bob");
  EXPECT_TRUE(std::ranges::equal(read->payload, payload));
}

TEST(ReferralProtocol, EveryTruncationOfTheHeaderIsRefused) {
  const ReferralMessage message = {.kind = ReferralKind::kAlive, .session = "call", .side = "bob", .payload = {}};
  std::array<std::uint8_t, kReferralDatagramBytesMax> buffer;
  const net::ByteView whole = message.Write(buffer);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(ReferralMessage::Parse(whole.first(size)).has_value()) << size;
  }
  EXPECT_TRUE(ReferralMessage::Parse(whole).has_value());
}

TEST(ReferralProtocol, FieldsOutOfRangeAreRefused) {
  struct Row {
    std::size_t offset;
    std::uint8_t value;
  };
  constexpr Row kRows[] = {{0, 0x01}, {1, 0}, {1, 6}, {4, 1}, {5, 0}, {5, 33}, {6, 101}, {7, 200}};
  const ReferralMessage message = {.kind = ReferralKind::kAlive, .session = "call", .side = "bob", .payload = {}};
  for (const Row& row : kRows) {
    std::array<std::uint8_t, kReferralDatagramBytesMax> buffer = {};
    const net::ByteView whole = message.Write(buffer);
    buffer[row.offset] = row.value;
    EXPECT_FALSE(ReferralMessage::Parse(whole).has_value()) << row.offset << " = " << int{row.value};
  }
}

TEST(ReferralTransfer, FragmentsArriveInAnyOrderAndTwice) {
  const std::vector<std::uint8_t> description = Pattern(2 * kReferralFragmentBytes + 5);
  const ReferralTransfer transfer(net::Instant{}, 0, description);
  ASSERT_EQ(transfer.count(), 3);
  ReferralAssembly assembly;
  EXPECT_FALSE(assembly.Add(FragmentOf(transfer, 2)));
  EXPECT_FALSE(assembly.Add(FragmentOf(transfer, 0)));
  EXPECT_FALSE(assembly.Add(FragmentOf(transfer, 2)));
  EXPECT_TRUE(assembly.Add(FragmentOf(transfer, 1)));
  EXPECT_TRUE(std::ranges::equal(assembly.bytes(), description));
  EXPECT_FALSE(assembly.Add(FragmentOf(transfer, 1))) << "a late duplicate completes nothing again";
}

TEST(ReferralTransfer, ANewerDescriptionReplacesAnOlderOneAndNeverTheOtherWay) {
  const std::vector<std::uint8_t> old_one = Pattern(10);
  const std::vector<std::uint8_t> new_one = Pattern(20);
  const ReferralTransfer first(net::Instant{}, 0xffff, old_one);
  const ReferralTransfer second(net::Instant{}, 0, new_one);  // numbers wrap
  ReferralAssembly assembly;
  EXPECT_TRUE(assembly.Add(FragmentOf(first, 0)));
  EXPECT_TRUE(assembly.Add(FragmentOf(second, 0)));
  EXPECT_FALSE(assembly.Add(FragmentOf(first, 0)));
  EXPECT_TRUE(std::ranges::equal(assembly.bytes(), new_one));
}

TEST(ReferralTransfer, WaitsDoubleFromHalfASecondToFourAndEndAfterTwentySendings) {
  ReferralTransfer transfer(net::Instant{}, 0, Pattern(10));
  std::vector<net::Duration> sendings;
  for (net::Instant now{}; now < net::Instant(200s); now += 100ms) {
    if (transfer.Due(now)) sendings.push_back(now.time_since_epoch());
  }
  ASSERT_EQ(sendings.size(), 20u);
  EXPECT_EQ(sendings[0], 0ms);
  EXPECT_EQ(sendings[1], 500ms);
  EXPECT_EQ(sendings[2], 1500ms);
  EXPECT_EQ(sendings[3], 3500ms);
  EXPECT_EQ(sendings[4], 7500ms);
  EXPECT_EQ(sendings[5], 11500ms);
  EXPECT_TRUE(transfer.given_up());
  EXPECT_FALSE(transfer.NextTimer().has_value());
}

TEST(ReferralTransfer, OnlyWhatIsNotAcknowledgedIsSentAgain) {
  ReferralTransfer transfer(net::Instant{}, 7, Pattern(2 * kReferralFragmentBytes));
  ASSERT_TRUE(transfer.Due(net::Instant{}));
  transfer.OnAcknowledged(6, 0);  // of another description
  EXPECT_TRUE(transfer.Waits(0));
  transfer.OnAcknowledged(7, 0);
  EXPECT_FALSE(transfer.Waits(0));
  EXPECT_TRUE(transfer.Waits(1));
  transfer.OnAcknowledged(7, 1);
  EXPECT_TRUE(transfer.done());
  EXPECT_FALSE(transfer.NextTimer().has_value());
}

}  // namespace
}  // namespace pinhole::apps
