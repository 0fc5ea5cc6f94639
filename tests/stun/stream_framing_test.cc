#include "stun/stream_framing.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/random.h"
#include "stun/message_builder.h"

namespace pinhole::stun {
namespace {

using Fault = StreamSplitter::Fault;
using Bytes = std::vector<std::uint8_t>;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr TransactionId kId = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}};

// A Binding request with one attribute of `length` bytes.
Bytes Stun(std::size_t length) {
  Bytes buffer(kStreamMessageBytesMax);
  MessageBuilder message(buffer, MessageClass::kRequest, Method::kBinding, kId);
  message.AppendBytes(static_cast<AttributeType>(0xC001), Bytes(length, 0xAB));
  buffer.resize(message.Finish().value().size());
  return buffer;
}

Bytes ChannelData(std::uint16_t channel, std::size_t length, std::uint8_t fill = 0xCD) {
  Bytes bytes(PaddedChannelDataBytes(length));
  WriteChannelDataHeader(bytes, channel, length);
  std::fill_n(bytes.begin() + kChannelDataHeaderBytes, length, fill);
  return bytes;
}

Bytes WithoutPadding(Bytes channel_data) {
  channel_data.resize(kChannelDataHeaderBytes + net::LoadU16(&channel_data[2]));
  return channel_data;
}

