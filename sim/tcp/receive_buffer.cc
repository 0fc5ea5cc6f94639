#include "sim/tcp/receive_buffer.h"

#include <algorithm>
#include <cstring>

#include "net/contract.h"

namespace pinhole::sim {

bool ReceiveBuffer::Store(std::uint32_t distance, net::ByteView bytes) {
  PINHOLE_REQUIRES(distance + bytes.size() <= free_bytes());
  if (bytes.empty()) return true;
  std::uint64_t begin = next_ + distance;
  std::uint64_t end = begin + bytes.size();
  // The islands [first, last) touch the new bytes, and are merged with them into one island.
  int first = 0;
  while (first < island_count_ && islands_[static_cast<std::size_t>(first)].end < begin) ++first;
  int last = first;
  while (last < island_count_ && islands_[static_cast<std::size_t>(last)].begin <= end) ++last;
  if (distance > 0 && first == last && island_count_ == kIslandsMax) return false;

  if (!ring_) ring_ = std::make_unique_for_overwrite<std::uint8_t[]>(capacity_);
  const std::size_t at = begin % capacity_;
  const std::size_t head = std::min<std::size_t>(bytes.size(), capacity_ - at);
  std::memcpy(&ring_[at], bytes.data(), head);
  std::memcpy(&ring_[0], bytes.data() + head, bytes.size() - head);

  ++stores_;
  if (first < last) {
    begin = std::min(begin, islands_[static_cast<std::size_t>(first)].begin);
    end = std::max(end, islands_[static_cast<std::size_t>(last - 1)].end);
  }
  const auto island_at = [this](int index) { return islands_.begin() + index; };
  if (begin <= next_) {  // in sequence; the islands that it touches are now in sequence too
    next_ = end;
    std::copy(island_at(last), island_at(island_count_), island_at(0));
    island_count_ -= last;
    return true;
  }
  if (first == last) {
    std::copy_backward(island_at(first), island_at(island_count_), island_at(island_count_ + 1));
    ++island_count_;
  } else {
    std::copy(island_at(last), island_at(island_count_), island_at(first + 1));
    island_count_ -= last - first - 1;
  }
  *island_at(first) = {begin, end, stores_};
  return true;
}

std::uint32_t ReceiveBuffer::Read(std::span<std::uint8_t> buffer) {
  const std::uint32_t count = static_cast<std::uint32_t>(std::min<std::size_t>(buffer.size(), readable_bytes()));
  if (count == 0) return 0;
  const std::size_t at = begin_ % capacity_;
  const std::size_t head = std::min<std::size_t>(count, capacity_ - at);
  std::memcpy(buffer.data(), &ring_[at], head);
  std::memcpy(buffer.data() + head, &ring_[0], count - head);
  begin_ += count;
  return count;
}

int ReceiveBuffer::SackBlocks(std::uint32_t rcv_nxt, std::span<SackBlock> blocks) const {
  int count = 0;
  std::uint64_t before = stores_ + 1;  // no two islands have the same `grown`
  while (count < static_cast<int>(blocks.size())) {
    const Island* latest = nullptr;
    for (int i = 0; i < island_count_; ++i) {
      const Island& island = islands_[static_cast<std::size_t>(i)];
      if (island.grown < before && (latest == nullptr || island.grown > latest->grown)) latest = &island;
    }
    if (latest == nullptr) break;
    before = latest->grown;
    blocks[static_cast<std::size_t>(count++)] = {.left = rcv_nxt + static_cast<std::uint32_t>(latest->begin - next_),
                                                 .right = rcv_nxt + static_cast<std::uint32_t>(latest->end - next_)};
  }
  return count;
}

void ReceiveBuffer::Release() {
  begin_ = next_;
  island_count_ = 0;
  ring_.reset();
}

const char* ReceiveBuffer::BrokenInvariant() const {
  if (next_ < begin_ || next_ - begin_ > capacity_) return "readable bytes fit the buffer";
  std::uint64_t end = next_;
  for (int i = 0; i < island_count_; ++i) {
    const Island& island = islands_[static_cast<std::size_t>(i)];
    if (island.begin <= end || island.end <= island.begin) return "islands are in order, with gaps before them";
    end = island.end;
  }
  return end - begin_ <= capacity_ ? nullptr : "islands fit the buffer";
}

}  // namespace pinhole::sim
