#include "stun/attributes.h"

#include <algorithm>
#include <cstring>

#include "stun/message.h"

namespace pinhole::stun {
namespace {

constexpr std::uint8_t kFamilyIpv4 = 1;  // RFC 8489 §14.1
constexpr std::uint8_t kFamilyIpv6 = 2;
constexpr std::size_t kAddressBytesV4 = 8;
constexpr std::size_t kAddressBytesV6 = 20;
constexpr auto kPortMask = static_cast<std::uint16_t>(kMagicCookie >> 16);

constexpr std::uint8_t FamilyNumber(net::Family family) {
  return family == net::Family::kIpv4 ? kFamilyIpv4 : kFamilyIpv6;
}

// The mask of an IPv6 address: the magic cookie and the transaction id, as they stand in the header.
std::array<std::uint8_t, 16> Ipv6Mask(const TransactionId& id) {
  std::array<std::uint8_t, 16> mask;
  net::StoreU32(mask.data(), kMagicCookie);
  std::copy(id.bytes.begin(), id.bytes.end(), mask.begin() + 4);
  return mask;
}

struct ClassAndNumber {
  std::uint8_t error_class, number;
};

// The class and number bytes of ERROR-CODE; nullopt: `code` is not 300 to 699.
std::optional<ClassAndNumber> SplitCode(int code) {
  if (code < 300 || code > 699) return std::nullopt;
  return ClassAndNumber{static_cast<std::uint8_t>(code / 100), static_cast<std::uint8_t>(code % 100)};
}

std::optional<int> JoinCode(std::uint8_t class_byte, std::uint8_t number) {
  const int error_class = class_byte & 7;  // the bits above are reserved
  if (error_class < 3 || error_class > 6 || number > 99) return std::nullopt;
  return error_class * 100 + number;
}

bool IsSendableReason(absl::string_view reason) {
  const std::optional<std::size_t> characters = CountUtf8(reason);
  return reason.size() <= kTextBytesMaxEncoding && characters.has_value() && *characters <= kTextCharactersMax;
}

}  // namespace

// --- The attributes of attributes_address.h

std::optional<net::SocketAddress> ParseAddress(net::ByteView value) {
  if (value.size() < 4) return std::nullopt;
  const std::uint16_t port = net::LoadU16(&value[2]);
  if (value[1] == kFamilyIpv4 && value.size() == kAddressBytesV4) {
    return net::SocketAddress(net::IpAddress::V4(net::LoadU32(&value[4])), port);
  }
  if (value[1] == kFamilyIpv6 && value.size() == kAddressBytesV6) {
    std::array<std::uint8_t, 16> bytes;
    std::memcpy(bytes.data(), &value[4], bytes.size());
    return net::SocketAddress(net::IpAddress::V6(bytes), port);
  }
  return std::nullopt;
}

void AppendAddress(MessageBuilder& message, AttributeType type, const net::SocketAddress& address) {
  const net::ByteView bytes = address.address().bytes();
  std::uint8_t* const to = message.Append(type, 4 + bytes.size());
  if (to == nullptr) return;
  to[0] = 0;
  to[1] = FamilyNumber(address.family());
  net::StoreU16(to + 2, address.port());
  std::memcpy(to + 4, bytes.data(), bytes.size());
}

std::optional<net::SocketAddress> ParseXorAddress(net::ByteView value, const TransactionId& id) {
  if (value.size() < 4) return std::nullopt;
  const auto port = static_cast<std::uint16_t>(net::LoadU16(&value[2]) ^ kPortMask);
  if (value[1] == kFamilyIpv4 && value.size() == kAddressBytesV4) {
    return net::SocketAddress(net::IpAddress::V4(net::LoadU32(&value[4]) ^ kMagicCookie), port);
  }
  if (value[1] == kFamilyIpv6 && value.size() == kAddressBytesV6) {
    std::array<std::uint8_t, 16> bytes = Ipv6Mask(id);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] ^= value[4 + i];
    return net::SocketAddress(net::IpAddress::V6(bytes), port);
  }
  return std::nullopt;
}

