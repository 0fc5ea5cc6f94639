#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "net/bytes.h"

namespace pinhole::stun {

// The outputs of an engine that its owner has not polled yet, and the bytes to which they point. The bytes are in
// blocks that are reused. So an engine that is drained after each input stops allocating once there are enough blocks.
template <typename Output>
class OutputQueue {
 public:
  // To be called at the start of every input. Once all outputs have been polled, their bytes become invalid.
  void BeginInput() {
    if (next_ == outputs_.size()) {
      outputs_.clear();
      next_ = 0;
      used_blocks_ = 0;
    }
  }
  // New room for `count` bytes. It is valid until BeginInput() is called when all outputs have been polled.
  std::span<std::uint8_t> NewBytes(std::size_t count) {
    if (used_blocks_ == blocks_.size()) blocks_.emplace_back();
    std::vector<std::uint8_t>& block = blocks_[used_blocks_++];
    if (block.size() < count) block.resize(count);
    return std::span(block).first(count);
  }
  net::ByteView Copy(net::ByteView bytes) {
    const std::span<std::uint8_t> copy = NewBytes(bytes.size());
    std::copy(bytes.begin(), bytes.end(), copy.begin());
    return copy;
  }
  void Push(Output output) { outputs_.push_back(std::move(output)); }
  std::optional<Output> Poll() {
    if (next_ == outputs_.size()) return std::nullopt;
    return outputs_[next_++];
  }
  bool empty() const { return next_ == outputs_.size(); }

 private:
  std::vector<Output> outputs_;
  std::size_t next_ = 0;  // index of the first output that has not been polled
  std::vector<std::vector<std::uint8_t>> blocks_;
  std::size_t used_blocks_ = 0;
};

}  // namespace pinhole::stun
