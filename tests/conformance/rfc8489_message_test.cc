// One test per MUST of RFC 8489 §5-§7 and §14 that applies (rfc8489.md lists the others).
#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/random.h"
#include "stun/attributes.h"
#include "stun/binding_server.h"
#include "stun/client_transaction.h"
#include "stun/demux.h"
#include "stun/fingerprint.h"
#include "stun/message.h"
#include "stun/message_builder.h"

namespace pinhole::stun {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;

constexpr TransactionId kId = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}};
const net::SocketAddress kFrom(net::IpAddress::V4(203, 0, 113, 5), 40000);

template <typename Add>
std::vector<std::uint8_t> Build(MessageClass message_class, Method method, Add add) {
  std::vector<std::uint8_t> buffer(2000, 0xEE);
  MessageBuilder message(buffer, message_class, method, kId);
  add(message);
  const net::ByteView bytes = message.Finish().value();
  return std::vector<std::uint8_t>(bytes.begin(), bytes.end());
}
template <typename Add>
std::vector<std::uint8_t> Request(Add add) {
  return Build(MessageClass::kRequest, Method::kBinding, add);
}

// The bytes of the server's response; empty if there is none.
std::vector<std::uint8_t> Answer(net::ByteView datagram, const BindingServer::Options& options = {}) {
  std::array<std::uint8_t, kMessageBytesMax> buffer;
  const std::optional<net::ByteView> answer = BindingServer(options).Respond(datagram, kFrom, buffer);
  if (!answer.has_value()) return {};
  return std::vector<std::uint8_t>(answer->begin(), answer->end());
}
int CodeOf(net::ByteView message) {
  const std::optional<ErrorCode> error = MessageView::Parse(message).value().Get<ErrorCode>();
  return error.has_value() ? error->code : 0;
}
const auto kNothing = [](MessageBuilder&) {};

TEST(Rfc8489, Section5_FirstTwoBitsAreZero) {
  std::vector<std::uint8_t> bytes = Request(kNothing);
  EXPECT_EQ(bytes[0] & 0xC0, 0);
  EXPECT_EQ(EncodeType(MessageClass::kError, static_cast<Method>(0xFFF)) & 0xC000, 0);
  for (std::uint8_t bits : {0x40, 0x80, 0xC0}) {
    bytes[0] = bits;
    EXPECT_TRUE(Answer(bytes).empty());
  }
}

TEST(Rfc8489, Section5_MagicCookieIsFixed) {
  std::vector<std::uint8_t> bytes = Request(kNothing);
  EXPECT_EQ(net::LoadU32(&bytes[4]), 0x2112A442u);
  for (int bit = 0; bit < 32; ++bit) {
    std::vector<std::uint8_t> other = bytes;
    other[4 + bit / 8] ^= static_cast<std::uint8_t>(1 << (bit % 8));
    EXPECT_TRUE(Answer(other).empty());
  }
}

// Each bit is one about as often as zero, and no transaction id comes twice.
TEST(Rfc8489, Section5_TransactionIdIsUniformOver96Bits) {
  net::SeededRandom random(3, "transaction ids");
  std::set<TransactionId> seen;
  std::array<int, 96> ones = {};
  constexpr int kDraws = 4000;
  for (int i = 0; i < kDraws; ++i) {
    const TransactionId id = TransactionId::Random(random);
    seen.insert(id);
    for (std::size_t bit = 0; bit < ones.size(); ++bit) ones[bit] += (id.bytes[bit / 8] >> (bit % 8)) & 1;
  }
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(kDraws));
  for (int count : ones) EXPECT_NEAR(count, kDraws / 2, 5 * 32);  // five standard deviations
}

TEST(Rfc8489, Section5_ResendsAreTheSameBytes) {
  const std::vector<std::uint8_t> request = Request([](MessageBuilder& m) { m.Add(Software{"x"}); });
  ClientTransaction transaction(net::Instant(), request);
  int sends = 0;
  for (;;) {
    while (const auto output = transaction.PollOutput()) {
      if (const auto* send = std::get_if<ClientTransaction::SendRequest>(&*output)) {
        ++sends;
        EXPECT_THAT(send->bytes, ElementsAreArray(request));
      }
    }
    if (transaction.NextTimer() == net::kNever) break;
    transaction.OnTimer(transaction.NextTimer());
  }
  EXPECT_EQ(sends, 7);
}

