// Parsing and building of messages: refused messages, attributes that are found, and hostile bytes, which must do no
// harm.
#include "stun/message.h"

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/random.h"
#include "stun/attributes.h"
#include "stun/demux.h"
#include "stun/message_builder.h"
#include "tests/stun/vectors.h"

namespace pinhole::stun {
namespace {

using ::testing::ElementsAre;
using vectors::FromHex;

constexpr absl::string_view kHeader = "0001 0000 2112a442 000102030405060708090a0b";

// A Binding request with these attributes and the correct length in its header.
std::vector<std::uint8_t> WithAttributes(absl::string_view attributes) {
  std::vector<std::uint8_t> bytes = FromHex(kHeader);
  const std::vector<std::uint8_t> more = FromHex(attributes);
  bytes.insert(bytes.end(), more.begin(), more.end());
  net::StoreU16(&bytes[2], static_cast<std::uint16_t>(more.size()));
  return bytes;
}

// Reads everything that can be read, so that a sanitizer sees every access.
void ReadAll(const MessageView& message) {
  for (unsigned type = 0; type <= 0xFFFF; type += type == 0x50 ? 0x7FA0 : type == 0x8050 ? 0x7F00 : 1) {
    (void)message.Find(static_cast<AttributeType>(type));
  }
  std::array<AttributeType, 8> unknown;
  (void)message.UnknownRequired(AttributeSet{}, unknown);
  (void)message.FingerprintOk();
  (void)message.CheckIntegrity(HmacSha1Key("x"));
  (void)message.CheckIntegritySha256(HmacSha256Key("x"));
  (void)message.Get<MappedAddress>();
  (void)message.Get<XorMappedAddress>();
  (void)message.Get<XorPeerAddress>();
  (void)message.Get<ErrorCode>();
  (void)message.Get<UnknownAttributes>();
  (void)message.Get<AddressErrorCode>();
  (void)message.Get<Userhash>();
  (void)message.Get<PasswordAlgorithm>();
  if (const auto algorithms = message.Get<PasswordAlgorithms>()) (void)algorithms->FirstOf({});
  (void)message.Get<ChannelNumber>();
  (void)message.Get<RequestedAddressFamily>();
  (void)message.Get<EvenPort>();
  (void)message.Get<RequestedTransport>();
  (void)message.Get<ReservationToken>();
  (void)message.Get<Icmp>();
  (void)message.Get<ChangeRequest>();
  (void)message.Get<ResponsePort>();
  (void)message.Get<Lifetime>();
  (void)message.Get<IceControlled>();
}

TEST(MessageView, EncodesClassAndMethodAsRfc8489Figure3) {
  EXPECT_EQ(EncodeType(MessageClass::kRequest, Method::kBinding), 0x0001);
  EXPECT_EQ(EncodeType(MessageClass::kIndication, Method::kBinding), 0x0011);
  EXPECT_EQ(EncodeType(MessageClass::kSuccess, Method::kBinding), 0x0101);
  EXPECT_EQ(EncodeType(MessageClass::kError, Method::kBinding), 0x0111);
  EXPECT_EQ(EncodeType(MessageClass::kError, Method::kAllocate), 0x0113);
  EXPECT_EQ(EncodeType(MessageClass::kIndication, Method::kSend), 0x0016);
  for (unsigned type = 0; type < 0x4000; ++type) {
    EXPECT_EQ(EncodeType(DecodeClass(static_cast<std::uint16_t>(type)), DecodeMethod(static_cast<std::uint16_t>(type))),
              type);
  }
}

struct RefusedRow {
  const char* why;
  absl::string_view hex;
};
constexpr RefusedRow kRefused[] = {
    {"nothing", ""},
    {"shorter than a header", "0001 0000 2112a442 000102030405060708090a"},
    {"first bit set", "8001 0000 2112a442 000102030405060708090a0b"},
    {"second bit set", "4001 0000 2112a442 000102030405060708090a0b"},
    {"another cookie", "0001 0000 2112a443 000102030405060708090a0b"},
    {"length longer than the datagram", "0001 0004 2112a442 000102030405060708090a0b"},
    {"length shorter than the datagram", "0001 0000 2112a442 000102030405060708090a0b 80220000"},
    {"length no multiple of 4", "0001 0002 2112a442 000102030405060708090a0b 8022"},
    {"length that counts the header", "0001 0018 2112a442 000102030405060708090a0b 80220000"},
    {"value past the end", "0001 0004 2112a442 000102030405060708090a0b 80220001"},
    {"value far past the end", "0001 0004 2112a442 000102030405060708090a0b 8022ffff"},
    {"padding past the end", "0001 0008 2112a442 000102030405060708090a0b 80220005 61626364"},
    {"something behind FINGERPRINT", "0001 000c 2112a442 000102030405060708090a0b 80280004 00000000 80220000"},
};

TEST(MessageView, RefusesWhatIsNotOneWholeMessage) {
  for (const RefusedRow& row : kRefused) {
    EXPECT_FALSE(MessageView::Parse(FromHex(row.hex)).has_value()) << row.why;
  }
  EXPECT_TRUE(MessageView::Parse(FromHex(kHeader)).has_value());
}

TEST(MessageView, EveryTruncationOfEveryVectorIsRefused) {
  for (absl::string_view hex : {vectors::kSampleRequest, vectors::kSampleIpv4Response, vectors::kSampleIpv6Response,
                                vectors::kSampleLongTerm}) {
    const std::vector<std::uint8_t> whole = FromHex(hex);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      // A copy of exactly this size, so that a read past its end is a read past the allocation.
      const std::vector<std::uint8_t> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      EXPECT_FALSE(MessageView::Parse(cut).has_value()) << size;
    }
  }
}

// The header's length is reduced with the message. The attributes before the cut then are a message, or the last one
// runs past the end.
TEST(MessageView, EveryTruncationWithMatchingLengthIsReadWithinItsBytes) {
  const std::vector<std::uint8_t> whole = FromHex(vectors::kSampleRequest);
  int parsed = 0;
  for (std::size_t size = 20; size < whole.size(); size += 4) {
    std::vector<std::uint8_t> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    net::StoreU16(&cut[2], static_cast<std::uint16_t>(size - 20));
    if (const std::optional<MessageView> message = MessageView::Parse(cut)) {
      ++parsed;
      ReadAll(*message);
      EXPECT_FALSE(message->CheckIntegrity(HmacSha1Key(vectors::kIcePassword)) && size < 100);
    }
  }
  EXPECT_EQ(parsed, 6);  // after the header and after each of the first five attributes
}

TEST(MessageView, EveryBitFlippedInTheSampleBreaksItsFingerprint) {
  const std::vector<std::uint8_t> whole = FromHex(vectors::kSampleRequest);
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::vector<std::uint8_t> bytes = whole;
    bytes[bit / 8] ^= static_cast<std::uint8_t>(1 << (bit % 8));
    const std::optional<MessageView> message = MessageView::Parse(bytes);
    if (!message.has_value()) continue;
    ReadAll(*message);
    EXPECT_FALSE(message->FingerprintOk()) << bit;
  }
}

