#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "net/bytes.h"
#include "net/contract.h"

// The framing of RFC 4571 §2. Two agents send everything over a TCP connection in such frames (RFC 6544 §3):
//     | LENGTH (16) |  that many bytes: a STUN message or application data  |
namespace pinhole::ice {

inline constexpr std::size_t kFrameHeaderBytes = 2;
inline constexpr std::size_t kFramePayloadBytesMax = 65535;

// The header of a frame whose payload has `bytes` bytes. REQUIRES: bytes <= kFramePayloadBytesMax.
constexpr std::array<std::uint8_t, kFrameHeaderBytes> FrameHeader(std::size_t bytes) {
  PINHOLE_REQUIRES(bytes <= kFramePayloadBytesMax);
  return {static_cast<std::uint8_t>(bytes >> 8), static_cast<std::uint8_t>(bytes)};
}

// Cuts a stream of frames into their payloads.
//
//     Append(bytes) --> Next() until nullopt --> Append(bytes) ...
//
// Any sequence of bytes is a sequence of frames, so nothing is refused. When Next() has returned nullopt, the reader
// holds less than one frame. Its memory grows with the bytes that have arrived, not with the number that a LENGTH
// announces.
class FrameReader {
 public:
  // Adds bytes of the stream. The views that Next() has returned become invalid.
  void Append(net::ByteView bytes);
  // The payload of the next complete frame. Frames with LENGTH 0 (null packets) are skipped. nullopt: more bytes are
  // needed. The view is valid until the next Append().
  std::optional<net::ByteView> Next();

  // The number of bytes of the incomplete frame, its header included.
  std::size_t held() const { return buffer_.size() - begin_; }

 private:
  std::vector<std::uint8_t> buffer_;
  std::size_t begin_ = 0;  // start of the bytes that Next() has not returned yet
};

}  // namespace pinhole::ice
