// Each attribute compared with the diagram in its RFC: a value and its bytes, in both directions, and malformed values.
#include "stun/attributes.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "stun/message.h"
#include "stun/message_builder.h"
#include "tests/stun/vectors.h"

namespace pinhole::stun {
namespace {

using vectors::FromHex;

constexpr TransactionId kId = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}};

net::SocketAddress Address(absl::string_view text) { return net::SocketAddress::Parse(text).value(); }

// The type, length, value and padding of `attribute` on the wire; "none" if it cannot be sent.
template <typename T>
std::string Wire(const T& attribute) {
  std::vector<std::uint8_t> buffer(2000, 0xEE);
  MessageBuilder message(buffer, MessageClass::kRequest, Method::kBinding, kId);
  const std::optional<net::ByteView> bytes = message.Add(attribute).Finish();
  if (!bytes.has_value()) return "none";
  return absl::BytesToHexString(AsText(bytes->subspan(20)));
}

template <typename T>
std::optional<T> Parsed(absl::string_view value_hex) {
  static std::vector<std::uint8_t> value;  // views point into it
  value = FromHex(value_hex);
  return T::Parse(value, kId);
}

TEST(Attributes, MappedAddressRfc8489Section14_1) {
  const MappedAddress v4{Address("192.0.2.1:32853")};
  EXPECT_EQ(Wire(v4),
            "00010008"
            "00018055c0000201");
  EXPECT_EQ(Parsed<MappedAddress>("00018055c0000201"), v4);
  EXPECT_EQ(Parsed<MappedAddress>("ff018055c0000201"), v4);  // The first byte is ignored.
  const MappedAddress v6{Address("[2001:db8::1]:1")};
  EXPECT_EQ(Wire(v6),
            "00010014"
            "0002000120010db8000000000000000000000001");
  EXPECT_EQ(Parsed<MappedAddress>("0002000120010db8000000000000000000000001"), v6);
  for (absl::string_view bad : {"", "0001", "00018055c00002", "00018055c000020100", "00028055c0000201",
                                "00038055c0000201", "0001000120010db8000000000000000000000001"}) {
    EXPECT_FALSE(Parsed<MappedAddress>(bad).has_value()) << bad;
  }
  EXPECT_EQ(Wire(AlternateServer{Address("192.0.2.1:1")}),
            "80230008"
            "00010001c0000201");
  EXPECT_EQ(Wire(ResponseOrigin{Address("192.0.2.1:1")}),
            "802b0008"
            "00010001c0000201");
  EXPECT_EQ(Wire(OtherAddress{Address("192.0.2.1:1")}),
            "802c0008"
            "00010001c0000201");
}

TEST(Attributes, XorAddressesRfc8489Section14_2AreMaskedByCookieAndTransactionId) {
  // 0x8055 ^ 0x2112, c0000201 ^ 2112a442: RFC 5769 §2.2.
  const XorMappedAddress v4{Address("192.0.2.1:32853")};
  EXPECT_EQ(Wire(v4),
            "00200008"
            "0001a147e112a643");
  EXPECT_EQ(Parsed<XorMappedAddress>("0001a147e112a643"), v4);
  const XorMappedAddress v6{Address("[2001:db8::1]:32853")};
  EXPECT_EQ(Wire(v6),
            "00200014"
            "0002a1470113a9fa00010203040506070809"
            "0a0a");
  EXPECT_EQ(Parsed<XorMappedAddress>("0002a1470113a9fa000102030405060708090a0a"), v6);
  EXPECT_FALSE(Parsed<XorMappedAddress>("0003a147e112a643").has_value());
  EXPECT_EQ(Wire(XorPeerAddress{v4.address}),
            "00120008"
            "0001a147e112a643");
  EXPECT_EQ(Wire(XorRelayedAddress{v4.address}),
            "00160008"
            "0001a147e112a643");
}

TEST(Attributes, TextsHaveTheirLimits) {
  EXPECT_EQ(Wire(Username{"abc"}),
            "00060003"
            "61626300");
  EXPECT_EQ(Wire(Realm{""}), "00140000");
  EXPECT_EQ(Wire(Nonce{"abcd"}),
            "00150004"
            "61626364");
  EXPECT_EQ(Wire(Software{"a"}),
            "80220001"
            "61000000");
  EXPECT_EQ(Wire(AlternateDomain{"a.b"}),
            "80030003"
            "612e6200");

  // USERNAME: fewer than 509 bytes. The others: fewer than 128 characters, however many bytes each has.
  EXPECT_NE(Wire(Username{std::string(508, 'a')}), "none");
  EXPECT_EQ(Wire(Username{std::string(509, 'a')}), "none");
  std::string wide;
  for (int i = 0; i < 127; ++i) wide += "\xF0\x9F\x98\x80";
  EXPECT_NE(Wire(Realm{wide}), "none");
  EXPECT_EQ(Wire(Realm{wide + "a"}), "none");
  EXPECT_NE(Wire(Nonce{std::string(127, 'a')}), "none");
  EXPECT_EQ(Wire(Nonce{std::string(128, 'a')}), "none");
  EXPECT_EQ(Wire(Software{std::string(128, 'a')}), "none");
  EXPECT_NE(Wire(AlternateDomain{std::string(255, 'a')}), "none");
  EXPECT_EQ(Wire(AlternateDomain{std::string(256, 'a')}), "none");

  // Any of them is understood up to 763 bytes.
  EXPECT_TRUE(Username::Parse(AsBytes(std::string(763, 'a')), kId).has_value());
  EXPECT_FALSE(Username::Parse(AsBytes(std::string(764, 'a')), kId).has_value());
  EXPECT_TRUE(Nonce::Parse(AsBytes(std::string(763, 'a')), kId).has_value());
  EXPECT_FALSE(Nonce::Parse(AsBytes(std::string(764, 'a')), kId).has_value());
}

