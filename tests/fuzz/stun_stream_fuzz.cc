// Fuzzes the splitting of a TCP stream of STUN and ChannelData. The first byte of the input gives the pieces in which
// the stream arrives. The messages must be the same for all pieces and correctly framed, and the buffer never exceeds
// its limit.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "stun/demux.h"
#include "stun/stream_framing.h"

namespace pinhole::stun {
namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

struct Result {
  std::vector<std::vector<std::uint8_t>> messages;
  StreamSplitter::Fault fault;
};

Result Split(net::ByteView stream, std::size_t step, std::size_t limit) {
  Result result;
  StreamSplitter splitter({.message_bytes_max = limit});
  while (!stream.empty() && splitter.fault() == StreamSplitter::Fault::kNone) {
    const std::span<std::uint8_t> space = splitter.Space();
    if (space.empty()) break;
    Require(splitter.rest().size() + space.size() <= std::max<std::size_t>(limit, 2048));
    const std::size_t count = std::min({step, stream.size(), space.size()});
    std::copy_n(stream.begin(), count, space.begin());
    splitter.Filled(count);
    stream = stream.subspan(count);
    while (const auto message = splitter.Next()) {
      Require(message->size() <= limit);
      Require(LooksLikeStun(*message) != ChannelDataView::Parse(*message).has_value());
      result.messages.emplace_back(message->begin(), message->end());
    }
  }
  result.fault = splitter.fault();
  return result;
}

}  // namespace
}  // namespace pinhole::stun

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pinhole;
  if (size == 0) return 0;
  const std::size_t step = data[0] % 64 + 1;
  const std::size_t limit = data[0] >= 128 ? 512 : stun::kStreamMessageBytesMax;
  const net::ByteView stream(data + 1, size - 1);
  const stun::Result slow = stun::Split(stream, step, limit), fast = stun::Split(stream, size, limit);
  stun::Require(slow.messages == fast.messages && slow.fault == fast.fault);
  return 0;
}