TEST(Rfc8489, Section5_ResponsesCarryTheTransactionIdOfTheRequest) {
  EXPECT_EQ(MessageView::Parse(Answer(Request(kNothing))).value().transaction_id(), kId);
  const auto error = Answer(Request([](MessageBuilder& m) { m.Add(ChangeRequest{}); }));
  EXPECT_EQ(CodeOf(error), 420);
  EXPECT_EQ(MessageView::Parse(error).value().transaction_id(), kId);
}

TEST(Rfc8489, Section5_LengthIsThatOfTheMessageWithoutItsHeader) {
  std::vector<std::uint8_t> bytes = Request([](MessageBuilder& m) { m.Add(Software{"abcde"}).AddFingerprint(); });
  EXPECT_EQ(net::LoadU16(&bytes[2]), bytes.size() - 20);
  bytes[3] = static_cast<std::uint8_t>(bytes[3] + 20);
  EXPECT_TRUE(Answer(bytes).empty());
}

TEST(Rfc8489, Section6_1_MessagesStayBelow548Bytes) {
  std::array<std::uint8_t, kMessageBytesMax> buffer;
  MessageBuilder m(buffer, MessageClass::kRequest, Method::kBinding, kId);
  EXPECT_LT(m.Add(Padding{kMessageBytesMax - kHeaderBytes - 4}).Finish()->size(), 548u);
  EXPECT_FALSE(m.Add(UseCandidate{}).Finish().has_value());
}

TEST(Rfc8489, Section6_3_UnknownComprehensionOptionalAttributesAreIgnored) {
  const std::array<std::uint8_t, 3> value = {1, 2, 3};
  const auto request = Request([&](MessageBuilder& m) {
    m.AppendBytes(static_cast<AttributeType>(0x8000 + 0x7FFF), value);
    m.AppendBytes(static_cast<AttributeType>(0x8030), value);
  });
  EXPECT_EQ(MessageView::Parse(Answer(request)).value().message_class(), MessageClass::kSuccess);
}

TEST(Rfc8489, Section6_3_OnlyWhatItSupportsIsAnswered) {
  EXPECT_TRUE(Answer(Build(MessageClass::kIndication, Method::kBinding, kNothing)).empty());
  EXPECT_TRUE(Answer(Build(MessageClass::kSuccess, Method::kBinding, kNothing)).empty());
  EXPECT_TRUE(Answer(Build(MessageClass::kError, Method::kBinding, kNothing)).empty());
  EXPECT_TRUE(Answer(Build(MessageClass::kRequest, static_cast<Method>(0x7FF), kNothing)).empty());
}

TEST(Rfc8489, Section6_3_1_UnknownComprehensionRequiredAttributesGet420AndAreListed) {
  const auto answer = Answer(Request([](MessageBuilder& m) {
    m.Append(static_cast<AttributeType>(0x7FFF), 0);
    m.Add(Software{"s"});
    m.Append(static_cast<AttributeType>(0x0021), 0);
  }));
  EXPECT_EQ(CodeOf(answer), 420);
  EXPECT_THAT(MessageView::Parse(answer).value().Get<UnknownAttributes>().value().list(),
              ElementsAre(static_cast<AttributeType>(0x7FFF), static_cast<AttributeType>(0x0021)));
  EXPECT_FALSE(MessageView::Parse(answer).value().Has(AttributeType::kXorMappedAddress));
}

TEST(Rfc8489, Section6_3_1_RetransmissionsAreAnsweredAlike) {
  const auto request = Request(kNothing);
  EXPECT_EQ(Answer(request), Answer(request));
}

TEST(Rfc8489, Section6_3_1_1_ResponseHasMethodOfTheRequestAndTheAddressItCameFrom) {
  const auto answer = Answer(Request(kNothing), {.software = "pinhole", .credential = std::nullopt});
  const MessageView view = MessageView::Parse(answer).value();
  EXPECT_EQ(view.method(), Method::kBinding);
  EXPECT_EQ(view.message_class(), MessageClass::kSuccess);
  EXPECT_EQ(view.Get<XorMappedAddress>().value().address, kFrom);
  EXPECT_EQ(view.Get<Software>().value().text, "pinhole");
}

TEST(Rfc8489, Section7_WrongFingerprintIsDiscardedRightOneIsAnsweredWithOne) {
  std::vector<std::uint8_t> request = Request([](MessageBuilder& m) { m.AddFingerprint(); });
  EXPECT_TRUE(MessageView::Parse(Answer(request)).value().FingerprintOk());
  request.back() ^= 1;
  EXPECT_TRUE(Answer(request).empty());
}

