#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "net/bytes.h"
#include "sim/packet/tcp_header.h"

namespace pinhole::sim {

// What has come and was not read: bytes in sequence, and behind them islands that came too early. One ring, in which
// every byte has its place from the start; allocated when the first byte comes. Positions are offsets in the stream.
//
//     | read | readable | gap | island | gap | island |  free  |
//            ^begin     ^next                                  ^begin + capacity
class ReceiveBuffer {
 public:
  static constexpr int kIslandsMax = 32;

  explicit ReceiveBuffer(std::uint32_t capacity) : capacity_(capacity) {}

  std::uint32_t capacity() const { return capacity_; }
  std::uint32_t readable_bytes() const { return static_cast<std::uint32_t>(next_ - begin_); }
  // Room behind the readable bytes; islands lie in it.
  std::uint32_t free_bytes() const { return capacity_ - readable_bytes(); }
  std::uint64_t stream_read() const { return begin_; }
  int islands() const { return island_count_; }

  // Bytes that begin `distance` behind the next one in sequence. False, and nothing kept, if it would make one island
  // too many. REQUIRES: distance + bytes.size() <= free_bytes().
  bool Store(std::uint32_t distance, net::ByteView bytes);
  // Copies out up to buffer.size() bytes.
  std::uint32_t Read(std::span<std::uint8_t> buffer);
  // The offset of the next byte in sequence.
  std::uint64_t next() const { return next_; }
  // The islands as SACK blocks, the one that grew last first (RFC 2018 §4), `rcv_nxt` being the number of next().
  // Gives how many, at most `blocks.size()`.
  int SackBlocks(std::uint32_t rcv_nxt, std::span<SackBlock> blocks) const;
  // Gives the memory back and forgets what is not read.
  void Release();

  const char* BrokenInvariant() const;

 private:
  struct Island {
    std::uint64_t begin;
    std::uint64_t end;
    std::uint64_t grown;  // when, as a count
  };

  std::uint32_t capacity_;
  std::uint64_t begin_ = 0;
  std::uint64_t next_ = 0;
  std::uint64_t stores_ = 0;
  int island_count_ = 0;
  std::array<Island, kIslandsMax> islands_ = {};  // in order; between any two, and before the first, a gap
  std::unique_ptr<std::uint8_t[]> ring_;
};

}  // namespace pinhole::sim