TEST(MessageView, RandomBytesBehindAHeaderAreReadWithinTheirBytes) {
  net::SeededRandom random(1, "message_test");
  for (int round = 0; round < 3000; ++round) {
    std::vector<std::uint8_t> bytes(20 + 4 * random.Below(40));
    random.Fill(bytes);
    net::StoreU16(&bytes[0], static_cast<std::uint16_t>(random.Below(0x4000)));
    net::StoreU16(&bytes[2], static_cast<std::uint16_t>(bytes.size() - 20));
    net::StoreU32(&bytes[4], kMagicCookie);
    // Short lengths, or hardly any of these would parse.
    for (std::size_t at = 20; at + 4 <= bytes.size();) {
      net::StoreU16(&bytes[at], static_cast<std::uint16_t>(random.Below(2) * 0x8000 + random.Below(0x30)));
      net::StoreU16(&bytes[at + 2], static_cast<std::uint16_t>(random.Below(12)));
      at += 4 + (net::LoadU16(&bytes[at + 2]) + 3) / 4 * 4;
    }
    if (const std::optional<MessageView> message = MessageView::Parse(bytes)) ReadAll(*message);
  }
}

TEST(MessageView, SixtyFourKibibytesOfEmptyAttributes) {
  std::vector<std::uint8_t> bytes = FromHex(kHeader);
  bytes.resize(20 + 65480, 0);
  for (std::size_t at = 20; at < bytes.size(); at += 4)
    net::StoreU16(&bytes[at], static_cast<std::uint16_t>(0x100 + at / 4));
  net::StoreU16(&bytes[2], 65480);
  const std::optional<MessageView> message = MessageView::Parse(bytes);
  ASSERT_TRUE(message.has_value());
  std::array<AttributeType, UnknownAttributes::kTypesMax> unknown;
  EXPECT_EQ(message->UnknownRequired(kIceAttributes, unknown), unknown.size());
  EXPECT_TRUE(message->Has(static_cast<AttributeType>(0x1234)));

  std::vector<std::uint8_t> one_value = FromHex(kHeader);
  one_value.resize(20 + 4 + 65476, 0xAB);
  net::StoreU16(&one_value[2], 65480);
  net::StoreU16(&one_value[20], 0x8022);
  net::StoreU16(&one_value[22], 65476);
  EXPECT_EQ(MessageView::Parse(one_value).value().Find(AttributeType::kSoftware)->size(), 65476u);
  EXPECT_FALSE(MessageView::Parse(one_value).value().Get<Software>().has_value());  // longer than 763

  std::vector<std::uint8_t> too_long = FromHex(kHeader);
  too_long.resize(20 + 65532, 0);
  net::StoreU16(&too_long[2], 65532);
  EXPECT_FALSE(MessageView::Parse(too_long).has_value());  // longer than any UDP datagram
}