TEST(Rfc8489, Section7_WhereTheUsageHasFingerprintMessagesWithoutAreDiscarded) {
  const BindingServer::Options options{.software = "", .credential = std::nullopt, .require_fingerprint = true};
  EXPECT_TRUE(Answer(Request(kNothing), options).empty());
  EXPECT_FALSE(Answer(Request([](MessageBuilder& m) { m.AddFingerprint(); }), options).empty());
}

TEST(Rfc8489, Section14_AttributesAreTypeLengthValueOn32BitBoundaries) {
  for (std::size_t length = 0; length < 9; ++length) {
    const std::string text(length, 'a');
    const auto bytes = Request([&](MessageBuilder& m) { m.Add(Software{text}).Add(Priority{1}); });
    EXPECT_EQ(net::LoadU16(&bytes[20]), 0x8022);
    EXPECT_EQ(net::LoadU16(&bytes[22]), length);  // without padding
    const std::size_t next = 24 + (length + 3) / 4 * 4;
    EXPECT_EQ(net::LoadU16(&bytes[next]), 0x0024);
    EXPECT_EQ(bytes.size() % 4, 0u);
  }
}

TEST(Rfc8489, Section14_PaddingIsZeroWhenSentAndIgnoredWhenReceived) {
  for (std::size_t length : {1, 2, 3, 5, 6, 7}) {
    const std::string text(length, 'a');
    auto bytes = Request([&](MessageBuilder& m) { m.Add(Software{text}); });
    for (std::size_t i = 24 + length; i < bytes.size(); ++i) {
      EXPECT_EQ(bytes[i], 0);
      bytes[i] = 0x5A;
    }
    EXPECT_EQ(MessageView::Parse(bytes).value().Get<Software>().value().text, text);
  }
}

TEST(Rfc8489, Section14_OfDuplicatesTheFirstCounts) {
  const auto bytes = Request([](MessageBuilder& m) { m.Add(Priority{1}).Add(Priority{2}); });
  EXPECT_EQ(MessageView::Parse(bytes).value().Get<Priority>().value().value, 1u);
}

TEST(Rfc8489, Section14_1_AddressHasTheLengthOfItsFamily) {
  for (std::uint8_t family : {1, 2}) {
    for (std::size_t size = 0; size < 24; ++size) {
      std::vector<std::uint8_t> value(size);
      if (size > 1) value[1] = family;
      const bool right = size == (family == 1 ? 8 : 20);
      EXPECT_EQ(MappedAddress::Parse(value, kId).has_value(), right);
      EXPECT_EQ(XorMappedAddress::Parse(value, kId).has_value(), right);
    }
  }
}

TEST(Rfc8489, Section14_1_FirstByteIsZeroWhenSentAndIgnoredWhenReceived) {
  auto bytes = Request([](MessageBuilder& m) { m.Add(MappedAddress{kFrom}).Add(XorMappedAddress{kFrom}); });
  EXPECT_EQ(bytes[24], 0);
  EXPECT_EQ(bytes[36], 0);
  bytes[24] = bytes[36] = 0xFF;
  EXPECT_EQ(MessageView::Parse(bytes).value().Get<MappedAddress>().value().address, kFrom);
  EXPECT_EQ(MessageView::Parse(bytes).value().Get<XorMappedAddress>().value().address, kFrom);
}

TEST(Rfc8489, Section14_2_XorCoversPortAndAddressWithCookieAndTransactionId) {
  const auto bytes = Request([](MessageBuilder& m) { m.Add(XorMappedAddress{kFrom}); });
  EXPECT_EQ(net::LoadU16(&bytes[26]), 40000 ^ 0x2112);
  EXPECT_EQ(net::LoadU32(&bytes[28]), 0xCB007105u ^ 0x2112A442u);
  const net::SocketAddress v6(net::IpAddress::V6({0x20, 1, 0xd, 0xb8}), 7);
  const auto bytes6 = Request([&](MessageBuilder& m) { m.Add(XorMappedAddress{v6}); });
  EXPECT_EQ(net::LoadU32(&bytes6[28]), 0x20010DB8u ^ 0x2112A442u);
  EXPECT_TRUE(std::equal(kId.bytes.begin(), kId.bytes.end(), bytes6.begin() + 32));
}

