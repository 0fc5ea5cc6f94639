#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "net/bytes.h"
#include "sim/packet/tcp_header.h"

namespace pinhole::sim {

// The bytes that have arrived and are not read yet: bytes in sequence, and behind them islands, which arrived before
// the bytes in front of them. All are in one ring, at the place that their offset in the stream gives. The ring is
// allocated when the first byte arrives. Positions are offsets in the stream.
//
//     | read | readable | gap | island | gap | island |  free  |
//            ^begin     ^next                                  ^begin + capacity
class ReceiveBuffer {
 public:
  static constexpr int kIslandsMax = 32;

  explicit ReceiveBuffer(std::uint32_t capacity) : capacity_(capacity) {}

  std::uint32_t capacity() const { return capacity_; }
  std::uint32_t readable_bytes() const { return static_cast<std::uint32_t>(next_ - begin_); }
  // The room behind the readable bytes, in which islands lie.
  std::uint32_t free_bytes() const { return capacity_ - readable_bytes(); }
  std::uint64_t stream_read() const { return begin_; }
  int islands() const { return island_count_; }

  // Stores bytes that begin `distance` bytes behind next(). False, with nothing stored, if there would be more than
  // kIslandsMax islands. REQUIRES: distance + bytes.size() <= free_bytes().
  bool Store(std::uint32_t distance, net::ByteView bytes);
  // Copies out up to buffer.size() bytes.
  std::uint32_t Read(std::span<std::uint8_t> buffer);
  // The offset of the next byte in sequence.
  std::uint64_t next() const { return next_; }
  // Writes the islands as SACK blocks into `blocks`; the island that grew last comes first (RFC 2018 §4). `rcv_nxt` is
  // the sequence number of next(). Gives the number of blocks, at most `blocks.size()`.
  int SackBlocks(std::uint32_t rcv_nxt, std::span<SackBlock> blocks) const;
  // Frees the memory and forgets the unread bytes.
  void Release();

  const char* BrokenInvariant() const;

 private:
  struct Island {
    std::uint64_t begin;
    std::uint64_t end;
    std::uint64_t grown;  // the value of stores_ when the island last grew
  };

  std::uint32_t capacity_;
  std::uint64_t begin_ = 0;
  std::uint64_t next_ = 0;
  std::uint64_t stores_ = 0;
  int island_count_ = 0;
  std::array<Island, kIslandsMax> islands_ = {};  // in order, with a gap before each
  std::unique_ptr<std::uint8_t[]> ring_;
};

}  // namespace pinhole::sim
