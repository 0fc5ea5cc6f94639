#include "net/bytes.h"

namespace pinhole::net {

std::optional<std::uint8_t> ByteReader::ReadU8() {
  if (remaining() < 1) return std::nullopt;
  return bytes_[position_++];
}

std::optional<std::uint16_t> ByteReader::ReadU16() {
  if (remaining() < 2) return std::nullopt;
  position_ += 2;
  return LoadU16(bytes_.data() + position_ - 2);
}

std::optional<std::uint32_t> ByteReader::ReadU32() {
  if (remaining() < 4) return std::nullopt;
  position_ += 4;
  return LoadU32(bytes_.data() + position_ - 4);
}

std::optional<std::uint64_t> ByteReader::ReadU64() {
  if (remaining() < 8) return std::nullopt;
  position_ += 8;
  return LoadU64(bytes_.data() + position_ - 8);
}

std::optional<ByteView> ByteReader::ReadBytes(std::size_t count) {
  if (remaining() < count) return std::nullopt;
  position_ += count;
  return bytes_.subspan(position_ - count, count);
}

bool ByteReader::Skip(std::size_t count) {
  if (remaining() < count) return false;
  position_ += count;
  return true;
}

std::uint8_t* ByteWriter::Claim(std::size_t count) {
  if (!ok_ || buffer_.size() - size_ < count) {
    ok_ = false;
    return nullptr;
  }
  size_ += count;
  return buffer_.data() + size_ - count;
}

void ByteWriter::WriteU8(std::uint8_t value) {
  if (std::uint8_t* p = Claim(1)) *p = value;
}

void ByteWriter::WriteU16(std::uint16_t value) {
  if (std::uint8_t* p = Claim(2)) StoreU16(p, value);
}

void ByteWriter::WriteU32(std::uint32_t value) {
  if (std::uint8_t* p = Claim(4)) StoreU32(p, value);
}

void ByteWriter::WriteU64(std::uint64_t value) {
  if (std::uint8_t* p = Claim(8)) StoreU64(p, value);
}

void ByteWriter::WriteBytes(ByteView bytes) {
  if (bytes.empty()) return;  // memcpy must not get the null data() of an empty view
  if (std::uint8_t* p = Claim(bytes.size())) std::memcpy(p, bytes.data(), bytes.size());
}

void ByteWriter::WriteZeros(std::size_t count) {
  if (count == 0) return;
  if (std::uint8_t* p = Claim(count)) std::memset(p, 0, count);
}

}  // namespace pinhole::net
