#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

namespace pinhole::net {

// A view of bytes that belong to somebody else.
using ByteView = std::span<const std::uint8_t>;

// Reads big-endian (network order) numbers from a view. Every read is checked: a read past the end returns nullopt and
// does not move the position.
class ByteReader {
 public:
  explicit ByteReader(ByteView bytes) : bytes_(bytes) {}

  std::size_t remaining() const { return bytes_.size() - position_; }
  std::size_t position() const { return position_; }

  std::optional<std::uint8_t> ReadU8();
  std::optional<std::uint16_t> ReadU16();
  std::optional<std::uint32_t> ReadU32();
  std::optional<std::uint64_t> ReadU64();
  std::optional<ByteView> ReadBytes(std::size_t count);
  bool Skip(std::size_t count);

 private:
  ByteView bytes_;
  std::size_t position_ = 0;
};

// Writes big-endian numbers into a buffer of fixed size. A write that does not fit changes nothing, and ok() is false
// from then on. So a caller may check ok() once, at the end.
class ByteWriter {
 public:
  explicit ByteWriter(std::span<std::uint8_t> buffer) : buffer_(buffer) {}

  bool ok() const { return ok_; }
  std::size_t size() const { return size_; }
  ByteView written() const { return ByteView(buffer_.data(), size_); }

  void WriteU8(std::uint8_t value);
  void WriteU16(std::uint16_t value);
  void WriteU32(std::uint32_t value);
  void WriteU64(std::uint64_t value);
  void WriteBytes(ByteView bytes);
  void WriteZeros(std::size_t count);

 private:
  // Returns room for `count` more bytes, or nullptr.
  std::uint8_t* Claim(std::size_t count);

  std::span<std::uint8_t> buffer_;
  std::size_t size_ = 0;
  bool ok_ = true;
};

// Big-endian access without checks, for callers that have checked the length before.
constexpr std::uint16_t LoadU16(const std::uint8_t* p) { return static_cast<std::uint16_t>((p[0] << 8) | p[1]); }
constexpr std::uint32_t LoadU32(const std::uint8_t* p) {
  return (std::uint32_t{p[0]} << 24) | (std::uint32_t{p[1]} << 16) | (std::uint32_t{p[2]} << 8) | p[3];
}
constexpr std::uint64_t LoadU64(const std::uint8_t* p) { return (std::uint64_t{LoadU32(p)} << 32) | LoadU32(p + 4); }
constexpr void StoreU16(std::uint8_t* p, std::uint16_t value) {
  p[0] = static_cast<std::uint8_t>(value >> 8);
  p[1] = static_cast<std::uint8_t>(value);
}
constexpr void StoreU32(std::uint8_t* p, std::uint32_t value) {
  StoreU16(p, static_cast<std::uint16_t>(value >> 16));
  StoreU16(p + 2, static_cast<std::uint16_t>(value));
}
constexpr void StoreU64(std::uint8_t* p, std::uint64_t value) {
  StoreU32(p, static_cast<std::uint32_t>(value >> 32));
  StoreU32(p + 4, static_cast<std::uint32_t>(value));
}

}  // namespace pinhole::net
