// The parts of a connection: the ring buffers, reassembly, and initial sequence numbers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "net/random.h"
#include "sim/tcp/isn.h"
#include "sim/tcp/receive_buffer.h"
#include "sim/tcp/send_buffer.h"

namespace pinhole::sim {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

net::SocketAddress At(std::uint8_t last, std::uint16_t port) {
  return net::SocketAddress(net::IpAddress::V4(192, 0, 2, last), port);
}

// --- SendBuffer ---

TEST(TcpSendBuffer, ARunIsCutWhereTheRingEnds) {
  SendBuffer buffer(8);
  const std::vector<std::uint8_t> six = {1, 2, 3, 4, 5, 6};
  EXPECT_EQ(buffer.Append(six), 6u);
  buffer.DropFront(4);
  EXPECT_EQ(buffer.Append(six), 6u);
  EXPECT_EQ(buffer.Append(six), 0u);
  const SendBuffer::Run run = buffer.View(1, 7);
  EXPECT_THAT(std::vector<std::uint8_t>(run.first.begin(), run.first.end()), ElementsAre(6, 1, 2));
  EXPECT_THAT(std::vector<std::uint8_t>(run.second.begin(), run.second.end()), ElementsAre(3, 4, 5, 6));
  EXPECT_EQ(buffer.stream_begin(), 4u);
}

// --- ReceiveBuffer ---

// Compared with a plain array that records which bytes have arrived, for many random arrivals.
TEST(TcpReceiveBuffer, ReassemblesAnyOrder) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    net::SeededRandom random(seed, "reassembly");
    constexpr std::uint32_t kCapacity = 257;
    ReceiveBuffer buffer(kCapacity);
    std::vector<bool> there(5000, false);
    std::size_t next = 0;
    std::size_t read = 0;
    for (int step = 0; step < 400; ++step) {
      const std::uint32_t free = buffer.free_bytes();
      const std::uint32_t distance = static_cast<std::uint32_t>(random.Below(3) == 0 ? 0 : random.Below(free + 1));
      const std::uint32_t length = static_cast<std::uint32_t>(random.Below(std::min(free - distance, 40u) + 1));
      std::vector<std::uint8_t> bytes(length);
      for (std::uint32_t i = 0; i < length; ++i) bytes[i] = static_cast<std::uint8_t>((next + distance + i) * 7);
      if (buffer.Store(distance, bytes)) {
        for (std::uint32_t i = 0; i < length; ++i) there[next + distance + i] = true;
      }
      while (there[next]) ++next;
      ASSERT_EQ(buffer.next(), next);
      ASSERT_EQ(buffer.BrokenInvariant(), nullptr);
      int islands = 0;
      for (std::size_t i = next; i < next + kCapacity; ++i) islands += !there[i] && there[i + 1];
      ASSERT_EQ(buffer.islands(), islands);
      std::vector<std::uint8_t> out(random.Below(60));
      const std::uint32_t given = buffer.Read(out);
      for (std::uint32_t i = 0; i < given; ++i) ASSERT_EQ(out[i], static_cast<std::uint8_t>((read + i) * 7));
      read += given;
      if (next > 4000) break;
    }
  }
}

TEST(TcpReceiveBuffer, IslandsAreBounded) {
  ReceiveBuffer buffer(1000);
  const std::vector<std::uint8_t> one = {1};
  for (std::uint32_t i = 0; i < ReceiveBuffer::kIslandsMax; ++i) EXPECT_TRUE(buffer.Store(1 + 2 * i, one));
  EXPECT_FALSE(buffer.Store(1 + 2 * ReceiveBuffer::kIslandsMax, one));
  EXPECT_TRUE(buffer.Store(2, one));  // joins two
  EXPECT_TRUE(buffer.Store(1 + 2 * ReceiveBuffer::kIslandsMax, one));
  EXPECT_TRUE(buffer.Store(0, one));  // in sequence is always taken
}

// --- ISN ---

// Appendix A of the SipHash paper: key 00..0f, message 00..0e.
TEST(SipHash24, PublishedVector) {
  std::vector<std::uint8_t> message(15);
  std::iota(message.begin(), message.end(), std::uint8_t{0});
  EXPECT_EQ(SipHash24({0x0706050403020100, 0x0f0e0d0c0b0a0908}, message), 0xa129ca6149be45e5u);
}

TEST(Rfc6528, Section3_OneTickInFourMicroseconds) {
  net::SeededRandom random(1, "isn");
  const IsnGenerator isn(random);
  const std::uint32_t at_zero = isn.Next(net::Instant(0s), At(1, 80), At(2, 4000));
  EXPECT_EQ(isn.Next(net::Instant(3999ns), At(1, 80), At(2, 4000)), at_zero);
  EXPECT_EQ(isn.Next(net::Instant(4us), At(1, 80), At(2, 4000)), at_zero + 1);
  EXPECT_EQ(isn.Next(net::Instant(1s), At(1, 80), At(2, 4000)), at_zero + 250'000);
  // Around in 4.77 hours, as a clock of 32 bits does.
  EXPECT_EQ(isn.Next(net::Instant(4us * (std::int64_t{1} << 32)), At(1, 80), At(2, 4000)), at_zero);
}

TEST(Rfc6528, Section3_EveryPartOfTheConnectionAndTheSecretCount) {
  net::SeededRandom random(1, "isn");
  const IsnGenerator isn(random);
  const IsnGenerator another(random);
  const net::Instant now(1s);
  const std::uint32_t base = isn.Next(now, At(1, 80), At(2, 4000));
  EXPECT_NE(isn.Next(now, At(3, 80), At(2, 4000)), base);
  EXPECT_NE(isn.Next(now, At(1, 81), At(2, 4000)), base);
  EXPECT_NE(isn.Next(now, At(1, 80), At(3, 4000)), base);
  EXPECT_NE(isn.Next(now, At(1, 80), At(2, 4001)), base);
  EXPECT_NE(isn.Next(now, At(2, 4000), At(1, 80)), base);
  EXPECT_NE(another.Next(now, At(1, 80), At(2, 4000)), base);
}

}  // namespace
}  // namespace pinhole::sim
