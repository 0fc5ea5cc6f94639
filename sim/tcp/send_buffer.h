#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>

#include "net/bytes.h"
#include "net/contract.h"

namespace pinhole::sim {

// The bytes that were written and are not acknowledged yet. A ring, allocated when the first byte is written.
class SendBuffer {
 public:
  explicit SendBuffer(std::uint32_t capacity) : capacity_(capacity) {}

  std::uint32_t size() const { return size_; }
  std::uint32_t free_bytes() const { return capacity_ - size_; }
  std::uint32_t capacity() const { return capacity_; }
  // The offset in the stream of the first byte in the buffer; all bytes before it were acknowledged.
  std::uint64_t stream_begin() const { return stream_begin_; }

  // Takes as many leading bytes as fit.
  std::uint32_t Append(net::ByteView bytes) {
    const std::uint32_t taken = static_cast<std::uint32_t>(std::min<std::size_t>(bytes.size(), free_bytes()));
    if (taken == 0) return 0;
    if (!ring_) ring_ = std::make_unique_for_overwrite<std::uint8_t[]>(capacity_);
    const std::uint32_t begin = Wrap(head_, size_);
    const std::uint32_t first = std::min(taken, capacity_ - begin);
    std::memcpy(&ring_[begin], bytes.data(), first);
    std::memcpy(&ring_[0], bytes.data() + first, taken - first);
    size_ += taken;
    return taken;
  }

  // REQUIRES: count <= size().
  void DropFront(std::uint32_t count) {
    PINHOLE_REQUIRES(count <= size());
    head_ = Wrap(head_, count);
    size_ -= count;
    stream_begin_ += count;
  }

  struct Run {
    net::ByteView first;
    net::ByteView second;  // behind the end of the ring
  };
  // REQUIRES: offset + count <= size().
  Run View(std::uint32_t offset, std::uint32_t count) const {
    PINHOLE_REQUIRES(offset <= size() && count <= size() - offset);
    if (count == 0) return {};
    const std::uint32_t begin = Wrap(head_, offset);
    const std::uint32_t first = std::min(count, capacity_ - begin);
    return {net::ByteView(&ring_[begin], first), net::ByteView(&ring_[0], count - first)};
  }

  // Empties the buffer and frees the memory.
  void Release() {
    DropFront(size_);
    ring_.reset();
  }

 private:
  std::uint32_t Wrap(std::uint32_t from, std::uint32_t by) const {
    const std::uint32_t to = from + by;  // both at most 2^30
    return to >= capacity_ ? to - capacity_ : to;
  }

  std::uint32_t capacity_;
  std::uint32_t head_ = 0;
  std::uint32_t size_ = 0;
  std::uint64_t stream_begin_ = 0;
  std::unique_ptr<std::uint8_t[]> ring_;
};

}  // namespace pinhole::sim