TEST(Attributes, TextSentIsUtf8OfRfc3629) {
  EXPECT_EQ(CountUtf8("a\u00DF\u6C34\U0001F30D"), 4u);
  for (const char* bad : {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
                          "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xE6\xB0", "\xC3(", "\xFF"}) {
    EXPECT_FALSE(CountUtf8(bad).has_value());
    EXPECT_EQ(Wire(Software{bad}), "none");
  }
}

TEST(Attributes, ErrorCodeRfc8489Section14_8) {
  EXPECT_EQ(Wire(ErrorCode{420, "no"}),
            "00090006"
            "000004146e6f0000");
  EXPECT_EQ(Wire(errors::kRoleConflict),
            "00090011"
            "00000457"
            "526f6c6520436f6e666c696374"
            "000000");
  EXPECT_EQ(Parsed<ErrorCode>("000004146e6f"), (ErrorCode{420, "no"}));
  EXPECT_EQ(Parsed<ErrorCode>("fffffc14")->code, 420);  // Reserved bits are ignored.
  EXPECT_EQ(Parsed<ErrorCode>("00000663")->code, 699);
  EXPECT_EQ(Parsed<ErrorCode>("00000300")->code, 300);
  for (absl::string_view bad : {"", "000004", "00000214", "00000714", "00000464", "000004ff"}) {
    EXPECT_FALSE(Parsed<ErrorCode>(bad).has_value()) << bad;
  }
  EXPECT_EQ(Wire(ErrorCode{299, ""}), "none");
  EXPECT_EQ(Wire(ErrorCode{700, ""}), "none");
  EXPECT_EQ(Wire(ErrorCode{400, std::string(128, 'a')}), "none");
}

TEST(Attributes, UnknownAttributesRfc8489Section14_13ArePaddedNotRepeated) {
  UnknownAttributes three;
  three.types = {static_cast<AttributeType>(0x7FFF), AttributeType::kPriority, AttributeType::kPadding};
  three.count = 3;
  EXPECT_EQ(Wire(three),
            "000a0006"
            "7fff002400260000");
  EXPECT_EQ(Parsed<UnknownAttributes>("7fff00240026"), three);
  EXPECT_FALSE(Parsed<UnknownAttributes>("7fff00").has_value());
  EXPECT_EQ(Parsed<UnknownAttributes>("")->count, 0u);
  EXPECT_EQ(UnknownAttributes::Parse(std::vector<std::uint8_t>(200), kId)->count, UnknownAttributes::kTypesMax);
}

TEST(Attributes, IceRfc8445Section16_1) {
  EXPECT_EQ(Wire(Priority{0x6E0001FF}),
            "00240004"
            "6e0001ff");
  EXPECT_EQ(Wire(UseCandidate{}), "00250000");
  EXPECT_EQ(Wire(IceControlled{0x932FF9B151263B36}),
            "80290008"
            "932ff9b151263b36");
  EXPECT_EQ(Wire(IceControlling{1}),
            "802a0008"
            "0000000000000001");
  EXPECT_FALSE(Parsed<UseCandidate>("00").has_value());
  EXPECT_FALSE(Parsed<Priority>("6e0001").has_value());
  EXPECT_FALSE(Parsed<IceControlled>("6e0001ff").has_value());
  EXPECT_EQ(Parsed<IceControlling>("0102030405060708")->value, 0x0102030405060708u);
}