void AppendXorAddress(MessageBuilder& message, AttributeType type, const net::SocketAddress& address) {
  const net::ByteView bytes = address.address().bytes();
  std::uint8_t* const to = message.Append(type, 4 + bytes.size());
  if (to == nullptr) return;
  to[0] = 0;
  to[1] = FamilyNumber(address.family());
  net::StoreU16(to + 2, static_cast<std::uint16_t>(address.port() ^ kPortMask));
  if (address.address().is_v4()) {
    net::StoreU32(to + 4, address.address().v4() ^ kMagicCookie);
  } else {
    const std::array<std::uint8_t, 16> mask = Ipv6Mask(message.transaction_id());
    for (std::size_t i = 0; i < mask.size(); ++i) to[4 + i] = bytes[i] ^ mask[i];
  }
}

// --- The attributes of attributes_text.h

std::optional<std::size_t> CountUtf8(absl::string_view text) {
  std::uint8_t all = 0;
  for (char c : text) all |= static_cast<std::uint8_t>(c);
  if (all < 0x80) return text.size();  // ASCII, the usual case

  std::size_t characters = 0;
  for (std::size_t i = 0; i < text.size(); ++characters) {
    const auto lead = static_cast<std::uint8_t>(text[i++]);
    if (lead < 0x80) continue;
    // RFC 3629 §4: the number of bytes that follow, and the range of the first of them. The range excludes overlong
    // forms, surrogates and characters above U+10FFFF.
    int following;
    std::uint8_t low = 0x80, high = 0xBF;
    if (lead >= 0xC2 && lead <= 0xDF) {
      following = 1;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
      following = 2;
      if (lead == 0xE0) low = 0xA0;
      if (lead == 0xED) high = 0x9F;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
      following = 3;
      if (lead == 0xF0) low = 0x90;
      if (lead == 0xF4) high = 0x8F;
    } else {
      return std::nullopt;
    }
    for (; following > 0; --following) {
      if (i == text.size()) return std::nullopt;
      const auto next = static_cast<std::uint8_t>(text[i++]);
      if (next < low || next > high) return std::nullopt;
      low = 0x80;
      high = 0xBF;
    }
  }
  return characters;
}

void AppendText(MessageBuilder& message, AttributeType type, absl::string_view text, std::size_t bytes_max,
                std::size_t characters_max) {
  const std::optional<std::size_t> characters = CountUtf8(text);
  if (text.size() > bytes_max || !characters.has_value() || *characters > characters_max) return message.Fail();
  message.AppendBytes(type, AsBytes(text));
}

// --- The attributes of attributes_error.h

std::optional<ErrorCode> ErrorCode::Parse(net::ByteView value, const TransactionId&) {
  if (value.size() < 4 || value.size() - 4 > kTextBytesMaxDecoding) return std::nullopt;
  const std::optional<int> code = JoinCode(value[2], value[3]);
  if (!code.has_value()) return std::nullopt;
  return ErrorCode{*code, AsText(value.subspan(4))};
}

void ErrorCode::AppendTo(MessageBuilder& message) const {
  const std::optional<ClassAndNumber> split = SplitCode(code);
  if (!split.has_value() || !IsSendableReason(reason)) return message.Fail();
  std::uint8_t* const to = message.Append(kType, 4 + reason.size());
  if (to == nullptr) return;
  net::StoreU16(to, 0);
  to[2] = split->error_class;
  to[3] = split->number;
  std::copy(reason.begin(), reason.end(), to + 4);
}

std::optional<UnknownAttributes> UnknownAttributes::Parse(net::ByteView value, const TransactionId&) {
  if (value.size() % 2 != 0) return std::nullopt;
  UnknownAttributes result;
  result.count = std::min(value.size() / 2, kTypesMax);
  for (std::size_t i = 0; i < result.count; ++i) {
    result.types[i] = static_cast<AttributeType>(net::LoadU16(&value[2 * i]));
  }
  return result;
}

void UnknownAttributes::AppendTo(MessageBuilder& message) const {
  std::uint8_t* to = message.Append(kType, 2 * count);
  if (to == nullptr) return;
  for (AttributeType type : list()) {
    net::StoreU16(to, static_cast<std::uint16_t>(type));
    to += 2;
  }
}