Bytes Joined(const std::vector<Bytes>& parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

// The messages that the splitter returns if `stream` arrives in pieces of at most `step` bytes.
std::vector<Bytes> Split(StreamSplitter& splitter, net::ByteView stream, std::size_t step) {
  std::vector<Bytes> messages;
  while (!stream.empty() && splitter.fault() == Fault::kNone) {
    const std::span<std::uint8_t> space = splitter.Space();
    if (space.empty()) break;
    const std::size_t count = std::min({step, stream.size(), space.size()});
    std::copy_n(stream.begin(), count, space.begin());
    splitter.Filled(count);
    stream = stream.subspan(count);
    while (const auto message = splitter.Next()) messages.emplace_back(message->begin(), message->end());
  }
  return messages;
}

TEST(StreamSplitter, Rfc8489Section6_2_2MessagesFollowEachOtherWithoutFraming) {
  const Bytes first = Stun(8), second = Stun(0), third = Stun(1200);
  const Bytes stream = Joined({first, second, third});
  for (const std::size_t step : {std::size_t{1}, std::size_t{3}, std::size_t{19}, stream.size()}) {
    SCOPED_TRACE(step);
    StreamSplitter splitter;
    EXPECT_THAT(Split(splitter, stream, step), ElementsAre(first, second, third));
    EXPECT_EQ(splitter.fault(), Fault::kNone);
    EXPECT_TRUE(splitter.rest().empty());
  }
}

TEST(StreamSplitter, Rfc8656Section12_5ChannelDataIsPaddedToAMultipleOfFour) {
  EXPECT_EQ(PaddedChannelDataBytes(0), 4u);
  EXPECT_EQ(PaddedChannelDataBytes(1), 8u);
  EXPECT_EQ(PaddedChannelDataBytes(4), 8u);
  EXPECT_EQ(PaddedChannelDataBytes(65535), 65540u);
  for (std::size_t length = 0; length <= 9; ++length) {
    SCOPED_TRACE(length);
    const Bytes data = ChannelData(0x4FFF, length), stun = Stun(4);
    StreamSplitter splitter;
    EXPECT_THAT(Split(splitter, Joined({data, stun, data}), 5),
                ElementsAre(WithoutPadding(data), stun, WithoutPadding(data)));
  }
}

TEST(StreamSplitter, AMessageWaitsForItsLastByteAndChannelDataForItsPadding) {
  for (const Bytes& message : {Stun(8), ChannelData(0x4000, 5)}) {
    StreamSplitter splitter;
    EXPECT_THAT(Split(splitter, net::ByteView(message).first(message.size() - 1), 1), IsEmpty());
    EXPECT_EQ(splitter.rest().size(), message.size() - 1);
    EXPECT_EQ(Split(splitter, net::ByteView(message).last(1), 1).size(), 1u);
  }
}

TEST(StreamSplitter, TheLongestMessagesFit) {
  const Bytes stun = Stun(0xFFFC - 4), data = ChannelData(0x4000, 0xFFFF);
  ASSERT_EQ(stun.size(), kStreamMessageBytesMax);
  StreamSplitter splitter;
  EXPECT_THAT(Split(splitter, Joined({stun, data}), 4096), ElementsAre(stun, WithoutPadding(data)));
  EXPECT_LE(splitter.Space().size(), kStreamMessageBytesMax);
}

TEST(StreamSplitter, RoomGrowsWithTheMessageThatIsComingIn) {
  StreamSplitter splitter;
  EXPECT_LE(splitter.Space().size(), 2048u);
  const Bytes data = ChannelData(0x4000, 60000);
  Split(splitter, net::ByteView(data).first(100), 100);
  EXPECT_GE(splitter.Space().size(), data.size() - 100);
  EXPECT_LE(splitter.Space().size(), data.size());
}

TEST(StreamSplitter, Rfc8656Section12_6ReservedChannelsArePassedOver) {
  const Bytes good = ChannelData(0x4000, 3);
  StreamSplitter splitter;
  EXPECT_THAT(Split(splitter, Joined({ChannelData(0x5000, 7), good, ChannelData(0x7FFF, 0), good}), 6),
              ElementsAre(WithoutPadding(good), WithoutPadding(good)));
  EXPECT_EQ(splitter.fault(), Fault::kNone);
}

TEST(StreamSplitter, BytesThatCannotBeThereEndTheStreamWithTheReason) {
  struct Row {
    const char* what;
    Bytes bytes;
    Fault fault;
  };
  Bytes no_cookie = Stun(8), odd = Stun(8);
  no_cookie[4] ^= 1;
  odd[3] += 2;
  const Row rows[] = {
      {"RTP", {0x80, 0, 0, 0}, Fault::kNeitherStunNorChannelData},
      {"all ones", Bytes(100, 0xFF), Fault::kNeitherStunNorChannelData},
      {"TLS ClientHello", {0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC}, Fault::kNoMagicCookie},
      {"the cookie is wrong", no_cookie, Fault::kNoMagicCookie},
      {"the length is 14", odd, Fault::kBadLength},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    const Bytes good = Stun(4);
    StreamSplitter splitter;
    // Messages before the fault are still returned. After it nothing is, even if the bytes are correct.
    EXPECT_THAT(Split(splitter, Joined({good, row.bytes, good}), 1000), ElementsAre(good));
    EXPECT_EQ(splitter.fault(), row.fault);
    EXPECT_TRUE(splitter.Space().empty());
    EXPECT_FALSE(splitter.Next().has_value());
  }
}

TEST(StreamSplitter, AMessageBeyondTheLimitEndsTheStreamBeforeItHasCome) {
  StreamSplitter splitter({.message_bytes_max = 100});
  const Bytes fits = Stun(100 - kHeaderBytes - 4), longer = Stun(100 - kHeaderBytes);
  const Bytes beginning(longer.begin(), longer.begin() + 8);
  EXPECT_THAT(Split(splitter, Joined({fits, beginning}), 8), ElementsAre(fits));
  EXPECT_EQ(splitter.fault(), Fault::kTooLong);

  StreamSplitter raised({.message_bytes_max = 100});
  raised.set_message_bytes_max(104);
  EXPECT_THAT(Split(raised, longer, 8), ElementsAre(longer));
}

TEST(StreamSplitter, RestIsWhatFollowsTheLastMessage) {
  const Bytes bind = Stun(0);
  StreamSplitter splitter;
  const Bytes stream = Joined({bind, {'h', 'e', 'l', 'l', 'o'}});
  const std::span<std::uint8_t> space = splitter.Space();
  std::copy(stream.begin(), stream.end(), space.begin());
  splitter.Filled(stream.size());
  ASSERT_TRUE(splitter.Next().has_value());
  EXPECT_THAT(Bytes(splitter.rest().begin(), splitter.rest().end()), ElementsAre('h', 'e', 'l', 'l', 'o'));
}

}  // namespace
}  // namespace pinhole::stun