TEST(MessageView, FindsTheFirstOfAType) {
  const std::vector<std::uint8_t> bytes = WithAttributes("80220001 61000000 80220001 62000000 c0010001 63000000");
  const MessageView message = MessageView::Parse(bytes).value();
  EXPECT_EQ(message.Get<Software>().value().text, "a");
  EXPECT_EQ(AsText(*message.Find(static_cast<AttributeType>(0xC001))), "c");
  EXPECT_FALSE(message.Has(static_cast<AttributeType>(0xC002)));
  EXPECT_FALSE(message.Has(AttributeType::kUsername));
}

TEST(MessageView, TellsAbsentFromMalformed) {
  const std::vector<std::uint8_t> bytes = WithAttributes("00240003 01020300");
  const MessageView message = MessageView::Parse(bytes).value();
  EXPECT_TRUE(message.Has(AttributeType::kPriority));
  EXPECT_FALSE(message.Get<Priority>().has_value());
}

TEST(MessageView, ListsUnknownRequiredTypesOnceInOrder) {
  // 0x7FFF and 0x0021 are unknown and required, 0x8021 unknown and optional, 0x0024 known to ICE only.
  const std::vector<std::uint8_t> bytes =
      WithAttributes("7fff0000 80210000 00210000 7fff0000 00240004 00000001 00060000");
  const MessageView message = MessageView::Parse(bytes).value();
  std::array<AttributeType, 8> unknown;
  ASSERT_EQ(message.UnknownRequired(kIceAttributes, unknown), 2u);
  EXPECT_THAT(std::span(unknown).first(2),
              ElementsAre(static_cast<AttributeType>(0x7FFF), static_cast<AttributeType>(0x0021)));
  EXPECT_EQ(message.UnknownRequired(kBaseAttributes, unknown), 3u);
  EXPECT_EQ(message.UnknownRequired(kBaseAttributes, std::span(unknown).first(1)), 1u);
}

