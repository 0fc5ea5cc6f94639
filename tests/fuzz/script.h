#pragma once

#include <cstdint>

#include "net/bytes.h"

namespace pinhole {

// Reads the bytes of a fuzzer's input as choices, one after the other. After the end of the input every choice is 0.
class Script {
 public:
  explicit Script(net::ByteView bytes) : bytes_(bytes) {}

  bool done() const { return bytes_.empty(); }
  std::uint8_t Byte() {
    if (bytes_.empty()) return 0;
    const std::uint8_t byte = bytes_[0];
    bytes_ = bytes_.subspan(1);
    return byte;
  }
  // A number from 0 to bound - 1. `bound` is 1 to 256.
  std::uint8_t Below(int bound) { return static_cast<std::uint8_t>(Byte() % bound); }
  bool Flag() { return Below(2) == 1; }
  // A number of 16 bits, from two bytes of the input, the high byte first.
  std::uint32_t Number() {
    const std::uint32_t high = Byte();
    return (high << 8) | Byte();
  }
  // An enumerator of an enumeration whose values run from 0 to `last`.
  template <typename Enum>
  Enum Any(Enum last) {
    return static_cast<Enum>(Below(static_cast<int>(last) + 1));
  }

 private:
  net::ByteView bytes_;
};

}  // namespace pinhole
