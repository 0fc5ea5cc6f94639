#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "gtest/gtest.h"
#include "net/random.h"
#include "tests/sim/tcp_pipe.h"

namespace pinhole::sim {

// The network and the options of one side, drawn from a seed.
struct TransferDraw {
  TcpConnectionOptions options;
  TcpPipe::Path path;
};

// Draws a bad network: up to 5 % of the segments are lost, up to 5 % are duplicated, and 20 % are late.
inline TransferDraw DrawBadNetwork(std::uint64_t seed) {
  using namespace std::chrono_literals;
  net::SeededRandom random(seed, "draw");
  TransferDraw draw;
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

// Draws a hostile network: buffers may have only one byte, a fifth of the segments is lost, a third is duplicated, and
// half are late by many round trips.
inline TransferDraw DrawHostileNetwork(std::uint64_t seed) {
  using namespace std::chrono_literals;
  TransferDraw draw = DrawBadNetwork(seed);
  net::SeededRandom random(seed, "hostile");
  draw.path.loss_ppm = static_cast<std::uint32_t>(random.Below(200'000));
  draw.path.duplicate_ppm = static_cast<std::uint32_t>(random.Below(300'000));
  draw.path.late_ppm = static_cast<std::uint32_t>(random.Below(500'000));
  draw.path.late_by = std::chrono::milliseconds(random.Below(2000));
  draw.options.receive_buffer_bytes = static_cast<std::uint32_t>(1 + random.Below(random.Below(2) == 0 ? 16 : 3000));
  draw.options.send_buffer_bytes = static_cast<std::uint32_t>(1 + random.Below(random.Below(2) == 0 ? 16 : 3000));
  draw.options.window_scale = static_cast<std::uint8_t>(random.Below(15));
  draw.options.mss_bytes = static_cast<std::uint16_t>(64 + random.Below(1400));
  // If a fifth is lost in each direction, so many transmissions in a row may fail.
  draw.options.data_retransmissions_max = 40;
  draw.options.syn_retransmissions_max = 40;
  draw.options.time_wait = 1h;  // longer than the peer retransmits its FIN if ACKs are lost
  return draw;
}

// One side sends `bytes`. The seed decides whether the other side sends some too, who finishes first, whether they open
// simultaneously, and whether readers pause. Every byte must arrive, both connections must end, and no timer may be
// left.
inline void Transfer(std::uint64_t seed, std::uint64_t bytes, TransferDraw (*draw_from)(std::uint64_t)) {
  using namespace std::chrono_literals;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  const TransferDraw a = draw_from(2 * seed);
  const TransferDraw b = draw_from(2 * seed + 1);
  TcpPipe pipe(a.options, b.options, a.path, seed);
  pipe.paths[1] = b.path;
  pipe.sides[0].to_send = bytes;
  pipe.sides[1].to_send = seed % 3 == 0 ? bytes / 4 : 0;
  pipe.sides[1].finish_first = seed % 2 == 0;
  const std::uint32_t iss[] = {static_cast<std::uint32_t>(seed * 0x9e3779b9),
                               static_cast<std::uint32_t>(0 - seed * 7919)};
  if (seed % 5 == 1) {
    for (int i = 0; i < 2; ++i) {
      pipe.sides[static_cast<std::size_t>(i)].tcp.OpenActive(pipe.now, iss[i]);
      pipe.Pump(i);
    }
  } else {
    pipe.Connect(iss[0], iss[1]);
  }
  if (seed % 4 == 2) {
    pipe.sides[1].reads = false;
    pipe.Run(std::chrono::seconds(1 + seed % 400));
    pipe.sides[1].reads = true;
    pipe.Pump(1);
  }
  ASSERT_TRUE(pipe.Run(std::chrono::hours(24 * 365)));
  for (int i = 0; i < 2; ++i) {
    const TcpPipe::Side& side = pipe.sides[static_cast<std::size_t>(i)];
    EXPECT_EQ(side.read, pipe.sides[static_cast<std::size_t>(1 - i)].to_send);
    ASSERT_TRUE(side.end.has_value()) << ToString(side.tcp.state());
    EXPECT_EQ(*side.end, TcpEnd::kFinished) << ToString(*side.end);
    EXPECT_EQ(side.tcp.NextTimer(), net::kNever);
  }
}

}  // namespace pinhole::sim
