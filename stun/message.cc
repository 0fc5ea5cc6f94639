#include "stun/message.h"

#include <algorithm>
#include <cstring>

#include "net/contract.h"
#include "stun/demux.h"
#include "stun/fingerprint.h"

namespace pinhole::stun {
namespace {

constexpr std::uint16_t Number(AttributeType type) { return static_cast<std::uint16_t>(type); }

// Offsets are stored in 16 bits. A UDP datagram has at most 65,507 bytes.
constexpr std::size_t kParsedBytesMax = 0xFFFF;

constexpr std::size_t PaddedLength(std::size_t length) { return (length + 3) & ~std::size_t{3}; }

}  // namespace

std::optional<MessageView> MessageView::Parse(net::ByteView datagram) {
  if (!LooksLikeStun(datagram) || datagram.size() > kParsedBytesMax) return std::nullopt;
  return ParseAttributes(datagram);
}

std::optional<MessageView> MessageView::ParseAttributes(net::ByteView datagram) {
  // Constructed in place, so that the tables of offsets are not cleared first.
  std::optional<MessageView> result(std::in_place, Private{});
  MessageView& view = *result;
  const std::uint8_t* const data = datagram.data();
  const std::size_t size = datagram.size();
  view.bytes_ = datagram;
  view.type_ = net::LoadU16(data);
  std::memcpy(view.transaction_id_.bytes.data(), data + 8, view.transaction_id_.bytes.size());

  std::uint64_t required = 0, optional = 0;
  std::uint16_t protected_end = 0;
  std::size_t at = kHeaderBytes;
  while (at < size) {
    // LooksLikeStun() has checked that `size` is a multiple of 4. `at` is one too, so at least four bytes are left.
    const std::uint16_t type = net::LoadU16(data + at);
    const std::size_t end = at + 4 + PaddedLength(net::LoadU16(data + at + 2));
    if (end > size) {
      result.reset();
      return result;
    }
    const auto here = static_cast<std::uint16_t>(at);
    at = end;

    if (type == Number(AttributeType::kFingerprint)) {
      if (end != size) {  // FINGERPRINT must be the last attribute (RFC 8489 §14.7)
        result.reset();
        return result;
      }
      view.fingerprint_at_ = here;
    } else if (type == Number(AttributeType::kMessageIntegrity)) {
      if (view.integrity_at_ == 0) view.integrity_at_ = here;
      if (protected_end == 0) protected_end = here;
    } else if (type == Number(AttributeType::kMessageIntegritySha256)) {
      if (view.integrity_sha256_at_ == 0) view.integrity_sha256_at_ = here;
      if (protected_end == 0) protected_end = here;
    } else if (protected_end != 0) {
      continue;  // all other attributes after an integrity attribute are ignored
    } else if (type < kIndexed) {
      const std::uint64_t bit = std::uint64_t{1} << type;
      if ((required & bit) == 0) view.required_at_[type] = here;
      required |= bit;
    } else if (type < kFirstOptional) {
      view.other_required_ = true;
    } else if (type < kFirstOptional + kIndexed) {
      const std::uint64_t bit = std::uint64_t{1} << (type - kFirstOptional);
      if ((optional & bit) == 0) view.optional_at_[type - kFirstOptional] = here;
      optional |= bit;
    } else {
      view.other_optional_ = true;
    }
  }
  view.required_ = required;
  view.optional_ = optional;
  view.protected_end_ = protected_end != 0 ? protected_end : static_cast<std::uint16_t>(size);
  return result;
}

std::size_t MessageView::SearchFor(AttributeType type) const {
  if (IsComprehensionRequired(type) ? !other_required_ : !other_optional_) return 0;
  for (std::size_t at = kHeaderBytes; at < protected_end_;) {
    if (net::LoadU16(&bytes_[at]) == Number(type)) return at;
    at += 4 + PaddedLength(net::LoadU16(&bytes_[at + 2]));
  }
  return 0;
}

std::size_t MessageView::UnknownRequired(const AttributeSet& understood, std::span<AttributeType> types) const {
  if (!HasUnknownRequired(understood)) return 0;
  std::size_t count = 0;
  for (std::size_t at = kHeaderBytes; at < protected_end_ && count < types.size();) {
    const auto type = static_cast<AttributeType>(net::LoadU16(&bytes_[at]));
    at += 4 + PaddedLength(net::LoadU16(&bytes_[at + 2]));
    if (!IsComprehensionRequired(type) || understood.Contains(type)) continue;
    const auto known_end = types.begin() + static_cast<std::ptrdiff_t>(count);
    if (std::find(types.begin(), known_end, type) == known_end) types[count++] = type;
  }
  return count;
}

bool MessageView::FingerprintOk() const {
  const std::optional<net::ByteView> value = Find(AttributeType::kFingerprint);
  return value.has_value() && value->size() == 4 &&
         net::LoadU32(value->data()) == FingerprintOf(bytes_.first(fingerprint_at_));
}

bool MessageView::CheckIntegrity(const HmacSha1Key& key) const {
  const std::optional<net::ByteView> value = Find(AttributeType::kMessageIntegrity);
  if (!value.has_value() || value->size() != kIntegrityBytes - 4) return false;
  const auto length = static_cast<std::uint16_t>(integrity_at_ + kIntegrityBytes - kHeaderBytes);
  return EqualInConstantTime(key.ComputeWithLength(bytes_.first(integrity_at_), length), *value);
}

bool MessageView::CheckIntegritySha256(const HmacSha256Key& key) const {
  const std::optional<net::ByteView> value = Find(AttributeType::kMessageIntegritySha256);
  if (!value.has_value() || value->size() != kIntegritySha256Bytes - 4) return false;
  const auto length = static_cast<std::uint16_t>(integrity_sha256_at_ + kIntegritySha256Bytes - kHeaderBytes);
  return EqualInConstantTime(key.ComputeWithLength(bytes_.first(integrity_sha256_at_), length), *value);
}

}  // namespace pinhole::stun