TEST(MessageView, WrongLengthOfAnIntegrityAttributeNeverVerifies) {
  for (absl::string_view hex :
       {"00080000", "00080004 00000000", "000800150000000000000000000000000000000000000000000000 00", "001c0000",
        "001c0010 00000000000000000000000000000000", "80280000", "80280008 0000000000000000"}) {
    const std::vector<std::uint8_t> bytes = WithAttributes(hex);
    const std::optional<MessageView> message = MessageView::Parse(bytes);
    ASSERT_TRUE(message.has_value()) << hex;
    ReadAll(*message);
    EXPECT_FALSE(message->CheckIntegrity(HmacSha1Key("x")));
    EXPECT_FALSE(message->CheckIntegritySha256(HmacSha256Key("x")));
    EXPECT_FALSE(message->FingerprintOk());
  }
}

TEST(MessageBuilder, FailsForGoodWhenTheBufferIsTooSmall) {
  const HmacSha1Key key("key");
  const HmacSha256Key key256("key");
  const auto build = [&](std::span<std::uint8_t> buffer) {
    MessageBuilder message(buffer, MessageClass::kRequest, Method::kBinding, TransactionId{});
    message.Add(Software{"abc"}).Add(Priority{1}).AddIntegrity(key).AddIntegritySha256(key256).AddFingerprint();
    return message.Finish();
  };
  constexpr std::size_t kSize = 20 + 8 + 8 + 24 + 36 + 8;
  for (std::size_t size = 0; size <= kSize + 8; ++size) {
    std::vector<std::uint8_t> buffer(size);
    EXPECT_EQ(build(buffer).has_value(), size >= kSize) << size;
  }
}

TEST(MessageBuilder, RefusesTheWrongOrderOfTheLastAttributes) {
  const HmacSha1Key key("key");
  const HmacSha256Key key256("key");
  std::array<std::uint8_t, 256> buffer;
  const auto fresh = [&] { return MessageBuilder(buffer, MessageClass::kRequest, Method::kBinding, TransactionId{}); };
  EXPECT_FALSE(fresh().AddIntegrity(key).Add(Priority{1}).Finish().has_value());
  EXPECT_FALSE(fresh().AddFingerprint().AddIntegrity(key).Finish().has_value());
  EXPECT_FALSE(fresh().AddIntegritySha256(key256).AddIntegrity(key).Finish().has_value());
  EXPECT_FALSE(fresh().AddFingerprint().AddFingerprint().Finish().has_value());
  EXPECT_TRUE(fresh().AddIntegrity(key).AddIntegritySha256(key256).AddFingerprint().Finish().has_value());
}

TEST(MessageBuilder, BothIntegritiesAndFingerprintVerify) {
  const HmacSha1Key key("key");
  const HmacSha256Key key256("key");
  std::array<std::uint8_t, 256> buffer;
  MessageBuilder builder(buffer, MessageClass::kRequest, Method::kBinding, TransactionId{});
  builder.Add(Username{"u"}).AddIntegrity(key).AddIntegritySha256(key256).AddFingerprint();
  const MessageView message = MessageView::Parse(*builder.Finish()).value();
  EXPECT_TRUE(message.CheckIntegrity(key));
  EXPECT_TRUE(message.CheckIntegritySha256(key256));
  EXPECT_TRUE(message.FingerprintOk());
  buffer[8] ^= 1;  // the transaction id
  const MessageView changed = MessageView::Parse(message.bytes()).value();
  EXPECT_FALSE(changed.CheckIntegrity(key));
  EXPECT_FALSE(changed.CheckIntegritySha256(key256));
  EXPECT_FALSE(changed.FingerprintOk());
}

TEST(Demux, LooksLikeChannelDataNeedsAHeader) {
  EXPECT_TRUE(LooksLikeChannelData(FromHex("40000000")));
  EXPECT_TRUE(LooksLikeChannelData(FromHex("4fff0000")));
  EXPECT_FALSE(LooksLikeChannelData(FromHex("400000")));
  EXPECT_FALSE(LooksLikeChannelData(FromHex("50000000")));
  EXPECT_FALSE(LooksLikeChannelData(FromHex("3fff0000")));
}

}  // namespace
}  // namespace pinhole::stun