TEST(Attributes, LongTermRfc8489Section14_11And14_12) {
  EXPECT_EQ(Wire(PasswordAlgorithm{PasswordAlgorithmNumber::kSha256, {}}),
            "001d0004"
            "00020000");
  const std::vector<std::uint8_t> parameters = {1, 2, 3};
  const PasswordAlgorithm with{PasswordAlgorithmNumber::kMd5, parameters};
  EXPECT_EQ(Wire(with),
            "001d0008"
            "0001000301020300");
  EXPECT_EQ(Parsed<PasswordAlgorithm>("0001000301020300"), with);
  EXPECT_EQ(Parsed<PasswordAlgorithm>("00010003010203"), with);
  for (absl::string_view bad : {"", "0001", "00010001", "0001000401020300ff", "0001000101000000ff"}) {
    EXPECT_FALSE(Parsed<PasswordAlgorithm>(bad).has_value()) << bad;
  }

  const auto list = Parsed<PasswordAlgorithms>(
      "00070001ff000000"
      "00020000"
      "00010000");
  ASSERT_TRUE(list.has_value());
  EXPECT_EQ(Wire(*list),
            "80020010"
            "00070001ff000000"
            "00020000"
            "00010000");
  constexpr PasswordAlgorithmNumber kBoth[] = {PasswordAlgorithmNumber::kMd5, PasswordAlgorithmNumber::kSha256};
  EXPECT_EQ(list->FirstOf(kBoth)->algorithm, PasswordAlgorithmNumber::kSha256);
  EXPECT_EQ(list->FirstOf(std::span(kBoth).first(1))->algorithm, PasswordAlgorithmNumber::kMd5);
  EXPECT_FALSE(list->FirstOf({}).has_value());
  EXPECT_FALSE(Parsed<PasswordAlgorithms>("0001").has_value());
  EXPECT_FALSE(Parsed<PasswordAlgorithms>("00010004ff").has_value());

  const Userhash userhash{UserhashOf("u", "r")};
  EXPECT_EQ(Userhash::Parse(userhash.hash, kId), userhash);
  EXPECT_FALSE(Parsed<Userhash>("00").has_value());
}

TEST(Attributes, TurnRfc8656Section18) {
  EXPECT_EQ(Wire(ChannelNumber{0x4001}),
            "000c0004"
            "40010000");
  EXPECT_EQ(Parsed<ChannelNumber>("4001ffff")->number, 0x4001);  // RFFU is ignored.
  EXPECT_FALSE(Parsed<ChannelNumber>("4001").has_value());
  EXPECT_EQ(Wire(Lifetime{600}),
            "000d0004"
            "00000258");
  EXPECT_EQ(Wire(DontFragment{}), "001a0000");
  EXPECT_EQ(Wire(Data{AsBytes("ping!")}),
            "00130005"
            "70696e6721000000");
  EXPECT_EQ(Wire(Data{}), "00130000");
  EXPECT_EQ(Wire(RequestedAddressFamily{net::Family::kIpv6}),
            "00170004"
            "02000000");
  EXPECT_EQ(Parsed<RequestedAddressFamily>("01ffffff")->family, net::Family::kIpv4);
  EXPECT_FALSE(Parsed<RequestedAddressFamily>("03000000").has_value());
  EXPECT_FALSE(Parsed<RequestedAddressFamily>("01").has_value());
  EXPECT_EQ(Wire(AdditionalAddressFamily{net::Family::kIpv6}),
            "80000004"
            "02000000");
  EXPECT_EQ(Wire(EvenPort{true}),
            "00180001"
            "80000000");
  EXPECT_EQ(Wire(EvenPort{false}),
            "00180001"
            "00000000");
  EXPECT_EQ(Parsed<EvenPort>("7f")->reserve_next, false);
  EXPECT_FALSE(Parsed<EvenPort>("").has_value());
  EXPECT_EQ(Wire(RequestedTransport{}),
            "00190004"
            "11000000");
  EXPECT_EQ(Parsed<RequestedTransport>("06ffffff")->protocol, 6);
  EXPECT_EQ(Wire(ReservationToken{{1, 2, 3, 4, 5, 6, 7, 8}}),
            "00220008"
            "0102030405060708");
  EXPECT_FALSE(Parsed<ReservationToken>("01020304050607").has_value());
  EXPECT_EQ(Wire(AddressErrorCode{net::Family::kIpv6, 440, "no"}),
            "80010006"
            "020004286e6f0000");
  EXPECT_EQ(Parsed<AddressErrorCode>("01fffd08")->code, 508);
  EXPECT_FALSE(Parsed<AddressErrorCode>("03000428").has_value());
  // Type 7 bits, code 9 bits: "destination unreachable, fragmentation needed", MTU 1400.
  EXPECT_EQ(Wire(Icmp{3, 4, 1400}),
            "80040008"
            "0000060400000578");
  EXPECT_EQ(Parsed<Icmp>("ffff060400000578"), (Icmp{3, 4, 1400}));
  EXPECT_EQ(Wire(Icmp{128, 0, 0}), "none");
}

TEST(Attributes, DiscoveryRfc5780Section7) {
  EXPECT_EQ(Wire(ChangeRequest{true, false}),
            "00030004"
            "00000004");
  EXPECT_EQ(Wire(ChangeRequest{false, true}),
            "00030004"
            "00000002");
  EXPECT_EQ(Parsed<ChangeRequest>("00000006"), (ChangeRequest{true, true}));
  EXPECT_FALSE(Parsed<ChangeRequest>("06").has_value());
  EXPECT_EQ(Wire(ResponsePort{0x1234}),
            "00270004"
            "12340000");
  EXPECT_EQ(Parsed<ResponsePort>("12345678")->port, 0x1234);
  EXPECT_EQ(Parsed<ResponsePort>("1234")->port, 0x1234);
  EXPECT_FALSE(Parsed<ResponsePort>("12").has_value());
  EXPECT_EQ(Wire(Padding{5}),
            "00260005"
            "0000000000000000");
  EXPECT_EQ(Parsed<Padding>("010203")->length, 3);
}

}  // namespace
}  // namespace pinhole::stun
