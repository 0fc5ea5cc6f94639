#include "stun/integrity.h"

#include <nettle/hmac.h>

#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "stun/attributes_text.h"
#include "stun/fingerprint.h"

namespace pinhole::stun {
namespace {

std::string Repeated(char byte, std::size_t count) { return std::string(count, byte); }

std::string Hex(net::ByteView bytes) { return absl::BytesToHexString(AsText(bytes)); }

struct Row {
  std::string key, data, digest;
};

TEST(Rfc2202, Section3_HmacSha1TestCases) {
  const Row rows[] = {
      {Repeated(0x0b, 20), "Hi There", "b617318655057264e28bc0b6fb378c8ef146be00"},
      {"Jefe", "what do ya want for nothing?", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
      {Repeated('\xaa', 20), Repeated('\xdd', 50), "125d7342b9ac11cd91a39af48aa17b4f63f175d3"},
      {absl::HexStringToBytes("0102030405060708090a0b0c0d0e0f10111213141516171819"), Repeated('\xcd', 50),
       "4c9007f4026250c6bc8414f9bf50c86c2d7235da"},
      {Repeated(0x0c, 20), "Test With Truncation", "4c1a03424b55e07fe7f27be1d58bb9324a9a5a04"},
      {Repeated('\xaa', 80), "Test Using Larger Than Block-Size Key - Hash Key First",
       "aa4ae5e15272d00e95705637ce8a3b55ed402112"},
      {Repeated('\xaa', 80), "Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data",
       "e8e99d0f45237d786d6bbaa7965c7808bbff1a91"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(Hex(HmacSha1Key(absl::string_view(row.key)).Compute(AsBytes(row.data))), row.digest);
  }
}

TEST(Rfc4231, Section4_HmacSha256TestCases) {
  const Row rows[] = {
      {Repeated(0x0b, 20), "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {"Jefe", "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {Repeated('\xaa', 20), Repeated('\xdd', 50), "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
      {absl::HexStringToBytes("0102030405060708090a0b0c0d0e0f10111213141516171819"), Repeated('\xcd', 50),
       "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
      {Repeated('\xaa', 131), "Test Using Larger Than Block-Size Key - Hash Key First",
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
      {Repeated('\xaa', 131),
       "This is a test using a larger than block-size key and a larger than block-size data. The key needs to be "
       "hashed before being used by the HMAC algorithm.",
       "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(Hex(HmacSha256Key(absl::string_view(row.key)).Compute(AsBytes(row.data))), row.digest);
  }
  // Case 5 is printed cut to 128 bits.
  const Sha256Digest case5 =
      HmacSha256Key(absl::string_view(Repeated(0x0c, 20))).Compute(AsBytes("Test With Truncation"));
  EXPECT_EQ(Hex(net::ByteView(case5).first(16)), "a3b6167473100ee06e0c796c2955552b");
}

// Every length of text around the borders of block and padding (55, 56, 63, 64). The hash with bytes 2 and 3 replaced
// must be the hash of a copy with these bytes.
TEST(HmacSha1Key, ReplacedLengthHashesAsACopyWould) {
  const HmacSha1Key key("key");
  const HmacSha256Key key256("key");
  for (std::size_t size = 20; size < 200; ++size) {
    std::vector<std::uint8_t> text(size);
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<std::uint8_t>(i * 7);
    std::vector<std::uint8_t> changed = text;
    changed[2] = 0x12;
    changed[3] = 0x34;
    EXPECT_EQ(key.ComputeWithLength(text, 0x1234), key.Compute(changed)) << size;
    EXPECT_EQ(key256.ComputeWithLength(text, 0x1234), key256.Compute(changed)) << size;
  }
}

// FIPS 180-4 §5.1.1 pads the rest of a block. Every length of that rest is compared with another implementation.
TEST(HmacSha1Key, EveryLengthHashesAsNettleHas) {
  const std::string secret = "key";
  const HmacSha1Key key(secret);
  std::vector<std::uint8_t> text(300);
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<std::uint8_t>(i * 7 + 1);
  for (std::size_t size = 0; size <= text.size(); ++size) {
    hmac_sha1_ctx context;
    hmac_sha1_set_key(&context, secret.size(), reinterpret_cast<const std::uint8_t*>(secret.data()));
    hmac_sha1_update(&context, size, text.data());
    Sha1Digest expected;
    hmac_sha1_digest(&context, expected.size(), expected.data());
    EXPECT_EQ(key.Compute(net::ByteView(text).first(size)), expected) << size;
  }
}

TEST(HmacSha1Key, VerifyWantsAllTwentyBytes) {
  const HmacSha1Key key("key");
  const std::vector<std::uint8_t> text(30, 1);
  Sha1Digest digest = key.Compute(text);
  EXPECT_TRUE(key.Verify(text, digest));
  EXPECT_FALSE(key.Verify(text, net::ByteView(digest).first(19)));
  EXPECT_FALSE(key.Verify(text, {}));
  digest[19] ^= 1;
  EXPECT_FALSE(key.Verify(text, digest));
}

TEST(Rfc8489, Section9_2_2_LongTermKeyOfTheExample) {
  EXPECT_EQ(Hex(LongTermKeyMd5("user", "realm", "pass")), "8493fbc53ba582fb4c044c456bdc40eb");
}

// The published check value of this CRC. Each length of the rest after the eight-byte steps is compared with the
// bit-by-bit definition of RFC 1952 §8.
TEST(Rfc8489, Section14_7_Crc32IsThatOfV42) {
  EXPECT_EQ(Crc32(AsBytes("123456789")), 0xCBF43926u);
  EXPECT_EQ(Crc32({}), 0u);
  for (std::size_t size = 0; size < 70; ++size) {
    std::vector<std::uint8_t> bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 37 + size);
    std::uint32_t crc = 0xFFFFFFFF;
    for (std::uint8_t byte : bytes) {
      crc ^= byte;
      for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xEDB88320u : crc >> 1;
    }
    EXPECT_EQ(Crc32(bytes), ~crc) << size;
  }
}

}  // namespace
}  // namespace pinhole::stun