bool operator==(const UnknownAttributes& a, const UnknownAttributes& b) {
  return std::equal(a.list().begin(), a.list().end(), b.list().begin(), b.list().end());
}

std::optional<AddressErrorCode> AddressErrorCode::Parse(net::ByteView value, const TransactionId&) {
  if (value.size() < 4 || value.size() - 4 > kTextBytesMaxDecoding) return std::nullopt;
  if (value[0] != kFamilyIpv4 && value[0] != kFamilyIpv6) return std::nullopt;
  const std::optional<int> code = JoinCode(value[2], value[3]);
  if (!code.has_value()) return std::nullopt;
  const net::Family family = value[0] == kFamilyIpv4 ? net::Family::kIpv4 : net::Family::kIpv6;
  return AddressErrorCode{family, *code, AsText(value.subspan(4))};
}

void AddressErrorCode::AppendTo(MessageBuilder& message) const {
  const std::optional<ClassAndNumber> split = SplitCode(code);
  if (!split.has_value() || !IsSendableReason(reason)) return message.Fail();
  std::uint8_t* const to = message.Append(kType, 4 + reason.size());
  if (to == nullptr) return;
  to[0] = FamilyNumber(family);
  to[1] = 0;
  to[2] = split->error_class;
  to[3] = split->number;
  std::copy(reason.begin(), reason.end(), to + 4);
}

// --- The attributes of attributes_auth.h

std::optional<Userhash> Userhash::Parse(net::ByteView value, const TransactionId&) {
  Userhash result;
  if (value.size() != result.hash.size()) return std::nullopt;
  std::copy(value.begin(), value.end(), result.hash.begin());
  return result;
}

void Userhash::AppendTo(MessageBuilder& message) const { message.AppendBytes(kType, hash); }

std::optional<PasswordAlgorithm> PasswordAlgorithm::Parse(net::ByteView value, const TransactionId&) {
  if (value.size() < 4) return std::nullopt;
  const std::size_t length = net::LoadU16(&value[2]);
  // The length of the attribute may or may not include the padding of the parameters.
  if (value.size() - 4 < length || value.size() - 4 > ((length + 3) & ~std::size_t{3})) return std::nullopt;
  return PasswordAlgorithm{static_cast<PasswordAlgorithmNumber>(net::LoadU16(value.data())), value.subspan(4, length)};
}

void PasswordAlgorithm::AppendTo(MessageBuilder& message) const {
  const std::size_t padded = (parameters.size() + 3) & ~std::size_t{3};
  std::uint8_t* const to = message.Append(kType, 4 + padded);
  if (to == nullptr) return;
  net::StoreU16(to, static_cast<std::uint16_t>(algorithm));
  net::StoreU16(to + 2, static_cast<std::uint16_t>(parameters.size()));
  std::memset(to + 4, 0, padded);
  std::copy(parameters.begin(), parameters.end(), to + 4);
}

bool operator==(const PasswordAlgorithm& a, const PasswordAlgorithm& b) {
  return a.algorithm == b.algorithm &&
         std::equal(a.parameters.begin(), a.parameters.end(), b.parameters.begin(), b.parameters.end());
}

std::optional<PasswordAlgorithms> PasswordAlgorithms::Parse(net::ByteView value, const TransactionId&) {
  for (std::size_t at = 0; at < value.size();) {
    if (value.size() - at < 4) return std::nullopt;
    const std::size_t length = net::LoadU16(&value[at + 2]);
    if (value.size() - at - 4 < length) return std::nullopt;
    at = std::min(value.size(), at + 4 + ((length + 3) & ~std::size_t{3}));
  }
  return PasswordAlgorithms{value};
}

std::optional<PasswordAlgorithm> PasswordAlgorithms::FirstOf(std::span<const PasswordAlgorithmNumber> supported) const {
  for (std::size_t at = 0; at < encoded.size();) {
    const auto number = static_cast<PasswordAlgorithmNumber>(net::LoadU16(&encoded[at]));
    const std::size_t length = net::LoadU16(&encoded[at + 2]);
    if (std::find(supported.begin(), supported.end(), number) != supported.end()) {
      return PasswordAlgorithm{number, encoded.subspan(at + 4, length)};
    }
    at += 4 + ((length + 3) & ~std::size_t{3});
  }
  return std::nullopt;
}

