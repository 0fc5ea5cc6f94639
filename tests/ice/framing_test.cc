// RFC 4571 §2: frames come out whole wherever the stream is cut.
#include "ice/framing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pinhole::ice {
namespace {

using Bytes = std::vector<std::uint8_t>;
using testing::ElementsAre;

std::vector<Bytes> Frames(const Bytes& stream, std::size_t step) {
  std::vector<Bytes> frames;
  FrameReader reader;
  for (std::size_t at = 0; at < stream.size(); at += step) {
    reader.Append(net::ByteView(stream).subspan(at, std::min(step, stream.size() - at)));
    while (const auto frame = reader.Next()) frames.emplace_back(frame->begin(), frame->end());
  }
  return frames;
}

TEST(Framing, TheLengthCountsThePayloadOnlyInNetworkOrder) {
  EXPECT_THAT(FrameHeader(0), ElementsAre(0, 0));
  EXPECT_THAT(FrameHeader(0x1234), ElementsAre(0x12, 0x34));
  EXPECT_THAT(FrameHeader(65535), ElementsAre(0xFF, 0xFF));
}

TEST(Framing, FramesComeOutWholeHoweverTheStreamIsCut) {
  const Bytes stream = {0, 3, 1, 2, 3, 0, 1, 9, 0, 2, 0, 0};
  for (std::size_t step = 1; step <= stream.size(); ++step) {
    SCOPED_TRACE(step);
    EXPECT_THAT(Frames(stream, step), ElementsAre(Bytes{1, 2, 3}, Bytes{9}, Bytes{0, 0}));
  }
}

TEST(Framing, NullPacketsAreFramesWithoutAPacket) {
  EXPECT_THAT(Frames({0, 0, 0, 0, 0, 1, 7, 0, 0}, 1), ElementsAre(Bytes{7}));
}

TEST(Framing, TheLongestFrameComesOut) {
  Bytes stream = {0xFF, 0xFF};
  stream.resize(2 + 65535, 5);
  for (std::size_t step : {std::size_t{1}, std::size_t{1460}, stream.size()}) {
    EXPECT_THAT(Frames(stream, step), ElementsAre(Bytes(65535, 5)));
  }
}

// The bytes that a LENGTH announces cost no memory before they arrive, and payloads that were returned are not kept.
TEST(Framing, HoldsLessThanOneFrame) {
  FrameReader reader;
  reader.Append(Bytes{0xFF, 0xFF, 1});
  EXPECT_FALSE(reader.Next().has_value());
  EXPECT_EQ(reader.held(), 3u);
  FrameReader many;
  for (int i = 0; i < 1000; ++i) {
    many.Append(Bytes{0, 1, 1, 0, 2});
    while (many.Next().has_value()) {
    }
    many.Append(Bytes{1, 1});
    while (many.Next().has_value()) {
    }
    EXPECT_EQ(many.held(), 0u);
  }
}

}  // namespace
}  // namespace pinhole::ice
