#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "ice/output.h"

namespace pinhole::ice {

// A queue of outputs and of the bytes that they carry. It keeps its memory from one input to the next.
class OutputQueue {
 public:
  // To be called first in every input. Once all outputs have been polled, it discards them and their bytes.
  void BeginInput() {
    if (next_ < entries_.size()) return;
    entries_.clear();
    bytes_.clear();
    next_ = 0;
  }

  template <typename Kind>
  void Push(const Kind& output) {
    entries_.emplace_back(output, 0, 0);
  }
  // Copies `bytes`.
  template <typename Kind>
  void Push(const Kind& output, net::ByteView bytes) {
    entries_.emplace_back(output, bytes_.size(), bytes.size());
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }

  // Copies `prefix` and `bytes`.
  template <typename Kind>
  void Push(const Kind& output, net::ByteView prefix, net::ByteView bytes) {
    entries_.emplace_back(output, bytes_.size(), prefix.size() + bytes.size());
    bytes_.insert(bytes_.end(), prefix.begin(), prefix.end());
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }

  std::optional<Output> Poll() {
    if (next_ == entries_.size()) return std::nullopt;
    Entry& entry = entries_[next_++];
    if (entry.size > 0) {
      const net::ByteView bytes(bytes_.data() + entry.offset, entry.size);
      if (auto* send = std::get_if<SendDatagram>(&entry.output)) send->bytes = bytes;
      if (auto* data = std::get_if<DataReceived>(&entry.output)) data->bytes = bytes;
      if (auto* stream = std::get_if<SendStream>(&entry.output)) stream->bytes = bytes;
    }
    return std::move(entry.output);
  }

 private:
  struct Entry {
    template <typename Kind>
    Entry(const Kind& kind, std::size_t at, std::size_t bytes) : output(kind), offset(at), size(bytes) {}

    Output output;
    std::size_t offset;  // into bytes_
    std::size_t size;
  };
  std::vector<Entry> entries_;
  std::size_t next_ = 0;
  std::vector<std::uint8_t> bytes_;
};

}  // namespace pinhole::ice
