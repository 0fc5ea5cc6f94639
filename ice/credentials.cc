#include "ice/credentials.h"

#include <cstdint>

namespace pinhole::ice {

std::string RandomIceChars(net::RandomSource& random, int length) {
  static constexpr char kIceChars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve(static_cast<std::size_t>(length));
  while (text.size() < static_cast<std::size_t>(length)) {
    std::uint64_t bits = random.NextU64();
    for (int i = 0; i < 10 && text.size() < static_cast<std::size_t>(length); ++i, bits >>= 6) {
      text.push_back(kIceChars[bits & 63]);
    }
  }
  return text;
}

}  // namespace pinhole::ice
