#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "net/bytes.h"
#include "net/contract.h"

// The framing of RFC 4571 §2, in which everything goes over a TCP connection between agents (RFC 6544 §3):
//     | LENGTH (16) |  that many bytes: a STUN message or application data  |
namespace pinhole::ice {

inline constexpr std::size_t kFrameHeaderBytes = 2;
inline constexpr std::size_t kFramePayloadBytesMax = 65535;

// What goes before a payload of so many bytes. REQUIRES: bytes <= kFramePayloadBytesMax.
constexpr std::array<std::uint8_t, kFrameHeaderBytes> FrameHeader(std::size_t bytes) {
  PINHOLE_REQUIRES(bytes <= kFramePayloadBytesMax);
  return {static_cast<std::uint8_t>(bytes >> 8), static_cast<std::uint8_t>(bytes)};
}

// Cuts a stream of frames into their payloads.
//
//     Append(bytes) --> Next() until nullopt --> Append(bytes) ...
//
// Every stream is a row of frames, so nothing is refused here. Between the calls of Append() it holds less than one
// frame, and memory for what has come, not for what a LENGTH promises.
class FrameReader {
 public:
  // Ends the views given by Next().
  void Append(net::ByteView bytes);
  // The payload of the next whole frame, null packets (LENGTH 0) passed over; nullopt: more bytes are needed. Valid
  // until Append().
  std::optional<net::ByteView> Next();

  // Bytes of a frame that is not whole yet, its header included.
  std::size_t held() const { return buffer_.size() - begin_; }

 private:
  std::vector<std::uint8_t> buffer_;
  std::size_t begin_ = 0;  // of what was not given yet
};

}  // namespace pinhole::ice
