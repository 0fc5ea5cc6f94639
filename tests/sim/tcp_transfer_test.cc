// Whole transfers over a bad network: every byte arrives, both ends close, and no timer is left.
#include <chrono>

#include "gtest/gtest.h"
#include "tests/sim/tcp_pipe.h"

namespace pinhole::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kMegabyte = 1 << 20;

// A bad network and connections, both drawn from the seed.
struct Draw {
  TcpConnectionOptions options;
  TcpPipe::Path path;
};
Draw DrawFrom(std::uint64_t seed) {
  net::SeededRandom random(seed, "draw");
  Draw draw;
  draw.path.delay = std::chrono::milliseconds(1 + random.Below(60));
  draw.path.loss_ppm = static_cast<std::uint32_t>(random.Below(50'000));
  draw.path.duplicate_ppm = static_cast<std::uint32_t>(random.Below(50'000));
  draw.path.late_ppm = static_cast<std::uint32_t>(random.Below(200'000));
  draw.options.receive_buffer_bytes = static_cast<std::uint32_t>(2000 + random.Below(200'000));
  draw.options.send_buffer_bytes = static_cast<std::uint32_t>(2000 + random.Below(200'000));
  if (random.Below(4) == 0) draw.options.window_scale.reset();
  draw.options.sack_permitted = random.Below(2) == 0;
  draw.options.nagle = random.Below(2) == 0;
  draw.options.rto_min = random.Below(2) == 0 ? 1s : 200ms;
  draw.options.mss_bytes = static_cast<std::uint16_t>(random.Below(2) == 0 ? 1460 : 536 + random.Below(8000));
  return draw;
}

void TransferBothWays(std::uint64_t seed, std::uint64_t bytes) {
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  const Draw a = DrawFrom(2 * seed);
  const Draw b = DrawFrom(2 * seed + 1);
  TcpPipe pipe(a.options, b.options, a.path, seed);
  pipe.paths[1] = b.path;
  pipe.sides[0].to_send = bytes;
  pipe.sides[1].to_send = seed % 3 == 0 ? bytes / 4 : 0;
  pipe.sides[1].finish_first = seed % 2 == 0;
  pipe.Connect(static_cast<std::uint32_t>(seed * 0x9e3779b9), static_cast<std::uint32_t>(0 - seed * 7919));
  ASSERT_TRUE(pipe.Run());
  for (int i = 0; i < 2; ++i) {
    const TcpPipe::Side& side = pipe.sides[static_cast<std::size_t>(i)];
    EXPECT_EQ(side.read, pipe.sides[static_cast<std::size_t>(1 - i)].to_send);
    ASSERT_TRUE(side.end.has_value());
    EXPECT_EQ(*side.end, TcpEnd::kFinished) << ToString(*side.end);
    EXPECT_FALSE(side.tcp.NextTimer().has_value());
  }
}

TEST(TcpTransfer, AMegabyteSurvivesLossDisorderAndDuplication) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    TransferBothWays(seed, kMegabyte);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace pinhole::sim