bool operator==(const PasswordAlgorithms& a, const PasswordAlgorithms& b) {
  return std::equal(a.encoded.begin(), a.encoded.end(), b.encoded.begin(), b.encoded.end());
}

// --- The attributes of attributes_turn.h

std::optional<ChannelNumber> ChannelNumber::Parse(net::ByteView value, const TransactionId&) {
  if (value.size() != 4) return std::nullopt;
  return ChannelNumber{net::LoadU16(value.data())};
}

void ChannelNumber::AppendTo(MessageBuilder& message) const {
  if (std::uint8_t* to = message.Append(kType, 4)) net::StoreU32(to, std::uint32_t{number} << 16);
}

std::optional<EvenPort> EvenPort::Parse(net::ByteView value, const TransactionId&) {
  if (value.size() != 1) return std::nullopt;
  return EvenPort{(value[0] & 0x80) != 0};
}

void EvenPort::AppendTo(MessageBuilder& message) const {
  if (std::uint8_t* to = message.Append(kType, 1)) *to = reserve_next ? 0x80 : 0;
}

std::optional<RequestedTransport> RequestedTransport::Parse(net::ByteView value, const TransactionId&) {
  if (value.size() != 4) return std::nullopt;
  return RequestedTransport{value[0]};
}

void RequestedTransport::AppendTo(MessageBuilder& message) const {
  if (std::uint8_t* to = message.Append(kType, 4)) net::StoreU32(to, std::uint32_t{protocol} << 24);
}

std::optional<ReservationToken> ReservationToken::Parse(net::ByteView value, const TransactionId&) {
  ReservationToken result;
  if (value.size() != result.token.size()) return std::nullopt;
  std::copy(value.begin(), value.end(), result.token.begin());
  return result;
}

void ReservationToken::AppendTo(MessageBuilder& message) const { message.AppendBytes(kType, token); }

std::optional<Icmp> Icmp::Parse(net::ByteView value, const TransactionId&) {
  if (value.size() != 8) return std::nullopt;
  const std::uint16_t type_and_code = net::LoadU16(&value[2]);
  return Icmp{static_cast<std::uint8_t>(type_and_code >> 9), static_cast<std::uint16_t>(type_and_code & 0x1FF),
              net::LoadU32(&value[4])};
}

void Icmp::AppendTo(MessageBuilder& message) const {
  if (type > 127 || code > 511) return message.Fail();
  std::uint8_t* const to = message.Append(kType, 8);
  if (to == nullptr) return;
  net::StoreU16(to, 0);
  net::StoreU16(to + 2, static_cast<std::uint16_t>(type << 9 | code));
  net::StoreU32(to + 4, error_data);
}

// --- The attributes of attributes_discovery.h

std::optional<ChangeRequest> ChangeRequest::Parse(net::ByteView value, const TransactionId&) {
  if (value.size() != 4) return std::nullopt;
  return ChangeRequest{(value[3] & 4) != 0, (value[3] & 2) != 0};
}

void ChangeRequest::AppendTo(MessageBuilder& message) const {
  if (std::uint8_t* to = message.Append(kType, 4)) net::StoreU32(to, (change_ip ? 4u : 0u) | (change_port ? 2u : 0u));
}

std::optional<ResponsePort> ResponsePort::Parse(net::ByteView value, const TransactionId&) {
  if (value.size() != 2 && value.size() != 4) return std::nullopt;
  return ResponsePort{net::LoadU16(value.data())};
}

void ResponsePort::AppendTo(MessageBuilder& message) const {
  if (std::uint8_t* to = message.Append(kType, 4)) net::StoreU32(to, std::uint32_t{port} << 16);
}

void Padding::AppendTo(MessageBuilder& message) const {
  std::uint8_t* const to = message.Append(kType, length);
  if (to != nullptr) std::memset(to, 0, length);
}

}  // namespace pinhole::stun
