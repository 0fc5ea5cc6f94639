#include "apps/referral/referral_protocol.h"

#include <algorithm>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pinhole::apps {
namespace {

using ::testing::ElementsAre;

std::vector<std::uint8_t> Pattern(std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 7 + i / 256);
  return bytes;
}

std::vector<std::uint8_t> Written(const ReferralFrame& frame) {
  std::vector<std::uint8_t> bytes;
  frame.AppendTo(bytes);
  return bytes;
}

std::vector<std::uint8_t> BodyOf(const ReferralFrame& frame) {
  std::vector<std::uint8_t> bytes = Written(frame);
  bytes.erase(bytes.begin(), bytes.begin() + 2);
  return bytes;
}

void Feed(ReferralFrames& frames, net::ByteView bytes) {
  while (!bytes.empty()) {
    const std::span<std::uint8_t> space = frames.Space();
    ASSERT_FALSE(space.empty());
    const std::size_t count = std::min(space.size(), bytes.size());
    std::copy_n(bytes.begin(), count, space.begin());
    frames.Filled(count);
    bytes = bytes.subspan(count);
  }
}

TEST(ReferralFrame, IsTheBytesOfTheDrawing) {
  EXPECT_THAT(Written({.kind = ReferralKind::kRegister, .session = "call", .side = "a", .description = {}}),
              ElementsAre(0, 7, 1, 4, 'c', 'a', 'l', 'l', 'a'));
  const std::vector<std::uint8_t> description = {'v', '=', '0'};
  EXPECT_THAT(Written({.kind = ReferralKind::kPublish, .description = description}),
              ElementsAre(0, 4, 2, 'v', '=', '0'));
  EXPECT_THAT(Written({.kind = ReferralKind::kDeliver, .description = description}),
              ElementsAre(0, 4, 3, 'v', '=', '0'));
  EXPECT_THAT(Written({.kind = ReferralKind::kRefuse, .description = {}, .refusal = ReferralRefusal::kFull}),
              ElementsAre(0, 2, 4, 2));
}

TEST(ReferralFrame, ReadsAsItWasWritten) {
  const std::string session(kReferralNameBytesMax, 's');
  const std::vector<std::uint8_t> registration =
      BodyOf({.kind = ReferralKind::kRegister, .session = session, .side = "alice", .description = {}});
  const std::optional<ReferralFrame> read = ReferralFrame::Parse(registration);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->kind, ReferralKind::kRegister);
  EXPECT_EQ(read->session, session);
  EXPECT_EQ(read->side, "alice");

  const std::vector<std::uint8_t> longest = Pattern(kReferralDescriptionBytesMax);
  const std::vector<std::uint8_t> publish = BodyOf({.kind = ReferralKind::kPublish, .description = longest});
  const std::optional<ReferralFrame> published = ReferralFrame::Parse(publish);
  ASSERT_TRUE(published.has_value());
  EXPECT_TRUE(std::equal(published->description.begin(), published->description.end(), longest.begin(), longest.end()));
}

TEST(ReferralFrame, WhatIsNoneIsRefused) {
  const std::string too_long(kReferralNameBytesMax + 1, 'x');
  const auto registration = [](absl::string_view session, absl::string_view side) {
    std::vector<std::uint8_t> bytes = {1, static_cast<std::uint8_t>(session.size())};
    bytes.insert(bytes.end(), session.begin(), session.end());
    bytes.insert(bytes.end(), side.begin(), side.end());
    return bytes;
  };
  EXPECT_TRUE(ReferralFrame::Parse(registration("s", "a")).has_value());
  const std::vector<std::vector<std::uint8_t>> rows = {
      {},                           // nothing
      {0},                          // no such kind
      {5},                          // nor this
      {1},                          // a registration that ends too soon
      {1, 4, 'c', 'a', 'l'},        // so does this
      registration("", "a"),        // no session
      registration("s", ""),        // no side
      registration(too_long, "a"),  //
      registration("s", too_long),  //
      {4},                          // a refusal without reason
      {4, 0},                       // none such
      {4, 5},                       // nor this
      {4, 1, 1},                    // one and something
  };
  for (const std::vector<std::uint8_t>& row : rows) {
    EXPECT_FALSE(ReferralFrame::Parse(row).has_value()) << testing::PrintToString(row);
  }
  std::vector<std::uint8_t> too_much(2 + kReferralDescriptionBytesMax, 0);
  too_much[0] = 2;
  EXPECT_FALSE(ReferralFrame::Parse(too_much).has_value());
}

TEST(ReferralFrames, ComeOutWholeHoweverTheStreamIsCut) {
  std::vector<std::uint8_t> stream;
  std::vector<std::vector<std::uint8_t>> expected;
  for (const std::size_t size : {0u, 1u, 5u, 300u, 3000u}) {
    const std::vector<std::uint8_t> description = Pattern(size);
    const ReferralFrame frame = {.kind = ReferralKind::kPublish, .description = description};
    frame.AppendTo(stream);
    expected.push_back(BodyOf(frame));
  }
  for (const std::size_t step : {std::size_t{1}, std::size_t{2}, std::size_t{7}, std::size_t{1460}, stream.size()}) {
    ReferralFrames frames;
    std::vector<std::vector<std::uint8_t>> got;
    for (std::size_t at = 0; at < stream.size(); at += step) {
      Feed(frames, net::ByteView(stream).subspan(at, std::min(step, stream.size() - at)));
      while (const std::optional<net::ByteView> frame = frames.Next()) got.emplace_back(frame->begin(), frame->end());
    }
    EXPECT_EQ(got, expected) << step;
  }
}

TEST(ReferralFrames, OneLongerThanAnyCanBeOrEmptyEndsTheStreamBeforeItIsKept) {
  for (const std::vector<std::uint8_t>& head :
       {std::vector<std::uint8_t>{0xff, 0xff}, std::vector<std::uint8_t>{0x80, 0x02},
        std::vector<std::uint8_t>{0, 0}}) {
    ReferralFrames frames;
    Feed(frames, head);
    EXPECT_FALSE(frames.Next().has_value());
    EXPECT_TRUE(frames.broken());
    EXPECT_TRUE(frames.Space().empty());
  }
  ReferralFrames longest;
  Feed(longest, std::vector<std::uint8_t>{0x80, 0x01});
  EXPECT_FALSE(longest.Next().has_value());
  EXPECT_FALSE(longest.broken());
}

}  // namespace
}  // namespace pinhole::apps
