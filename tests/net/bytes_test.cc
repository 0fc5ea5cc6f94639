#include "net/bytes.h"

#include <array>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pinhole::net {
namespace {

using ::testing::ElementsAre;
using ::testing::Optional;

constexpr std::uint8_t kCount[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

TEST(ByteReader, ReadsNetworkOrder) {
  ByteReader reader(kCount);
  EXPECT_THAT(reader.ReadU8(), Optional(0x01));
  EXPECT_THAT(reader.ReadU16(), Optional(0x0203));
  EXPECT_THAT(reader.ReadU32(), Optional(0x04050607u));
  EXPECT_THAT(reader.ReadU64(), Optional(0x08090a0b0c0d0e0fu));
  EXPECT_EQ(reader.remaining(), 0u);
}

TEST(ByteReader, PastTheEndGivesNothingAndStays) {
  ByteReader reader(ByteView(kCount, 1));
  EXPECT_EQ(reader.ReadU16(), std::nullopt);
  EXPECT_EQ(reader.ReadU32(), std::nullopt);
  EXPECT_EQ(reader.ReadU64(), std::nullopt);
  EXPECT_FALSE(reader.ReadBytes(2).has_value());
  EXPECT_FALSE(reader.Skip(2));
  EXPECT_EQ(reader.position(), 0u);
  EXPECT_THAT(reader.ReadU8(), Optional(1));
  EXPECT_EQ(reader.ReadU8(), std::nullopt);
  EXPECT_EQ(reader.position(), 1u);
}

TEST(ByteReader, OneByteShortOfEachWidthIsRefused) {
  for (const std::size_t size : {0u, 1u, 2u, 3u, 4u, 7u, 8u}) {
    SCOPED_TRACE(size);
    const ByteView view(kCount, size);
    EXPECT_EQ(ByteReader(view).ReadU8().has_value(), size >= 1);
    EXPECT_EQ(ByteReader(view).ReadU16().has_value(), size >= 2);
    EXPECT_EQ(ByteReader(view).ReadU32().has_value(), size >= 4);
    EXPECT_EQ(ByteReader(view).ReadU64().has_value(), size >= 8);
  }
}

TEST(ByteReader, ACountThatWouldOverflowThePositionIsRefused) {
  ByteReader reader(kCount);
  ASSERT_TRUE(reader.Skip(4));
  EXPECT_FALSE(reader.Skip(static_cast<std::size_t>(-1)));
  EXPECT_FALSE(reader.ReadBytes(static_cast<std::size_t>(-4)).has_value());
  EXPECT_EQ(reader.position(), 4u);
}

TEST(ByteReader, BytesAreAViewIntoTheInput) {
  ByteReader reader(kCount);
  ASSERT_TRUE(reader.Skip(3));
  const std::optional<ByteView> bytes = reader.ReadBytes(2);
  ASSERT_TRUE(bytes.has_value());
  EXPECT_EQ(bytes->data(), kCount + 3);
  EXPECT_EQ(bytes->size(), 2u);
}

TEST(ByteWriter, WritesNetworkOrder) {
  std::array<std::uint8_t, 20> buffer = {};
  ByteWriter writer(buffer);
  writer.WriteU8(0x01);
  writer.WriteU16(0x0203);
  writer.WriteU32(0x04050607);
  writer.WriteU64(0x08090a0b0c0d0e0f);
  writer.WriteZeros(2);
  writer.WriteBytes(ByteView(kCount, 3));
  EXPECT_TRUE(writer.ok());
  const ByteView written = writer.written();
  EXPECT_THAT(std::vector<int>(written.begin(), written.end()),
              ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 0, 1, 2, 3));
}

TEST(ByteWriter, AWriteThatDoesNotFitChangesNothingAndIsRemembered) {
  std::array<std::uint8_t, 4> buffer = {9, 9, 9, 9};
  ByteWriter writer(buffer);
  writer.WriteU16(0x0102);
  writer.WriteU32(0x03040506);
  EXPECT_FALSE(writer.ok());
  EXPECT_EQ(writer.size(), 2u);
  EXPECT_THAT(buffer, ElementsAre(1, 2, 9, 9));
  writer.WriteU8(7);  // would fit, but the message is already broken
  EXPECT_FALSE(writer.ok());
  EXPECT_THAT(buffer, ElementsAre(1, 2, 9, 9));
}

TEST(ByteWriter, FillsTheBufferToTheLastByte) {
  std::array<std::uint8_t, 8> buffer = {};
  ByteWriter writer(buffer);
  writer.WriteU64(1);
  EXPECT_TRUE(writer.ok());
  writer.WriteBytes({});
  writer.WriteZeros(0);
  EXPECT_TRUE(writer.ok()) << "nothing always fits";
  writer.WriteZeros(1);
  EXPECT_FALSE(writer.ok());
}

TEST(Bytes, LoadUndoesStore) {
  std::uint8_t p[8];
  StoreU16(p, 0xfedc);
  EXPECT_EQ(p[0], 0xfe);
  EXPECT_EQ(LoadU16(p), 0xfedc);
  StoreU32(p, 0xfedcba98);
  EXPECT_EQ(p[3], 0x98);
  EXPECT_EQ(LoadU32(p), 0xfedcba98u);
  StoreU64(p, 0xfedcba9876543210);
  EXPECT_EQ(p[7], 0x10);
  EXPECT_EQ(LoadU64(p), 0xfedcba9876543210u);
}

}  // namespace
}  // namespace pinhole::net