TEST(Rfc8489, Section14_3_UsernameOf763BytesIsParsedOf509NotSent) {
  std::vector<std::uint8_t> long_name(763, 'u');
  const auto bytes = Request([&](MessageBuilder& m) { m.AppendBytes(AttributeType::kUsername, long_name); });
  EXPECT_EQ(MessageView::Parse(bytes).value().Get<Username>().value().text.size(), 763u);
  std::array<std::uint8_t, 1000> buffer;
  const std::string text(509, 'u');
  EXPECT_FALSE(
      MessageBuilder(buffer, MessageClass::kRequest, Method::kBinding, kId).Add(Username{text}).Finish().has_value());
}

// The test computes the hash itself by the rule of the RFC: which bytes it covers, and which length the header has.
TEST(Rfc8489, Section14_5_IntegrityCoversTheMessageBeforeItWithLengthUpToItsEnd) {
  const HmacSha1Key key("secret");
  const auto bytes = Request([&](MessageBuilder& m) { m.Add(Software{"abc"}).AddIntegrity(key).AddFingerprint(); });
  std::vector<std::uint8_t> text(bytes.begin(), bytes.begin() + 28);
  net::StoreU16(&text[2], 8 + 24);
  EXPECT_THAT(net::ByteView(bytes).subspan(32, 20), ElementsAreArray(key.Compute(text)));
  EXPECT_TRUE(MessageView::Parse(bytes).value().CheckIntegrity(key));
}

TEST(Rfc8489, Section14_6_Sha256IntegrityIsOfAll32Bytes) {
  const HmacSha256Key key("secret");
  auto bytes = Request([&](MessageBuilder& m) { m.Add(Software{"abc"}).AddIntegritySha256(key); });
  std::vector<std::uint8_t> text(bytes.begin(), bytes.begin() + 28);
  net::StoreU16(&text[2], 8 + 36);
  EXPECT_THAT(net::ByteView(bytes).subspan(32, 32), ElementsAreArray(key.Compute(text)));
  // Cut to 16 bytes, which the length field allows: refused, for no usage here asks for it.
  net::StoreU16(&text[2], 8 + 20);
  const Sha256Digest digest = key.Compute(text);
  bytes.resize(28 + 4 + 16);
  net::StoreU16(&bytes[2], 8 + 20);
  net::StoreU16(&bytes[30], 16);
  std::copy_n(digest.begin(), 16, bytes.begin() + 32);
  EXPECT_FALSE(MessageView::Parse(bytes).value().CheckIntegritySha256(key));
}

TEST(Rfc8489, Section14_7_FingerprintIsTheLastAttribute) {
  const auto bytes = Request([](MessageBuilder& m) { m.Add(Software{"abc"}).AddFingerprint(); });
  EXPECT_EQ(net::LoadU16(&bytes[bytes.size() - 8]), 0x8028);
  EXPECT_EQ(net::LoadU32(&bytes[bytes.size() - 4]), Crc32(net::ByteView(bytes).first(bytes.size() - 8)) ^ 0x5354554Eu);
  auto behind = bytes;
  behind.insert(behind.end(), {0x80, 0x22, 0, 0});
  net::StoreU16(&behind[2], static_cast<std::uint16_t>(behind.size() - 20));
  EXPECT_FALSE(MessageView::Parse(behind).has_value());
}

TEST(Rfc8489, Section14_8_ErrorCodeIs300To699ItsReservedBitsIgnoredItsReasonUtf8Below128Characters) {
  for (int code : {300, 399, 400, 699}) {
    const auto bytes = Request([&](MessageBuilder& m) { m.Add(ErrorCode{code, ""}); });
    EXPECT_EQ(net::LoadU16(&bytes[24]), 0);
    EXPECT_EQ(bytes[26], code / 100);
    EXPECT_EQ(bytes[27], code % 100);
  }
  for (int number = 0; number < 256; ++number) {
    for (int error_class = 0; error_class < 8; ++error_class) {
      const std::array<std::uint8_t, 4> value = {0xFF, 0xFF, static_cast<std::uint8_t>(0xF8 | error_class),
                                                 static_cast<std::uint8_t>(number)};
      const bool right = error_class >= 3 && error_class <= 6 && number <= 99;
      EXPECT_EQ(ErrorCode::Parse(value, kId).has_value(), right);
    }
  }
  std::array<std::uint8_t, 1000> buffer;
  for (const std::string& reason : {std::string(128, 'a'), std::string("\xFF")}) {
    MessageBuilder m(buffer, MessageClass::kError, Method::kBinding, kId);
    EXPECT_FALSE(m.Add(ErrorCode{400, reason}).Finish().has_value());
  }
  EXPECT_TRUE(ErrorCode::Parse(std::vector<std::uint8_t>{0, 0, 4, 0}, kId).has_value());
}

