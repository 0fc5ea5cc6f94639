// RFC 5769 and RFC 8489 B.1: every message is parsed, verified and built again.
#include "tests/stun/vectors.h"

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "stun/attributes.h"
#include "stun/fingerprint.h"
#include "stun/message.h"
#include "stun/message_builder.h"

namespace pinhole::stun {
namespace {

using ::testing::ElementsAreArray;
using vectors::FromHex;

net::SocketAddress Address(absl::string_view text) { return net::SocketAddress::Parse(text).value(); }

// The message as RFC 8489 §14 demands it: zeros as padding, integrity and fingerprint computed anew. This function
// writes the bytes itself, so that the builder is not compared with itself.
std::vector<std::uint8_t> WithZeroPadding(std::vector<std::uint8_t> message, const HmacSha1Key& key) {
  for (std::size_t at = 20; at < message.size();) {
    const std::size_t type = message[at] << 8 | message[at + 1];
    const std::size_t length = message[at + 2] << 8 | message[at + 3];
    const std::size_t end = at + 4 + (length + 3) / 4 * 4;
    for (std::size_t i = at + 4 + length; i < end; ++i) message[i] = 0;
    std::vector<std::uint8_t> before(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(at));
    before[2] = static_cast<std::uint8_t>((end - 20) >> 8);
    before[3] = static_cast<std::uint8_t>(end - 20);
    if (type == 0x0008) {
      const Sha1Digest digest = key.Compute(before);
      std::copy(digest.begin(), digest.end(), message.begin() + static_cast<std::ptrdiff_t>(at) + 4);
    } else if (type == 0x8028) {
      const std::uint32_t value = Crc32(before) ^ 0x5354554E;
      for (int i = 0; i < 4; ++i) message[at + 4 + i] = static_cast<std::uint8_t>(value >> (24 - 8 * i));
    }
    at = end;
  }
  return message;
}

TEST(Rfc5769, Section2_1_SampleRequestParsesAndVerifies) {
  const std::vector<std::uint8_t> bytes = FromHex(vectors::kSampleRequest);
  ASSERT_EQ(bytes.size(), 108u);
  const std::optional<MessageView> message = MessageView::Parse(bytes);
  ASSERT_TRUE(message.has_value());
  EXPECT_EQ(message->message_class(), MessageClass::kRequest);
  EXPECT_EQ(message->method(), Method::kBinding);
  EXPECT_EQ(message->Get<Software>().value().text, "STUN test client");
  EXPECT_EQ(message->Get<Priority>().value().value, 0x6E0001FFu);
  EXPECT_EQ(message->Get<IceControlled>().value().value, 0x932FF9B151263B36u);
  EXPECT_EQ(message->Get<Username>().value().text, "evtj:h6vY");
  EXPECT_TRUE(message->CheckIntegrity(HmacSha1Key(vectors::kIcePassword)));
  EXPECT_FALSE(message->CheckIntegrity(HmacSha1Key("VOkJxbRl1RmTxUk/WvJxBT")));
  EXPECT_TRUE(message->HasFingerprint());
  EXPECT_TRUE(message->FingerprintOk());
  EXPECT_FALSE(message->HasUnknownRequired(kIceAttributes));
}

TEST(Rfc5769, Section2_2_SampleIpv4ResponseParsesAndVerifies) {
  const std::vector<std::uint8_t> bytes = FromHex(vectors::kSampleIpv4Response);
  const std::optional<MessageView> message = MessageView::Parse(bytes);
  ASSERT_TRUE(message.has_value());
  EXPECT_EQ(message->message_class(), MessageClass::kSuccess);
  EXPECT_EQ(message->Get<Software>().value().text, "test vector");
  EXPECT_EQ(message->Get<XorMappedAddress>().value().address, Address("192.0.2.1:32853"));
  EXPECT_TRUE(message->CheckIntegrity(HmacSha1Key(vectors::kIcePassword)));
  EXPECT_TRUE(message->FingerprintOk());
}

TEST(Rfc5769, Section2_3_SampleIpv6ResponseParsesAndVerifies) {
  const std::vector<std::uint8_t> bytes = FromHex(vectors::kSampleIpv6Response);
  const std::optional<MessageView> message = MessageView::Parse(bytes);
  ASSERT_TRUE(message.has_value());
  EXPECT_EQ(message->Get<XorMappedAddress>().value().address, Address("[2001:db8:1234:5678:11:2233:4455:6677]:32853"));
  EXPECT_TRUE(message->CheckIntegrity(HmacSha1Key(vectors::kIcePassword)));
  EXPECT_TRUE(message->FingerprintOk());
}

TEST(Rfc5769, Section2_4_LongTermRequestParsesAndVerifies) {
  const std::vector<std::uint8_t> bytes = FromHex(vectors::kSampleLongTerm);
  const std::optional<MessageView> message = MessageView::Parse(bytes);
  ASSERT_TRUE(message.has_value());
  EXPECT_EQ(message->Get<Username>().value().text, vectors::kLongTermUsername);
  EXPECT_EQ(message->Get<Nonce>().value().text, vectors::kLongTermNonce);
  EXPECT_EQ(message->Get<Realm>().value().text, vectors::kLongTermRealm);
  const Md5Digest key = LongTermKeyMd5(vectors::kLongTermUsername, vectors::kLongTermRealm, vectors::kLongTermPassword);
  EXPECT_TRUE(message->CheckIntegrity(HmacSha1Key(net::ByteView(key))));
  EXPECT_FALSE(message->HasFingerprint());
  EXPECT_FALSE(message->FingerprintOk());
}

TEST(Rfc5769, Section2_1_RequestBuiltEqualsTheSampleWithZeroPadding) {
  const std::vector<std::uint8_t> sample = FromHex(vectors::kSampleRequest);
  const HmacSha1Key key(vectors::kIcePassword);
  std::array<std::uint8_t, kMessageBytesMax> buffer;
  buffer.fill(0xEE);
  MessageBuilder builder(buffer, MessageClass::kRequest, Method::kBinding,
                         MessageView::Parse(sample).value().transaction_id());
  builder.Add(Software{"STUN test client"})
      .Add(Priority{0x6E0001FF})
      .Add(IceControlled{0x932FF9B151263B36u})
      .Add(Username{"evtj:h6vY"})
      .AddIntegrity(key)
      .AddFingerprint();
  EXPECT_THAT(builder.Finish().value(), ElementsAreArray(WithZeroPadding(sample, key)));
}

TEST(Rfc5769, Section2_2And2_3_ResponsesBuiltEqualTheSamplesWithZeroPadding) {
  const HmacSha1Key key(vectors::kIcePassword);
  const struct {
    absl::string_view sample, address;
  } rows[] = {{vectors::kSampleIpv4Response, "192.0.2.1:32853"},
              {vectors::kSampleIpv6Response, "[2001:db8:1234:5678:11:2233:4455:6677]:32853"}};
  for (const auto& row : rows) {
    const std::vector<std::uint8_t> sample = FromHex(row.sample);
    std::array<std::uint8_t, kMessageBytesMax> buffer;
    buffer.fill(0xEE);
    MessageBuilder builder(buffer, MessageClass::kSuccess, Method::kBinding,
                           MessageView::Parse(sample).value().transaction_id());
    builder.Add(Software{"test vector"}).Add(XorMappedAddress{Address(row.address)}).AddIntegrity(key).AddFingerprint();
    EXPECT_THAT(builder.Finish().value(), ElementsAreArray(WithZeroPadding(sample, key)));
  }
}

TEST(Rfc5769, Section2_4_LongTermRequestBuiltEqualsTheSampleToTheByte) {
  const std::vector<std::uint8_t> sample = FromHex(vectors::kSampleLongTerm);
  const Md5Digest key = LongTermKeyMd5(vectors::kLongTermUsername, vectors::kLongTermRealm, vectors::kLongTermPassword);
  std::array<std::uint8_t, kMessageBytesMax> buffer;
  buffer.fill(0xEE);
  MessageBuilder builder(buffer, MessageClass::kRequest, Method::kBinding,
                         MessageView::Parse(sample).value().transaction_id());
  builder.Add(Username{vectors::kLongTermUsername})
      .Add(Nonce{vectors::kLongTermNonce})
      .Add(Realm{vectors::kLongTermRealm})
      .AddIntegrity(HmacSha1Key(net::ByteView(key)));
  EXPECT_THAT(builder.Finish().value(), ElementsAreArray(sample));
}

// The length field of RFC 8489 B.1 wrongly counts the header, so MessageView refuses the message. Its hashes are
// correct for the bytes as printed.
TEST(Rfc8489B1, PrintedBytesAreRefusedAsAMessageButTheirHashesVerify) {
  const std::vector<std::uint8_t> bytes = FromHex(vectors::kSampleSha256);
  ASSERT_EQ(bytes.size(), 156u);
  EXPECT_FALSE(MessageView::Parse(bytes).has_value());

  const Sha256Digest userhash = UserhashOf(vectors::kLongTermUsername, vectors::kLongTermRealm);
  EXPECT_THAT(net::ByteView(bytes).subspan(24, 32), ElementsAreArray(userhash));
  const Sha256Digest key =
      LongTermKeySha256(vectors::kLongTermUsername, vectors::kLongTermRealm, vectors::kLongTermPassword);
  const net::ByteView text = net::ByteView(bytes).first(bytes.size() - kIntegritySha256Bytes);
  EXPECT_TRUE(HmacSha256Key(net::ByteView(key)).Verify(text, net::ByteView(bytes).last(32)));
}

TEST(Rfc8489B1, WithLengthCorrectedAndHmacRecomputedItParsesAndVerifies) {
  std::vector<std::uint8_t> bytes = FromHex(vectors::kSampleSha256);
  bytes[3] = 0x88;
  const Sha256Digest key =
      LongTermKeySha256(vectors::kLongTermUsername, vectors::kLongTermRealm, vectors::kLongTermPassword);
  const HmacSha256Key hmac_key{net::ByteView(key)};
  EXPECT_FALSE(MessageView::Parse(bytes).value().CheckIntegritySha256(hmac_key));
  const Sha256Digest digest = hmac_key.Compute(net::ByteView(bytes).first(bytes.size() - kIntegritySha256Bytes));
  std::copy(digest.begin(), digest.end(), bytes.end() - 32);

  const std::optional<MessageView> message = MessageView::Parse(bytes);
  ASSERT_TRUE(message.has_value());
  EXPECT_TRUE(message->CheckIntegritySha256(hmac_key));
  EXPECT_EQ(message->Get<Userhash>().value().hash, UserhashOf(vectors::kLongTermUsername, vectors::kLongTermRealm));
  EXPECT_EQ(message->Get<Nonce>().value().text, "obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA");
  EXPECT_EQ(message->Get<Realm>().value().text, "example.org");

  std::array<std::uint8_t, kMessageBytesMax> buffer;
  MessageBuilder builder(buffer, MessageClass::kRequest, Method::kBinding, message->transaction_id());
  builder.Add(Userhash{message->Get<Userhash>().value().hash})
      .Add(Nonce{message->Get<Nonce>().value().text})
      .Add(Realm{"example.org"})
      .AddIntegritySha256(hmac_key);
  EXPECT_THAT(builder.Finish().value(), ElementsAreArray(bytes));
}

}  // namespace
}  // namespace pinhole::stun
