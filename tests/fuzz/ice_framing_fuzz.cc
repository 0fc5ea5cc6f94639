// Fuzzes a stream of RFC 4571 frames. The first byte of the input gives the sizes of the pieces in which the stream
// arrives. The payloads must be the same for all sizes, and no byte may be lost or kept twice.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "ice/framing.h"

namespace pinhole::ice {
namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

std::vector<std::vector<std::uint8_t>> Frames(net::ByteView stream, std::size_t step) {
  std::vector<std::vector<std::uint8_t>> frames;
  FrameReader reader;
  while (!stream.empty()) {
    const std::size_t count = std::min(step, stream.size());
    reader.Append(stream.first(count));
    stream = stream.subspan(count);
    while (const auto frame = reader.Next()) frames.emplace_back(frame->begin(), frame->end());
    Require(reader.held() < kFrameHeaderBytes + kFramePayloadBytesMax);
  }
  return frames;
}

}  // namespace
}  // namespace pinhole::ice

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pinhole;
  if (size == 0) return 0;
  const net::ByteView stream(data + 1, size - 1);
  ice::Require(ice::Frames(stream, data[0] % 64u + 1) == ice::Frames(stream, size));
  return 0;
}