TEST(Rfc8489, Section14_8_Answer420NamesTheAttribute) {
  const auto answer = Answer(Request([](MessageBuilder& m) { m.Add(ResponsePort{1}); }));
  EXPECT_THAT(MessageView::Parse(answer).value().Get<UnknownAttributes>().value().list(),
              ElementsAre(AttributeType::kResponsePort));
}

TEST(Rfc8489, Section14_9And14_10And14_14_TextsSentAreUtf8Below128CharactersAnd763BytesAreParsed) {
  const std::string longest(127, 'a'), too_long(128, 'a'), wrong = "\xC0\x80";
  std::array<std::uint8_t, 1000> buffer;
  const auto sendable = [&](auto attribute) {
    return MessageBuilder(buffer, MessageClass::kRequest, Method::kBinding, kId).Add(attribute).Finish().has_value();
  };
  EXPECT_TRUE(sendable(Realm{longest}) && sendable(Nonce{longest}) && sendable(Software{longest}));
  EXPECT_FALSE(sendable(Realm{too_long}) || sendable(Nonce{too_long}) || sendable(Software{too_long}));
  EXPECT_FALSE(sendable(Realm{wrong}) || sendable(Nonce{wrong}) || sendable(Software{wrong}));
  const std::vector<std::uint8_t> bytes763(763, 'a'), bytes764(764, 'a');
  EXPECT_TRUE(Realm::Parse(bytes763, kId) && Nonce::Parse(bytes763, kId) && Software::Parse(bytes763, kId));
  EXPECT_FALSE(Realm::Parse(bytes764, kId) || Nonce::Parse(bytes764, kId) || Software::Parse(bytes764, kId));
}

TEST(Rfc8489, Section14_12_PaddingOfParametersIsZeroWhenSentAndIgnoredWhenReceived) {
  const std::array<std::uint8_t, 1> parameters = {7};
  auto bytes = Request([&](MessageBuilder& m) {
    m.Add(PasswordAlgorithm{PasswordAlgorithmNumber::kSha256, parameters});
  });
  EXPECT_THAT(net::ByteView(bytes).subspan(24), ElementsAre(0, 2, 0, 1, 7, 0, 0, 0));
  bytes[29] = bytes[30] = bytes[31] = 0xFF;
  EXPECT_EQ(MessageView::Parse(bytes).value().Get<PasswordAlgorithm>().value().parameters.size(), 1u);
}

TEST(Rfc8489, Section14_16_AlternateDomainHasAtMost255Characters) {
  std::array<std::uint8_t, 1000> buffer;
  const std::string longest(255, 'a'), too_long(256, 'a');
  MessageBuilder m(buffer, MessageClass::kError, Method::kBinding, kId);
  EXPECT_TRUE(m.Add(AlternateDomain{longest}).Finish().has_value());
  EXPECT_FALSE(m.Add(AlternateDomain{too_long}).Finish().has_value());
}

struct DemuxRow {
  int first, last;
  Protocol protocol;
};
// RFC 7983 §7, figure 3.
constexpr DemuxRow kRfc7983[] = {
    {0, 3, Protocol::kStun},    {4, 15, Protocol::kUnknown},      {16, 19, Protocol::kZrtp},
    {20, 63, Protocol::kDtls},  {64, 79, Protocol::kTurnChannel}, {80, 127, Protocol::kUnknown},
    {128, 191, Protocol::kRtp}, {192, 255, Protocol::kUnknown},
};
TEST(Rfc7983, Section7_FirstByteTellsTheProtocolApart) {
  for (const DemuxRow& row : kRfc7983) {
    for (int byte = row.first; byte <= row.last; ++byte) {
      const std::array<std::uint8_t, 1> datagram = {static_cast<std::uint8_t>(byte)};
      EXPECT_EQ(Classify(datagram), row.protocol) << byte;
    }
  }
  EXPECT_EQ(Classify({}), Protocol::kUnknown);
}

}  // namespace
}  // namespace pinhole::stun
